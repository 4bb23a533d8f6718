// One device of this process: its ports, its memory and its agent.
#pragma once

#include <memory>
#include <vector>

#include "agent/core/agent.hpp"
#include "agent/platform/linux/credentials.hpp"
#include "agent/platform/linux/linux_ports.hpp"
#include "agent/platform/linux/sqlite_spool.hpp"
#include "agent/platform/linux/tcp_link.hpp"
#include "agent/platform/linux/trace_library.hpp"

namespace longhaul::agent {

class HostedDevice {
 public:
    // `firmware` and the library outlive the device.
    static Result<std::unique_ptr<HostedDevice>, Message> make(const AgentConfig& config,
                                                               std::string_view firmware,
                                                               const TraceLibrary& library);
    HostedDevice(const HostedDevice&) = delete;
    HostedDevice& operator=(const HostedDevice&) = delete;

    const std::string& name() const { return config_.name; }
    Agent& agent() { return *agent_; }
    const Agent& agent() const { return *agent_; }
    const TcpLink& tcp() const { return tcp_; }

    // When agent().poll() is to be called next, unless the descriptor becomes ready first.
    MonotonicMs due_at;
    bool stopping = false;

 private:
    explicit HostedDevice(const AgentConfig& config) : config_{config}, tcp_{config.address} {}
    Result<void, Message> build(std::string_view firmware, const TraceLibrary& library);

    AgentConfig config_;
    LinuxEntropy entropy_;
    LinuxWallClock clock_;
    TcpLink tcp_;
    std::unique_ptr<Credentials> credentials_;
    std::unique_ptr<SqliteSpool> spool_;
    std::unique_ptr<TlsLink> tls_;
    std::vector<std::unique_ptr<TraceSource>> sources_;
    std::vector<Source*> source_list_;
    std::vector<std::byte> memory_;
    std::unique_ptr<Agent> agent_;
};

}  // namespace longhaul::agent
