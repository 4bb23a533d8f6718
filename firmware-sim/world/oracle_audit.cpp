// What the audit of the collector's disk says, beside what the oracle itself finds.
#include "collector/journal/local_journal.hpp"
#include "collector/lake/local_store.hpp"
#include "firmware-sim/world/oracle.hpp"

namespace longhaul::sim {
namespace {

constexpr std::size_t devices_a_part = 1500;  // of the audit, which holds their blocks

}  // namespace

// What `longhaul audit` says of the disk: in parts that fit into memory, or one by one where some
// are hostile.
void Oracle::check_audit() {
    std::vector<std::string> honest;
    for (const auto& device : devices_) {
        const DeviceSettings& settings = device->settings();
        if (!settings.hostile() && !is_double(settings.number)) honest.push_back(settings.name);
    }
    if (honest.size() != devices_.size()) return check_audit({}, honest);
    tools::AuditScope scope;
    scope.parts = static_cast<std::uint32_t>(1 + devices_.size() / devices_a_part);
    for (; scope.part < scope.parts; ++scope.part) check_audit(scope, {});
}

// Of the devices of the scope that are named; of all when none is.
void Oracle::check_audit(const tools::AuditScope& scope, const std::vector<std::string>& names) {
    collector::LocalStore lake{collector_.disk()};
    const auto contents = tools::read_lake(lake, scope);
    if (!contents.ok()) return violate("audit: " + contents.error().text);
    const auto journal = collector::LocalJournal::open_to_read(collector_.disk());
    if (!journal.ok()) return violate("audit: the journal: " + to_string(journal.error()));
    const auto settled = tools::settled_offsets(collector_.disk(), *journal.value());
    std::vector<tools::AuditScope> scopes{names.begin(), names.end()};
    if (names.empty()) scopes.push_back(scope);
    for (const tools::AuditScope& each : scopes) {
        const auto report = tools::audit(*journal.value(), contents.value(), each, settled);
        if (!report.ok()) return violate("audit: " + report.error().text);
        for (const std::string& problem : report.value().problems) violate("audit: " + problem);
        check_audited(report.value());
    }
}

void Oracle::check_audited(const tools::AuditReport& report) {
    if (tools::holds(report, complete_)) return;
    // Of a block without samples the tables say nothing: cut off, it seems to be awaited.
    std::map<EpochKey, std::uint64_t> empty;
    for (const auto& [block, samples] : collector_.acked())
        if (samples == 0) ++empty[{block.device, block.name.incarnation, block.name.epoch}];
    for (const auto& [name, counts] : report.epochs) {
        tools::AuditReport one;
        one.totals = counts;
        const auto device = static_cast<std::uint32_t>(numbers_.at(name.device));
        const auto cut_off = empty.find({device, {name.incarnation}, {name.epoch}});
        if (cut_off != empty.end())
            one.totals.awaited -= std::min(one.totals.awaited, cut_off->second);
        if (tools::holds(one, complete_)) continue;
        violate("audit: " + name.device + ": epoch " + std::to_string(name.epoch) + ": holes " +
                std::to_string(counts.holes) + ", duplicates " + std::to_string(counts.duplicates) +
                ", wrong " + std::to_string(counts.wrong) + ", in flight " +
                std::to_string(counts.in_flight) + ", awaited " + std::to_string(counts.awaited));
    }
}

}  // namespace longhaul::sim
