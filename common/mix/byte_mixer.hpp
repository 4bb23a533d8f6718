// Predicts the bits of values byte by byte, from the values before, and learns from each.
// Specification: docs/spec/codec3.md.
//
// A ByteMixer is plain memory without pointers: a copy goes on where the original was.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "common/base/bytes.hpp"
#include "common/block/limits.hpp"

namespace longhaul {

namespace mix {

inline constexpr std::size_t contexts = 5;
inline constexpr std::size_t expectations = 4;
inline constexpr std::size_t inputs = 12;  // these, the match, a constant, and one that is unused
inline constexpr std::size_t columns = limits::schema_fields_max + 1;
inline constexpr std::size_t places = 63 + 512;
inline constexpr std::size_t history_bytes = 2 * limits::section_plain_bytes_max;

// Sixteen bits: a probability of twelve, and how often it was seen.
using Counter = std::uint16_t;
inline constexpr Counter counter_even = 0x8000;
inline constexpr Counter counter_likely = 0xc000;

using Inputs = std::array<std::int32_t, inputs>;

constexpr std::uint32_t hash(std::uint32_t x) { return (x ^ x >> 15) * 0x9e3779b1U; }

}  // namespace mix

class ByteMixer {
 public:
    ByteMixer() { reset(); }
    void reset();

    // How many bytes of values may still come.
    std::size_t room() const { return mix::history_bytes - used_; }

    // What a row is known by: a number that comes again; see the specification.
    struct Key {
        std::uint32_t hash = 0;
        std::uint32_t sum = 0;
        Key() = default;
        explicit Key(std::int64_t number);
    };

    // A value of `column`, 0 for time, in a row with this key; then its bytes, then end_value().
    void begin_value(std::size_t column, const Key& key);
    // Coder::bit(probability of a 1 in units of 2^-12, number of the bit) says which bit it is.
    template <class Coder>
    std::uint8_t byte(Coder&& coder) {
        begin_byte();
        unsigned byte = 0;
        for (int number = 7; number >= 0; --number) {
            const std::uint32_t probability = predict(number);
            const bool bit = coder(probability, number);
            learn(number, bit, probability);
            byte = byte << 1 | (bit ? 1 : 0);
        }
        end_byte(static_cast<std::uint8_t>(byte));
        return static_cast<std::uint8_t>(byte);
    }
    void end_value();

 private:
    struct Place {  // of a value in the history
        std::uint32_t begin = 0;
        std::uint32_t size = 0;
    };
    struct Remembered {
        std::uint32_t check = 0;
        bool any = false;
        Place last;
        Place before_last;
    };
    // Byte `index_` of a value plus 1; 0 if it has none.
    std::uint32_t beside(const Place& place) const {
        return index_ < place.size ? std::uint32_t{history_[place.begin + index_]} + 1 : 0;
    }
    void begin_byte();
    void expect(std::size_t which, bool there, std::uint32_t byte, std::uint32_t slot);
    void look_up(std::uint32_t half);
    std::uint32_t predict(int number);
    void learn(int number, bool bit, std::uint32_t probability);
    void learn_expectations(int number, bool bit);
    void end_byte(std::uint8_t byte);
    void find_match();

    // What is learnt.
    std::array<std::array<mix::Counter, 1 << 16>, mix::contexts> counters_;
    std::array<mix::Counter, 1 << 16> expected_counters_;
    std::array<mix::Counter, 16> match_counters_;
    std::array<mix::Inputs, mix::columns> column_weights_;
    std::array<mix::Inputs, mix::places> place_weights_;
    // What was seen.
    std::array<std::uint8_t, mix::history_bytes> history_;
    std::uint32_t used_ = 0;
    std::array<std::uint32_t, 4096> match_places_;
    std::array<Place, mix::columns> last_of_column_;
    std::array<std::uint32_t, mix::columns> last_key_sum_;
    std::array<Remembered, 4096> remembered_;
    // The value at hand.
    std::size_t column_ = 0;
    Key key_;
    std::uint32_t memory_slot_ = 0;
    bool same_key_ = false;
    Place above_;
    Place above2_;
    std::uint32_t begin_ = 0;
    std::uint32_t index_ = 0;
    std::uint32_t word_ = 0;
    std::uint32_t sum_ = 0;  // of the bytes so far, and what the key makes of them
    std::uint32_t sum_above_ = 0;
    std::uint32_t match_ = 0;  // where it goes on
    std::uint32_t match_length_ = 0;
    // The byte at hand.
    std::array<std::uint32_t, mix::contexts> hashes_;
    std::array<std::uint32_t, mix::contexts> bases_;
    std::array<std::uint32_t, mix::expectations> expected_;
    std::array<std::uint32_t, mix::expectations> expected_bases_;
    std::array<bool, mix::expectations> hopeful_;
    unsigned node_ = 1;  // the bits of this half so far, behind a 1
    std::size_t place_ = 0;
    mix::Inputs inputs_;
};

}  // namespace longhaul
