// A value of a field, and a sample: what a source yields and what a reader gets back.
#pragma once

#include <bit>
#include <cstdint>
#include <span>

#include "common/base/bytes.hpp"

namespace longhaul {

enum class ValueForm : std::uint8_t {
    null,
    integer,  // integer, scaled decimal, boolean (0, 1) or enumeration (label index)
    real,  // the bits of a float64, of a decimal that is off its grid, or (low half) of a float32
    text,  // text or bytes
};

// `text` points to bytes that someone else owns; see where the value comes from.
struct Value {
    ValueForm form = ValueForm::null;
    std::int64_t integer = 0;
    std::uint64_t real_bits = 0;  // bits, so that NaN payloads and -0.0 survive
    Bytes text;

    static Value of_integer(std::int64_t value) { return {ValueForm::integer, value, 0, {}}; }
    static Value of_real(double value) {
        return {ValueForm::real, 0, std::bit_cast<std::uint64_t>(value), {}};
    }
    static Value of_float32(float value) {
        return {ValueForm::real, 0, std::bit_cast<std::uint32_t>(value), {}};
    }
    static Value of_text(Bytes value) { return {ValueForm::text, 0, 0, value}; }
    double real() const { return std::bit_cast<double>(real_bits); }
};

// One sample of one stream. `time` is in ticks or UTC microseconds, as the schema says; `values`
// has one entry per field and belongs to the source until it is asked again.
struct Sample {
    std::uint8_t stream = 0;
    std::int64_t time = 0;
    std::span<const Value> values;
};

}  // namespace longhaul
