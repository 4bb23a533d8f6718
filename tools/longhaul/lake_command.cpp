#include "tools/longhaul/lake_command.hpp"

#include <array>
#include <boost/json.hpp>
#include <chrono>
#include <cstdio>
#include <utility>

#include "collector/disk/posix_disk.hpp"
#include "collector/lake/local_store.hpp"
#include "collector/lake/upkeep.hpp"
#include "common/base/civil_time.hpp"
#include "common/base/hex.hpp"
#include "common/block/crypto.hpp"
#include "common/host/config.hpp"
#include "common/host/exit_codes.hpp"
#include "common/host/files.hpp"
#include "tools/longhaul/lake_stored.hpp"

namespace longhaul::tools {
namespace {

using collector::Upkeep;
using collector::UpkeepSettings;

struct LakeConfig {
    std::string path;
    UpkeepSettings upkeep;
};

// As the collector reads it.
Result<LakeConfig, Message> read_lake_config(const std::string& path) {
    LH_TRY_ASSIGN(ConfigFile file, ConfigFile::read(path));
    ConfigTable table = file.table("lake");
    LakeConfig config{table.path("path"), {}};
    UpkeepSettings& upkeep = config.upkeep;
    upkeep.compaction.target_bytes = static_cast<std::uint64_t>(
        table.integer("compaction_bytes", static_cast<std::int64_t>(upkeep.compaction.target_bytes),
                      {0, std::int64_t{4} << 30}));
    upkeep.removed_days = table.integer("removed_days", upkeep.removed_days, {1, 3650});
    upkeep.log_days = table.integer("log_days", upkeep.log_days, {1, 3650});
    upkeep.retention_days = table.integer("retention_days", upkeep.retention_days, {0, 36'500});
    LH_TRY(file.finish(UnknownKeys::ignored));
    return config;
}

// A lake that somebody may be writing to.
class OpenLake {
 public:
    static Result<std::unique_ptr<OpenLake>, Message> open(const LakeConfig& config) {
        LH_TRY_ASSIGN(const bool there, is_there(config.path));
        if (!there || !is_folder(config.path))
            return Message{config.path + ": there is no such folder"};
        auto disk = collector::PosixDisk::open_root(config.path);
        if (!disk.ok()) return Message{config.path + ": " + to_string(disk.error())};
        // The collector has its own names for unfinished files.
        std::array<std::byte, 8> name;
        if (!random_bytes(name).ok()) return Message{"no random bytes"};
        std::unique_ptr<OpenLake> lake{new OpenLake{std::move(disk).value(), hex(name) + "-"}};
        lake->upkeep_ = std::make_unique<Upkeep>(
            lake->store_, config.upkeep,
            Upkeep::Ports{[] { return false; },
                          [raw = lake.get()](const Upkeep::Note& note) { raw->tell(note); }});
        return lake;
    }

    Upkeep& upkeep() { return *upkeep_; }
    collector::ObjectStore& store() { return store_; }
    bool has_problems() const { return problems_; }

    // The tables that are asked for.
    Result<std::vector<std::string>, Message> folders(const std::string& wanted) {
        auto found = upkeep_->folders();
        if (!found.ok()) return Message{"the lake cannot be listed: " + to_string(found.error())};
        if (wanted.empty()) return std::move(found).value();
        for (const std::string& folder : found.value())
            if (folder == wanted) return std::vector{folder};
        return Message{wanted + ": there is no such table; `longhaul lake list` shows them"};
    }

 private:
    OpenLake(std::unique_ptr<collector::PosixDisk> disk, std::string writer)
        : disk_{std::move(disk)}, store_{*disk_, std::move(writer)} {}

    void tell(const Upkeep::Note& note) {
        problems_ = problems_ || note.problem;
        std::fprintf(stderr, "%s%s: %s\n", note.problem ? "longhaul: " : "", note.table.c_str(),
                     note.text.c_str());
    }

    std::unique_ptr<collector::PosixDisk> disk_;
    collector::LocalStore store_;
    std::unique_ptr<Upkeep> upkeep_;
    bool problems_ = false;
};

// "2026-11-21T05:58:00Z"
std::string second_text(std::int64_t time_us) {
    constexpr std::size_t seconds_length = 19;
    return timestamp_text_ms(WallUs{time_us}).substr(0, seconds_length) + "Z";
}

// Empty: the table has no rows.
std::string newest_row(const collector::TableSize& size) {
    return size.files == 0 ? "" : second_text(size.grown_ms * 1000);
}

boost::json::array tables_json(const Upkeep& upkeep) {
    boost::json::array tables;
    for (const auto& [folder, size] : upkeep.tables()) {
        tables.push_back(boost::json::object{{"table", folder},
                                             {"version", size.version},
                                             {"checkpoint", size.checkpoint},
                                             {"files", size.files},
                                             {"rows", size.rows},
                                             {"bytes", size.bytes},
                                             {"removed_files", size.removed_files},
                                             {"newest_row", newest_row(size)}});
    }
    return tables;
}

void print_tables(const Upkeep& upkeep) {
    std::printf("%-36s %9s %10s %8s %12s %14s %8s  %s\n", "table", "version", "checkpoint", "files",
                "rows", "bytes", "removed", "newest row");
    for (const auto& [folder, size] : upkeep.tables()) {
        std::printf("%-36s %9lld %10lld %8llu %12llu %14llu %8llu  %s\n", folder.c_str(),
                    static_cast<long long>(size.version), static_cast<long long>(size.checkpoint),
                    static_cast<unsigned long long>(size.files),
                    static_cast<unsigned long long>(size.rows),
                    static_cast<unsigned long long>(size.bytes),
                    static_cast<unsigned long long>(size.removed_files), newest_row(size).c_str());
    }
}

boost::json::object counters_json(const collector::UpkeepCounters& counters) {
    return {
        {"compactions", counters.compactions},     {"merged_files", counters.merged_files},
        {"merged_bytes", counters.merged_bytes},   {"conflicts", counters.conflicts},
        {"checkpoints", counters.checkpoints},     {"deleted_files", counters.removed_files},
        {"deleted_bytes", counters.removed_bytes}, {"deleted_commits", counters.removed_commits},
        {"expired_rows", counters.expired_rows},   {"failures", counters.failures}};
}

void print_done(const collector::UpkeepCounters& counters) {
    const auto number = [](std::uint64_t value) { return static_cast<unsigned long long>(value); };
    std::printf(
        "%llu files became %llu, %llu checkpoints, %llu old files and %llu commits deleted, %llu "
        "rows expired, %llu failures\n",
        number(counters.merged_files), number(counters.compactions), number(counters.checkpoints),
        number(counters.removed_files), number(counters.removed_commits),
        number(counters.expired_rows), number(counters.failures));
}

int complain_of_configuration(const Message& why) {
    std::fprintf(stderr, "longhaul: %s\n", why.text.c_str());
    return exit_configuration;
}

Result<int, Message> look_after(const LakeOptions& options, unsigned work) {
    const auto config = read_lake_config(options.config);
    if (!config.ok()) return complain_of_configuration(config.error());
    LH_TRY_ASSIGN(const auto lake, OpenLake::open(config.value()));
    LH_TRY_ASSIGN(const auto folders, lake->folders(options.table));
    for (const std::string& folder : folders) {
        if (work == Upkeep::nothing) {
            lake->upkeep().look_at(folder);
        } else {
            lake->upkeep().look_after(folder, work, options.now);
        }
    }
    const Upkeep& upkeep = lake->upkeep();
    const bool ok = upkeep.counters().failures == 0 && !lake->has_problems();
    if (options.json) {
        boost::json::object all{{"ok", ok}};
        if (work != Upkeep::nothing) all["done"] = counters_json(upkeep.counters());
        all["tables"] = tables_json(upkeep);
        std::printf("%s\n", boost::json::serialize(all).c_str());
    } else if (work == Upkeep::nothing) {
        print_tables(upkeep);
    } else {
        print_done(upkeep.counters());
    }
    return ok ? exit_done : exit_check_failed;
}

// Says every few seconds how far a long reading has come.
class StoredReading {
 public:
    void add(StoredProgress more) {
        progress_.files += more.files;
        progress_.bytes += more.bytes;
        const auto now = Clock::now();
        if (now < next_) return;
        next_ = now + every;
        std::fprintf(stderr, "longhaul: %llu files, %llu MiB read\n",
                     static_cast<unsigned long long>(progress_.files),
                     static_cast<unsigned long long>(progress_.bytes >> 20));
    }

 private:
    using Clock = std::chrono::steady_clock;
    static constexpr std::chrono::seconds every{5};
    StoredProgress progress_;
    Clock::time_point next_ = Clock::now() + every;
};

// One by one: devices and hours may be many.
void print_stored_json(const StoredShares& shares, bool by_hour) {
    std::uint64_t bytes = 0;
    std::printf("{\"ok\":true,\"stored\":[");
    const char* comma = "";
    for (const auto& [whose, share] : shares) {
        boost::json::object one{{"tenant", whose.tenant}, {"device", whose.device}};
        if (by_hour && whose.hour_us) one["hour"] = second_text(*whose.hour_us);
        if (by_hour && !whose.hour_us) one["hour"] = nullptr;
        one["rows"] = share.rows;
        one["bytes"] = share.bytes;
        bytes += share.bytes;
        std::printf("%s%s", std::exchange(comma, ","), boost::json::serialize(one).c_str());
    }
    std::printf("],\"bytes\":%llu}\n", static_cast<unsigned long long>(bytes));
}

void print_stored(const StoredShares& shares, bool by_hour) {
    std::printf("%-20s %-28s %s%12s %14s\n", "tenant", "device",
                by_hour ? "hour                 " : "", "rows", "bytes");
    for (const auto& [whose, share] : shares) {
        const std::string hour = whose.hour_us ? second_text(*whose.hour_us) : "-";
        std::printf("%-20s %-28s ", whose.tenant.c_str(), whose.device.c_str());
        if (by_hour) std::printf("%-20s ", hour.c_str());
        std::printf("%12llu %14llu\n", static_cast<unsigned long long>(share.rows),
                    static_cast<unsigned long long>(share.bytes));
    }
}

bool is_system_table(std::string_view folder) { return folder.find("/_") != folder.npos; }

}  // namespace

Result<int, Message> list_lake(const LakeOptions& options) {
    return look_after(options, Upkeep::nothing);
}

Result<int, Message> list_stored(const LakeOptions& options) {
    const bool by_hour = !options.day.empty();
    const auto day = parse_utc(options.day);
    if (by_hour && (!day || date_text(*day) != options.day)) {
        std::fprintf(stderr, "longhaul: --day %s: is no day; as in 2026-11-21\n",
                     options.day.c_str());
        return exit_usage;
    }
    const auto config = read_lake_config(options.config);
    if (!config.ok()) return complain_of_configuration(config.error());
    LH_TRY_ASSIGN(const auto lake, OpenLake::open(config.value()));
    LH_TRY_ASSIGN(const auto folders, lake->folders(options.table));
    if (is_system_table(options.table))
        return Message{options.table + ": is a system table; only those of samples are told"};
    StoredShares shares;
    StoredReading reading;
    for (const std::string& folder : folders) {
        if (is_system_table(folder)) continue;
        std::string faulty;
        const Status added = add_stored(
            lake->store(), folder, options.day, shares,
            [&reading](StoredProgress more) { reading.add(more); }, faulty);
        if (!added.ok()) return Message{faulty + ": " + to_string(added.error())};
    }
    if (options.json) {
        print_stored_json(shares, by_hour);
    } else {
        print_stored(shares, by_hour);
    }
    return exit_done;
}

Result<int, Message> compact_lake(const LakeOptions& options) {
    return look_after(options, Upkeep::compacting);
}
Result<int, Message> clean_lake(const LakeOptions& options) {
    return look_after(options, Upkeep::cleaning);
}

}  // namespace longhaul::tools
