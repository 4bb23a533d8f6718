// A device of `longhaul-sim fleet`: the shipping agent, its flash spool on simulated flash, and the
// link of the Linux agent, which is TLS over a socket. It stays connected, or boots for each batch,
// connects, hands it over, says goodbye and is off until the next.
#pragma once

#include <memory>
#include <optional>

#include "agent/core/agent.hpp"
#include "agent/core/flash_spool.hpp"
#include "agent/platform/linux/linux_ports.hpp"
#include "agent/platform/linux/tcp_link.hpp"
#include "agent/tls/tls_link.hpp"
#include "firmware-sim/fleet/fleet_site.hpp"
#include "firmware-sim/fleet/fleet_source.hpp"
#include "firmware-sim/sim_flash.hpp"

namespace longhaul::sim {

// What each device does.
struct FleetWork {
    const StreamPlan* plan = nullptr;
    std::int64_t samples = 0;
    std::int64_t per_batch = 0;  // samples; 0: it stays connected
};

// Of all boots together.
struct FleetDeviceCounts {
    std::int64_t produced = 0;
    std::int64_t stored = 0;
    std::int64_t lost = 0;
    std::uint64_t acked_samples = 0;
    std::uint64_t acked_blocks = 0;
    std::uint64_t sessions = 0;
    std::uint64_t wire_bytes = 0;  // TLS included, both directions
};

class FleetDevice {
 public:
    // `site`, the plan and `codecs` outlive the device; `number` is its place in the fleet.
    static Result<std::unique_ptr<FleetDevice>, Message> make(const FleetSite& site,
                                                              FleetIdentity identity,
                                                              const FleetWork& work,
                                                              std::uint32_t number,
                                                              const agent::CodecTools& codecs);
    ~FleetDevice() { forget_key(identity_.key); }
    FleetDevice(const FleetDevice&) = delete;
    FleetDevice& operator=(const FleetDevice&) = delete;

    // The moment of its first sample, and of its first boot. Comes before everything else.
    void switch_on(MonotonicMs at, WallUs wall);
    // Comes when due_at() is past or the socket is ready.
    void poll(MonotonicMs now);
    MonotonicMs due_at() const { return due_at_; }
    // It says goodbye and stays off; what it has not handed over stays with it.
    void stop(MonotonicMs now);

    int descriptor() const { return tcp_.descriptor(); }  // -1: none
    bool wants_write() const { return tcp_.wants_write(); }
    bool connected() const { return agent_ && agent_->uplink_status().connected; }
    // It has measured everything, and everything is acknowledged.
    bool drained() const { return drained_ && source_.given() == work_.samples; }
    bool is_off() const { return !agent_; }

    const std::string& name() const { return identity_.name; }
    std::uint32_t number() const { return number_; }
    const FleetSource& source() const { return source_; }
    Incarnation incarnation() const { return incarnation_; }
    FleetDeviceCounts counts() const;
    // "not connected: connection refused"
    std::string standing() const;

 private:
    FleetDevice(const FleetSite& site, FleetIdentity identity, const FleetWork& work,
                std::uint32_t number, const agent::CodecTools& codecs);
    void boot(MonotonicMs now);
    void leave(MonotonicMs now);
    void go_off();
    MonotonicMs next_boot() const;

    FleetIdentity identity_;
    FleetWork work_;
    std::uint32_t number_;
    agent::CodecTools codecs_;
    agent::LinuxEntropy entropy_;
    agent::LinuxWallClock clock_;
    agent::TcpLink tcp_;
    std::unique_ptr<agent::TlsLink> tls_;
    FleetSource source_;
    std::array<agent::Source*, 1> sources_{&source_};
    SimFlash flash_;
    agent::AgentSettings settings_;
    std::vector<std::byte> spool_memory_;
    std::vector<std::byte> memory_;
    std::optional<agent::FlashSpool> spool_;
    std::optional<agent::Agent> agent_;  // none: it is off
    Incarnation incarnation_;
    MonotonicMs due_at_ = MonotonicMs::never();
    bool leaving_ = false;
    bool stopped_ = false;             // for good
    bool drained_ = false;             // of what was due in this boot
    std::uint64_t acked_samples_ = 0;  // of earlier boots, as the next two
    std::uint64_t acked_blocks_ = 0;
    std::uint64_t sessions_ = 0;
};

}  // namespace longhaul::sim
