// Samples that programs put, as the streams of [[put]]. A program gets its answer when the block
// with its sample is in the spool, or when it is certain or likely that it will not be. The streams
// of a class are one source, so that a class without room holds up no other.
//
//   ok             the sample is in the spool; a power cut does not take it any more
//   error bad …    the line cannot be stored as it is; what is wrong with it
//   error later …  nothing was stored; the same line may succeed later
//   error doubt …  the sample was taken but is not in the spool yet; it may still get there
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "agent/platform/linux/agent_config.hpp"
#include "agent/platform/linux/live_source.hpp"
#include "agent/sources/put_line.hpp"

namespace longhaul::agent {

// Who is told what became of a put.
class PutAnswers {
 public:
    virtual void answer(std::uint64_t ticket, const std::string& text) = 0;

 protected:
    ~PutAnswers() = default;
};

class PutSource final : public LiveSource {
 public:
    static constexpr std::int64_t answer_ms_max = 10'000;
    static constexpr std::size_t queue_bytes_max = 1 << 20;

    // The configs are of one class; `answers` outlives the source.
    PutSource(std::vector<PutConfig> configs, PutAnswers& answers);

    BlockClass block_class() const { return streams_.front().block_class; }
    bool has(std::string_view stream) const;
    // One line of a program, for a stream that it has; `ticket` comes back with the answer, maybe
    // at once.
    void put(std::uint64_t ticket, PutLine line, MonotonicMs now);
    // Why nothing can be stored now, static text; empty: it can. What waits is answered then.
    void set_trouble(const char* trouble);

    std::span<const StreamInfo> streams() const override { return streams_; }
    const Sample* next(MonotonicMs now) override;
    MonotonicMs next_at() const override;
    void stored(std::uint8_t stream, std::uint32_t samples) override;
    void lost(std::uint8_t stream, std::uint32_t samples) override;
    void refused(std::uint8_t stream) override;
    void pump(MonotonicMs now) override;
    MonotonicMs pump_at() const override;
    SourceReport report() const override {
        return {std::string{"put "} + name_of(block_class()), "", {}, 0};
    }
    void stop() override;

 private:
    struct Waiting {
        std::uint64_t ticket = 0;
        std::uint8_t stream = 0;
        MonotonicMs at;
        PutLine line;        // the values' texts point into it, and their bytes
        ByteArena arena{0};  // into this
        std::vector<Value> values;
        std::size_t bytes = 0;
    };
    struct Given {
        std::uint64_t ticket = 0;
        MonotonicMs answer_by;
        bool answered = false;
    };
    Result<std::unique_ptr<Waiting>, Message> read(PutLine line) const;
    void fail_waiting(const std::string& answer);
    void answer_given(std::uint8_t stream, std::uint32_t samples, const char* answer);

    std::vector<PutConfig> configs_;
    PutAnswers& answers_;
    std::vector<StreamInfo> streams_;
    std::deque<std::unique_ptr<Waiting>> waiting_;
    std::size_t waiting_bytes_ = 0;
    std::unique_ptr<Waiting> current_;      // given to the agent last
    std::vector<std::deque<Given>> given_;  // by stream, in the order given
    const char* trouble_ = "";
    bool stopped_ = false;
    Sample sample_;
};

}  // namespace longhaul::agent
