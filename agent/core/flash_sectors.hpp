// The sectors of a flash: which chain each belongs to, how often it was erased, which can be used.
//
// One table of 12 bytes a sector, in the caller's memory, is all that is kept of them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "agent/core/flash_format.hpp"
#include "common/base/result.hpp"

namespace longhaul::agent {

struct FlashSector {
    std::uint32_t order = 0;  // 0: in no chain
    std::uint32_t erases = 0;
    std::uint16_t waiting = 0;  // blocks of a class's sector that are not done with
    FlashChain chain = chain_none;
    enum class State : std::uint8_t {
        sound,
        failed,     // it did not take what was written; set aside when it is freed
        set_aside,  // it cannot be used, until the next start
    } state = State::sound;
};
static_assert(sizeof(FlashSector) == 12);

struct FlashCounts {
    std::uint64_t bytes_written = 0;
};

class FlashSectors {
 public:
    // `table` has a place for each sector of the flash.
    FlashSectors(Flash& flash, std::span<FlashSector> table);

    // Reads marks and headers.
    void open();
    // Sectors of other incarnations are free.
    void keep_only(Incarnation incarnation);

    const FlashLayout& layout() const { return layout_; }
    FlashSector& at(std::uint32_t sector) { return table_[sector]; }
    std::uint32_t count() const { return static_cast<std::uint32_t>(table_.size()); }

    // Walks a chain, oldest first: the sector of the chain with the lowest order above `order`.
    std::optional<std::uint32_t> after(FlashChain chain, std::uint32_t order) const;
    std::optional<std::uint32_t> newest(FlashChain chain) const;
    std::optional<std::uint32_t> with_order(std::uint32_t order) const;  // 0: none
    std::uint32_t length(FlashChain chain) const;
    std::uint32_t usable() const;  // not set aside
    std::uint32_t spare() const;   // free, and not known to be bad
    std::optional<SectorHeader> header_of(std::uint32_t sector);

    // A free sector joins a chain; it is blank behind its header. Error io: none can be used.
    Result<std::uint32_t> take(FlashChain chain, const BlockPlace& first = {},
                               const BlockPlace& before = {});
    // The sector leaves its chain. Error io: it still looks as if it belonged to it.
    Status free(std::uint32_t sector);
    // Never looked at again, until the next start.
    void set_aside(std::uint32_t sector);

    // Reads three times, if need be, until `good` likes it.
    template <class Good>
    bool read_until(std::uint32_t sector, std::uint32_t offset, MutableBytes room, Good&& good) {
        for (int attempt = 0; attempt < reads_max; ++attempt)
            if (read(sector, offset, room) && good(Bytes{room})) return true;
        return false;
    }
    bool read(std::uint32_t sector, std::uint32_t offset, MutableBytes room) {
        return flash_.read(sector, offset, room).ok();
    }
    static constexpr int reads_max = 3;

    // Programs whole units, but for those that are blank anyway.
    Status program(std::uint32_t sector, std::uint32_t offset, Bytes bytes);
    Status sync() { return flash_.sync(); }
    // Behind the last byte in [from, to) that is not blank, up to the next unit; `from`: all is.
    std::uint32_t blank_from(std::uint32_t sector, std::uint32_t from, std::uint32_t to);

    // Goes into the headers of sectors.
    Incarnation incarnation;
    std::uint32_t epoch_counter = 0;  // the highest seen in a header, to begin with
    std::uint32_t order_max = 0;      // the highest ever given
    FlashCounts counts;

 private:
    std::optional<std::uint32_t> choose(FlashChain chain) const;
    bool prepare(std::uint32_t sector);
    bool erase(std::uint32_t sector);
    void overwrite_header(std::uint32_t sector);
    bool join(std::uint32_t sector, const SectorHeader& header);

    Flash& flash_;
    FlashLayout layout_;
    std::span<FlashSector> table_;
};

}  // namespace longhaul::agent
