#include "agent/core/loss_ledger.hpp"

#include <algorithm>

#include "common/base/check.hpp"

namespace longhaul::agent {
namespace {

// Of an earlier spool that could not be read; it says nothing about the blocks of this one.
bool nobody_knows(const Loss& loss) { return loss.first.epoch.value == 0; }

// `later` goes on in the class where `loss` ends, in one epoch.
bool adjoins(const Loss& loss, const Loss& later) {
    return loss.block_class == later.block_class && loss.reason == later.reason &&
           loss.last.epoch == later.first.epoch && loss.last.number + 1 == later.first.number;
}

Loss merged(const Loss& a, const Loss& b) {
    const Loss& first = a.first <= b.first ? a : b;
    const Loss& last = a.last >= b.last ? a : b;
    Loss both = first;
    if (a.reason != b.reason) both.reason = LossReason::unknown;
    both.last = last.last;
    both.to_us = last.to_us;
    both.samples = a.samples + b.samples;
    return both;
}

// How bad it is to make one entry of two: over epochs is worse than over reasons, over reasons
// worse than over numbers. `one` does not begin after `other`.
std::uint64_t distance(const Loss& one, const Loss& other) {
    const std::uint64_t reasons = one.reason == other.reason ? 0 : 1;
    if (one.last >= other.first) return reasons << 32;
    const std::uint64_t epochs = other.first.epoch.value - one.last.epoch.value;
    const std::uint64_t numbers = epochs == 0 ? other.first.number - one.last.number : 0;
    return epochs << 33 | reasons << 32 | numbers;
}

}  // namespace

const char* name_of(LossReason reason) {
    switch (reason) {
        case LossReason::unknown:
            break;
        case LossReason::full:
            return "full";
        case LossReason::expired:
            return "expired";
        case LossReason::corrupt:
            return "corrupt";
        case LossReason::unreadable:
            return "unreadable";
        case LossReason::power_cut:
            return "power_cut";
    }
    return "unknown";
}

bool LossLedger::has(BlockClass block_class, const BlockPlace& first,
                     const BlockPlace& last) const {
    return std::any_of(entries().begin(), entries().end(), [&](const Loss& each) {
        return each.block_class == block_class && each.first <= first && last <= each.last;
    });
}

bool LossLedger::has_in(BlockClass block_class, const BlockPlace& first,
                        const BlockPlace& last) const {
    return std::any_of(entries().begin(), entries().end(), [&](const Loss& each) {
        return each.block_class == block_class && each.first <= last && first <= each.last;
    });
}

void LossLedger::add(const Loss& loss) {
    // Once is enough to say that nobody knows.
    if (nobody_knows(loss) && std::ranges::any_of(entries().subspan(told_), nobody_knows)) return;
    for (std::size_t i = told_; i < count_; ++i) {
        if (!adjoins(entries_[i], loss) && !adjoins(loss, entries_[i])) continue;
        const Loss both = merged(entries_[i], loss);
        remove(i);
        return add(both);  // it may adjoin another one, too
    }
    if (count_ == entries_max) make_place();
    entries_[count_++] = loss;
}

// There are four classes and more entries than that, so two that nobody tells of are of one class.
// The two that lie closest together become one.
void LossLedger::make_place() {
    std::size_t best_a = entries_max;
    std::size_t best_b = entries_max;
    std::uint64_t best_gap = UINT64_MAX;
    for (std::size_t a = told_; a < count_; ++a) {
        for (std::size_t b = told_; b < count_; ++b) {
            const Loss& one = entries_[a];
            const Loss& other = entries_[b];
            if (a == b || one.block_class != other.block_class || other.first < one.first ||
                nobody_knows(one))
                continue;
            const std::uint64_t gap = distance(one, other);
            if (gap >= best_gap) continue;
            best_gap = gap;
            best_a = a;
            best_b = b;
        }
    }
    LH_CHECK(best_a != entries_max);
    entries_[best_a] = merged(entries_[best_a], entries_[best_b]);
    remove(best_b);
}

void LossLedger::remove(std::size_t index) {
    std::copy(entries_.begin() + static_cast<std::ptrdiff_t>(index) + 1,
              entries_.begin() + static_cast<std::ptrdiff_t>(count_),
              entries_.begin() + static_cast<std::ptrdiff_t>(index));
    --count_;
}

std::span<const Loss> LossLedger::to_tell() const {
    if (told_ != 0) return {};
    return std::span{entries_}.first(std::min(count_, to_tell_max));
}

void LossLedger::tell(std::size_t count, BlockClass block_class, const BlockPlace& carrier) {
    LH_CHECK(told_ == 0 && count <= to_tell_max && count <= count_);
    told_ = count;
    carrier_class_ = block_class;
    carrier_ = carrier;
}

bool LossLedger::is_carrier_in(BlockClass block_class, const BlockPlace& first,
                               const BlockPlace& last) const {
    return told_ != 0 && block_class == carrier_class_ && first <= carrier_ && carrier_ <= last;
}

void LossLedger::forget_told() {
    std::copy(entries_.begin() + static_cast<std::ptrdiff_t>(told_),
              entries_.begin() + static_cast<std::ptrdiff_t>(count_), entries_.begin());
    count_ -= told_;
    told_ = 0;
}

//   u8 entries, u8 told by the carrier, u8 class of the carrier, u32 its epoch, u32 its number,
//   each entry: u8 class, u8 reason, u32 first epoch, u32 first number, u32 last epoch,
//               u32 last number, u64 samples, i64 from, i64 to
void LossLedger::write(ByteWriter& out) const {
    out.u8(static_cast<std::uint8_t>(count_));
    out.u8(static_cast<std::uint8_t>(told_));
    out.u8(static_cast<std::uint8_t>(carrier_class_));
    out.u32(carrier_.epoch.value);
    out.u32(carrier_.number);
    for (const Loss& loss : entries()) {
        out.u8(static_cast<std::uint8_t>(loss.block_class));
        out.u8(static_cast<std::uint8_t>(loss.reason));
        for (const BlockPlace& place : {loss.first, loss.last}) {
            out.u32(place.epoch.value);
            out.u32(place.number);
        }
        out.u64(loss.samples);
        out.i64(loss.from_us);
        out.i64(loss.to_us);
    }
}

Status LossLedger::read(ByteReader& in) {
    const std::size_t count = in.u8();
    const std::size_t told = in.u8();
    const std::uint8_t carrier_class = in.u8();
    const Epoch carrier_epoch{in.u32()};
    carrier_ = {carrier_epoch, in.u32()};
    const auto malformed = [] { return Error{ErrorCode::malformed, "the account of losses"}; };
    if (count > entries_max || told > std::min(count, to_tell_max) ||
        carrier_class >= block_class_count)
        return malformed();
    carrier_class_ = static_cast<BlockClass>(carrier_class);
    for (Loss& loss : std::span{entries_}.first(count)) {
        const std::uint8_t block_class = in.u8();
        if (block_class >= block_class_count) return malformed();
        loss.block_class = static_cast<BlockClass>(block_class);
        loss.reason = static_cast<LossReason>(in.u8());
        for (BlockPlace* const place : {&loss.first, &loss.last}) {
            place->epoch.value = in.u32();
            place->number = in.u32();
        }
        loss.samples = in.u64();
        loss.from_us = in.i64();
        loss.to_us = in.i64();
    }
    if (!in.ok()) return malformed();
    count_ = count;
    told_ = told;
    return {};
}

bool operator==(const LossLedger& a, const LossLedger& b) {
    return std::ranges::equal(a.entries(), b.entries()) && a.told_ == b.told_ &&
           (a.told_ == 0 || (a.carrier_class_ == b.carrier_class_ && a.carrier_ == b.carrier_));
}

}  // namespace longhaul::agent
