// A flash whose power goes in the middle of a program or an erase: for tests in an emulator, in an
// image of its own.
//
// A word that the emulator puts into memory before the start says when: in its lower half the
// number of the program or erase, counted from 1 (0: never), in its upper half a seed of how much
// of it is done. Then the board stands still until its power is really taken.
#pragma once

#include <algorithm>
#include <array>

#include "agent/platform/cortexm/board.hpp"
#include "agent/port/flash.hpp"

namespace longhaul::agent {

class TornFlash final : public Flash {
 public:
    TornFlash(Flash& whole, const std::uint32_t& plan) : whole_{whole}, plan_{plan} {}

    FlashGeometry geometry() const override { return whole_.geometry(); }
    Status read(std::uint32_t sector, std::uint32_t offset, MutableBytes room) override {
        return whole_.read(sector, offset, room);
    }
    Status program(std::uint32_t sector, std::uint32_t offset, Bytes bytes) override {
        if (!is_cut()) return whole_.program(sector, offset, bytes);
        // What is not programmed stays as it is: 0xff.
        while (!bytes.empty()) {
            std::array<std::byte, 64> torn;
            const std::size_t count = std::min(bytes.size(), torn.size());
            for (std::size_t i = 0; i < count; ++i) torn[i] = bytes[i] | lost(bytes.size() - i);
            static_cast<void>(whole_.program(sector, offset, Bytes{torn}.first(count)));
            bytes = bytes.subspan(count);
            offset += static_cast<std::uint32_t>(count);
        }
        stand_still("longhaul: torn program\n");
    }
    // Erased, then programmed with what had not been erased yet.
    Status erase(std::uint32_t sector) override {
        if (!is_cut()) return whole_.erase(sector);
        const std::uint32_t bytes = geometry().sector_bytes;
        static std::array<std::byte, 4096> before;
        static_cast<void>(whole_.read(sector, 0, MutableBytes{before}.first(bytes)));
        static_cast<void>(whole_.erase(sector));
        for (std::uint32_t i = 0; i < bytes; ++i) before[i] |= ~lost(bytes - i);
        static_cast<void>(whole_.program(sector, 0, Bytes{before}.first(bytes)));
        stand_still("longhaul: torn erase\n");
    }
    Status sync() override { return whole_.sync(); }

 private:
    enum class How : std::uint32_t { nothing, first_bytes, some_bits, all };

    bool is_cut() {
        if (++done_ != (plan_ & 0xffff)) return false;
        random_ = plan_ | 1;
        how_ = static_cast<How>(next() % 4);
        return true;
    }
    // The bits of the next byte, one of `left`, that the cut has kept from being done.
    std::byte lost(std::size_t left) {
        constexpr std::byte every{0xff};
        if (how_ == How::first_bytes && next() % (left + 1) == 0) how_ = How::nothing;
        if (how_ == How::some_bits) return static_cast<std::byte>(next());
        return how_ == How::nothing ? every : std::byte{};
    }
    std::uint32_t next() {  // xorshift
        random_ ^= random_ << 13;
        random_ ^= random_ >> 17;
        random_ ^= random_ << 5;
        return random_ >> 8;
    }
    [[noreturn]] void stand_still(std::string_view what) {
        board::write_console(what);
        asm volatile("cpsid i");
        for (;;) asm volatile("wfi");
    }

    Flash& whole_;
    const std::uint32_t& plan_;
    std::uint32_t done_ = 0;
    std::uint32_t random_ = 1;
    How how_ = How::nothing;
};

}  // namespace longhaul::agent
