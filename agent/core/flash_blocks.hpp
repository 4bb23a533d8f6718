// The blocks in a sector of a class, in their order, and the gaps where damaged ones were.
#pragma once

#include "agent/core/flash_records.hpp"

namespace longhaul::agent {

// A block, or the places of blocks that should be there and are not.
struct FlashItem {
    FlashRecord record;
    BlockPlace first;
    BlockPlace last;
    bool missing = false;
};

// A block that was looked at, so that the next one need not be searched for.
struct FlashCursor {
    std::uint32_t sector = no_sector;
    std::uint32_t next = 0;  // where the record behind it begins
    BlockPlace place;
};

class BlockScan {
 public:
    BlockScan(FlashSectors& sectors, std::uint32_t sector, const FlashTail& tail);
    BlockScan(FlashSectors& sectors, const FlashCursor& from, const FlashTail& tail);

    bool next(FlashItem& item);
    const BlockPlace& first() const { return first_; }  // of the sector; not behind a cursor
    std::uint32_t end() const { return scan_.end(); }

 private:
    void find_end(const FlashTail& tail);
    bool is_beyond(const BlockPlace& place) const;
    bool take_record(FlashItem& item);
    void take_gap(const BlockPlace& to, FlashItem& item);

    FlashSectors& sectors_;
    std::uint32_t sector_;
    RecordScan scan_;
    BlockPlace first_;
    BlockPlace seen_;              // the last one; epoch 0: none yet
    bool has_summary_ = false;     // then `end_` is the last block
    BlockPlace end_ = last_place;  // else a block that is not here any more
    bool held_ = false;            // the record behind the gap that was told last
};

}  // namespace longhaul::agent
