#include "firmware-sim/fleet/fleet_device.hpp"

#include <algorithm>

#include "common/base/check.hpp"

namespace longhaul::sim {
namespace {

constexpr agent::FlashGeometry flash_of_a_device{4096, 16, 1};
constexpr std::size_t body_bytes_max = 1100;
constexpr std::size_t staging_bytes = 8 * 1024;

// The fleet may wait: what there is no room for stays with the source.
agent::SpoolPolicy policy() {
    agent::SpoolPolicy policy;
    policy.bytes_max = std::uint64_t{flash_of_a_device.sectors} * flash_of_a_device.sector_bytes;
    for (agent::ClassPolicy& each : policy.classes) each.when_full = agent::WhenFull::stop;
    return policy;
}

}  // namespace

FleetDevice::FleetDevice(const FleetSite& site, FleetIdentity identity, const FleetWork& work,
                         std::uint32_t number, const agent::CodecTools& codecs)
    : identity_{std::move(identity)},
      work_{work},
      number_{number},
      codecs_{codecs},
      tcp_{site.collector()},
      source_{*work.plan, number, work.samples},
      flash_{flash_of_a_device},
      spool_memory_(agent::FlashSpool::memory_bytes(flash_of_a_device)) {
    settings_.environment = site.environment();
    settings_.tenant = site.tenant();
    settings_.device = identity_.name;
    settings_.firmware = "longhaul-sim fleet";
    settings_.sealing_key = site.sealing_key();
    settings_.body_bytes_max = settings_.stored_body_bytes_max = body_bytes_max;
    settings_.staging_bytes = staging_bytes;
    memory_.resize(agent::Agent::memory_bytes(settings_, sources_));
}

Result<std::unique_ptr<FleetDevice>, Message> FleetDevice::make(const FleetSite& site,
                                                                FleetIdentity identity,
                                                                const FleetWork& work,
                                                                std::uint32_t number,
                                                                const agent::CodecTools& codecs) {
    std::unique_ptr<FleetDevice> device{
        new FleetDevice{site, std::move(identity), work, number, codecs}};
    const FleetIdentity& who = device->identity_;
    auto tls = agent::TlsLink::make({site.root_pem(), who.identity.certificate(), who.key,
                                     site.server_name(), site.issuer_der()},
                                    device->tcp_);
    if (!tls.ok()) return Message{who.name + ": " + to_string(tls.error())};
    device->tls_ = std::move(tls).value();
    return device;
}

void FleetDevice::switch_on(MonotonicMs at, WallUs wall) {
    source_.begin(at, wall);
    due_at_ = next_boot();
}

// When a batch is full, or has what is left.
MonotonicMs FleetDevice::next_boot() const {
    if (stopped_ || source_.given() == work_.samples) return MonotonicMs::never();
    const std::int64_t waits = std::max<std::int64_t>(work_.per_batch, 1);
    return source_.due_at(std::min(source_.given() + waits, work_.samples) - 1);
}

void FleetDevice::boot(MonotonicMs now) {
    spool_.emplace(flash_, policy(), entropy_, spool_memory_);
    LH_CHECK(spool_->open().ok());  // nothing ever happens to this flash
    incarnation_ = spool_->incarnation();
    if (work_.per_batch != 0) source_.end_batch_at(now);
    leaving_ = drained_ = false;
    agent_.emplace(
        settings_,
        agent::Ports{*spool_, *tls_, entropy_, identity_.identity, clock_, sources_, codecs_},
        memory_);
}

void FleetDevice::poll(MonotonicMs now) {
    if (!agent_) {
        if (now < next_boot()) return;
        boot(now);
    }
    due_at_ = agent_->poll(now);
    const bool all_given = source_.next_at() == MonotonicMs::never();
    if (!leaving_ && !drained_ && all_given) drained_ = agent_->drained();
    if (!leaving_ && drained_ && work_.per_batch != 0) leave(now);
    if (leaving_ && agent_->stopped()) go_off();
}

void FleetDevice::leave(MonotonicMs now) {
    leaving_ = true;
    agent_->stop(now);
    due_at_ = now;
}

void FleetDevice::go_off() {
    const agent::UplinkStatus& status = agent_->uplink_status();
    acked_samples_ += status.acked_samples;
    acked_blocks_ += status.acked_blocks;
    sessions_ += status.sessions;
    agent_.reset();
    spool_.reset();
    due_at_ = next_boot();
}

void FleetDevice::stop(MonotonicMs now) {
    stopped_ = true;
    if (agent_ && !leaving_) leave(now);
    if (!agent_) due_at_ = MonotonicMs::never();
}

FleetDeviceCounts FleetDevice::counts() const {
    FleetDeviceCounts counts;
    counts.produced = source_.given();
    counts.stored = source_.stored_count();
    counts.lost = source_.lost_count();
    counts.acked_samples = acked_samples_;
    counts.acked_blocks = acked_blocks_;
    counts.sessions = sessions_;
    counts.wire_bytes = tcp_.wire_bytes();
    if (!agent_) return counts;
    counts.acked_samples += agent_->uplink_status().acked_samples;
    counts.acked_blocks += agent_->uplink_status().acked_blocks;
    counts.sessions += agent_->uplink_status().sessions;
    return counts;
}

std::string FleetDevice::standing() const {
    if (!agent_) return "off";
    const agent::UplinkStatus& uplink = agent_->uplink_status();
    const agent::AgentStatus& status = agent_->status();
    if (*status.trouble != '\0') return status.trouble;
    if (uplink.connected) return "connected";
    std::string why = uplink.last_trouble;
    if (*status.link_trouble != '\0') why = status.link_trouble;
    if (uplink.last_bye[0] != '\0')
        why = std::string{"the collector says: "} + uplink.last_bye.data();
    return why.empty() ? "not connected yet" : "not connected: " + why;
}

}  // namespace longhaul::sim
