// Does every sample that a device sent stand in a table exactly once? Found out from the journal
// (what is acknowledged) and the tables' files (what readers see), without asking the collector.
//
// For every device, epoch and class: 1..highest seq = in the tables + listed as lost + in
// quarantine + still in flight. The highest is the one that came, that is listed as lost or that
// the next epoch's record tells of, so a link of the chain of epochs that has not come is awaited,
// not forgotten.
//
// Of what has been cut off from the journal (docs/spec/journal.md) only the tables tell: these
// blocks are there, and their rows stand there once, in an unbroken order. That none is missing
// among them `_usage` tells, which was counted from the journal (audit_usage.hpp): how many rows of
// a device came, hour by hour. What a shard lacks that was not cut off is missed.
//
// What is new is sent before what waited, so a number that has not come is awaited, too. It is a
// hole when a block of its class from behind it has come later than a younger one: that one was of
// the backlog, which is sent oldest first (docs/spec/frames.md). The device then has a minute to
// tell a loss, counted by what else comes from it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "collector/disk/disk.hpp"
#include "collector/journal/journal.hpp"
#include "collector/lake/audit_rows.hpp"
#include "tools/longhaul/audit_losses.hpp"
#include "tools/longhaul/audit_usage.hpp"

namespace longhaul::tools {

struct AuditCounts {
    std::uint64_t blocks = 0;       // different ones in the journal: acknowledged
    std::uint64_t samples = 0;      // in these blocks
    std::uint64_t rows = 0;         // of these blocks in the tables
    std::uint64_t duplicates = 0;   // rows that stand there once more
    std::uint64_t resent = 0;       // blocks that arrived again and were dropped
    std::uint64_t quarantined = 0;  // blocks without rows that _quarantine explains
    std::uint64_t released = 0;     // blocks with rows that waited in quarantine
    std::uint64_t older = 0;  // blocks that were cut off from the journal: rows are counted only
    std::uint64_t in_flight = 0;  // blocks that the writer has not committed yet
    std::uint64_t awaited = 0;    // blocks that the device has numbered and not sent yet
    std::uint64_t lost = 0;       // blocks that _losses explains
    std::uint64_t lost_samples = 0;
    std::uint64_t expired = 0;  // blocks whose rows were older than rows are kept
    std::uint64_t holes = 0;    // blocks that nothing explains
    std::uint64_t wrong = 0;    // committed blocks with too few or too many rows

    void add(const AuditCounts& other);
};

struct AuditedEpoch {
    std::string tenant;
    std::string device;
    std::uint32_t incarnation = 0;
    std::uint32_t epoch = 0;
    bool operator<(const AuditedEpoch& other) const {
        return std::tie(tenant, device, incarnation, epoch) <
               std::tie(other.tenant, other.device, other.incarnation, other.epoch);
    }
};

// Rows in files that another program wrote in place of ours.
struct RewrittenCounts {
    std::uint64_t same = 0;     // compared: they have the values that the writer wrote
    std::uint64_t changed = 0;  // they have others
    std::uint64_t unknown = 0;  // no file of the writer that has them can be read
    std::uint64_t deleted = 0;  // of these: because files of it are deleted

    void add(const RewrittenCounts& other);
};

struct AuditReport {
    std::map<AuditedEpoch, AuditCounts> epochs;
    std::map<AuditedEpoch, WallUs> heard;  // when the newest thing of the epoch came
    AuditCounts totals;
    RewrittenCounts rewritten;
    std::size_t devices = 0;
    std::size_t tables = 0;
    bool adopted = false;               // another journal wrote to the lake before this one
    std::vector<std::string> problems;  // sentences; empty: everything is accounted for

    void add(AuditReport&& part);  // of other devices
};

// Blocks of an epoch that follow each other, and whose rows in a table went when they were old.
struct ExpiredRun {
    std::string table;
    std::int64_t first_seq = 0;
    std::int64_t last_seq = 0;
    std::uint64_t rows = 0;
    std::string receive_date;  // of the rows
    friend auto operator<=>(const ExpiredRun&, const ExpiredRun&) = default;
};

// What the lake says about one tenant.
struct TenantTables {
    std::map<std::string, collector::AuditedTable> tables;           // by schema name
    std::map<collector::AuditedBlock, collector::AuditedRows> rows;  // over all tables
    std::set<collector::AuditedBlock> quarantined;
    // By device, incarnation and epoch.
    std::map<std::tuple<std::string, std::int64_t, std::int64_t>, std::set<ExpiredRun>> expired;
    // By device and incarnation; each loss once.
    std::map<std::pair<std::string, std::int64_t>, std::vector<LostRun>> lost;
    ToldUsage told;
    RewrittenCounts rewritten;
    std::vector<std::string> problems;  // what could not be read
};
using LakeContents = std::map<std::string, TenantTables>;

// What is looked at: all devices or one, of one tenant or each; or a part of them, so that what has
// to be held fits into memory.
struct AuditScope {
    std::string tenant;       // empty: all
    std::string device;       // empty: all
    WallUs since{INT64_MIN};  // epochs of which nothing came since then are left out
    std::uint32_t part = 0;
    std::uint32_t parts = 1;

    AuditScope() = default;
    AuditScope(std::string only) : device{std::move(only)} {}
    bool has(std::string_view name) const;  // of a device
    bool has_tenant(std::string_view name) const { return tenant.empty() || name == tenant; }
};

// `too_many`, if given, is set when the scope has more than `blocks_max` blocks; what is returned
// is not whole then.
Result<LakeContents, Message> read_lake(collector::ObjectStore& lake, const AuditScope& scope = {},
                                        bool* too_many = nullptr,
                                        std::size_t blocks_max = 1'000'000);

// Calls `take` with the columns of each row of a system table, as texts; null is empty, and so is
// a column that a file lacks. `receive_date` is the row's partition. A table that does not exist
// has no rows.
using TakeTexts = std::function<void(const std::vector<std::string>&)>;
Result<void, Message> read_system_table(collector::ObjectStore& lake, const std::string& folder,
                                        const std::vector<std::string>& columns,
                                        const TakeTexts& take);

// Up to where the writer's newest snapshot has each shard, so that all rows from there are in the
// tables; empty: there is none.
std::vector<collector::Offset> settled_offsets(collector::Disk& journal_disk,
                                               const collector::Journal& journal);

// Whether what a shard lacks at its beginning was cut off by the writer.
void check_begins(const collector::Journal& journal, const std::vector<collector::Offset>& settled,
                  AuditReport& report);

// While a collector runs, the lake has to be read before the journal is opened: then the journal
// has every block that a table has. `settled`: see above, read before the lake.
Result<AuditReport, Message> audit(collector::Journal& journal, const LakeContents& lake,
                                   const AuditScope& scope,
                                   const std::vector<collector::Offset>& settled = {});
// `drained`: nothing may be under way any more.
bool holds(const AuditReport& report, bool drained);

}  // namespace longhaul::tools
