#include "agent/platform/linux/credential_files.hpp"

#include <cstdio>
#include <filesystem>

#include "common/host/files.hpp"

namespace longhaul::agent {
namespace {

Result<void, Message> rename_file(const std::string& from, const std::string& to) {
    std::error_code error;
    std::filesystem::rename(from, to, error);
    if (error) return Message{from + ": cannot take the place of " + to + ": " + error.message()};
    return sync_file_system(to);
}

Result<void, Message> keep_file(const std::string& path, std::string_view text, unsigned mode) {
    LH_TRY(replace_file(path, as_bytes(text), mode));
    return sync_file_system(path);
}

Result<Der, Message> der_of(const std::string& path) {
    LH_TRY_ASSIGN(const std::string pem, read_text_file(path));
    auto der = first_certificate(pem);
    if (!der.ok()) return Message{path + ": " + der.error().detail};
    return std::move(der).value();
}

}  // namespace

Result<std::unique_ptr<CredentialFiles>, Message> CredentialFiles::open(const AgentConfig& config) {
    std::unique_ptr<CredentialFiles> files{new CredentialFiles{config}};
    LH_TRY(files->finish_settling());
    LH_TRY_ASSIGN(const bool has_key, is_there(files->next_key()));
    LH_TRY_ASSIGN(const bool has_certificate, is_there(files->next_certificate()));
    files->has_newer_ = has_key && has_certificate;
    // What is wrong with the certificate is told by who loads it.
    static_cast<void>(files->read_life());
    return files;
}

// A power cut between the two renames.
Result<void, Message> CredentialFiles::finish_settling() const {
    LH_TRY_ASSIGN(const bool has_key, is_there(next_key()));
    LH_TRY_ASSIGN(const bool has_certificate, is_there(next_certificate()));
    if (has_certificate) return {};
    if (has_key) {
        LH_TRY_ASSIGN(const auto key, read_private_file(next_key()));
        LH_TRY_ASSIGN(const std::string certificate, read_text_file(config_.certificate));
        if (key_fits(as_text(key), certificate)) LH_TRY(rename_file(next_key(), config_.key));
    }
    return finish_sealing();
}

// One that came before its certificate did is of no use.
Result<void, Message> CredentialFiles::finish_sealing() const {
    LH_TRY_ASSIGN(const bool has_sealing, is_there(next_sealing()));
    if (!has_sealing) return {};
    LH_TRY_ASSIGN(const Der sealing, der_of(next_sealing()));
    LH_TRY_ASSIGN(const Der root, der_of(config_.root));
    LH_TRY_ASSIGN(const std::string certificate, read_text_file(config_.certificate));
    if (take_sealing(sealing, certificate, root).ok())
        return rename_file(next_sealing(), config_.sealing_key);
    std::error_code ignored;
    std::filesystem::remove(next_sealing(), ignored);
    return {};
}

Result<void, Message> CredentialFiles::read_life() {
    LH_TRY_ASSIGN(const std::string certificate, read_text_file(config_.certificate));
    const auto dates = dates_of(certificate);
    if (!dates.ok()) return Message{config_.certificate + ": " + dates.error().detail};
    life_ = {dates.value().not_before, dates.value().not_after};
    return {};
}

std::string CredentialFiles::uri() const {
    return "longhaul://" + config_.environment + "/" + config_.tenant + "/" + config_.name;
}

AgentConfig CredentialFiles::in_use() const {
    AgentConfig config = config_;
    if (!newer_in_use_) return config;
    config.key = next_key();
    config.certificate = next_certificate();
    if (const auto there = is_there(next_sealing()); there.ok() && there.value())
        config.sealing_key = next_sealing();
    return config;
}

// What keeps a device from renewing is told, once for each attempt: a person has to do something.
Status CredentialFiles::trouble(const std::string& what, const std::string& why) const {
    std::fprintf(stderr, "longhaul-agent: %s: %s: %s\n", config_.name.c_str(), what.c_str(),
                 why.c_str());
    return Error{ErrorCode::io, "the certificate cannot be renewed"};
}

void CredentialFiles::use(bool newer) {
    if (newer_in_use_ != newer) ++version_;
    newer_in_use_ = newer;
}

Result<Bytes> CredentialFiles::request(MutableBytes room) {
    const std::string what = "its certificate cannot be renewed";
    const auto there = is_there(next_key());
    if (!there.ok()) return trouble(what, there.error().text).error();
    if (!there.value()) {
        const auto made = make_private_key();
        if (!made.ok()) return trouble(what, made.error().detail).error();
        const auto kept = keep_file(next_key(), made.value(), private_file_mode);
        if (!kept.ok()) return trouble(what, kept.error().text).error();
    }
    const auto key = read_private_file(next_key());
    if (!key.ok()) return trouble(what, key.error().text).error();
    const auto request = make_signing_request(as_text(key.value()), uri());
    if (!request.ok()) {
        std::error_code ignored;  // a key that cannot be read: the next attempt makes another one
        std::filesystem::remove(next_key(), ignored);
        return trouble(what, request.error().detail).error();
    }
    ByteWriter out{room};
    out.bytes(request.value());
    if (!out.ok()) return ErrorCode::full;
    return out.written();
}

Status CredentialFiles::take(Bytes chain) {
    const std::string what = "a new certificate is not taken";
    const auto root = der_of(config_.root);
    if (!root.ok()) return trouble(what, root.error().text);
    const auto key = read_private_file(next_key());
    if (!key.ok()) return trouble(what, key.error().text);
    const auto taken = take_chain(chain, as_text(key.value()), uri(), root.value());
    if (!taken.ok()) return trouble(what, taken.error().detail);
    if (const auto fits = check_sealing(taken.value(), root.value()); !fits.ok())
        return trouble(what, fits.error().text);
    if (const auto kept = keep(taken.value()); !kept.ok()) return trouble(what, kept.error().text);
    has_newer_ = true;
    ++version_;
    return {};
}

// What the device seals for has to be of the same authority as its certificate.
Result<void, Message> CredentialFiles::check_sealing(const TakenChain& taken, Bytes root) const {
    std::string sealing = taken.sealing_pem;
    if (sealing.empty()) {
        LH_TRY_ASSIGN(sealing, read_text_file(config_.sealing_key));
    }
    const auto der = first_certificate(sealing);
    if (!der.ok()) return Message{config_.sealing_key + ": " + der.error().detail};
    if (take_sealing(der.value(), taken.pem, root).ok()) return {};
    return Message{"it is of another authority than the sealing key in " + config_.sealing_key +
                   ", and none came with it"};
}

// The certificate is the last one: without it the rest is nothing yet.
Result<void, Message> CredentialFiles::keep(const TakenChain& taken) const {
    if (taken.sealing_pem.empty()) {
        std::error_code ignored;  // of an answer before this one
        std::filesystem::remove(next_sealing(), ignored);
    } else {
        LH_TRY(keep_file(next_sealing(), taken.sealing_pem, public_file_mode));
    }
    return keep_file(next_certificate(), taken.pem, public_file_mode);
}

Status CredentialFiles::settle() {
    const std::string what = "a new certificate works and cannot take the older one's place";
    for (const auto& [from, to] :
         {std::pair{next_certificate(), config_.certificate}, std::pair{next_key(), config_.key},
          std::pair{next_sealing(), config_.sealing_key}}) {
        const auto there = is_there(from);
        if (there.ok() && !there.value()) continue;  // renamed at an earlier attempt, or never came
        if (const auto renamed = rename_file(from, to); !renamed.ok())
            return trouble(what, renamed.error().text);
    }
    has_newer_ = false;
    newer_in_use_ = false;
    ++version_;
    if (const auto read = read_life(); !read.ok()) return trouble(what, read.error().text);
    std::fprintf(stderr, "longhaul-agent: %s: its certificate has been renewed\n",
                 config_.name.c_str());
    return {};
}

}  // namespace longhaul::agent
