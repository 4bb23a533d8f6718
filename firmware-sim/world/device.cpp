#include "firmware-sim/world/device.hpp"

#include <algorithm>

namespace longhaul::sim {
namespace {

constexpr std::size_t guard_bytes = 64;
constexpr std::byte guard{0xa5};
constexpr int polls_max = 64;
constexpr std::int64_t second_ms = 1000;
constexpr std::int64_t brown_out_ms_max = 500;
constexpr std::uint64_t mount_ms_allowed = 1000;

std::vector<std::byte> guarded(std::size_t bytes) {
    std::vector<std::byte> memory(bytes + guard_bytes);
    std::fill(memory.end() - guard_bytes, memory.end(), guard);
    return memory;
}
MutableBytes usable(std::vector<std::byte>& memory) {
    return MutableBytes{memory}.first(memory.size() - guard_bytes);
}
bool is_whole(const std::vector<std::byte>& memory) {
    return std::all_of(memory.end() - guard_bytes, memory.end(),
                       [](std::byte each) { return each == guard; });
}

// What chance does to a copy is not what it does to its original.
std::string own_name(const DeviceSettings& settings) {
    return settings.is_copy ? settings.name + "/copy" : settings.name;
}

agent::SpoolPolicy policy_of(const DeviceSettings& settings) {
    agent::SpoolPolicy policy;
    policy.bytes_max = settings.spool_bytes_max != 0
                           ? settings.spool_bytes_max
                           : std::uint64_t{settings.flash.sectors} * settings.flash.sector_bytes;
    for (agent::ClassPolicy& each : policy.classes) each.when_full = settings.when_full;
    return policy;
}

}  // namespace

Device::Clock::Clock(ClockKind kind, std::int64_t start_us, Random& random)
    : kind_{kind}, start_us_{start_us} {
    if (kind_ == ClockKind::synchronized) off_us_ = random.between(-4'000, 4'000);
    if (kind_ == ClockKind::drifting || kind_ == ClockKind::jumping)
        off_us_ = random.between(-600'000'000, 600'000'000);
}

std::int64_t Device::Clock::jump(Random& random) {
    constexpr std::int64_t ten_years_s = 315'360'000;
    const std::int64_t off_s = random.between(-ten_years_s, ten_years_s);
    off_us_ = off_s * 1'000'000;
    return off_s;
}

agent::WallReading Device::Clock::read() {
    if (kind_ == ClockKind::none) return {};
    const bool synchronized = kind_ == ClockKind::synchronized;
    return {true,
            synchronized,
            {start_us_ + world_.value * 1000 + off_us_},
            synchronized ? 5'000 : agent::error_us_unbounded};
}

Device::Device(const DeviceSettings& settings, DeviceIdentity identity,
               const std::vector<const StreamPlan*>& plans, const DeviceWorld& world)
    : settings_{settings},
      identity_{std::move(identity)},
      world_{world},
      random_{settings.seed, own_name(settings)},
      entropy_{Random{settings.seed, own_name(settings) + "/entropy"}},
      wall_{settings.clock, settings.start_wall_us, random_},
      flash_{settings.flash, static_cast<std::uint32_t>(random_.next())},
      link_{world.network, settings.number},
      spool_memory_{guarded(agent::FlashSpool::memory_bytes(settings.flash))} {
    if (settings_.flash_loses_unsynced) flash_.lose_unsynced();
    clock_.ppm = random_.between(-90, 90);
    for (const StreamPlan* each : plans) {
        sources_.push_back(std::make_unique<WorldSource>(
            *each, settings_.number, settings_.is_copy ? first_of_copy : 0, clock_,
            settings_.start_wall_us,
            Random{settings_.seed, own_name(settings_) + "/" + each->name()}));
        agent_sources_.push_back(sources_.back().get());
    }
    agent_settings_.environment = world_environment;
    agent_settings_.tenant = world_tenant;
    agent_settings_.device = settings_.name;
    agent_settings_.firmware = "simulated";
    agent_settings_.sealing_key = world_.sealing_key;
    agent_settings_.body_bytes_max = agent_settings_.stored_body_bytes_max = 1100;
    agent_settings_.staging_bytes = 8 * 1024;
    agent_settings_.schema_bytes_max = 0;  // what the longest one takes
    for (const auto& source : sources_)
        agent_settings_.schema_bytes_max =
            std::max(agent_settings_.schema_bytes_max, source->plan().encoded_schema().size());
    agent_settings_.write_bytes_per_day = settings_.write_bytes_per_day;
    memory_ = guarded(agent::Agent::memory_bytes(agent_settings_, agent_sources_));

    const DeviceFaults& faults = settings_.faults;
    plan(power_cut, faults.power_cut_every_s);
    plan(restart, faults.restart_every_s);
    plan(bad_sector, faults.bad_sector_every_s);
    plan(jump, faults.clock_jump_every_s);
    plan(half_open, faults.half_open_every_s);
    plan(rollback, faults.rollback_every_s);
    if (faults.forges) forger_.emplace(*world_.codecs.compression);
    if (faults.garbles) link_.garble(Random{settings_.seed, settings_.name + "/garbles"});
    world_.scheduler.at(settings_.healed_at, *this, heal);
    // A fleet that is switched on is not switched on in one millisecond.
    const std::int64_t after_ms = random_.between(0, 5 * second_ms);
    if (settings_.is_copy) {
        world_.scheduler.at({faults.copied_at_s * second_ms + after_ms}, *this, copy);
    } else {
        world_.scheduler.at({after_ms}, *this, power_on);
    }
}

// The next fault of a kind, if it comes before the world is healed.
void Device::plan(Tag tag, std::int64_t every_s) {
    if (every_s == 0) return;
    const MonotonicMs at =
        world_.scheduler.now() + random_.between(second_ms, 2 * second_ms * every_s);
    if (at < settings_.healed_at) world_.scheduler.at(at, *this, tag);
}

void Device::on_event(MonotonicMs now, std::uint64_t tag) {
    const DeviceFaults& faults = settings_.faults;
    switch (static_cast<Tag>(tag)) {
        case wake:
            return run(now);
        case power_on:
            return boot(now);
        case power_cut:
            cut_power(now);
            return plan(power_cut, faults.power_cut_every_s);
        case brown_out:
            return cut_power(now);
        case restart:
            if (agent_) {
                ++counts_.restarts;
                world_.log.add(now, settings_.number, Happening::restart);
                go_down(now, 1);
            }
            return plan(restart, faults.restart_every_s);
        case bad_sector:
            make_sector_bad(now);
            return plan(bad_sector, faults.bad_sector_every_s);
        case jump:
            ++counts_.clock_jumps;
            world_.log.add(now, settings_.number, Happening::clock_jump, wall_.jump(random_));
            return plan(jump, faults.clock_jump_every_s);
        case half_open:
            world_.network.make_half_open(settings_.number, now);
            return plan(half_open, faults.half_open_every_s);
        case copy:
            ++counts_.copies;
            flash_ = original_->flash_;
            flash_.power_on();
            return boot(now);
        case rollback:
            roll_back(now);
            return plan(rollback, faults.rollback_every_s);
        case heal:  // no cut waits for the flash's next step any more
            return flash_.cut_power_after(UINT64_MAX, SimFlash::Torn::nothing);
    }
}

// The first time it is photographed. Later it sends other blocks under numbers that it has used.
void Device::roll_back(MonotonicMs now) {
    if (!agent_) return;
    if (!flash_before_) {
        flash_before_ = flash_;
        return;
    }
    ++counts_.rollbacks;
    world_.log.add(now, settings_.number, Happening::rollback);
    go_down(now, second_ms);
    flash_ = *flash_before_;
    flash_.power_on();
}

// Between two steps of the flash, or in one of the next ones.
void Device::cut_power(MonotonicMs now) {
    if (!agent_) return;
    if (!settings_.flash_loses_unsynced && random_.one_in(2)) {
        ++counts_.power_cuts;
        world_.log.add(now, settings_.number, Happening::power_cut);
        return go_down(now, draw_off_ms());
    }
    const auto torn = SimFlash::torn_modes[random_.below(SimFlash::torn_modes.size())];
    flash_.cut_power_after(1 + random_.below(40), torn);
}

void Device::on_power_lost(MonotonicMs now) {
    ++counts_.power_cuts;
    ++counts_.torn_writes;
    world_.log.add(now, settings_.number, Happening::power_cut, 1);
    go_down(now, draw_off_ms());
}

// One in four comes back at once, and sometimes is cut again while it starts.
std::int64_t Device::draw_off_ms() {
    const bool brief = random_.one_in(4);
    if (brief && random_.one_in(2) && world_.scheduler.now() < settings_.healed_at)
        world_.scheduler.at(world_.scheduler.now() + random_.between(1, 4 * brown_out_ms_max),
                            *this, Tag::brown_out);
    return brief ? random_.between(10, brown_out_ms_max)
                 : random_.between(second_ms, 2 * second_ms * settings_.faults.off_s);
}

void Device::make_sector_bad(MonotonicMs now) {
    if (counts_.bad_sectors == static_cast<std::uint64_t>(settings_.faults.bad_sectors_max)) return;
    using Fault = SimFlash::Fault;
    constexpr std::array faults{Fault::error, Fault::ignored, Fault::flips, Fault::stuck_erase,
                                Fault::stuck};
    const auto sector = static_cast<std::uint32_t>(random_.below(settings_.flash.sectors));
    const std::size_t fault = random_.below(faults.size());
    ++counts_.bad_sectors;
    flash_.set_fault(sector, faults[fault]);
    world_.log.add(now, settings_.number, Happening::bad_sector, sector,
                   static_cast<std::int64_t>(fault));
}

void Device::boot(MonotonicMs now) {
    if (agent_) return;
    if (flash_.power_lost()) flash_.power_on();
    flash_.count_from_here();
    clock_.booted_at = now;
    spool_.emplace(flash_, policy_of(settings_), entropy_, usable(spool_memory_));
    const Status opened = spool_->open();
    if (!opened.ok()) {
        spool_.reset();
        world_.log.add(now, settings_.number, Happening::boot_failed,
                       static_cast<std::int64_t>(opened.error().code));
        if (flash_.power_lost()) return on_power_lost(now);
        violate(now, "its spool cannot be opened: " + to_string(opened.error()));
        return;
    }
    ++counts_.boots;
    constexpr std::uint64_t ms_ns = 1'000'000;
    counts_.mount_ms_max = std::max(counts_.mount_ms_max, flash_.totals().time_ns / ms_ns);
    if (flash_.totals().time_ns / ms_ns > mount_ms_allowed)
        violate(now, "opening its spool took longer than a second");
    world_.log.add(now, settings_.number, Happening::boot,
                   spool_->previous_end().value().epoch.value);
    for (const auto& source : sources_)
        source->on_boot(now, static_cast<std::uint32_t>(counts_.boots));
    agent::CodecTools codecs = world_.codecs;
    if (forger_) codecs.compression = &*forger_;
    agent_.emplace(agent_settings_,
                   agent::Ports{*spool_, link_, entropy_, identity_, wall_, agent_sources_, codecs},
                   usable(memory_));
    blocks_logged_ = acked_logged_ = 0;
    wakes_at_ = MonotonicMs::never();
    run(now);
}

void Device::go_down(MonotonicMs now, std::int64_t off_ms) {
    check_memory();
    link_.at(now);
    link_.power_cut();
    counts_.erases += flash_.totals().erases;
    agent_.reset();
    spool_.reset();
    drained_ = false;
    world_.scheduler.at(now + off_ms, *this, power_on);
}

void Device::run(MonotonicMs now) {
    if (wakes_at_ <= now) wakes_at_ = MonotonicMs::never();
    if (!agent_) return;
    link_.at(now);
    wall_.at(now);
    for (const auto& source : sources_) source->at(now);
    const MonotonicMs device_now = clock_.of_world(now);
    MonotonicMs next = device_now;
    for (int i = 0; i < polls_max && next <= device_now; ++i) {
        next = agent_->poll(device_now);
        if (flash_.power_lost()) return on_power_lost(now);
    }
    const std::uint64_t blocks = agent_->status().blocks;
    const std::uint64_t acked = agent_->uplink_status().acked_blocks;
    if (blocks != blocks_logged_)
        world_.log.add(now, settings_.number, Happening::blocks_stored,
                       static_cast<std::int64_t>(blocks));
    if (acked != acked_logged_)
        world_.log.add(now, settings_.number, Happening::blocks_acked,
                       static_cast<std::int64_t>(acked));
    blocks_logged_ = blocks;
    acked_logged_ = acked;
    if (ending_ && !drained_ && agent_->drained()) {
        drained_ = true;
        world_.log.add(now, settings_.number, Happening::drained);
    }
    wake_at(next <= device_now ? now + 1 : clock_.to_world(next));
}

// One event is enough: it asks again.
void Device::wake_at(MonotonicMs time) {
    if (time >= wakes_at_) return;
    wakes_at_ = time;
    world_.scheduler.at(time, *this, wake);
}

void Device::end_sources(MonotonicMs now) {
    ending_ = true;
    for (const auto& source : sources_) source->end();
    world_.scheduler.at(now, *this, wake);
}

void Device::put_away() {
    if (agent_) check_memory();
    agent_.reset();
    spool_.reset();
    // With its type: an assigned {} leaves a vector its room.
    memory_ = std::vector<std::byte>{};
    spool_memory_ = std::vector<std::byte>{};
    flash_.put_away();
}

std::string Device::standing() const {
    if (!agent_) return "it is off";
    std::string text;
    for (std::size_t i = 0; i < block_class_count; ++i) {
        const char* const trouble = agent_->status().class_trouble[i];
        if (*trouble != '\0') text += std::string{"class stopped: "} + trouble + "; ";
    }
    if (*agent_->status().trouble != '\0')
        text += std::string{"trouble: "} + agent_->status().trouble + "; ";
    text += agent_->uplink_status().connected ? "connected" : "not connected";
    if (*agent_->uplink_status().last_trouble != '\0')
        text += std::string{", last: "} + agent_->uplink_status().last_trouble;
    if (agent_->uplink_status().last_bye[0] != '\0')
        text += std::string{", the collector said: "} + agent_->uplink_status().last_bye.data();
    return text + ", losses to tell: " + std::to_string(agent_->losses().entries().size());
}

DeviceCounts Device::counts() const {
    DeviceCounts counts = counts_;
    counts.flash_faults += flash_.faults_met();
    counts.lost_steps += flash_.steps_lost();
    counts.forged_sections = forger_ ? forger_->forged() : 0;
    return counts;
}

void Device::check_memory() {
    if (!is_whole(memory_) || !is_whole(spool_memory_))
        violate(world_.scheduler.now(), "it has written beyond the memory that it was given");
}

void Device::violate(MonotonicMs now, std::string text) {
    world_.log.add(now, settings_.number, Happening::violation);
    violations_.push_back(settings_.name + ": " + std::move(text));
}

}  // namespace longhaul::sim
