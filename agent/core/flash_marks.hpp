// Which blocks of a class are done with, durable or listed as lost: at most six ranges of places.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "agent/core/sent_marks.hpp"
#include "common/base/bytes.hpp"
#include "common/base/result.hpp"

namespace longhaul::agent {

struct PlaceRange {
    constexpr bool contains(const BlockPlace& place) const {
        return first <= place && place <= last;
    }

    BlockPlace first;
    BlockPlace last;
};

class FlashMarks {
 public:
    static constexpr std::size_t ranges_max = 6;
    static constexpr std::size_t stored_bytes_max = 1 + ranges_max * 16;

    bool contains(const BlockPlace& first, const BlockPlace& last) const;
    bool contains(const BlockPlace& place) const { return contains(place, place); }
    // Whether a range begins or ends in there, or lies in it.
    bool divides(const BlockPlace& first, const BlockPlace& last) const;

    // `before` is the block before `range` in the chain. There may be one range too many then.
    void add(PlaceRange range, const BlockPlace& before);
    bool overfull() const { return count_ > ranges_max; }
    // Nothing that waits lies between the range and the next one.
    void join_with_next(std::size_t index);
    // Of those that `may_go`; if none may, of all.
    template <class MayGo>
    PlaceRange take_smallest(MayGo&& may_go) {
        std::size_t best = 0;
        for (std::size_t i = 1; i < count_; ++i) {
            const bool goes = may_go(ranges_[i]);
            const bool best_goes = may_go(ranges_[best]);
            if (goes != best_goes ? goes : size_of(i) < size_of(best)) best = i;
        }
        return take(best);
    }
    void forget_before(const BlockPlace& place);
    void clear() { count_ = 0; }

    std::span<const PlaceRange> ranges() const { return std::span{ranges_}.first(count_); }

    void write(ByteWriter& out) const;
    Status read(ByteReader& in);

 private:
    std::uint32_t size_of(std::size_t index) const;
    PlaceRange take(std::size_t index);
    void remove(std::size_t index);

    std::array<PlaceRange, ranges_max + 1> ranges_{};  // in order, apart
    std::size_t count_ = 0;
};

}  // namespace longhaul::agent
