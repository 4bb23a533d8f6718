#include "agent/platform/cortexm/boot_journal.hpp"

#include <array>

#include "common/base/crc32c.hpp"

namespace longhaul::agent {
namespace {

constexpr std::uint32_t magic = 0x4f42'484c;  // "LHBO"
constexpr std::size_t entry_bytes = 128;
constexpr std::size_t sum_at = entry_bytes - 4;

using Entry = std::array<std::byte, entry_bytes>;

bool is_blank(const Entry& entry) {
    for (const std::byte each : entry)
        if (each != std::byte{0xff}) return false;
    return true;
}

// 0: it is none.
std::uint32_t count_in(const Entry& entry) {
    ByteReader in{entry};
    const bool ours = in.u32() == magic;
    const std::uint32_t count = in.u32();
    ByteReader sum{Bytes{entry}.subspan(sum_at)};
    return ours && sum.u32() == crc32c(Bytes{entry}.first(sum_at)) ? count : 0;
}

struct Place {
    std::uint32_t sector = 1;
    std::uint32_t offset = UINT32_MAX;  // of the first blank entry behind the newest; none
    std::uint32_t count = 0;
};

Result<Place> newest(Flash& flash) {
    Place found;
    const std::uint32_t bytes = flash.geometry().sector_bytes;
    for (std::uint32_t sector = 0; sector < 2; ++sector) {
        bool holds_newest = false;
        for (std::uint32_t at = 0; at < bytes; at += entry_bytes) {
            Entry entry;
            LH_TRY(flash.read(sector, at, entry));
            if (is_blank(entry)) {
                if (holds_newest) found.offset = at;
                break;
            }
            const std::uint32_t count = count_in(entry);  // 0: torn
            if (count > found.count) {
                found = {sector, UINT32_MAX, count};
                holds_newest = true;
            }
        }
    }
    return found;
}

}  // namespace

Result<std::uint32_t> count_boot(Flash& flash, const Remembered& remembered) {
    LH_TRY_ASSIGN(Place place, newest(flash));
    if (place.offset == UINT32_MAX) {
        place = {1 - place.sector, 0, place.count};
        LH_TRY(flash.erase(place.sector));
    }
    Entry entry{};
    ByteWriter out{entry};
    out.u32(magic);
    out.u32(place.count + 1);
    out.u32(remembered.power_was_off ? 1 : 0);
    out.u32(static_cast<std::uint32_t>(remembered.words.death));
    out.u32(remembered.words.place);
    out.bytes(std::as_bytes(std::span{remembered.words.text}));
    ByteWriter sum{MutableBytes{entry}.subspan(sum_at)};
    sum.u32(crc32c(Bytes{entry}.first(sum_at)));
    LH_TRY(flash.program(place.sector, place.offset, entry));
    LH_TRY(flash.sync());
    return place.count + 1;
}

}  // namespace longhaul::agent
