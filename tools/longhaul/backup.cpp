#include "tools/longhaul/backup.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <optional>
#include <vector>

#include "collector/registry/trail_files.hpp"
#include "common/base/hex.hpp"
#include "common/block/crypto.hpp"
#include "common/host/config.hpp"
#include "common/host/exit_codes.hpp"
#include "common/host/files.hpp"
#include "common/host/sqlite.hpp"
#include "tools/longhaul/trail_command.hpp"

namespace longhaul::tools {
namespace {

constexpr std::size_t file_bytes_max = std::size_t{1} << 32;  // a registry may have many devices
constexpr int registry_busy_ms = 10'000;
constexpr std::string_view config_name = "collector.toml";
constexpr std::string_view registry_name = "registry.db";
constexpr std::string_view manifest_name = "manifest";

// Where a collector has its things; a backup has them under the names of the members.
struct Places {
    std::string config;
    std::string registry;
    std::string certificate;
    std::string key;
    std::string sealing;
    std::string enrolment;
    std::string trail;
};

using Files = std::map<std::string, std::string>;  // by name in the backup: content

Result<Places, Message> places_of(ConfigFile file, const std::string& config) {
    ConfigTable table = file.table("collector");
    Places places{config,
                  table.path("registry", "registry.db"),
                  table.path("certificate"),
                  table.path("key"),
                  table.path("sealing_keys", "sealing"),
                  file.table("enrolment").path("authorities", "enrolment"),
                  ""};
    places.trail = collector::AuditTrail::folder_beside(places.registry);
    LH_TRY(file.finish(UnknownKeys::ignored));
    return places;
}

bool is_plain(std::string_view part) {
    return !part.empty() && part.front() != '.' && part.find('\\') == std::string_view::npos;
}

// Nothing: no file of a backup has this name.
std::optional<std::string> place_of(const std::string& name, const Places& places) {
    const std::map<std::string_view, const std::string*> single{{config_name, &places.config},
                                                                {registry_name, &places.registry},
                                                                {"server.crt", &places.certificate},
                                                                {"server.key", &places.key}};
    if (const auto found = single.find(name); found != single.end()) return *found->second;
    std::vector<std::string> parts;
    for (const auto& part : std::filesystem::path{name}) parts.push_back(part.string());
    if (!std::all_of(parts.begin(), parts.end(), is_plain)) return std::nullopt;
    if (parts.size() == 2 && parts[0] == "sealing") return places.sealing + "/" + parts[1];
    if (parts.size() == 2 && parts[0] == "enrolment") return places.enrolment + "/" + parts[1];
    if (parts.size() == 3 && parts[0] == "trail")
        return places.trail + "/" + parts[1] + "/" + parts[2];
    return std::nullopt;
}

bool is_public(const std::string& name) { return name.ends_with(".crt"); }

Result<std::string, Message> read_one(const std::string& path, bool secret) {
    if (!secret) return read_text_file(path, file_bytes_max);
    LH_TRY_ASSIGN(const auto bytes, read_private_file(path));
    return std::string{as_text(bytes)};
}

Result<void, Message> read_folder(const std::string& folder, const std::string& name,
                                  Files& files) {
    LH_TRY_ASSIGN(const bool there, is_there(folder));
    if (!there) return {};
    LH_TRY_ASSIGN(const auto paths, paths_in(folder));
    for (const std::string& path : paths) {
        const bool secret = path.ends_with(".key");
        if (!secret && !path.ends_with(".crt")) continue;
        const std::string file = std::filesystem::path{path}.filename().string();
        LH_TRY_ASSIGN(files[name + "/" + file], read_one(path, secret));
    }
    return {};
}

// Lines that are added meanwhile are left out; half a line at the end is what the next writer cuts.
Result<void, Message> read_trails(const std::string& folder, Files& files) {
    LH_TRY_ASSIGN(const auto names, collector::trail_names(folder));
    for (const std::string& name : names) {
        const auto numbers = collector::trail_files(folder + "/" + name);
        if (!numbers.ok()) return numbers.error();
        for (const std::uint64_t number : numbers.value()) {
            LH_TRY_ASSIGN(files["trail/" + name + "/" + collector::trail_file_name(number)],
                          read_one(collector::trail_file(folder + "/" + name, number), false));
        }
    }
    return {};
}

// Everything but the registry, which SQLite has to copy.
Result<Files, Message> read_site(const Places& places) {
    Files files;
    LH_TRY_ASSIGN(files[std::string{config_name}], read_one(places.config, false));
    LH_TRY_ASSIGN(files["server.crt"], read_one(places.certificate, false));
    LH_TRY_ASSIGN(files["server.key"], read_one(places.key, true));
    LH_TRY(read_folder(places.sealing, "sealing", files));
    LH_TRY(read_folder(places.enrolment, "enrolment", files));
    LH_TRY(read_trails(places.trail, files));
    return files;
}

Status copy_database(const std::string& from, const std::string& to) {
    std::string quoted;
    for (const char c : to) quoted += c == '\'' ? "''" : std::string{c};
    LH_TRY_ASSIGN(SqliteDatabase database,
                  SqliteDatabase::open(from, SqliteAccess::make, registry_busy_ms));
    return database.execute(("VACUUM INTO '" + quoted + "'").c_str());
}

Status check_database(const std::string& path) {
    LH_TRY_ASSIGN(SqliteDatabase database,
                  SqliteDatabase::open(path, SqliteAccess::read_only, registry_busy_ms));
    LH_TRY_ASSIGN(const std::int64_t faults,
                  database.integer("SELECT count(*) FROM pragma_integrity_check "
                                   "WHERE integrity_check <> 'ok'"));
    return faults == 0 ? Status{} : Error{ErrorCode::corrupt, "the registry is damaged"};
}

// One moment of the registry, whoever writes into it meanwhile. SQLite fills a file that is empty.
Result<std::string, Message> copy_registry(const std::string& from, const std::string& to) {
    LH_TRY_ASSIGN(const bool there, is_there(from));
    if (!there) return Message{from + ": there is no registry"};
    LH_TRY(write_new_file(to, {}, private_file_mode));
    Status copied = copy_database(from, to);
    if (copied.ok()) copied = check_database(to);
    if (!copied.ok()) return Message{from + ": cannot be copied: " + to_string(copied.error())};
    return read_text_file(to, file_bytes_max);
}

// With those above it that are not there yet.
Result<void, Message> make_private_folders(const std::string& folder) {
    if (folder.empty() || is_folder(folder)) return {};
    const std::string parent = std::filesystem::path{folder}.parent_path().string();
    LH_TRY(make_private_folders(parent));
    return make_folders(folder, private_folder_mode);
}

std::string manifest_of(const Files& files) {
    std::string text;
    for (const auto& [name, content] : files)
        text += hex(sha256(as_bytes(content))) + "  " + name + "\n";
    return text;
}

Result<void, Message> write_files(const std::string& folder, const Files& files) {
    for (const auto& [name, content] : files) {
        const std::string path = folder + "/" + name;
        if (name == registry_name) continue;
        LH_TRY(make_private_folders(std::filesystem::path{path}.parent_path().string()));
        LH_TRY(write_new_file(path, as_bytes(content), private_file_mode));
    }
    return write_new_file(folder + "/" + std::string{manifest_name}, as_bytes(manifest_of(files)),
                          private_file_mode);
}

// All that the manifest names, as it was; what lies beside it is not looked at.
Result<Files, Message> read_backup(const std::string& folder) {
    LH_TRY_ASSIGN(const std::string manifest,
                  read_text_file(folder + "/" + std::string{manifest_name}));
    constexpr std::size_t name_at = 2 * sizeof(Sha256) + 2;
    Files files;
    for (std::size_t at = 0; at < manifest.size();) {
        const std::size_t end = std::min(manifest.find('\n', at), manifest.size());
        const std::string line = manifest.substr(at, end - at);
        at = end + 1;
        const std::string name = line.size() > name_at ? line.substr(name_at) : "";
        if (!place_of(name, {}))
            return Message{folder + ": the manifest names what no backup has: \"" + name + "\""};
        LH_TRY_ASSIGN(files[name], read_text_file(folder + "/" + name, file_bytes_max));
    }
    for (const std::string_view needed : {config_name, registry_name}) {
        if (!files.contains(std::string{needed}))
            return Message{folder + ": there is no " + std::string{needed} + " in its manifest"};
    }
    if (manifest == manifest_of(files)) return files;
    return Message{folder +
                   ": does not hold what its manifest says; `sha256sum -c manifest` says which "
                   "file. Nothing was done"};
}

Result<void, Message> write_backup(const Places& places, const std::string& folder,
                                   std::size_t& count) {
    LH_TRY_ASSIGN(Files files, read_site(places));
    LH_TRY(make_folders(folder, private_folder_mode));
    LH_TRY_ASSIGN(files[std::string{registry_name}],
                  copy_registry(places.registry, folder + "/" + std::string{registry_name}));
    LH_TRY(write_files(folder, files));
    LH_TRY(sync_file_system(folder));
    LH_TRY_ASSIGN(const Files copy, read_backup(folder));
    if (copy != files) return Message{folder + ": reads back as something else"};
    count = files.size();
    return {};
}

// The configuration that is there counts; else that of the backup, as it will be there.
Result<Places, Message> places_to_restore(const std::string& config, Files& files) {
    LH_TRY_ASSIGN(const bool there, is_there(config));
    const auto own = files.find(std::string{config_name});
    auto file = there ? ConfigFile::read(config) : ConfigFile::parse(own->second, config);
    if (!file.ok()) return file.error();
    if (there) files.erase(own);
    return places_of(std::move(file).value(), config);
}

Result<void, Message> put_back(const Places& places, const Files& files) {
    for (const auto& [name, content] : files) {
        const std::string path = *place_of(name, places);
        LH_TRY_ASSIGN(const bool there, is_there(path));
        if (there)
            return Message{path +
                           ": is there already, and nothing is overwritten; restore into an "
                           "empty folder, or move it away. Nothing was done"};
    }
    for (const auto& [name, content] : files) {
        const std::string path = *place_of(name, places);
        LH_TRY(make_private_folders(std::filesystem::path{path}.parent_path().string()));
        LH_TRY(write_new_file(path, as_bytes(content),
                              is_public(name) ? public_file_mode : private_file_mode));
    }
    return sync_file_system(places.registry);
}

int complain_of_configuration(const Message& message) {
    std::fprintf(stderr, "longhaul: %s\n", message.text.c_str());
    return exit_configuration;
}

}  // namespace

Result<int, Message> back_up(const BackupOptions& options) {
    auto file = ConfigFile::read(options.config);
    if (!file.ok()) return complain_of_configuration(file.error());
    const auto places = places_of(std::move(file).value(), options.config);
    if (!places.ok()) return complain_of_configuration(places.error());
    LH_TRY_ASSIGN(const bool there, is_there(options.folder));
    if (there) return Message{options.folder + ": is there already; a backup is a new folder"};
    std::size_t count = 0;
    const auto written = write_backup(places.value(), options.folder, count);
    if (written.ok()) std::printf("%s: %zu files, read back\n", options.folder.c_str(), count);
    const char* const what = written.ok() ? "registry and keys" : "registry and keys, unfinished";
    LH_TRY(note_after(written, places.value().registry,
                      {fact("", "backed_up", options.folder, what, options.now)}));
    return exit_done;
}

Result<int, Message> restore(const BackupOptions& options) {
    LH_TRY_ASSIGN(Files files, read_backup(options.folder));
    const auto places = places_to_restore(options.config, files);
    if (!places.ok()) return complain_of_configuration(places.error());
    LH_TRY(put_back(places.value(), files));
    std::printf("%s: %zu files put back%s; `longhaul-collector check --config %s` looks at them\n",
                options.folder.c_str(), files.size(),
                files.contains(std::string{config_name})
                    ? ""
                    : ", the configuration is the one that was there",
                options.config.c_str());
    LH_TRY(note(places.value().registry,
                {fact("", "restored", options.folder, "registry and keys", options.now)}));
    return exit_done;
}

}  // namespace longhaul::tools
