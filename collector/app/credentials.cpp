#include "collector/app/credentials.hpp"

#include <filesystem>
#include <optional>

#include "collector/lake/civil_time.hpp"
#include "common/host/files.hpp"

namespace longhaul::collector {
namespace {

// The file in one of the folders whose key is the certificate's.
std::optional<std::string> key_that_fits(const PublicKey& wanted,
                                         const std::vector<std::filesystem::path>& folders) {
    for (const std::filesystem::path& folder : folders) {
        const auto files = paths_in(folder.string());
        if (!files.ok()) continue;
        for (const std::string& file : files.value()) {
            std::error_code gone;
            if (!std::filesystem::is_regular_file(file, gone)) continue;
            const auto pem = longhaul::read_file(file);
            if (!pem.ok()) continue;
            const auto key = private_key_of(as_text(pem.value()));
            if (!key.ok()) continue;
            const auto fits = public_key_of(key.value());
            if (fits.ok() && fits.value() == wanted)
                return std::filesystem::path{file}.filename().string();
        }
    }
    return std::nullopt;
}

Result<void, Message> load_sealing_keys(const std::string& folder, KeyRing& keys) {
    LH_TRY_ASSIGN(const std::vector<std::string> files, paths_in(folder));
    for (const std::string& path : files) {
        if (!path.ends_with(".key")) continue;
        LH_TRY_ASSIGN(const std::vector<std::byte> pem, read_private_file(path));
        const auto key = private_key_of(as_text(pem));
        if (!key.ok()) return Message{path + ": " + to_string(key.error())};
        if (const Status added = keys.add(key.value()); !added.ok()) {
            return Message{path + ": " + to_string(added.error())};
        }
    }
    if (keys.size() == 0)
        return Message{folder + ": there is no sealing key (<id>.key), so no block can be opened"};
    return {};
}

Result<void, Message> open_registry(const CollectorConfig& config, Credentials& credentials,
                                    TlsSettings& tls, Entrance& entrance) {
    LH_TRY_ASSIGN(const bool there, is_there(config.registry));
    if (!there) {
        return Message{config.registry +
                       ": there is no registry; make one with `longhaul ca init`"};
    }
    auto registry = Registry::open(config.registry);
    if (!registry.ok()) return Message{config.registry + ": " + to_string(registry.error())};
    entrance.registry = std::move(registry).value();
    auto tenants = entrance.registry->tenants();
    if (!tenants.ok()) return Message{config.registry + ": " + to_string(tenants.error())};
    if (tenants.value().empty()) return Message{config.registry + ": there is no tenant in it"};
    credentials.tenants = std::move(tenants).value();
    for (const Tenant& tenant : credentials.tenants)
        tls.authorities_pem.push_back(tenant.authority_pem);
    LH_TRY_ASSIGN(entrance.admission, Admission::make(config.environment, *entrance.registry));
    return {};
}

}  // namespace

Result<void, Message> check_pair(const std::string& certificate_path,
                                 const Certificate& certificate, const std::string& key_path,
                                 std::string_view key_pem) {
    const auto wanted = certificate.public_key();
    if (!wanted.ok()) return Message{certificate_path + ": " + to_string(wanted.error())};
    const auto key = private_key_of(key_pem);
    if (!key.ok()) return Message{key_path + ": " + to_string(key.error())};
    const auto found = public_key_of(key.value());
    if (found.ok() && found.value() == wanted.value()) return {};
    const std::filesystem::path key_file{key_path};
    const std::filesystem::path certificate_file{certificate_path};
    const auto fits =
        key_that_fits(wanted.value(), {key_file.parent_path(), certificate_file.parent_path()});
    return Message{key_path + ": does not belong to " + certificate_file.filename().string() +
                   (fits ? "; " + *fits + " does" : ", and no file beside it does")};
}

Result<void, Message> check_dates(const std::string& path, const Certificate& certificate,
                                  WallUs now) {
    if (now > certificate.not_after())
        return Message{path + ": expired on " + date_text(certificate.not_after()) + "; renew it"};
    if (now < certificate.not_before()) {
        return Message{path + ": is not valid before " + date_text(certificate.not_before()) +
                       "; is this machine's clock right?"};
    }
    return {};
}

Result<Credentials, Message> open_credentials(const CollectorConfig& config, WallUs now) {
    Credentials credentials;
    Entrance entrance;
    TlsSettings tls;
    LH_TRY_ASSIGN(tls.certificate_pem, read_text_file(config.certificate));
    LH_TRY_ASSIGN(const std::vector<std::byte> key, read_private_file(config.key));
    tls.key_pem = as_text(key);
    const auto certificate = Certificate::parse(as_bytes(tls.certificate_pem));
    if (!certificate.ok())
        return Message{config.certificate + ": " + to_string(certificate.error())};
    credentials.certificate = sha256(certificate.value().der());
    credentials.certificate_expires = certificate.value().not_after();
    LH_TRY(check_dates(config.certificate, certificate.value(), now));
    LH_TRY(check_pair(config.certificate, certificate.value(), config.key, tls.key_pem));
    LH_TRY(open_registry(config, credentials, tls, entrance));
    entrance.tickets = tls.tickets = std::make_shared<Tickets>();
    LH_TRY_ASSIGN(entrance.tls, TlsContext::make(tls));
    credentials.entrance = std::make_shared<const Entrance>(std::move(entrance));
    credentials.keys = std::make_unique<KeyRing>();
    LH_TRY(load_sealing_keys(config.sealing_keys, *credentials.keys));
    return credentials;
}

}  // namespace longhaul::collector
