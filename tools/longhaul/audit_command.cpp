#include "tools/longhaul/audit_command.hpp"

#include <boost/json.hpp>
#include <cstdio>
#include <optional>

#include "collector/disk/posix_disk.hpp"
#include "collector/journal/local_journal.hpp"
#include "collector/lake/local_store.hpp"
#include "common/host/config.hpp"
#include "common/host/exit_codes.hpp"
#include "common/host/files.hpp"
#include "tools/longhaul/audit.hpp"
#include "tools/longhaul/text.hpp"

namespace longhaul::tools {
namespace {

struct Paths {
    std::string journal;
    std::string lake;
};

Result<Paths, Message> read_paths(const std::string& config) {
    LH_TRY_ASSIGN(ConfigFile file, ConfigFile::read(config));
    const Paths paths{file.table("journal").path("path"), file.table("lake").path("path")};
    LH_TRY(file.finish(UnknownKeys::ignored));
    return paths;
}

Result<std::unique_ptr<collector::PosixDisk>, Message> open_folder(const std::string& path) {
    LH_TRY_ASSIGN(const bool there, is_there(path));
    if (!there || !is_folder(path)) return Message{path + ": there is no such folder"};
    auto disk = collector::PosixDisk::open_root(path);
    if (!disk.ok()) return Message{path + ": " + to_string(disk.error())};
    return std::move(disk).value();
}

boost::json::object json_of(const AuditCounts& counts) {
    return {{"blocks", counts.blocks},       {"samples", counts.samples},
            {"rows", counts.rows},           {"duplicates", counts.duplicates},
            {"resent", counts.resent},       {"quarantined", counts.quarantined},
            {"released", counts.released},   {"older", counts.older},
            {"in_flight", counts.in_flight}, {"awaited", counts.awaited},
            {"lost", counts.lost},           {"lost_samples", counts.lost_samples},
            {"expired", counts.expired},     {"holes", counts.holes},
            {"wrong", counts.wrong}};
}

void print_json(const AuditReport& report, bool ok) {
    boost::json::array epochs;
    for (const auto& [name, counts] : report.epochs) {
        boost::json::object epoch{{"tenant", name.tenant},
                                  {"device", name.device},
                                  {"incarnation", incarnation_text({name.incarnation})},
                                  {"epoch", name.epoch}};
        for (auto& field : json_of(counts)) epoch.insert(field);
        epochs.push_back(std::move(epoch));
    }
    boost::json::object all{{"ok", ok}, {"devices", report.devices}, {"tables", report.tables}};
    all["totals"] = json_of(report.totals);
    all["rewritten"] = {{"same", report.rewritten.same},
                        {"changed", report.rewritten.changed},
                        {"unknown", report.rewritten.unknown}};
    all["problems"] = boost::json::array(report.problems.begin(), report.problems.end());
    all["epochs"] = std::move(epochs);
    std::printf("%s\n", boost::json::serialize(all).c_str());
}

void print_line(const std::string& name, const std::string& epoch, const AuditCounts& counts) {
    const auto print = [](std::uint64_t value) { return std::to_string(value); };
    std::printf("%-28s %8s %8s %10s %10s %6s %6s %6s %6s %6s %6s\n", name.c_str(), epoch.c_str(),
                print(counts.blocks).c_str(), print(counts.samples).c_str(),
                print(counts.rows).c_str(), print(counts.duplicates).c_str(),
                print(counts.resent).c_str(), print(counts.lost + counts.quarantined).c_str(),
                print(counts.holes + counts.wrong).c_str(), print(counts.in_flight).c_str(),
                print(counts.awaited).c_str());
}

void print_table(const AuditReport& report) {
    std::printf("%-28s %8s %8s %10s %10s %6s %6s %6s %6s %6s %6s\n", "device", "epoch", "blocks",
                "acked", "rows", "twice", "resent", "known", "holes", "flight", "await");
    for (const auto& [name, counts] : report.epochs) {
        print_line(name.tenant + "/" + name.device, std::to_string(name.epoch), counts);
    }
    print_line(std::to_string(report.devices) + " devices", "", report.totals);
}

// Nothing, when no other program has written a file.
void print_rewritten(const RewrittenCounts& rows) {
    if (rows.same + rows.changed + rows.unknown == 0) return;
    const std::uint64_t not_found = rows.unknown - rows.deleted;
    std::string text = "rows in files of other programs: " + std::to_string(rows.same) +
                       " have the values that the writer gave them, " +
                       std::to_string(rows.changed) + " others";
    if (rows.deleted != 0)
        text +=
            "; of " + std::to_string(rows.deleted) + " its files are deleted, so that nobody knows";
    if (not_found != 0)
        text +=
            "; of " + std::to_string(not_found) + " no file of its was found, so that nobody knows";
    std::printf("%s\n", text.c_str());
}

void print_verdict(const AuditReport& report, bool ok) {
    const AuditCounts& totals = report.totals;
    for (const std::string& problem : report.problems) std::printf("%s\n", problem.c_str());
    print_rewritten(report.rewritten);
    if (totals.older != 0) {
        std::printf(
            "%llu blocks have been cut off from the journal: they are in the tables, once; %s\n",
            static_cast<unsigned long long>(totals.older),
            report.adopted ? "whether rows of them are missing cannot be seen after an adoption"
                           : "as many rows as _usage tells, up to its last full hour");
    }
    std::printf(
        "audit: %s: %llu samples acknowledged, %llu rows, %llu duplicates, %llu holes, %llu blocks "
        "lost, "
        "%llu in quarantine, %llu released from there, %llu expired, %llu in flight, %llu "
        "awaited\n",
        ok ? "holds" : "fails", static_cast<unsigned long long>(totals.samples),
        static_cast<unsigned long long>(totals.rows),
        static_cast<unsigned long long>(totals.duplicates),
        static_cast<unsigned long long>(totals.holes), static_cast<unsigned long long>(totals.lost),
        static_cast<unsigned long long>(totals.quarantined),
        static_cast<unsigned long long>(totals.released),
        static_cast<unsigned long long>(totals.expired),
        static_cast<unsigned long long>(totals.in_flight),
        static_cast<unsigned long long>(totals.awaited));
}

// First the snapshot, then the lake, then the journal: each has what the one before it says. None:
// the part has more blocks than may be held.
Result<std::optional<AuditReport>, Message> audit_part(collector::ObjectStore& lake,
                                                       collector::Disk& disk,
                                                       const std::string& path,
                                                       const AuditScope& scope) {
    std::vector<collector::Offset> settled;
    auto journal = collector::LocalJournal::open_to_read(disk);
    if (!journal.ok()) return Message{path + ": " + to_string(journal.error())};
    settled = settled_offsets(disk, *journal.value());
    bool too_many = false;
    constexpr std::uint32_t parts_max = 65'536;  // a single device may have more than fits
    LH_TRY_ASSIGN(const LakeContents contents,
                  read_lake(lake, scope, scope.parts < parts_max ? &too_many : nullptr));
    if (too_many) return std::optional<AuditReport>{};
    journal = collector::LocalJournal::open_to_read(disk);
    if (!journal.ok()) return Message{path + ": " + to_string(journal.error())};
    LH_TRY_ASSIGN(AuditReport report, audit(*journal.value(), contents, scope, settled));
    check_begins(*journal.value(), settled_offsets(disk, *journal.value()), report);
    return std::optional{std::move(report)};
}

// What does not fit into memory is done in parts, by devices; journal and lake are read once for
// each of them.
Result<AuditReport, Message> audit_in_parts(collector::ObjectStore& lake, collector::Disk& disk,
                                            const std::string& path, AuditScope scope) {
    AuditReport report;
    while (scope.part < scope.parts) {
        LH_TRY_ASSIGN(auto part, audit_part(lake, disk, path, scope));
        if (!part) {
            scope.parts *= 2;
            scope.part = 0;
            report = {};
            continue;
        }
        report.add(std::move(*part));
        ++scope.part;
    }
    return report;
}

}  // namespace

Result<int, Message> audit_command(const AuditOptions& options) {
    const auto read = read_paths(options.config);
    if (!read.ok()) {
        std::fprintf(stderr, "longhaul: %s\n", read.error().text.c_str());
        return exit_configuration;
    }
    const Paths& paths = read.value();
    LH_TRY_ASSIGN(const auto lake_disk, open_folder(paths.lake));
    collector::LocalStore lake{*lake_disk};
    LH_TRY_ASSIGN(const auto journal_disk, open_folder(paths.journal));
    LH_TRY_ASSIGN(const AuditReport report,
                  audit_in_parts(lake, *journal_disk, paths.journal, options.scope));

    if (report.devices == 0 && (!options.scope.tenant.empty() || !options.scope.device.empty()) &&
        report.problems.empty()) {
        return Message{"neither journal nor lake knows anything of " + options.scope.tenant + "/" +
                       options.scope.device + " in the time that was asked for"};
    }
    const bool ok = holds(report, options.drained);
    if (options.json) {
        print_json(report, ok);
    } else {
        print_table(report);
        print_verdict(report, ok);
    }
    return ok ? exit_done : exit_check_failed;
}

}  // namespace longhaul::tools
