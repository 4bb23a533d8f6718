#include "agent/platform/linux/hosted_device.hpp"

#include <algorithm>

#include "agent/platform/linux/nmea_source.hpp"

namespace longhaul::agent {

Result<std::unique_ptr<HostedDevice>, Message> HostedDevice::make(const AgentConfig& config,
                                                                  std::string_view firmware,
                                                                  const TraceLibrary& library) {
    std::unique_ptr<HostedDevice> device{new HostedDevice{config}};
    LH_TRY(device->build(firmware, library));
    return device;
}

Result<void, Message> HostedDevice::build_sources(const TraceLibrary& library) {
    LH_TRY_ASSIGN(traces_, library.sources(config_));
    for (const NmeaConfig& nmea : config_.nmea) live_.push_back(std::make_unique<NmeaSource>(nmea));
    for (const auto& source : traces_) source_list_.push_back(source.get());
    for (const auto& source : live_) source_list_.push_back(source.get());
    return {};
}

Result<void, Message> HostedDevice::build(std::string_view firmware, const TraceLibrary& library) {
    LH_TRY(build_sources(library));
    LH_TRY_ASSIGN(credentials_, Credentials::load(config_));

    auto tls = TlsLink::make(credentials_->tls(config_.server_name), tcp_);
    if (!tls.ok()) return Message{config_.path + ": " + to_string(tls.error())};
    tls_ = std::move(tls).value();
    LH_TRY_ASSIGN(spool_, SqliteSpool::open(config_.spool_path, config_.spool_bytes_max, entropy_));

    AgentSettings settings;
    settings.environment = config_.environment;
    settings.tenant = config_.tenant;
    settings.device = config_.name;
    settings.firmware = firmware;
    settings.boot_cause = longhaul_BootCause_BOOT_CAUSE_PROCESS_START;
    settings.sealing_key = credentials_->sealing_key();
    settings.body_bytes_max = config_.body_bytes_max;
    memory_.resize(Agent::memory_bytes(settings, source_list_));
    const Ports ports{*spool_, *tls_, entropy_, *credentials_, clock_, source_list_};
    agent_ = std::make_unique<Agent>(settings, ports, memory_);
    return {};
}

void HostedDevice::poll(MonotonicMs now) {
    for (const auto& source : live_) source->pump(now);
    due_at_ = agent_->poll(now);
    for (const auto& source : live_) due_at_ = std::min(due_at_, source->pump_at());
}

void HostedDevice::watch(std::vector<pollfd>& watched) const {
    const short writable = tcp_.wants_write() ? POLLOUT : short{0};
    watched.push_back({tcp_.descriptor(), static_cast<short>(POLLIN | writable), 0});
    if (stopping_) return;
    for (const auto& source : live_) source->watch(watched);
}

void HostedDevice::stop(MonotonicMs now) {
    if (stopping_) return;
    stopping_ = true;
    agent_->stop(now);
    for (const auto& source : live_) source->stop();
    wake();
}

}  // namespace longhaul::agent
