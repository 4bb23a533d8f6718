// A device of a simulated world: the shipping agent on its real flash spool, over simulated flash,
// link, clock and entropy, and what may happen to it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/agent.hpp"
#include "agent/core/flash_spool.hpp"
#include "firmware-sim/sim_flash.hpp"
#include "firmware-sim/world/authority.hpp"
#include "firmware-sim/world/forger.hpp"
#include "firmware-sim/world/network.hpp"
#include "firmware-sim/world/world_source.hpp"

namespace longhaul::sim {

enum class ClockKind : std::uint8_t {
    synchronized,  // right to some milliseconds, and it knows
    drifting,      // some minutes off, and nobody vouches for it
    jumping,       // like that, and now and then years off
    none,
};

// Faults come at random until the world is healed; 0: never.
struct DeviceFaults {
    std::int64_t power_cut_every_s = 0;
    std::int64_t off_s = 30;  // on average
    std::int64_t restart_every_s = 0;
    std::int64_t bad_sector_every_s = 0;
    std::int64_t bad_sectors_max = 2;  // of a device
    std::int64_t clock_jump_every_s = 0;
    std::int64_t half_open_every_s = 0;
    bool garbles = false;               // what it sends is changed on its way
    bool forges = false;                // what it seals and signs is nonsense inside
    std::int64_t rollback_every_s = 0;  // its flash becomes what it was once
    std::int64_t copied_at_s = 0;  // somebody copies its flash and its key, and runs the copy, too
};

struct DeviceSettings {
    std::string name;
    std::uint32_t number = 0;  // in the world
    bool is_copy = false;      // of the device before it, whose name it has
    agent::FlashGeometry flash{4096, 16, 1};
    std::uint64_t spool_bytes_max = 0;  // 0: what the flash has room for
    bool flash_loses_unsynced = false;
    agent::WhenFull when_full = agent::WhenFull::drop_oldest;
    ClockKind clock = ClockKind::synchronized;
    std::uint64_t write_bytes_per_day = 0;
    DeviceFaults faults;
    MonotonicMs healed_at;
    std::int64_t start_wall_us = 0;
    std::uint64_t seed = 0;

    // Of its own samples nothing is asked.
    bool hostile() const { return faults.garbles || faults.forges || faults.rollback_every_s != 0; }
};

// What all devices of a world share; outlives them.
struct DeviceWorld {
    Scheduler& scheduler;
    Network& network;
    EventLog& log;
    PublicKey sealing_key;
    agent::CodecTools codecs;
};

struct DeviceCounts {
    std::uint64_t boots = 0;
    std::uint64_t power_cuts = 0;
    std::uint64_t torn_writes = 0;  // cuts that fell into a program or an erase
    std::uint64_t restarts = 0;
    std::uint64_t bad_sectors = 0;
    std::uint64_t clock_jumps = 0;
    std::uint64_t copies = 0;  // of a device, that began to run
    std::uint64_t rollbacks = 0;
    std::uint64_t forged_sections = 0;
    std::uint64_t flash_faults = 0;  // programs, erases and reads that a bad sector changed
    std::uint64_t lost_steps = 0;    // of flash that had not been synced when the power failed
    std::uint64_t erases = 0;
    std::uint64_t mount_ms_max = 0;  // as a flash of 50 MHz takes it
};

class Device final : public Actor {
 public:
    // What a copy measures is numbered from here on, so that it can be told from its original.
    static constexpr std::int64_t first_of_copy = 1'000'000'000;

    enum Tag : std::uint64_t {
        wake,
        power_on,
        power_cut,
        brown_out,
        restart,
        bad_sector,
        jump,
        half_open,
        heal,
        copy,
        rollback
    };

    Device(const DeviceSettings& settings, DeviceIdentity identity,
           const std::vector<const StreamPlan*>& plans, const DeviceWorld& world);
    // What somebody makes of its flash and its key when the time has come; `of` outlives it.
    Device(const Device& of, const DeviceSettings& settings,
           const std::vector<const StreamPlan*>& plans)
        : Device{settings, of.identity_, plans, of.world_} {
        original_ = &of;
    }
    Device(const Device&) = delete;
    Device& operator=(const Device&) = delete;

    void on_event(MonotonicMs now, std::uint64_t tag) override;
    // Its sources end; afterwards it says when it has nothing left.
    void end_sources(MonotonicMs now);
    bool drained() const { return drained_; }
    // Its flash and its memory are given back; the oracle needs neither.
    void put_away();
    // Why not, for a person.
    std::string standing() const;

    const DeviceSettings& settings() const { return settings_; }
    const std::vector<std::unique_ptr<WorldSource>>& sources() const { return sources_; }
    DeviceCounts counts() const;
    // Sentences about what must not happen.
    const std::vector<std::string>& violations() const { return violations_; }
    std::size_t memory_bytes() const { return memory_.size() + spool_memory_.size(); }

 private:
    class Entropy final : public agent::Entropy {
     public:
        explicit Entropy(Random random) : random_{random} {}
        Status fill(MutableBytes room) override {
            random_.fill(room);
            return {};
        }

     private:
        Random random_;
    };
    class Clock final : public agent::WallClock {
     public:
        Clock(ClockKind kind, std::int64_t start_us, Random& random);
        void at(MonotonicMs world) { world_ = world; }
        std::int64_t jump(Random& random);  // returns by how many seconds it is off now
        agent::WallReading read() override;

     private:
        ClockKind kind_;
        std::int64_t start_us_;
        std::int64_t off_us_ = 0;
        MonotonicMs world_;
    };

    void boot(MonotonicMs now);
    void go_down(MonotonicMs now, std::int64_t off_ms);
    void cut_power(MonotonicMs now);
    void on_power_lost(MonotonicMs now);
    void run(MonotonicMs now);
    void wake_at(MonotonicMs time);
    void plan(Tag tag, std::int64_t every_s);
    void make_sector_bad(MonotonicMs now);
    void roll_back(MonotonicMs now);
    std::int64_t draw_off_ms();
    void check_memory();
    void violate(MonotonicMs now, std::string text);

    DeviceSettings settings_;
    DeviceIdentity identity_;
    DeviceWorld world_;
    const Device* original_ = nullptr;
    Random random_;
    Entropy entropy_;
    DeviceClock clock_;
    Clock wall_;
    SimFlash flash_;
    std::optional<SimFlash> flash_before_;  // what it is rolled back to
    std::optional<Forger> forger_;
    WorldLink link_;
    std::vector<std::unique_ptr<WorldSource>> sources_;
    std::vector<agent::Source*> agent_sources_;
    agent::AgentSettings agent_settings_;
    std::vector<std::byte> spool_memory_;
    std::vector<std::byte> memory_;
    std::optional<agent::FlashSpool> spool_;  // none: it is off
    std::optional<agent::Agent> agent_;
    MonotonicMs wakes_at_ = MonotonicMs::never();
    std::uint64_t blocks_logged_ = 0;
    std::uint64_t acked_logged_ = 0;
    bool drained_ = false;
    bool ending_ = false;
    DeviceCounts counts_;
    std::vector<std::string> violations_;
};

}  // namespace longhaul::sim
