// The mixed part of a codec-3 section, from values to bytes.
#pragma once

#include "common/base/wrapping.hpp"
#include "common/block/codec2_coder.hpp"
#include "common/block/codec2_section.hpp"
#include "common/mix/byte_mixer.hpp"
#include "common/mix/mix_plan.hpp"
#include "common/mix/value_bytes.hpp"

namespace longhaul {

// What a section of this size may hold, so that its size bounds the work.
constexpr std::size_t values_bytes_max(std::size_t content_bytes) {
    return std::min(1024 + 64 * content_bytes, limits::section_plain_bytes_max);
}

class MixEncoder {
 public:
    MixEncoder(ByteMixer& mixer, RangeEncoder& range) : mixer_{mixer}, range_{range} {}

    void section(const Schema& schema, const MixPlan& plan, std::size_t samples,
                 SectionSource& source);
    bool ok() const { return fits_ && range_.ok(); }
    std::size_t values_bytes() const { return values_bytes_; }

 private:
    void keys(std::uint8_t field, SectionSource& source);
    void literals(std::size_t column, const Field& field, SectionSource& source);
    void read_numbers(SectionSource& source);
    void numbers(std::size_t column, const MixPlan::Column& how);
    void value(std::size_t column, const ByteMixer::Key& key, Bytes head, Bytes bytes);
    void literal(std::size_t column, const ByteMixer::Key& key, const Field& field,
                 const Value& value);
    void number(std::size_t column, const ByteMixer::Key& key, std::uint64_t bits,
                std::size_t width);
    void byte(std::byte byte);

    ByteMixer& mixer_;
    RangeEncoder& range_;
    std::size_t values_bytes_ = 0;
    bool fits_ = true;
    std::size_t samples_ = 0;
    std::array<ByteMixer::Key, limits::section_samples_max> keys_;
    std::array<std::int64_t, limits::section_samples_max> times_;
    std::array<std::int64_t, limits::section_samples_max> numbers_;
    std::array<bool, limits::section_samples_max> there_;
    std::array<Value, codec2_look_back> seen_;
};

}  // namespace longhaul
