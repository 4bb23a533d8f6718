#include "firmware-sim/world/world.hpp"

#include <algorithm>

#include "common/base/check.hpp"
#include "firmware-sim/world/happened.hpp"

namespace longhaul::sim {
namespace {

constexpr std::int64_t start_wall_us = 1'800'000'000'000'000;  // a day in 2027
constexpr std::int64_t second_ms = 1000;
constexpr std::int64_t drain_step_ms = 1000;
constexpr std::uint64_t events_a_look = 4096;

void add(DeviceCounts& sum, const DeviceCounts& each) {
    sum.boots += each.boots;
    sum.power_cuts += each.power_cuts;
    sum.torn_writes += each.torn_writes;
    sum.restarts += each.restarts;
    sum.bad_sectors += each.bad_sectors;
    sum.clock_jumps += each.clock_jumps;
    sum.copies += each.copies;
    sum.rollbacks += each.rollbacks;
    sum.forged_sections += each.forged_sections;
    sum.flash_faults += each.flash_faults;
    sum.lost_steps += each.lost_steps;
    sum.erases += each.erases;
    sum.mount_ms_max = std::max(sum.mount_ms_max, each.mount_ms_max);
}

void judge(Verdict& verdict, const std::string& what, std::uint64_t found, std::int64_t allowed) {
    if (found <= static_cast<std::uint64_t>(allowed)) return;
    ++verdict.violation_count;
    verdict.violations.push_back("expect." + what + ": " + std::to_string(found) +
                                 ", and at most " + std::to_string(allowed) + " were expected");
}

}  // namespace

World::World(const Scenario& scenario, std::uint64_t seed)
    : scenario_{scenario},
      seed_{seed},
      healed_at_{scenario.duration_s * second_ms},
      ends_at_{healed_at_ + scenario.calm_s * second_ms},
      authority_{seed, {start_wall_us}},
      network_{scheduler_, log_},
      plain_(2 * limits::section_plain_bytes_max) {}

Result<std::unique_ptr<World>, Message> World::make(const Scenario& scenario, std::uint64_t seed) {
    std::unique_ptr<World> world{new World{scenario, seed}};
    LH_TRY(world->make_fleets());
    return world;
}

Result<void, Message> World::make_fleets() {
    for (const FleetPlan& fleet : scenario_.fleets) {
        std::vector<const StreamPlan*> plans;
        for (const std::string& name : fleet.generators)
            plans.push_back(plans_.emplace_back(make_generator(name, seed_)).get());
        for (const RecordingUse& use : fleet.recordings) {
            LH_TRY_ASSIGN(auto plan, make_recorded(use, seed_));
            plans.push_back(plans_.emplace_back(std::move(plan)).get());
        }
        for (std::int64_t at = 0; at < fleet.devices; ++at) make_device(fleet, at, plans);
    }
    CollectorSettings settings = scenario_.collector;
    settings.healed_at = healed_at_;
    settings.start_wall_us = start_wall_us;
    settings.seed = seed_;
    std::vector<std::string> names;
    for (const auto& device : devices_) names.push_back(device->settings().name);
    collector_ = std::make_unique<WorldCollector>(settings, authority_, std::move(names),
                                                  scheduler_, network_, log_);
    for (const auto& device : devices_)
        if (device->settings().hostile()) collector_->let_seem_double(device->settings().number);
    network_.set_listener(*collector_);
    return {};
}

void World::make_device(const FleetPlan& fleet, std::int64_t at,
                        const std::vector<const StreamPlan*>& plans) {
    DeviceSettings settings = fleet.device;
    settings.name = fleet.name + "-" + std::to_string(at);
    settings.healed_at = healed_at_;
    settings.start_wall_us = start_wall_us;
    settings.seed = seed_;
    settings.number = add_port(fleet, settings.name);
    devices_.push_back(
        std::make_unique<Device>(settings, authority_.issue(settings.name), plans,
                                 DeviceWorld{scheduler_,
                                             network_,
                                             log_,
                                             public_key_of(authority_.sealing_key()).value(),
                                             {&range_, &zstd_, plain_}}));
    network_.set_device(settings.number, *devices_.back());
    if (settings.faults.copied_at_s == 0) return;
    const Device& original = *devices_.back();
    settings.is_copy = true;
    settings.number = add_port(fleet, settings.name + "/copy");
    devices_.push_back(std::make_unique<Device>(original, settings, plans));
    network_.set_device(settings.number, *devices_.back());
}

std::uint32_t World::add_port(const FleetPlan& fleet, const std::string& name) {
    return network_.add_port(
        {Path{fleet.link, fleet.outages, healed_at_, Random{seed_, name + "/path"}}, nullptr,
         Device::wake});
}

Result<void, Message> World::follow(const std::string& device, EventLog::TakeLine take) {
    for (const auto& each : devices_) {
        if (each->settings().name != device) continue;
        log_.follow(each->settings().number, std::move(take));
        return {};
    }
    return Message{"there is no device \"" + device + "\"; the first one is \"" +
                   devices_.front()->settings().name + "\""};
}

void World::run_until(MonotonicMs end, const TellProgress& tell) {
    for (std::uint64_t i = 1; scheduler_.step(end); ++i) {
        if (i % events_a_look == 0 && tell)
            tell({Progress::Stage::runs, scheduler_.now().value / second_ms,
                  ends_at_.value / second_ms});
    }
}

// With the oracle's eye on what holds at any time; once it does not, the rest of the run says why.
void World::run_and_check(MonotonicMs end, const TellProgress& tell) {
    const std::int64_t every_ms = scenario_.check_every_s * second_ms;
    while (every_ms != 0 && found_midway_.empty() && scheduler_.now() + every_ms < end) {
        run_until(scheduler_.now() + every_ms, tell);
        ++checks_;
        const Verdict verdict = Oracle{devices_, *collector_}.judge_midway();
        for (const std::string& text : verdict.violations)
            found_midway_.push_back("after " + std::to_string(scheduler_.now().value / second_ms) +
                                    " s: " + text);
    }
    run_until(end, tell);
}

// Until nothing is left, or the time is over.
bool World::drain(MonotonicMs end, const TellProgress& tell) {
    bool asked = false;
    while (scheduler_.now() < end) {
        if (tell)
            tell({Progress::Stage::drains, (scheduler_.now() - ends_at_) / second_ms,
                  (end - ends_at_) / second_ms});
        const MonotonicMs next = std::min(end, scheduler_.now() + drain_step_ms);
        while (scheduler_.step(next)) {
        }
        const bool devices_done = std::all_of(
            devices_.begin(), devices_.end(),
            [](const auto& each) { return each->drained() || each->settings().hostile(); });
        if (!devices_done) continue;
        if (asked && collector_->drained()) return true;
        if (!asked) collector_->request_barrier(scheduler_.now());
        asked = true;
    }
    return false;
}

Report World::run(const TellProgress& tell) {
    run_and_check(ends_at_, tell);
    for (const auto& device : devices_) device->end_sources(scheduler_.now());
    const bool done = drain(ends_at_ + scenario_.expect.drain_s_max * second_ms, tell);
    const std::int64_t drained_s = (scheduler_.now() - ends_at_) / second_ms;
    if (tell) tell({Progress::Stage::judges, drained_s, drained_s});
    Report result = report();
    const std::string waiting = done ? std::string{} : who_has_not_drained();
    for (const auto& device : devices_) device->put_away();
    Oracle oracle{devices_, *collector_};
    result.verdict = oracle.judge(done);
    result.verdict.violation_count += found_midway_.size();
    result.verdict.violations.insert(result.verdict.violations.begin(), found_midway_.begin(),
                                     found_midway_.end());
    if (done) result.drained_after_ms = scheduler_.now() - ends_at_;
    if (!done) {
        ++result.verdict.violation_count;
        result.verdict.violations.push_back("not everything has drained within " +
                                            std::to_string(scenario_.expect.drain_s_max) +
                                            " s, for example " + waiting);
    }
    expect(result);
    return result;
}

std::string World::who_has_not_drained() const {
    for (const auto& device : devices_) {
        if (device->drained() || device->settings().hostile()) continue;
        return device->settings().name + ": " + device->standing();
    }
    return "the collector: " + collector_->standing();
}

void World::expect(Report& report) const {
    const Expectations& expected = scenario_.expect;
    judge(report.verdict, "lost", report.verdict.lost, expected.lost_max);
    judge(report.verdict, "cut", report.verdict.cut, expected.cut_max);
    judge(report.verdict, "quarantined", report.verdict.quarantined, expected.quarantined_max);
    if (expected.snapshot_bytes_max != 0)
        judge(report.verdict, "snapshot_bytes", report.collector.snapshot_bytes_max,
              expected.snapshot_bytes_max);
    const auto demand = [&report](const std::string& what, std::uint64_t found, std::int64_t least,
                                  const char* did) {
        if (found >= static_cast<std::uint64_t>(least)) return;
        ++report.verdict.violation_count;
        report.verdict.violations.push_back("expect." + what + ": only " + std::to_string(found) +
                                            did + ", and at least " + std::to_string(least) +
                                            " were expected");
    };
    demand("samples_min", report.verdict.samples, expected.samples_min, " were measured");
    for (const Happened& each : all_happened()) {
        const auto least = expected.happened_min.find(each.name);
        if (least != expected.happened_min.end())
            demand("happened." + least->first, each.count(report), least->second, "");
    }
}

Report World::report() const {
    Report report;
    report.seed = seed_;
    for (const auto& device : devices_) add(report.devices, device->counts());
    report.collector = collector_->counts();
    report.disk = collector_->disk_counts();
    report.store = collector_->store_counts();
    report.network = network_.counts();
    report.device_count = devices_.size();
    report.simulated_ms = scheduler_.now().value;
    report.link_bytes = network_.bytes_carried();
    report.events = scheduler_.happened();
    report.log_hash = log_.hash();
    report.checks = checks_;
    return report;
}

}  // namespace longhaul::sim
