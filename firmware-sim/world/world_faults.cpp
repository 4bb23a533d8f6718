// What happens to the simulated collector: its faults, when they come and how they begin.
#include "firmware-sim/world/world_collector.hpp"

namespace longhaul::sim {
namespace {

constexpr std::int64_t second_ms = 1000;
constexpr std::uint64_t snapshot_steps = 20;  // about; the disk fails in one of them
constexpr std::uint64_t commit_steps = 3;

}  // namespace

using namespace longhaul::collector;

void WorldCollector::plan(Tag tag, std::int64_t every_s) {
    if (every_s == 0) return;
    const MonotonicMs at = scheduler_.now() + random_.between(second_ms, 2 * second_ms * every_s);
    if (at < settings_.healed_at) scheduler_.at(at, *this, tag);
}

void WorldCollector::begin_fault(Tag tag, MonotonicMs now) {
    const CollectorFaults& faults = settings_.faults;
    switch (tag) {
        case kill:
            counts_.kills += up_ ? 1 : 0;
            if (up_) go_down(now, killed);
            return plan(tag, faults.kill_every_s);
        case power:
            cut_power(now);
            return plan(tag, faults.power_every_s);
        case bad_disk:
            disk_.fail_after(1 + random_.below(60));
            cuts_disk_ = random_.one_in(2);
            return plan(tag, faults.disk_every_s);
        case bad_sync:
            ++counts_.failed_syncs;
            log_.add(now, EventLog::collector, Happening::sync_failed);
            disk_.fail_next_sync();
            return plan(tag, faults.sync_every_s);
        case snapshot:
            disk_.fail_after(random_.below(snapshot_steps), std::string{snapshots_folder} + "/");
            cuts_snapshot_ = true;
            return plan(tag, faults.snapshot_every_s);
        case commit:  // a commit is linked to its name, and then its folder is synced
            disk_.fail_after(random_.below(commit_steps), std::string{world_tenant} + "/");
            cuts_commit_ = true;
            return plan(tag, faults.commit_every_s);
        case rot:
            rots_ = true;
            return plan(tag, faults.rot_every_s);
        case kill_gateway:
            kill_one_gateway(now);
            return plan(tag, faults.gateway_every_s);
        default:
            ++counts_.times_full;
            disk_.set_full(full_ = true);
            log_.add(now, EventLog::collector, Happening::disk_full, 1);
            scheduler_.at(now + random_.between(second_ms, 2 * second_ms * faults.full_s), *this,
                          room);
            return plan(tag, faults.full_every_s);
    }
}

// Between two steps of the disk, or in one of the next ones.
void WorldCollector::cut_power(MonotonicMs now) {
    if (!up_) return;
    if (random_.one_in(2)) return go_down(now, by_power);
    disk_.fail_after(1 + random_.below(8));
    cuts_disk_ = true;
}

// The newest one, when there is one before it: the one that a start takes then.
void WorldCollector::damage_snapshot(MonotonicMs now) {
    const auto numbers = snapshot_numbers(disk_);
    if (!numbers.ok() || numbers.value().size() < 2 || rotten_) return;
    const std::string path = snapshot_path(numbers.value().front());
    const auto bytes = read_file(disk_, path);
    if (!bytes.ok()) return;
    rots_ = false;
    rotten_ = true;
    ++counts_.rotten;
    const auto bit = std::byte{static_cast<std::uint8_t>(1U << random_.below(8))};
    disk_.flip(path, random_.below(bytes.value().size()), bit);
    log_.add(now, EventLog::collector, Happening::snapshot_rots,
             static_cast<std::int64_t>(numbers.value().front()));
}

}  // namespace longhaul::sim
