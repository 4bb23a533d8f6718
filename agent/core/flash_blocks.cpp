#include "agent/core/flash_blocks.hpp"

namespace longhaul::agent {

BlockScan::BlockScan(FlashSectors& sectors, std::uint32_t sector, const FlashTail& tail)
    : sectors_{sectors}, sector_{sector}, scan_{sectors, sector, tail} {
    if (const auto header = sectors_.header_of(sector)) first_ = header->first;
    find_end(tail);
}

BlockScan::BlockScan(FlashSectors& sectors, const FlashCursor& from, const FlashTail& tail)
    : sectors_{sectors},
      sector_{from.sector},
      scan_{
          sectors, from.sector, from.next,
          tail.used != 0 && tail.sector == from.sector ? tail.used : sectors.layout().summary_at()},
      seen_{from.place} {
    find_end(tail);
}

// A sector that failed may hold a block that was written once more, into the next one.
void BlockScan::find_end(const FlashTail& tail) {
    if (tail.used != 0 && tail.sector == sector_) return;
    RecordHeader summary;
    if (read_summary(sectors_, sector_, summary)) {
        has_summary_ = true;
        end_ = summary.place;
        return;
    }
    const FlashSector& entry = sectors_.at(sector_);
    const auto next = sectors_.after(entry.chain, entry.order);
    if (!next) return;
    if (const auto header = sectors_.header_of(*next)) end_ = header->first;
}

bool BlockScan::is_beyond(const BlockPlace& place) const {
    return has_summary_ ? place > end_ : place >= end_;
}

bool BlockScan::next(FlashItem& item) {
    if (held_) return take_record(item);
    while (!(has_summary_ && seen_ >= end_) && scan_.next()) {
        const RecordHeader& header = scan_.record().header;
        const FlashSector& entry = sectors_.at(sector_);
        if (header.kind != RecordKind::block || header.key != entry.chain) continue;
        if (!is_place(header.place)) continue;
        if (is_beyond(header.place)) break;
        if (header.place <= seen_ || header.place < first_) continue;
        const bool gap =
            header.before > seen_ && header.before >= first_ && header.before < header.place;
        if (!gap) return take_record(item);
        take_gap(header.before, item);
        held_ = true;
        return true;
    }
    if (!has_summary_ || seen_ >= end_) return false;
    take_gap(end_, item);
    return true;
}

bool BlockScan::take_record(FlashItem& item) {
    held_ = false;
    item.missing = false;
    item.record = scan_.record();
    item.first = item.last = seen_ = item.record.header.place;
    return true;
}

void BlockScan::take_gap(const BlockPlace& to, FlashItem& item) {
    item.missing = true;
    item.record = {};
    item.record.sector = sector_;
    item.first = first_;
    if (seen_.epoch.value != 0) item.first = {seen_.epoch, seen_.number + 1};
    if (item.first > to) item.first = to;
    item.last = seen_ = to;
}

}  // namespace longhaul::agent
