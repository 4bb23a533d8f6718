// From NMEA sentences to fixes: sentences of the same time of day make one sample of the schema
// "gnss". Needs no heap, no input or output and no clock.
//
// RMC, GGA, GLL, VTG, ZDA and GNS are used, of every talker. A sentence begins a new fix when its
// time of day is another one, or when the fix has a sentence of the same talker and kind already;
// one without a time belongs to the fix under way. Where two sentences of a fix say something, the
// first one stands. Other sentences are counted as not used, refused lines by reason.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "agent/sources/gnss_schema.hpp"
#include "agent/sources/nmea_sentence.hpp"
#include "common/block/value.hpp"

namespace longhaul::agent {

struct NmeaCounts {
    std::uint64_t used = 0;
    std::uint64_t not_used = 0;
    std::array<std::uint64_t, nmea_refusal_count> refused{};
};

// One fix; its values are those of gnss_schema and stay valid until the next fix is complete.
class GnssFix {
 public:
    GnssFix() = default;
    GnssFix(const GnssFix&) = delete;
    GnssFix& operator=(const GnssFix&) = delete;

    std::span<const Value> values() const { return values_; }
    std::int64_t time_us() const { return time_us_; }  // when its first sentence was taken

 private:
    friend class GnssFixes;
    static constexpr std::size_t sentences_max = 12;
    static constexpr std::size_t text_bytes_max = 8;

    void begin(std::int64_t time_us);
    bool empty() const { return sentence_count_ == 0; }

    std::array<Value, gnss_field_count> values_{};
    std::array<std::array<char, text_bytes_max>, gnss_field_count> texts_{};
    std::int64_t time_us_ = 0;
    std::optional<std::int64_t> time_of_day_us_;
    std::optional<std::int64_t> day_;                             // since 1970-01-01
    std::array<std::array<char, 5>, sentences_max> sentences_{};  // their addresses
    std::size_t sentence_count_ = 0;
};

class GnssFixes {
 public:
    // Takes one line, read at `time_us` of any clock. Returns the fix that it completes: the one
    // before, when the line begins another one; otherwise nullptr.
    const GnssFix* take(std::string_view line, std::int64_t time_us);
    // The fix under way, which is complete then; nullptr: there is none. For the end of a recording
    // and when the receiver pauses.
    const GnssFix* flush();
    bool under_way() const { return !fixes_[current_].empty(); }

    const NmeaCounts& counts() const { return counts_; }

 private:
    struct Reading;
    bool belongs(const NmeaSentence& sentence, const Reading& reading) const;
    void merge(const NmeaSentence& sentence, const Reading& reading);

    std::array<GnssFix, 2> fixes_;
    std::size_t current_ = 0;
    NmeaCounts counts_;
};

}  // namespace longhaul::agent
