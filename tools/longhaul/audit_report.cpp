// How the parts of an audit add up, and whether it holds.
#include <algorithm>

#include "common/base/crc32c.hpp"
#include "tools/longhaul/audit.hpp"

namespace longhaul::tools {

void AuditCounts::add(const AuditCounts& other) {
    blocks += other.blocks;
    samples += other.samples;
    rows += other.rows;
    duplicates += other.duplicates;
    resent += other.resent;
    quarantined += other.quarantined;
    released += other.released;
    older += other.older;
    in_flight += other.in_flight;
    awaited += other.awaited;
    lost += other.lost;
    lost_samples += other.lost_samples;
    expired += other.expired;
    holes += other.holes;
    wrong += other.wrong;
}

void RewrittenCounts::add(const RewrittenCounts& other) {
    same += other.same;
    changed += other.changed;
    unknown += other.unknown;
    deleted += other.deleted;
}

bool AuditScope::has(std::string_view name) const {
    if (!device.empty() && name != device) return false;
    return parts == 1 || crc32c(as_bytes(name)) % parts == part;
}

void AuditReport::add(AuditReport&& other) {
    epochs.merge(other.epochs);
    heard.merge(other.heard);
    totals.add(other.totals);
    rewritten.add(other.rewritten);
    devices += other.devices;
    tables = std::max(tables, other.tables);
    adopted = adopted || other.adopted;
    for (std::string& problem : other.problems) {  // some are of no device, and told each time
        if (std::find(problems.begin(), problems.end(), problem) == problems.end())
            problems.push_back(std::move(problem));
    }
}

bool holds(const AuditReport& report, bool drained) {
    const AuditCounts& totals = report.totals;
    return report.problems.empty() && totals.holes == 0 && totals.duplicates == 0 &&
           totals.wrong == 0 && (!drained || (totals.in_flight == 0 && totals.awaited == 0));
}

}  // namespace longhaul::tools
