// A satellite receiver on a serial line, or a file of its sentences, as the stream of its fixes.
#pragma once

#include <array>
#include <deque>
#include <string>

#include "agent/platform/linux/agent_config.hpp"
#include "agent/platform/linux/descriptor.hpp"
#include "agent/platform/linux/live_source.hpp"
#include "agent/sources/builtin_schema.hpp"
#include "agent/sources/gnss_fix.hpp"
#include "agent/sources/line_splitter.hpp"
#include "common/base/result.hpp"

namespace longhaul::agent {

class NmeaSource final : public LiveSource {
 public:
    // The last fix is complete when the receiver pauses this long.
    static constexpr std::int64_t pause_ms = 300;
    static constexpr std::int64_t retry_ms_min = 1000;
    static constexpr std::int64_t retry_ms_max = 30'000;
    static constexpr std::size_t queue_bytes_max = 64 * 1024;

    // A line that is not there yet, or was lost, is opened again and again.
    explicit NmeaSource(const NmeaConfig& config);

    std::span<const StreamInfo> streams() const override { return streams_; }
    const Sample* next(MonotonicMs now) override;
    MonotonicMs next_at() const override;
    void pump(MonotonicMs now) override;
    MonotonicMs pump_at() const override;
    void watch(std::vector<pollfd>& watched) const override;
    SourceReport report() const override;
    void stop() override;

    const NmeaCounts& counts() const { return fixes_.counts(); }
    // Whether `baud` is a speed of serial lines.
    static bool valid_baud(std::int64_t baud);

 private:
    struct Chunk {
        MonotonicMs at;
        std::string bytes;
        bool after_gap = false;  // what came before it does not go on in it
    };
    void open(MonotonicMs now);
    Status set_up_line();
    void lose(MonotonicMs now, const std::string& why);
    bool queue_full() const { return queued_bytes_ >= queue_bytes_max; }
    const Sample* give(const GnssFix* fix);

    NmeaConfig config_;
    BuiltinSchema schema_{gnss_schema};
    std::array<StreamInfo, 1> streams_;
    Descriptor line_;
    bool regular_file_ = false;
    bool ended_ = false;
    MonotonicMs retry_at_;
    std::int64_t retry_ms_ = retry_ms_min;
    std::string trouble_;

    std::deque<Chunk> queue_;
    std::size_t queued_bytes_ = 0;
    std::string_view unread_;  // of the front of the queue
    std::uint64_t lost_ = 0;   // lines
    bool gap_ = false;         // bytes were lost since the last ones in the queue
    LineSplitter splitter_{nmea_line_bytes_max + 2};
    GnssFixes fixes_;
    MonotonicMs last_byte_at_;
    Sample sample_;
};

}  // namespace longhaul::agent
