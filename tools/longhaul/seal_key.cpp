#include "tools/longhaul/seal_key.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <map>

#include "collector/registry/certificate.hpp"
#include "common/base/civil_time.hpp"
#include "common/base/hex.hpp"
#include "common/host/config.hpp"
#include "common/host/exit_codes.hpp"
#include "common/host/files.hpp"
#include "tools/longhaul/authority.hpp"
#include "tools/longhaul/issuing.hpp"
#include "tools/longhaul/trail_command.hpp"

namespace longhaul::tools {
namespace {

struct Places {
    std::string registry;
    std::string sealing;
};

struct SealKey {
    std::string id;
    std::string subject;  // empty: there is no certificate
    std::string until;
    bool has_key = false;
};

std::string name_in(const std::string& path) {
    return std::filesystem::path{path}.filename().string();
}

Result<Places, Message> read_places(const std::string& config) {
    LH_TRY_ASSIGN(ConfigFile file, ConfigFile::read(config));
    const Places places{file.table("collector").path("registry", "registry.db"),
                        file.table("collector").path("sealing_keys", "sealing")};
    LH_TRY(file.finish(UnknownKeys::ignored));
    return places;
}

// The configuration has an exit code of its own.
using Work = std::function<Result<int, Message>(const Places&)>;
Result<int, Message> at_places(const SealKeyOptions& options, const Work& work) {
    const auto places = read_places(options.config);
    if (places.ok()) return work(places.value());
    std::fprintf(stderr, "longhaul: %s\n", places.error().text.c_str());
    return exit_configuration;
}

// That a file is what its name says: <id>.key or <id>.crt.
Result<void, Message> check_name(const std::string& path, Bytes bytes) {
    const auto point = [&]() -> Result<PublicKey> {
        if (path.ends_with(".key")) {
            LH_TRY_ASSIGN(const PrivateKey key, collector::private_key_of(as_text(bytes)));
            return public_key_of(key);
        }
        LH_TRY_ASSIGN(const auto certificate, collector::Certificate::parse(bytes));
        return certificate.public_key();
    }();
    if (!point.ok()) return Message{path + ": " + to_string(point.error())};
    const std::string id = hex(sealing_key_id(point.value()));
    if (std::filesystem::path{path}.stem() == id) return {};
    return Message{path + ": holds the key " + id + ", not the one that it is named after"};
}

using Files = std::map<std::string, std::vector<std::byte>>;  // by name

Result<Files, Message> read_keys(const std::string& folder) {
    LH_TRY_ASSIGN(const auto paths, paths_in(folder));
    Files files;
    for (const std::string& path : paths) {
        if (!path.ends_with(".key") && !path.ends_with(".crt")) continue;
        auto bytes = path.ends_with(".key") ? read_private_file(path) : read_file(path);
        if (!bytes.ok()) return bytes.error();
        LH_TRY(check_name(path, bytes.value()));
        files[name_in(path)] = std::move(bytes).value();
    }
    return files;
}

std::string manifest_of(const Files& files) {
    std::string text;
    for (const auto& [name, bytes] : files) text += hex(sha256(bytes)) + "  " + name + "\n";
    return text;
}

// All of the backup, or what is wrong with it.
Result<Files, Message> read_backup(const std::string& folder) {
    LH_TRY_ASSIGN(Files files, read_keys(folder));
    LH_TRY_ASSIGN(const std::string manifest, read_text_file(folder + "/manifest"));
    if (manifest == manifest_of(files)) return files;
    return Message{folder +
                   ": does not hold what its manifest names; `sha256sum -c manifest` "
                   "says which file"};
}

std::size_t count_keys(const Files& files) {
    return static_cast<std::size_t>(std::count_if(
        files.begin(), files.end(), [](const auto& file) { return file.first.ends_with(".key"); }));
}

Result<void, Message> write_key(const std::string& folder, const std::string& name, Bytes bytes) {
    const bool secret = name.ends_with(".key");
    return write_new_file(folder + "/" + name, bytes,
                          secret ? private_file_mode : public_file_mode);
}

// If it failed, some of the keys may be there all the same.
Result<void, Message> note_keys(const Result<void, Message>& outcome, const Places& places,
                                const char* what, const Files& files,
                                const SealKeyOptions& options) {
    std::vector<collector::TrailFact> facts;
    for (const auto& [name, bytes] : files) {
        if (!name.ends_with(".key")) continue;
        facts.push_back(fact("", what, std::filesystem::path{name}.stem().string(), options.folder,
                             options.now));
    }
    return note_after(outcome, places.registry, facts);
}

Result<void, Message> copy_keys(const std::string& folder, const Files& files) {
    for (const auto& [name, bytes] : files) LH_TRY(write_key(folder, name, bytes));
    return sync_file_system(folder);
}

Result<void, Message> write_backup(const std::string& folder, const Files& files) {
    LH_TRY(write_new_file(folder + "/manifest", as_bytes(manifest_of(files)), private_file_mode));
    LH_TRY(copy_keys(folder, files));
    LH_TRY_ASSIGN(const Files copy, read_backup(folder));
    if (copy != files) return Message{folder + ": reads back as something else"};
    return {};
}

std::vector<SealKey> keys_of(const Files& files) {
    std::map<std::string, SealKey> keys;
    for (const auto& [name, bytes] : files) {
        const std::string id = std::filesystem::path{name}.stem().string();
        SealKey& key = keys[id];
        key.id = id;
        key.has_key = key.has_key || name.ends_with(".key");
        if (!name.ends_with(".crt")) continue;
        const auto certificate = collector::Certificate::parse(bytes);
        if (!certificate.ok()) continue;  // read_keys has parsed it
        key.subject = certificate.value().subject();
        key.until = date_text(certificate.value().not_after());
    }
    std::vector<SealKey> list;
    for (auto& [id, key] : keys) list.push_back(std::move(key));
    return list;
}

}  // namespace

Result<int, Message> list_seal_keys(const SealKeyOptions& options) {
    return at_places(options, [&](const Places& places) -> Result<int, Message> {
        LH_TRY_ASSIGN(const Files files, read_keys(places.sealing));
        boost::json::array all;
        for (const SealKey& key : keys_of(files)) {
            all.push_back({{"id", key.id},
                           {"subject", key.subject},
                           {"valid_until", key.until},
                           {"can_open", key.has_key}});
            if (options.json) continue;
            std::printf("%s  %s  until %s  %s\n", key.id.c_str(),
                        key.subject.empty() ? "no certificate" : key.subject.c_str(),
                        key.until.empty() ? "?" : key.until.c_str(),
                        key.has_key ? "opens blocks" : "no key here, seals only");
        }
        if (options.json) {
            const boost::json::object list{{"keys", std::move(all)}};
            std::printf("%s\n", boost::json::serialize(list).c_str());
        }
        return exit_done;
    });
}

Result<int, Message> back_up_seal_keys(const SealKeyOptions& options) {
    return at_places(options, [&](const Places& places) -> Result<int, Message> {
        LH_TRY_ASSIGN(const bool there, is_there(options.folder));
        if (there) return Message{options.folder + ": is there already; a backup is a new folder"};
        LH_TRY_ASSIGN(const Files files, read_keys(places.sealing));
        if (count_keys(files) == 0) return Message{places.sealing + ": there is no key in it"};
        LH_TRY(make_folders(options.folder, private_folder_mode));
        const auto written = write_backup(options.folder, files);
        if (written.ok()) std::printf("%s: %zu keys\n", options.folder.c_str(), count_keys(files));
        LH_TRY(note_keys(written, places, "key_backed_up", files, options));
        return exit_done;
    });
}

Result<int, Message> restore_seal_keys(const SealKeyOptions& options) {
    return at_places(options, [&](const Places& places) -> Result<int, Message> {
        LH_TRY_ASSIGN(const Files backup, read_backup(options.folder));
        LH_TRY(make_folders(places.sealing, private_folder_mode));
        LH_TRY_ASSIGN(const Files here, read_keys(places.sealing));
        Files missing;
        for (const auto& [name, bytes] : backup)
            if (!here.contains(name)) missing[name] = bytes;
        const auto copied = copy_keys(places.sealing, missing);
        if (copied.ok()) {
            std::printf("%s: %zu keys put back, %zu were there\n", places.sealing.c_str(),
                        count_keys(missing), count_keys(backup) - count_keys(missing));
        }
        LH_TRY(note_keys(copied, places, "key_restored", missing, options));
        return exit_done;
    });
}

Result<std::string, Message> rotate_seal_key(const SealKeyRotation& rotation) {
    LH_TRY_ASSIGN(const Authority authority, read_authority(rotation.folder, rotation.tenant));
    const KeyPair issuer{authority.tenant_key, authority.tenant_certificate};
    LH_TRY_ASSIGN(const std::string id,
                  make_sealing_key(rotation.folder, rotation.tenant, issuer, rotation.now));
    LH_TRY(
        note(authority.registry, {fact(rotation.tenant, "rotated", "sealing key " + id,
                                       "older ones open what was sealed for them", rotation.now)}));
    return id;
}

}  // namespace longhaul::tools
