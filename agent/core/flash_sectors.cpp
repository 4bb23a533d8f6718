#include "agent/core/flash_sectors.hpp"

#include <algorithm>

#include "common/base/check.hpp"

namespace longhaul::agent {
namespace {

constexpr std::uint32_t spread_wanted = 4;  // erases above the average

}  // namespace

FlashSectors::FlashSectors(Flash& flash, std::span<FlashSector> table)
    : flash_{flash}, layout_{flash.geometry()}, table_{table} {
    LH_CHECK(table_.size() == layout_.sectors);
}

std::optional<SectorHeader> FlashSectors::header_of(std::uint32_t sector) {
    std::array<std::byte, sector_header_bytes> room;
    SectorHeader header;
    for (std::uint32_t copy = 0; copy < 2; ++copy) {
        const auto good = [&](Bytes bytes) { return read_sector_header(bytes, header); };
        // What is blank is not read again.
        if (!read(sector, layout_.header_at(copy), room) || is_blank(room)) continue;
        if (good(room) || read_until(sector, layout_.header_at(copy), room, good)) return header;
    }
    return std::nullopt;
}

void FlashSectors::open() {
    std::uint64_t erases = 0;
    std::uint32_t marked = 0;
    constexpr std::uint32_t unknown = UINT32_MAX;
    for (FlashSector& entry : table_) entry = {};
    for (std::uint32_t sector = 0; sector < count(); ++sector) {
        FlashSector& entry = table_[sector];
        std::array<std::byte, erase_mark_bytes> room;
        EraseMark mark;
        const bool has_mark = read_until(sector, 0, room, [&](Bytes bytes) {
            return read_erase_mark(bytes, mark) || is_blank(bytes);
        });
        entry.erases = has_mark && !is_blank(room) ? std::min(mark.erases, unknown - 1) : unknown;
        if (entry.erases != unknown) erases += entry.erases;
        if (entry.erases != unknown) ++marked;
        const auto header = header_of(sector);
        if (!header) continue;
        if (with_order(header->order)) {
            // It would appear when the other one goes.
            (void)free(sector);
            continue;
        }
        entry.order = header->order;
        entry.chain = header->chain;
        epoch_counter = std::max(epoch_counter, header->epoch_counter);
        if (header->order <= order_max) continue;
        order_max = header->order;
        incarnation = header->incarnation;
    }
    const auto average = static_cast<std::uint32_t>(marked == 0 ? 0 : erases / marked);
    for (FlashSector& entry : table_)
        if (entry.erases == unknown) entry.erases = average;
}

std::optional<std::uint32_t> FlashSectors::with_order(std::uint32_t order) const {
    for (std::uint32_t sector = 0; order != 0 && sector < count(); ++sector)
        if (table_[sector].order == order) return sector;
    return std::nullopt;
}

void FlashSectors::keep_only(Incarnation wanted) {
    incarnation = wanted;
    for (std::uint32_t sector = 0; sector < count(); ++sector) {
        FlashSector& entry = table_[sector];
        if (entry.chain == chain_none) continue;
        const auto header = header_of(sector);
        if (header && header->incarnation == wanted) continue;
        entry.chain = chain_none;
        entry.order = 0;
    }
}

std::optional<std::uint32_t> FlashSectors::after(FlashChain chain, std::uint32_t order) const {
    std::optional<std::uint32_t> best;
    for (std::uint32_t sector = 0; sector < count(); ++sector) {
        const FlashSector& entry = table_[sector];
        if (entry.chain != chain || entry.order <= order) continue;
        if (!best || entry.order < table_[*best].order) best = sector;
    }
    return best;
}

std::optional<std::uint32_t> FlashSectors::newest(FlashChain chain) const {
    std::optional<std::uint32_t> best;
    for (std::uint32_t sector = 0; sector < count(); ++sector) {
        if (table_[sector].chain != chain) continue;
        if (!best || table_[sector].order > table_[*best].order) best = sector;
    }
    return best;
}

std::uint32_t FlashSectors::length(FlashChain chain) const {
    return static_cast<std::uint32_t>(
        std::count_if(table_.begin(), table_.end(),
                      [chain](const FlashSector& entry) { return entry.chain == chain; }));
}

std::uint32_t FlashSectors::usable() const {
    return static_cast<std::uint32_t>(std::count_if(
        table_.begin(), table_.end(),
        [](const FlashSector& entry) { return entry.state == FlashSector::State::sound; }));
}

std::uint32_t FlashSectors::spare() const {
    return static_cast<std::uint32_t>(
        std::count_if(table_.begin(), table_.end(), [](const FlashSector& entry) {
            return entry.chain == chain_none && entry.state == FlashSector::State::sound;
        }));
}

// The least worn free sector. But one that is worn more than others rests where it stays for long:
// the state moves often, blocks stay.
std::optional<std::uint32_t> FlashSectors::choose(FlashChain chain) const {
    std::optional<std::uint32_t> least;
    std::optional<std::uint32_t> most;
    std::uint64_t erases = 0;
    for (std::uint32_t sector = 0; sector < count(); ++sector) {
        const FlashSector& entry = table_[sector];
        erases += entry.erases;
        if (entry.chain != chain_none || entry.state != FlashSector::State::sound) continue;
        if (!least || entry.erases < table_[*least].erases) least = sector;
        if (!most || entry.erases > table_[*most].erases) most = sector;
    }
    const std::uint64_t worn = erases / count() + spread_wanted;
    return most && chain != chain_state && table_[*most].erases > worn ? most : least;
}

Result<std::uint32_t> FlashSectors::take(FlashChain chain, const BlockPlace& first,
                                         const BlockPlace& before) {
    for (;;) {
        const auto best = choose(chain);
        if (!best || order_max == UINT32_MAX)
            return Error{ErrorCode::io, "no flash sector can be used"};
        const SectorHeader header{order_max + 1, chain, incarnation, epoch_counter, first, before};
        if (prepare(*best)) {
            ++order_max;
            if (join(*best, header)) return *best;
            erase(*best);
        }
        set_aside(*best);
    }
}

// Blank all over but for its mark.
bool FlashSectors::prepare(std::uint32_t sector) {
    const std::uint32_t from = layout_.header_at(0);
    for (int attempt = 0; attempt < 2; ++attempt) {
        std::array<std::byte, erase_mark_bytes> room;
        EraseMark mark;
        const bool marked =
            read_until(sector, 0, room, [&](Bytes bytes) { return read_erase_mark(bytes, mark); });
        if (marked && blank_from(sector, from, layout_.sector_bytes) == from) return true;
        if (attempt == 0) erase(sector);
    }
    return false;
}

bool FlashSectors::erase(std::uint32_t sector) {
    FlashSector& entry = table_[sector];
    ++entry.erases;
    if (!flash_.erase(sector).ok()) return false;
    std::array<std::byte, erase_mark_bytes> room;
    ByteWriter out{room};
    write_erase_mark({entry.erases}, out);
    std::array<std::byte, flash_unit_bytes_max> unit;
    unit.fill(std::byte{0xff});
    std::copy(room.begin(), room.end(), unit.begin());
    return program(sector, 0, Bytes{unit}.first(layout_.up(erase_mark_bytes))).ok() && sync().ok();
}

bool FlashSectors::join(std::uint32_t sector, const SectorHeader& header) {
    std::array<std::byte, flash_unit_bytes_max> unit;
    unit.fill(std::byte{0xff});
    ByteWriter out{unit};
    write_sector_header(header, out);
    const Bytes written = Bytes{unit}.first(layout_.up(sector_header_bytes));
    for (std::uint32_t copy = 0; copy < 2; ++copy) {
        std::array<std::byte, sector_header_bytes> room;
        const std::uint32_t offset = layout_.header_at(copy);
        if (!program(sector, offset, written).ok() || !sync().ok()) return false;
        if (!read_until(sector, offset, room,
                        [&](Bytes bytes) { return equal(bytes, out.written()); }))
            return false;
    }
    table_[sector].order = header.order;
    table_[sector].chain = header.chain;
    table_[sector].waiting = 0;
    return true;
}

// What cannot be erased may still take zeros.
void FlashSectors::overwrite_header(std::uint32_t sector) {
    const std::array<std::byte, flash_unit_bytes_max> zeros{};
    for (std::uint32_t copy = 0; copy < 2; ++copy)
        (void)program(sector, layout_.header_at(copy),
                      Bytes{zeros}.first(layout_.up(sector_header_bytes)));
    (void)sync();
}

Status FlashSectors::free(std::uint32_t sector) {
    FlashSector& entry = table_[sector];
    const bool erased = erase(sector) && !header_of(sector);
    if (!erased && header_of(sector)) overwrite_header(sector);
    entry.chain = chain_none;
    entry.order = 0;
    entry.waiting = 0;
    if (!erased || entry.state == FlashSector::State::failed)
        entry.state = FlashSector::State::set_aside;
    if (!erased && header_of(sector)) return ErrorCode::io;
    return {};
}

void FlashSectors::set_aside(std::uint32_t sector) {
    table_[sector].chain = chain_none;
    table_[sector].order = 0;
    table_[sector].waiting = 0;
    table_[sector].state = FlashSector::State::set_aside;
}

Status FlashSectors::program(std::uint32_t sector, std::uint32_t offset, Bytes bytes) {
    const std::uint32_t unit = layout_.unit;
    for (std::size_t from = 0; from < bytes.size();) {
        std::size_t to = from;
        while (to < bytes.size() && !is_blank(bytes.subspan(to, unit))) to += unit;
        if (to != from) {
            const Bytes run = bytes.subspan(from, to - from);
            counts.bytes_written += run.size();
            LH_TRY(flash_.program(sector, offset + static_cast<std::uint32_t>(from), run));
        }
        from = to + unit;
    }
    return {};
}

std::uint32_t FlashSectors::blank_from(std::uint32_t sector, std::uint32_t from, std::uint32_t to) {
    std::array<std::byte, flash_unit_bytes_max> room;
    while (to > from) {
        const std::uint32_t count = std::min<std::uint32_t>(to - from, room.size());
        const MutableBytes piece = MutableBytes{room}.first(count);
        const bool blank =
            read_until(sector, to - count, piece, [](Bytes bytes) { return is_blank(bytes); });
        if (!blank) {
            std::uint32_t used = count;
            while (used > layout_.unit &&
                   is_blank(Bytes{piece}.subspan(used - layout_.unit, layout_.unit)))
                used -= layout_.unit;
            return to - count + layout_.up(used);
        }
        to -= count;
    }
    return from;
}

}  // namespace longhaul::agent
