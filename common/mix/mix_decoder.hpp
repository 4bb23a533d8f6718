// The mixed part of a codec-3 section, from bytes to values.
#pragma once

#include "common/block/codec2_section_decoder.hpp"
#include "common/mix/byte_mixer.hpp"
#include "common/mix/mix_plan.hpp"
#include "common/mix/value_bytes.hpp"

namespace longhaul {

class MixDecoder {
 public:
    // `values_bytes` are what the values may have; texts are put into `plain`.
    MixDecoder(ByteMixer& mixer, RangeDecoder& range, MutableBytes plain, std::size_t values_bytes)
        : mixer_{mixer}, range_{range}, plain_{plain}, left_{values_bytes} {}

    // The columns are as the coded part left them.
    Status section(const Schema& schema, const MixPlan& plan, std::span<std::int64_t> times,
                   std::span<const std::span<Value>> columns);

 private:
    void keys(std::uint8_t field, std::span<const std::span<Value>> columns);
    Status literals(std::size_t column, const Field& field, std::span<Value> values);
    Status numbers(std::size_t column, const MixPlan::Column& how, const Field& field,
                   std::span<const std::int64_t> times, std::span<Value> values);
    Status times(const MixPlan::Column& how, std::span<std::int64_t> times);
    Status literal(std::size_t column, const ByteMixer::Key& key, const Field& field, Value& value);
    Status text(Value& value);
    Result<std::int64_t> number(std::size_t column, const ByteMixer::Key& key,
                                const MixPlan::Column& how, std::int64_t base);
    std::uint64_t highest_first(std::size_t count);
    std::byte byte();
    // Whether all that was taken was there, and not too much.
    Status so_far() const;

    ByteMixer& mixer_;
    RangeDecoder& range_;
    MutableBytes plain_;
    std::size_t left_;
    bool too_much_ = false;
    std::array<ByteMixer::Key, limits::section_samples_max> keys_;
};

}  // namespace longhaul
