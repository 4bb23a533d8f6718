// One device of this process: its ports, its memory and its agent.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "agent/core/agent.hpp"
#include "agent/platform/linux/credentials.hpp"
#include "agent/platform/linux/device_control.hpp"
#include "agent/platform/linux/earlier_runs.hpp"
#include "agent/platform/linux/linux_ports.hpp"
#include "agent/platform/linux/live_source.hpp"
#include "agent/platform/linux/model_folder.hpp"
#include "agent/platform/linux/sealing_file.hpp"
#include "agent/platform/linux/slot_link.hpp"
#include "agent/platform/linux/sqlite_spool.hpp"
#include "agent/platform/linux/tcp_link.hpp"
#include "agent/platform/linux/trace_library.hpp"

namespace longhaul::agent {

class HostedDevice {
 public:
    // `firmware`, the library and the tools outlive the device.
    static Result<std::unique_ptr<HostedDevice>, Message> make(const AgentConfig& config,
                                                               std::string_view firmware,
                                                               const TraceLibrary& library,
                                                               const CodecTools& codecs);
    HostedDevice(const HostedDevice&) = delete;
    HostedDevice& operator=(const HostedDevice&) = delete;

    const std::string& name() const { return config_.name; }
    const AgentConfig& config() const { return config_; }
    const Agent& agent() const { return *agent_; }
    const TcpLink& tcp() const { return tcp_; }
    const std::vector<std::unique_ptr<LiveSource>>& live_sources() const { return live_; }

    // Lets the sources and the agent work; comes when due_at() is past or a descriptor is ready.
    void poll(MonotonicMs now);
    MonotonicMs due_at() const { return due_at_; }
    void wake() { due_at_ = {}; }
    // Adds the descriptors that poll(2) has to watch; a negative one is passed over.
    void watch(std::vector<pollfd>& watched) const;

    void stop(MonotonicMs now);
    bool stopping() const { return stopping_; }
    bool drained() { return agent_->drained(); }
    // The device has to be made anew: then what can be read of the spool goes on.
    bool spool_damaged() const { return spool_->damaged(); }
    // What is not as it should be with storing and sending; empty: nothing.
    std::string trouble() const;

 private:
    explicit HostedDevice(const AgentConfig& config) : config_{config}, tcp_{config.address} {}
    Result<void, Message> build(std::string_view firmware, const TraceLibrary& library,
                                const CodecTools& codecs);
    Result<void, Message> build_sources(const TraceLibrary& library);
    Result<void, Message> build_control();
    void build_put(BlockClass block_class);
    void take_what_waits(MonotonicMs now);
    void tell_worse_models();
    std::vector<std::string> worse_models() const;
    void use_kept_ticket();
    void keep_new_ticket();
    std::string link_trouble() const;
    std::string storing_trouble() const;
    std::string why(bool json, MonotonicMs now);

    AgentConfig config_;
    LinuxEntropy entropy_;
    LinuxWallClock clock_;
    TcpLink tcp_;
    std::unique_ptr<CredentialFiles> slots_;
    std::unique_ptr<Credentials> credentials_;  // of this boot's epoch
    std::unique_ptr<SealingFile> sealing_;
    std::unique_ptr<SqliteSpool> spool_;
    std::unique_ptr<ModelFolder> models_;
    EarlierRuns earlier_runs_;
    std::unique_ptr<SlotLink> tls_;
    std::vector<std::unique_ptr<TraceSource>> traces_;
    std::vector<std::unique_ptr<LiveSource>> live_;
    std::unique_ptr<DeviceControl> control_;  // none without [control]
    std::vector<PutSource*> put_;             // of live_, one a class
    std::vector<Source*> source_list_;
    std::vector<std::byte> memory_;
    std::unique_ptr<Agent> agent_;
    MonotonicMs due_at_;
    bool stopping_ = false;
    bool was_connected_ = false;
    std::optional<MonotonicMs> link_since_;
    std::vector<std::string> told_worse_;  // streams whose model is worse than none
};

}  // namespace longhaul::agent
