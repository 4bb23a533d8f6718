#include "tools/longhaul/import_command.hpp"

#include <boost/json.hpp>
#include <cstdio>

#include "collector/disk/folder_lock.hpp"
#include "collector/disk/posix_disk.hpp"
#include "collector/journal/local_journal.hpp"
#include "common/host/config.hpp"
#include "common/host/exit_codes.hpp"
#include "common/host/files.hpp"
#include "tools/longhaul/collector_files.hpp"
#include "tools/longhaul/spool_import.hpp"
#include "tools/longhaul/text.hpp"
#include "tools/longhaul/trail_command.hpp"

namespace longhaul::tools {
namespace {

struct ImportConfig {
    std::string environment;
    bool gateway = false;
    std::string registry;
    std::string sealing;
    std::string journal;
    collector::LocalJournalSettings settings;
};

// As the collector reads it.
Result<ImportConfig, Message> read_import_config(const std::string& path) {
    LH_TRY_ASSIGN(ConfigFile file, ConfigFile::read(path));
    ConfigTable table = file.table("collector");
    ImportConfig config;
    config.environment = table.text("environment");
    config.gateway = table.choice("role", "collector", {"collector", "gateway"}) == 1;
    config.registry = table.path("registry", "registry.db");
    config.sealing = table.path("sealing_keys", "sealing");
    ConfigTable journal = file.table("journal");
    config.journal = journal.path("path");
    config.settings.segment_bytes_max = static_cast<std::uint64_t>(
        journal.integer("segment_bytes", 64 << 20, {1 << 20, std::int64_t{1} << 32}));
    LH_TRY(file.finish(UnknownKeys::ignored));
    if (config.gateway)
        return Message{path +
                       ": a gateway has no keys, so nobody here can see whether a file is "
                       "damaged; import it where the keys are"};
    return config;
}

int complain(const std::string& text, int exit_code) {
    std::fprintf(stderr, "longhaul: %s\n", text.c_str());
    return exit_code;
}

Result<void, Message> read_keys(const std::string& folder, collector::KeyRing& keys) {
    LH_TRY_ASSIGN(const auto paths, paths_in(folder));
    for (const std::string& path : paths) {
        if (!path.ends_with(".key")) continue;
        LH_TRY_ASSIGN(const std::vector<std::byte> pem, read_private_file(path));
        const auto key = collector::private_key_of(as_text(pem));
        if (!key.ok()) return Message{path + ": " + to_string(key.error())};
        if (const Status added = keys.add(key.value()); !added.ok())
            return Message{path + ": " + to_string(added.error())};
    }
    if (keys.size() == 0) return Message{folder + ": there is no sealing key (<id>.key)"};
    return {};
}

std::string plural(std::uint64_t count, const char* what) {
    return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

void print_json(const ImportReport& report) {
    boost::json::array faults;
    for (const ImportReport::Fault& fault : report.faults)
        faults.push_back({{"at", fault.at}, {"text", fault.text}});
    const bool nobody = report.device.device.empty();
    const boost::json::object all{
        {"ok", report.fault_count == 0},
        {"tenant", report.device.tenant},
        {"device", report.device.device},
        {"incarnation", nobody ? "" : incarnation_text(report.incarnation)},
        {"blocks", report.blocks},
        {"block_bytes", report.block_bytes},
        {"blocks_known", report.known},
        {"whole", report.whole},
        {"fault_count", report.fault_count},
        {"faults", std::move(faults)}};
    std::printf("%s\n", boost::json::serialize(all).c_str());
}

void print_text(const std::string& file, const ImportReport& report) {
    for (const ImportReport::Fault& fault : report.faults)
        std::fprintf(stderr, "longhaul: %s: byte %llu: %s\n", file.c_str(),
                     static_cast<unsigned long long>(fault.at), fault.text.c_str());
    if (report.fault_count > report.faults.size())
        std::fprintf(stderr, "longhaul: %s: %s more\n", file.c_str(),
                     plural(report.fault_count - report.faults.size(), "fault").c_str());
    if (report.device.device.empty()) {
        std::printf(
            "%s: nothing waits in it; `longhaul-agent spool export --all` also takes what a "
            "collector has acknowledged\n",
            file.c_str());
        return;
    }
    std::printf("%s/%s: %s durable in the journal (%llu bytes), %llu were there already%s\n",
                report.device.tenant.c_str(), report.device.device.c_str(),
                plural(report.blocks, "block").c_str(),
                static_cast<unsigned long long>(report.block_bytes),
                static_cast<unsigned long long>(report.known),
                report.fault_count == 0 ? "" : "; not all of the file was taken");
}

int refuse(const ImportOptions& options, const ImportConfig& config, const ImportRefusal& refusal) {
    if (!refusal.denied) return complain(refusal.text, exit_bad_data);
    // Whose it is has not been proven, so it goes into the site's trail.
    const std::string who = refusal.device->tenant + "/" + refusal.device->device;
    const auto noted =
        note(config.registry,
             {fact("", "refused", who + " from " + options.file, refusal.text, options.now)});
    if (!noted.ok()) complain(noted.error().text, exit_denied);
    return complain(options.file + ": " + refusal.text + "; nothing was taken", exit_denied);
}

// In the journal, whose lock is held.
Result<int, Message> import_into(const ImportOptions& options, const ImportConfig& config,
                                 const SpoolOwner& owner, ImportReport& report) {
    LH_TRY_ASSIGN(auto file, SpoolFile::open(options.file));
    collector::KeyRing keys;
    LH_TRY(read_keys(config.sealing, keys));
    auto disk = collector::PosixDisk::open_root(config.journal);
    if (!disk.ok()) return Message{config.journal + ": " + to_string(disk.error())};
    auto journal = collector::LocalJournal::open(*disk.value(), config.settings);
    if (!journal.ok()) return Message{config.journal + ": " + to_string(journal.error())};
    SpoolImport import{*journal.value(), owner, keys};
    LH_TRY(import.look_into_journal());
    const auto done = import.run(*file, options.now, report);
    const auto noted =
        note(config.registry,
             {fact(owner.device.tenant, "imported", owner.device.device,
                   plural(report.blocks, "block") + " of " + options.file, options.now)});
    if (!done.ok())
        return complain(config.journal + ": " + done.error().text +
                            "; what is durable stays, the file may be imported again",
                        exit_retry_later);
    if (!noted.ok()) return complain(noted.error().text, exit_check_failed);
    return report.fault_count == 0 ? exit_done : exit_bad_data;
}

}  // namespace

Result<int, Message> import_spool(const ImportOptions& options) {
    const auto config = read_import_config(options.config);
    if (!config.ok()) return complain(config.error().text, exit_configuration);
    LH_TRY_ASSIGN(const auto registry, open_registry(config.value().registry));
    const auto owner = find_owner(options.file, config.value().environment, *registry);
    if (!owner.ok()) return refuse(options, config.value(), owner.error());
    ImportReport report;
    int exit_code = exit_done;
    if (owner.value()) {
        const std::string& folder = config.value().journal;
        LH_TRY_ASSIGN(const bool there, is_there(folder + "/journal.meta"));
        if (!there)
            return complain(folder + ": there is no journal yet; start the collector once",
                            exit_retry_later);
        const auto lock = collector::FolderLock::take(folder);
        if (!lock.ok())
            return complain(folder +
                                ": a collector is using the journal; stop it, import, and "
                                "start it again: its devices wait meanwhile and lose nothing",
                            exit_retry_later);
        LH_TRY_ASSIGN(exit_code, import_into(options, config.value(), *owner.value(), report));
    } else {
        report.whole = true;
    }
    if (options.json)
        print_json(report);
    else
        print_text(options.file, report);
    return exit_code;
}

}  // namespace longhaul::tools
