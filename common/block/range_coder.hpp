// An adaptive binary range coder: yes-no decisions whose probability is learnt, and raw bits.
// Specification: docs/spec/codec.md.
//
// Decisions are inline because a value takes several of them. Nothing allocates.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

#include "common/base/bytes.hpp"

namespace longhaul {

// What is known of one decision: the probability of "no" in units of 2^-24, and how often it was
// seen. The more often, the slower it learns.
class BitModel {
 public:
    constexpr BitModel() = default;
    // As models store it: the probability in units of 2^-12 above the count in the low four bits.
    static constexpr BitModel stored(std::uint16_t entry) {
        BitModel model;
        model.state_ = static_cast<std::uint32_t>(entry & 0xfff0) << 16 | (entry & 0x0f);
        return model;
    }
    constexpr std::uint16_t entry() const {
        return static_cast<std::uint16_t>((state_ >> 16 & 0xfff0) | seen());
    }
    // In units of 2^-12, kept away from certainty.
    std::uint32_t probability_of_no() const {
        return std::clamp<std::uint32_t>(state_ >> 20, 8, 4088);
    }
    void saw_no() {
        state_ += (~state_ >> rate()) & probability_mask;
        count();
    }
    void saw_yes() {
        state_ -= (state_ >> rate()) & probability_mask;
        count();
    }

 private:
    static constexpr std::uint32_t probability_mask = 0xffff'ff00;
    static constexpr std::uint32_t count_max = 15;
    constexpr std::uint32_t seen() const { return state_ & ~probability_mask; }
    std::uint32_t rate() const {  // 1 … 5
        return static_cast<std::uint32_t>(std::bit_width(seen() + 1));
    }
    void count() { state_ += static_cast<std::uint32_t>(seen() < count_max); }

    std::uint32_t state_ = 0x8000'0000;
};

inline constexpr std::uint32_t range_min = 1U << 24;
inline constexpr int raw_bits_max = 12;              // of one step
inline constexpr std::size_t implied_zeros_max = 4;  // bytes that stand behind the last one

class RangeEncoder {
 public:
    explicit RangeEncoder(MutableBytes room) : room_{room} {}

    void bit(BitModel& model, bool yes) {
        const std::uint32_t bound = (range_ >> 12) * model.probability_of_no();
        if (yes) {
            add_to_low(bound);
            range_ -= bound;
            model.saw_yes();
        } else {
            range_ = bound;
            model.saw_no();
        }
        normalize();
    }
    // A decision whose probability of "no", 1 … 4095 in units of 2^-12, is known elsewhere.
    void decide(std::uint32_t probability_of_no, bool yes) {
        const std::uint32_t bound = (range_ >> 12) * probability_of_no;
        if (yes) {
            add_to_low(bound);
            range_ -= bound;
        } else {
            range_ = bound;
        }
        normalize();
    }
    // The low `count` bits of `value`, at most 64.
    void raw(std::uint64_t value, int count) {
        while (count > 0) {
            const int step = std::min(count, raw_bits_max);
            count -= step;
            range_ >>= step;
            const auto part = static_cast<std::uint32_t>(value >> count) & ((1U << step) - 1);
            add_to_low(range_ * part);
            normalize();
        }
    }

    // Writes the end; call once. The bytes written, or fewer when !ok().
    std::size_t finish();
    bool ok() const { return ok_; }  // false: the room was too small

 private:
    void add_to_low(std::uint32_t amount) {
        low_ += amount;
        if (low_ < amount) carry(room_.first(used_));
    }
    void normalize() {
        while (range_ < range_min) {
            put();
            range_ <<= 8;
        }
    }
    void put() {
        if (used_ < room_.size()) {
            room_[used_++] = static_cast<std::byte>(low_ >> 24);
        } else {
            ok_ = false;
        }
        low_ <<= 8;
    }
    // Static, so that an encoder copied into registers can stay there.
    static void carry(MutableBytes written);

    MutableBytes room_;
    std::size_t used_ = 0;
    std::uint32_t low_ = 0;
    std::uint32_t range_ = UINT32_MAX;
    bool ok_ = true;
};

// Reads any bytes; what is behind the end are zeros, and ended_well() tells whether too many.
class RangeDecoder {
 public:
    explicit RangeDecoder(Bytes bytes) : next_{bytes.data()}, end_{bytes.data() + bytes.size()} {
        for (int i = 0; i < 4; ++i) take();
    }

    bool bit(BitModel& model) {
        const std::uint32_t bound = (range_ >> 12) * model.probability_of_no();
        const bool yes = code_ >= bound;
        if (yes) {
            code_ -= bound;
            range_ -= bound;
            model.saw_yes();
        } else {
            range_ = bound;
            model.saw_no();
        }
        normalize();
        return yes;
    }
    bool decide(std::uint32_t probability_of_no) {
        const std::uint32_t bound = (range_ >> 12) * probability_of_no;
        const bool yes = code_ >= bound;
        if (yes) {
            code_ -= bound;
            range_ -= bound;
        } else {
            range_ = bound;
        }
        normalize();
        return yes;
    }
    std::uint64_t raw(int count) {
        std::uint64_t value = 0;
        while (count > 0) {
            const int step = std::min(count, raw_bits_max);
            count -= step;
            range_ >>= step;
            // Only bytes that no encoder wrote lead beyond the last part.
            const std::uint32_t part = std::min<std::uint32_t>(code_ / range_, (1U << step) - 1);
            code_ -= part * range_;
            value = value << step | part;
            normalize();
        }
        return value;
    }

    // False as soon as more was read than any encoder leaves out.
    bool plausible() const { return implied_ <= implied_zeros_max; }
    // After the last value: everything was read and nothing is missing.
    bool ended_well() const { return plausible() && next_ == end_; }

 private:
    void normalize() {
        while (range_ < range_min) {
            take();
            range_ <<= 8;
        }
    }
    void take() {
        code_ <<= 8;
        if (next_ != end_) {
            code_ |= static_cast<std::uint32_t>(*next_++);
        } else {
            ++implied_;
        }
    }

    const std::byte* next_;
    const std::byte* end_;
    std::size_t implied_ = 0;
    std::uint32_t code_ = 0;
    std::uint32_t range_ = UINT32_MAX;
};

}  // namespace longhaul
