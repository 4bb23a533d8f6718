// The account of what is lost: small, of fixed size, never full. The spool keeps it on its storage
// (docs/spec/spool.md), a block tells the collector of it (docs/spec/block.md).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "agent/core/sent_marks.hpp"
#include "common/base/bytes.hpp"
#include "common/base/ids.hpp"
#include "common/base/result.hpp"

namespace longhaul::agent {

// Numbers as in docs/spec/block.md.
enum class LossReason : std::uint8_t {
    unknown = 0,
    full = 1,  // dropped by the spool's policy
    expired = 2,
    corrupt = 3,     // stored, and damaged since
    unreadable = 4,  // the storage, or what it needs, could not be read; or not into a frame
    power_cut = 5,   // in memory when the power went, told by no epoch record: cut_before
};
const char* name_of(LossReason reason);

// Blocks of one class that are gone. Of several epochs only when the ledger had to be kept small;
// what lies in between is gone, or has reached the collector, whose rows count more than a loss.
struct Loss {
    BlockClass block_class = BlockClass::alarm;
    LossReason reason = LossReason::unknown;
    BlockPlace first;  // epoch 0: nobody knows, an earlier spool could not be read
    BlockPlace last;
    std::uint64_t samples = 0;  // in the blocks that are gone, as far as known
    std::int64_t from_us = 0;   // since the start of the first epoch
    std::int64_t to_us = 0;     // since the start of the last
    friend constexpr bool operator==(const Loss&, const Loss&) = default;
};

class LossLedger {
 public:
    static constexpr std::size_t entries_max = 24;
    static constexpr std::size_t to_tell_max = 12;
    static constexpr std::size_t stored_bytes_max = 11 + entries_max * 42;

    // Extends an entry that nobody tells of yet, or makes one; the fullest ledger merges two.
    void add(const Loss& loss);
    // The oldest entries, at most to_tell_max; empty while a carrier is on its way.
    std::span<const Loss> to_tell() const;
    // The block `carrier` tells of the first `count` of them.
    void tell(std::size_t count, BlockClass block_class, const BlockPlace& carrier);
    bool is_carrier(BlockClass block_class, const BlockPlace& place) const {
        return is_carrier_in(block_class, place, place);
    }
    bool is_carrier_in(BlockClass block_class, const BlockPlace& first,
                       const BlockPlace& last) const;
    // The carrier became durable: what it tells is forgotten.
    void forget_told();
    // The carrier is lost: what it told has to be told again.
    void tell_again() { told_ = 0; }

    // An entry holds all of it; one holds some of it.
    bool has(BlockClass block_class, const BlockPlace& first, const BlockPlace& last) const;
    bool has_in(BlockClass block_class, const BlockPlace& first, const BlockPlace& last) const;

    std::span<const Loss> entries() const { return std::span{entries_}.first(count_); }
    std::size_t told() const { return told_; }
    BlockClass carrier_class() const { return carrier_class_; }  // while something is told
    const BlockPlace& carrier() const { return carrier_; }
    bool empty() const { return count_ == 0; }

    void write(ByteWriter& out) const;
    Status read(ByteReader& in);
    friend bool operator==(const LossLedger& a, const LossLedger& b);

 private:
    void make_place();
    void remove(std::size_t index);

    std::array<Loss, entries_max> entries_{};  // those that a carrier tells first, then by age
    std::size_t count_ = 0;
    std::size_t told_ = 0;  // of them, by the carrier
    BlockClass carrier_class_ = BlockClass::alarm;
    BlockPlace carrier_;
};

}  // namespace longhaul::agent
