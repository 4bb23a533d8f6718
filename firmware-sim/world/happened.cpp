#include "firmware-sim/world/happened.hpp"

#include "firmware-sim/world/world.hpp"

namespace longhaul::sim {
namespace {

constexpr Happened happened[] = {
    {"boots", [](const Report& r) { return r.devices.boots; }},
    {"power_cuts", [](const Report& r) { return r.devices.power_cuts; }},
    {"torn_writes", [](const Report& r) { return r.devices.torn_writes; }},
    {"lost_steps", [](const Report& r) { return r.devices.lost_steps; }},
    {"restarts", [](const Report& r) { return r.devices.restarts; }},
    {"bad_sectors", [](const Report& r) { return r.devices.bad_sectors; }},
    {"flash_faults", [](const Report& r) { return r.devices.flash_faults; }},
    {"clock_jumps", [](const Report& r) { return r.devices.clock_jumps; }},
    {"copies", [](const Report& r) { return r.devices.copies; }},
    {"rollbacks", [](const Report& r) { return r.devices.rollbacks; }},
    {"forged_sections", [](const Report& r) { return r.devices.forged_sections; }},
    {"refused_connects", [](const Report& r) { return r.network.refused_connects; }},
    {"half_opens", [](const Report& r) { return r.network.half_opens; }},
    {"garbled_writes", [](const Report& r) { return r.network.garbled_writes; }},
    {"lost_packets", [](const Report& r) { return r.network.paths.lost_packets; }},
    {"duplicated_packets", [](const Report& r) { return r.network.paths.duplicated_packets; }},
    {"held_behind", [](const Report& r) { return r.network.paths.held_behind; }},
    {"outage_waits", [](const Report& r) { return r.network.paths.outage_waits; }},
    {"budget_waits", [](const Report& r) { return r.network.paths.budget_waits; }},
    {"starts", [](const Report& r) { return r.collector.starts; }},
    {"crashes", [](const Report& r) { return r.collector.crashes; }},
    {"kills", [](const Report& r) { return r.collector.kills; }},
    {"gateway_kills", [](const Report& r) { return r.collector.gateway_kills; }},
    {"wandered", [](const Report& r) { return r.collector.wandered; }},
    {"disk_power_cuts", [](const Report& r) { return r.disk.power_cuts; }},
    {"disk_errors", [](const Report& r) { return r.disk.errors; }},
    {"sync_errors", [](const Report& r) { return r.disk.sync_errors; }},
    {"no_space", [](const Report& r) { return r.disk.no_space; }},
    {"files_cut", [](const Report& r) { return r.disk.files_cut; }},
    {"names_undone", [](const Report& r) { return r.disk.names_undone; }},
    {"sessions", [](const Report& r) { return r.collector.sessions; }},
    {"sessions_max", [](const Report& r) { return r.collector.sessions_max; }},
    {"refused_sessions", [](const Report& r) { return r.collector.refused_sessions; }},
    {"credit_waits", [](const Report& r) { return r.collector.waits; }},
    {"clone_alarms", [](const Report& r) { return r.collector.clone_alarms; }},
    {"gateway_blocks", [](const Report& r) { return r.collector.gateway_blocks; }},
    {"commits", [](const Report& r) { return r.collector.commits; }},
    {"interrupted_commits", [](const Report& r) { return r.collector.broken; }},
    {"snapshots", [](const Report& r) { return r.collector.snapshots; }},
    {"interrupted_snapshots", [](const Report& r) { return r.collector.halfway; }},
    {"damaged_snapshots", [](const Report& r) { return r.collector.rotten; }},
    {"snapshot_bytes_max", [](const Report& r) { return r.collector.snapshot_bytes_max; }},
    {"resumed", [](const Report& r) { return r.collector.resumed; }},
    {"journal_cut_bytes", [](const Report& r) { return r.collector.cut_bytes; }},
    {"merges", [](const Report& r) { return r.collector.merges; }},
    {"checkpoints", [](const Report& r) { return r.collector.checkpoints; }},
    {"unanswered", [](const Report& r) { return r.store.unanswered; }},
    {"late", [](const Report& r) { return r.store.late; }},
    {"denied", [](const Report& r) { return r.store.denied; }},
    {"taken", [](const Report& r) { return r.store.taken; }},
    {"checks", [](const Report& r) { return r.checks; }},
    {"quarantined", [](const Report& r) { return r.verdict.quarantined; }},
    {"doubted", [](const Report& r) { return r.verdict.doubted; }},
    {"unbounded", [](const Report& r) { return r.verdict.unbounded; }},
};

}  // namespace

std::span<const Happened> all_happened() { return happened; }

}  // namespace longhaul::sim
