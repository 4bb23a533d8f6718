#include "agent/platform/linux/hosted_device.hpp"

namespace longhaul::agent {

Result<std::unique_ptr<HostedDevice>, Message> HostedDevice::make(const AgentConfig& config,
                                                                  std::string_view firmware,
                                                                  const TraceLibrary& library) {
    std::unique_ptr<HostedDevice> device{new HostedDevice{config}};
    LH_TRY(device->build(firmware, library));
    return device;
}

Result<void, Message> HostedDevice::build(std::string_view firmware, const TraceLibrary& library) {
    LH_TRY_ASSIGN(sources_, library.sources(config_));
    for (const auto& source : sources_) source_list_.push_back(source.get());
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

}  // namespace longhaul::agent
