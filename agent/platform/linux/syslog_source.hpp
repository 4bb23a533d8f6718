// Lines of logs as the stream "syslog": from a Unix socket, from a UDP port, or from the end of a
// growing file.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <string>

#include "agent/platform/linux/agent_config.hpp"
#include "agent/platform/linux/live_source.hpp"
#include "agent/sources/builtin_schema.hpp"
#include "agent/sources/syslog_message.hpp"
#include "common/base/result.hpp"

namespace longhaul::agent {

// Lines on their way from an input to the agent.
class SyslogQueue {
 public:
    static constexpr std::size_t bytes_max = 256 * 1024;

    struct Entry {
        MonotonicMs at;
        std::string text;
    };
    bool full() const { return bytes_ >= bytes_max; }
    void put(std::string_view text, MonotonicMs at);
    void refuse(SyslogRefusal reason) { ++refused_[static_cast<std::size_t>(reason)]; }
    void lose(std::uint64_t lines = 1) { lost_ += lines; }
    bool empty() const { return entries_.empty(); }
    Entry take();

    std::uint64_t refused(SyslogRefusal reason) const {
        return refused_[static_cast<std::size_t>(reason)];
    }
    std::uint64_t lost() const { return lost_; }

 private:
    std::deque<Entry> entries_;
    std::size_t bytes_ = 0;
    std::array<std::uint64_t, syslog_refusal_count> refused_{};
    std::uint64_t lost_ = 0;
};

// Where lines come from.
class SyslogInput {
 public:
    virtual ~SyslogInput() = default;
    virtual void pump(SyslogQueue& queue, MonotonicMs now) = 0;
    virtual MonotonicMs pump_at() const = 0;
    virtual int descriptor() const = 0;  // to be watched; -1: none
    virtual const std::string& trouble() const = 0;
};

class SyslogSource final : public LiveSource {
 public:
    // Fails when a socket or port cannot be had; a file may come later.
    static Result<std::unique_ptr<SyslogSource>, Message> open(const SyslogConfig& config);

    std::span<const StreamInfo> streams() const override { return streams_; }
    const Sample* next(MonotonicMs now) override;
    MonotonicMs next_at() const override;
    void pump(MonotonicMs now) override;
    MonotonicMs pump_at() const override;
    void watch(std::vector<pollfd>& watched) const override;
    SourceReport report() const override;
    void stop() override { input_.reset(); }

 private:
    SyslogSource(const SyslogConfig& config, std::unique_ptr<SyslogInput> input);

    SyslogConfig config_;
    BuiltinSchema schema_{syslog_schema};
    std::array<StreamInfo, 1> streams_;
    std::unique_ptr<SyslogInput> input_;  // none: the agent stops
    SyslogQueue queue_;
    SyslogQueue::Entry given_;
    std::array<Value, syslog_field_count> values_;
    Sample sample_;
};

}  // namespace longhaul::agent
