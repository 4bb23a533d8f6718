// The agent with its ports, put together: what a main() has to do.
//
//     Device device{identity, who};
//     if (!device.begin().ok()) …                     // say why, reset
//     for (;;) { wait_until(device.poll(now())); }    // earlier, when the link or a source has
//     news
#pragma once

#include <optional>

#include "agent/core/agent.hpp"
#include "agent/core/flash_spool.hpp"
#include "agent/platform/template/ports.hpp"

namespace longhaul::agent::from_template {

class Device {
 public:
    // `who` says environment, tenant, device, firmware and the collector's sealing key; the rest of
    // it, what memory may be taken, is set here. crypto_init() came before; both outlive the
    // device.
    Device(Identity& identity, const AgentSettings& who);
    Device(const Device&) = delete;
    Device& operator=(const Device&) = delete;

    // Reads what is on the flash; an error is of the flash. Once, before poll().
    Status begin();
    // Does a bounded piece of work at `now`, milliseconds that never step back, and says when it
    // wants to be called again at the latest.
    MonotonicMs poll(MonotonicMs now) { return agent_->poll(now); }
    const AgentStatus& status() const { return agent_->status(); }

 private:
    TemplateFlash flash_;
    TemplateLink link_;
    TemplateEntropy entropy_;
    TemplateClock clock_;
    TemplateSource source_;
    std::array<Source*, 1> sources_{&source_};
    Codec2Encoder range_;
    std::array<std::byte, 512> plain_;
    alignas(8) std::array<std::byte, 3072> spool_memory_;
    alignas(8) std::array<std::byte, 16'384> agent_memory_;
    FlashSpool spool_;
    Identity& identity_;
    AgentSettings settings_;
    std::optional<Agent> agent_;
};

}  // namespace longhaul::agent::from_template
