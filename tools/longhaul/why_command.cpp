#include "tools/longhaul/why_command.hpp"

#include <boost/json.hpp>
#include <cstdio>

#include "collector/disk/folder_lock.hpp"
#include "collector/disk/posix_disk.hpp"
#include "collector/journal/local_journal.hpp"
#include "collector/lake/local_store.hpp"
#include "common/base/civil_time.hpp"
#include "common/host/config.hpp"
#include "common/host/exit_codes.hpp"
#include "common/host/files.hpp"
#include "tools/longhaul/audit_store.hpp"
#include "tools/longhaul/why.hpp"

namespace longhaul::tools {
namespace {

using collector::AuditedBlock;
using collector::AuditedRows;
using collector::DeviceState;
using collector::PosixDisk;
using collector::Registry;

struct Places {
    std::string registry;
    std::string journal;
    std::string lake;
    std::int64_t commit_interval_s = 0;
};

Result<Places, Message> read_places(const std::string& config) {
    LH_TRY_ASSIGN(ConfigFile file, ConfigFile::read(config));
    const Places places{file.table("collector").path("registry", "registry.db"),
                        file.table("journal").path("path"), file.table("lake").path("path"),
                        file.table("lake").integer("commit_interval_s", 15, {1, 86'400})};
    LH_TRY(file.finish(UnknownKeys::ignored));
    return places;
}

// Absent: a collector that has not started yet.
Result<std::unique_ptr<PosixDisk>, Message> open_if_there(const std::string& path) {
    LH_TRY_ASSIGN(const bool there, is_there(path));
    if (!there) return std::unique_ptr<PosixDisk>{};
    auto disk = PosixDisk::open_root(path);
    if (!disk.ok()) return Message{path + ": " + to_string(disk.error())};
    return std::move(disk).value();
}

// Whether the block of this row of _quarantine has become rows since; of a fork the other one has.
bool has_left(const std::map<AuditedBlock, AuditedRows>& rows,
              const std::vector<std::string>& row) {
    if (row[4].empty() || row[1].starts_with("fork")) return false;
    return rows.contains({row[0], std::stoll(row[2]), std::stoll(row[3]), std::stoll(row[4])});
}

class Finding {
 public:
    Finding(const Places& places, Registry& registry) : places_{places}, registry_{registry} {}

    // Everything about one device of one tenant.
    Result<DeviceFacts, Message> facts(const std::string& tenant, const std::string& device) {
        DeviceFacts facts;
        facts.tenant = tenant;
        facts.device = device;
        const auto state = registry_.find(tenant, device);
        const auto refusal = registry_.last_refusal(tenant, device);
        if (!state.ok() || !refusal.ok()) {
            return Message{places_.registry + ": " +
                           to_string(state.ok() ? refusal.error() : state.error())};
        }
        facts.state = state.value();
        facts.refusal = refusal.value();
        facts.collector_runs = collector::FolderLock::holder(places_.journal).has_value();
        facts.commit_interval_s = places_.commit_interval_s;
        LakeContents lake;
        LH_TRY(read_tables(facts, lake));
        LH_TRY(read_journal(facts, lake));
        return facts;
    }

 private:
    static AuditScope scope_of(const DeviceFacts& facts) {
        AuditScope scope{facts.device};
        scope.tenant = facts.tenant;
        return scope;
    }
    // Before the journal: then that has every block that a table has.
    Result<void, Message> read_tables(DeviceFacts& facts, LakeContents& contents) const {
        LH_TRY_ASSIGN(const auto disk, open_if_there(places_.lake));
        if (disk == nullptr) return {};
        collector::LocalStore store{*disk};
        LH_TRY_ASSIGN(contents, read_lake(store, scope_of(facts)));
        if (!contents.contains(facts.tenant)) return {};
        AuditStore lake{store};
        const auto& rows = contents[facts.tenant].rows;
        LH_TRY(read_system_table(lake, facts.tenant + "/_quarantine",
                                 {"device", "reason", "incarnation", "epoch", "seq"},
                                 [&facts, &rows](const std::vector<std::string>& row) {
                                     if (row[0] == facts.device && !has_left(rows, row))
                                         ++facts.quarantine[row[1]];
                                 }));
        for (const auto& [name, runs] : contents[facts.tenant].lost) {
            if (name.first != facts.device) continue;
            for (const LostRun& run : runs) add_run(run, facts.losses[run.reason]);
        }
        std::vector<std::string> columns = lost_run_columns;
        columns.insert(columns.end(), {"device", "reason"});
        return read_system_table(lake, facts.tenant + "/_losses", columns,
                                 [&facts](const std::vector<std::string>& row) {
                                     const std::size_t own = lost_run_columns.size();
                                     if (row[own] == facts.device && !lost_run(row))
                                         ++facts.losses[row[own + 1]].open_ends;
                                 });
    }

    static void add_run(const LostRun& run, Losses& losses) {
        losses.samples += run.samples;
        if (run.one_epoch())
            losses.blocks += std::uint64_t{run.last.second} - run.first.second + 1;
        else
            ++losses.spans;
    }

    Result<void, Message> read_journal(DeviceFacts& facts, const LakeContents& lake) const {
        LH_TRY_ASSIGN(const auto disk, open_if_there(places_.journal));
        if (disk == nullptr) return {};
        const auto journal = collector::LocalJournal::open_to_read(*disk);
        if (!journal.ok() && journal.error().code == ErrorCode::not_found) return {};
        if (!journal.ok()) return Message{places_.journal + ": " + to_string(journal.error())};
        LH_TRY_ASSIGN(const AuditReport report, audit(*journal.value(), lake, scope_of(facts)));
        for (const auto& [epoch, counts] : report.epochs) {
            if (epoch.tenant != facts.tenant) continue;
            ++facts.epochs;
            facts.counts.add(counts);
        }
        for (const auto& [epoch, heard] : report.heard) {
            if (epoch.tenant != facts.tenant) continue;
            facts.heard = std::max(facts.heard.value_or(heard), heard);
        }
        const std::string own = facts.tenant + "/" + facts.device;
        for (const std::string& problem : report.problems) {
            if (problem.starts_with(own) || problem.starts_with("journal: "))
                facts.problems.push_back(problem);
        }
        return {};
    }

    const Places& places_;
    Registry& registry_;
};

bool is_known(const DeviceFacts& facts) {
    return facts.state != DeviceState::unknown || facts.heard || facts.refusal;
}

boost::json::object json_of(const DeviceFacts& facts, const Why& answer, WallUs now) {
    const auto time = [](WallUs at) { return boost::json::value(timestamp_text_ms(at)); };
    const auto age = [now](WallUs at) {
        return std::max<std::int64_t>(0, now.value - at.value) / 1'000'000;
    };
    boost::json::object quarantine(facts.quarantine.begin(), facts.quarantine.end());
    boost::json::object losses;
    for (const auto& [reason, lost] : facts.losses) {
        losses[reason] = {{"blocks", lost.blocks},
                          {"samples", lost.samples},
                          {"spans", lost.spans},
                          {"open_ends", lost.open_ends}};
    }
    boost::json::object all{{"tenant", facts.tenant},
                            {"device", facts.device},
                            {"state", answer.state},
                            {"sentence", answer.sentence},
                            {"collector_runs", facts.collector_runs}};
    all["heard"] = facts.heard ? time(*facts.heard) : nullptr;
    all["heard_age_s"] = facts.heard ? boost::json::value(age(*facts.heard)) : nullptr;
    all["refusal"] = nullptr;
    if (facts.refusal) {
        all["refusal"] = {{"time", time(facts.refusal->time)},
                          {"age_s", age(facts.refusal->time)},
                          {"reason", facts.refusal->reason},
                          {"text", facts.refusal->text}};
    }
    all["epochs"] = facts.epochs;
    all["blocks"] = facts.counts.blocks;
    all["rows"] = facts.counts.rows;
    all["in_flight"] = facts.counts.in_flight;
    all["awaited"] = facts.counts.awaited;
    all["quarantine"] = std::move(quarantine);
    all["losses"] = std::move(losses);
    all["problems"] = boost::json::array(facts.problems.begin(), facts.problems.end());
    return all;
}

int tell_unknown(const std::string& device, const std::vector<std::string>& known, bool json) {
    const std::vector<std::string_view> names{known.begin(), known.end()};
    const std::string meant{nearest(device, names)};
    const std::string sentence =
        device + ": no device of this name is registered, has sent anything or was refused lately" +
        (meant.empty() ? "; `longhaul device add` makes one" : "; did you mean \"" + meant + "\"?");
    if (json) {
        const boost::json::object all{
            {"device", device}, {"state", "unknown"}, {"sentence", sentence}, {"meant", meant}};
        std::printf("%s\n", boost::json::serialize(all).c_str());
    } else {
        std::printf("%s\n", sentence.c_str());
    }
    return exit_bad_data;
}

}  // namespace

Result<int, Message> why_command(const WhyOptions& options) {
    const auto read = read_places(options.config);
    if (!read.ok()) {
        std::fprintf(stderr, "longhaul: %s\n", read.error().text.c_str());
        return exit_configuration;
    }
    const Places& places = read.value();
    LH_TRY_ASSIGN(const bool there, is_there(places.registry));
    if (!there) return Message{places.registry + ": there is no registry"};
    const auto registry = Registry::open(places.registry);
    if (!registry.ok()) return Message{places.registry + ": " + to_string(registry.error())};
    const auto tenants = registry.value()->tenants();
    if (!tenants.ok()) return Message{places.registry + ": " + to_string(tenants.error())};

    const std::size_t slash = options.device.find('/');
    const std::string device =
        slash == std::string::npos ? options.device : options.device.substr(slash + 1);
    Finding finding{places, *registry.value()};
    std::vector<std::string> known;
    bool found = false;
    for (const collector::Tenant& tenant : tenants.value()) {
        if (slash != std::string::npos && options.device.substr(0, slash) != tenant.name) continue;
        LH_TRY_ASSIGN(const DeviceFacts facts, finding.facts(tenant.name, device));
        if (!is_known(facts)) {
            auto names = registry.value()->devices(tenant.name);
            if (names.ok()) known.insert(known.end(), names.value().begin(), names.value().end());
            continue;
        }
        found = true;
        const Why answer = why(facts, options.now);
        const std::string text = options.json
                                     ? boost::json::serialize(json_of(facts, answer, options.now))
                                     : answer.sentence;
        std::printf("%s\n", text.c_str());
    }
    return found ? exit_done : tell_unknown(device, known, options.json);
}

}  // namespace longhaul::tools
