#include "agent/core/flash_marks.hpp"

#include <algorithm>

#include "common/base/check.hpp"

namespace longhaul::agent {
namespace {

// `b` does not begin before `a`.
bool adjoin(const PlaceRange& a, const PlaceRange& b) {
    return b.first <= a.last ||
           (a.last.epoch == b.first.epoch && a.last.number + 1 == b.first.number);
}

}  // namespace

bool FlashMarks::contains(const BlockPlace& first, const BlockPlace& last) const {
    return std::any_of(
        ranges_.begin(), ranges_.begin() + static_cast<std::ptrdiff_t>(count_),
        [&](const PlaceRange& range) { return range.first <= first && last <= range.last; });
}

bool FlashMarks::divides(const BlockPlace& first, const BlockPlace& last) const {
    return !contains(first, last) &&
           std::any_of(
               ranges_.begin(), ranges_.begin() + static_cast<std::ptrdiff_t>(count_),
               [&](const PlaceRange& range) { return range.first <= last && first <= range.last; });
}

void FlashMarks::add(PlaceRange range, const BlockPlace& before) {
    LH_CHECK(!overfull());
    if (range.first == BlockPlace{} || range.last < range.first) return;  // what damage may say
    for (std::size_t i = 0; i < count_; ++i)
        if (ranges_[i].contains(before)) range.first = std::min(range.first, ranges_[i].first);
    std::size_t at = 0;
    while (at < count_ && ranges_[at].first < range.first) ++at;
    std::copy_backward(ranges_.begin() + static_cast<std::ptrdiff_t>(at),
                       ranges_.begin() + static_cast<std::ptrdiff_t>(count_),
                       ranges_.begin() + static_cast<std::ptrdiff_t>(count_ + 1));
    ranges_[at] = range;
    ++count_;
    for (std::size_t i = 0; i + 1 < count_;) {
        if (adjoin(ranges_[i], ranges_[i + 1])) {
            join_with_next(i);
        } else {
            ++i;
        }
    }
}

void FlashMarks::join_with_next(std::size_t index) {
    ranges_[index].last = std::max(ranges_[index].last, ranges_[index + 1].last);
    remove(index + 1);
}

// Ranges over epochs hold many blocks, or none of those that are still here.
std::uint32_t FlashMarks::size_of(std::size_t index) const {
    const PlaceRange& range = ranges_[index];
    return range.first.epoch == range.last.epoch ? range.last.number - range.first.number
                                                 : UINT32_MAX;
}

PlaceRange FlashMarks::take(std::size_t index) {
    const PlaceRange taken = ranges_[index];
    remove(index);
    return taken;
}

void FlashMarks::forget_before(const BlockPlace& place) {
    while (count_ != 0 && ranges_[0].last < place) remove(0);
}

void FlashMarks::remove(std::size_t index) {
    std::copy(ranges_.begin() + static_cast<std::ptrdiff_t>(index) + 1,
              ranges_.begin() + static_cast<std::ptrdiff_t>(count_),
              ranges_.begin() + static_cast<std::ptrdiff_t>(index));
    --count_;
}

//   u8 ranges, each u32 epoch and u32 number of the first, the same of the last
void FlashMarks::write(ByteWriter& out) const {
    out.u8(static_cast<std::uint8_t>(count_));
    for (const PlaceRange& range : ranges()) {
        for (const BlockPlace& place : {range.first, range.last}) {
            out.u32(place.epoch.value);
            out.u32(place.number);
        }
    }
}

Status FlashMarks::read(ByteReader& in) {
    const std::size_t count = in.u8();
    count_ = 0;
    if (count > ranges_max) return ErrorCode::malformed;
    BlockPlace least;
    for (PlaceRange& range : std::span{ranges_}.first(count)) {
        for (BlockPlace* const place : {&range.first, &range.last}) {
            place->epoch.value = in.u32();
            place->number = in.u32();
        }
        if (range.first <= least || range.last < range.first) return ErrorCode::malformed;
        least = range.last;
    }
    if (!in.ok()) return ErrorCode::malformed;
    count_ = count;
    return {};
}

}  // namespace longhaul::agent
