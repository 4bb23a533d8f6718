// `longhaul adopt`: finds journal and lake by the collector's configuration, and says what was
// done.
#include <boost/json.hpp>
#include <chrono>
#include <cstdio>
#include <span>

#include "collector/disk/folder_lock.hpp"
#include "collector/disk/posix_disk.hpp"
#include "collector/lake/lake_marker.hpp"
#include "collector/lake/local_store.hpp"
#include "common/block/crypto.hpp"
#include "common/host/config.hpp"
#include "common/host/exit_codes.hpp"
#include "common/host/files.hpp"
#include "tools/longhaul/adopt.hpp"
#include "tools/longhaul/trail_command.hpp"

namespace longhaul::tools {
namespace {

using collector::LakeRanges;

struct AdoptConfig {
    std::string environment;
    bool gateway = false;
    std::string registry;
    std::string journal;
    std::string lake;
    collector::LocalJournalSettings settings;
};

// As the collector reads it.
Result<AdoptConfig, Message> read_adopt_config(const std::string& path) {
    LH_TRY_ASSIGN(ConfigFile file, ConfigFile::read(path));
    AdoptConfig config;
    ConfigTable table = file.table("collector");
    config.environment = table.text("environment");
    config.gateway = table.choice("role", "collector", {"collector", "gateway"}) == 1;
    config.registry = table.path("registry", "registry.db");
    ConfigTable journal = file.table("journal");
    config.journal = journal.path("path");
    config.settings.shards_if_new =
        static_cast<collector::Shard>(journal.integer("shards", 1, {1, 1024}));
    config.settings.segment_bytes_max = static_cast<std::uint64_t>(
        journal.integer("segment_bytes", 64 << 20, {1 << 20, std::int64_t{1} << 32}));
    if (!config.gateway) config.lake = file.table("lake").path("path");
    LH_TRY(file.finish(UnknownKeys::ignored));
    if (config.gateway)
        return Message{path + ": a gateway writes no lake, so it has none to adopt"};
    return config;
}

int complain(const std::string& text, int exit_code) {
    std::fprintf(stderr, "longhaul: %s\n", text.c_str());
    return exit_code;
}

// Says every few seconds how far a long reading has come.
class Progress {
 public:
    void at(const LakeRanges::Progress& progress) {
        const auto now = Clock::now();
        if (now < next_) return;
        next_ = now + every;
        std::fprintf(stderr, "longhaul: %s\n", text(progress).c_str());
    }
    // "3 tables, 812 files, 5120 MiB, 1200000000 rows read, 240 MiB a second"
    std::string text(const LakeRanges::Progress& progress) const {
        constexpr std::uint64_t mib = 1 << 20;
        const std::uint64_t ms = passed_ms();
        std::string rate;
        if (ms != 0)
            rate = ", " + std::to_string(progress.bytes * 1000 / ms / mib) + " MiB and " +
                   std::to_string(progress.rows * 1000 / ms) + " rows a second";
        return std::to_string(progress.tables) + " tables, " + std::to_string(progress.files) +
               " files, " + std::to_string(progress.bytes / mib) + " MiB, " +
               std::to_string(progress.rows) + " rows read" + rate;
    }
    std::uint64_t passed_ms() const {
        return static_cast<std::uint64_t>(
            std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - began_).count());
    }

 private:
    using Clock = std::chrono::steady_clock;
    static constexpr std::chrono::seconds every{5};
    Clock::time_point began_ = Clock::now();
    Clock::time_point next_ = began_ + every;
};

std::string kept_of(const AdoptReport& report) {
    if (report.finished_only) return "";
    std::string text = "; " + std::to_string(report.entries_kept) +
                       " of its entries go on in the new one, " +
                       std::to_string(report.entries_damaged) + " could not be read";
    if (report.cut)
        text +=
            ". Its beginning had been cut off: a block whose epoch record was there goes into "
            "_quarantine (\"no epoch record\"), and becomes rows when its device sends it again";
    if (report.was_closed)
        text +=
            ". It had been closed; of this one nothing is listed as lost before the devices were "
            "back again and `longhaul adopt --close` is given once more";
    return text;
}

void print_text(const AdoptConfig& config, const AdoptReport& report, const std::string& read) {
    if (report.finished_only) {
        std::printf("%s: an adoption that was interrupted is finished: journal %s\n",
                    config.journal.c_str(), report.journal.c_str());
    } else {
        std::printf("%s: %s\n", config.lake.c_str(), read.c_str());
        std::printf("%s: journal %s has adopted the lake: %llu devices, %llu epochs\n",
                    config.journal.c_str(), report.journal.c_str(),
                    static_cast<unsigned long long>(report.devices),
                    static_cast<unsigned long long>(report.epochs));
    }
    if (!report.aside.empty())
        std::printf("the journal that was there is kept in %s/%s%s\n", config.journal.c_str(),
                    report.aside.c_str(), kept_of(report).c_str());
    std::printf(
        "start the collector: devices send again what they still have. What is missing then is in "
        "_losses (journal_lost) and _gaps; check with `longhaul audit`\n");
}

void print_json(const AdoptReport& report, std::uint64_t ms) {
    const boost::json::object all{{"journal", report.journal},
                                  {"finished_only", report.finished_only},
                                  {"kept_in", report.aside},
                                  {"tables", report.lake.tables},
                                  {"files", report.lake.files},
                                  {"bytes", report.lake.bytes},
                                  {"rows", report.lake.rows},
                                  {"milliseconds", ms},
                                  {"devices", report.devices},
                                  {"epochs", report.epochs},
                                  {"entries_kept", report.entries_kept},
                                  {"entries_damaged", report.entries_damaged},
                                  {"cut", report.cut},
                                  {"was_closed", report.was_closed}};
    std::printf("%s\n", boost::json::serialize(all).c_str());
}

// The lake of this environment, or why not.
Result<void, Message> check_lake(collector::ObjectStore& lake, const AdoptConfig& config) {
    const auto marker = collector::read_lake_marker(lake);
    if (!marker.ok()) return Message{config.lake + ": " + to_string(marker.error())};
    if (!marker.value()) return {};
    const std::string foreign = collector::foreign_lake(*marker.value(), config.environment);
    if (!foreign.empty()) return Message{config.lake + ": " + foreign};
    return {};
}

Result<int, Message> close_in(collector::Disk& disk, collector::ObjectStore& lake,
                              const AdoptConfig& config, const AdoptOptions& options) {
    LH_TRY_ASSIGN(const bool there, is_there(config.journal + "/journal.meta"));
    if (!there) return Message{config.journal + ": there is no journal"};
    const auto closed = close_adoption(disk, lake, options.now);
    if (!closed.ok()) return Message{config.journal + ": " + closed.error().text};
    const std::uint64_t shards = closed.value();
    const auto noted =
        note(config.registry, {fact("", "adoption_closed", config.journal, "", options.now)});
    if (options.json)
        std::printf("{\"closed_shards\":%llu}\n", static_cast<unsigned long long>(shards));
    else
        std::printf(
            "%s: what has not come of the adopted epochs is listed in _losses (journal_lost) as "
            "soon as the collector runs. If it comes all the same, it becomes rows\n",
            config.journal.c_str());
    return noted.ok() ? exit_done : complain(noted.error().text, exit_check_failed);
}

Result<int, Message> adopt_in(const AdoptConfig& config, const AdoptOptions& options) {
    auto journal_disk = collector::PosixDisk::open_root(config.journal);
    if (!journal_disk.ok()) return Message{config.journal + ": " + to_string(journal_disk.error())};
    const auto lock = collector::FolderLock::take(config.journal);
    if (!lock.ok())
        return complain(lock.error().text + ". The collector has to be stopped for this",
                        exit_retry_later);
    auto lake_disk = collector::PosixDisk::open_root(config.lake);
    if (!lake_disk.ok()) return Message{config.lake + ": " + to_string(lake_disk.error())};
    collector::LocalStore lake{*lake_disk.value()};
    LH_TRY(check_lake(lake, config));
    if (options.close) return close_in(*journal_disk.value(), lake, config, options);
    collector::LocalJournalSettings settings = config.settings;
    if (!random_bytes(settings.uuid_if_new).ok() ||
        !random_bytes(std::as_writable_bytes(std::span{&settings.salt_if_new, 1})).ok())
        return Message{"no random bytes"};
    Progress progress;
    const AdoptPorts ports{*journal_disk.value(), lake,
                           [&progress](const LakeRanges::Progress& at) { progress.at(at); }};
    LH_TRY_ASSIGN(const AdoptReport report, adopt(ports, settings, options.now));
    const auto noted =
        note(config.registry,
             {fact("", "adopted", config.lake, "journal " + report.journal, options.now)});
    if (options.json)
        print_json(report, progress.passed_ms());
    else
        print_text(config, report, progress.text(report.lake));
    return noted.ok() ? exit_done : complain(noted.error().text, exit_check_failed);
}

}  // namespace

Result<int, Message> adopt_command(const AdoptOptions& options) {
    const auto config = read_adopt_config(options.config);
    if (!config.ok()) return complain(config.error().text, exit_configuration);
    LH_TRY_ASSIGN(const bool there, is_there(config.value().lake));
    if (!there || !is_folder(config.value().lake))
        return Message{config.value().lake + ": there is no lake to adopt"};
    return adopt_in(config.value(), options);
}

}  // namespace longhaul::tools
