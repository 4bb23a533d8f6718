// Types for what could be mixed up: identities, sequence numbers, classes.
//
// A block is named (tenant, device, incarnation, epoch, seq); docs/spec/block.md.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>

namespace longhaul {

// Priority of a stream within an epoch; its two bits lead every seq.
enum class BlockClass : std::uint8_t { alarm = 0, live = 1, normal = 2, bulk = 3 };
inline constexpr std::size_t block_class_count = 4;
const char* name_of(BlockClass block_class);

// Random 32 bits drawn when a spool is formatted.
struct Incarnation {
    std::uint32_t value = 0;
    friend constexpr auto operator<=>(Incarnation, Incarnation) = default;
};

// Counts boots within an incarnation, from 1.
struct Epoch {
    std::uint32_t value = 0;
    friend constexpr auto operator<=>(Epoch, Epoch) = default;
};

// Class in the top two bits; below them the blocks of that class in the epoch, counted from 1.
struct BlockSeq {
    std::uint32_t value = 0;

    static constexpr std::uint32_t number_max = 0x3fff'ffff;
    static constexpr BlockSeq of(BlockClass block_class, std::uint32_t number) {
        return {static_cast<std::uint32_t>(block_class) << 30 | (number & number_max)};
    }
    constexpr BlockClass block_class() const { return static_cast<BlockClass>(value >> 30); }
    constexpr std::uint32_t number() const { return value & number_max; }
    friend constexpr auto operator<=>(BlockSeq, BlockSeq) = default;
};

// One block of a device.
struct BlockName {
    Incarnation incarnation;
    Epoch epoch;
    BlockSeq seq;
    friend constexpr auto operator<=>(const BlockName&, const BlockName&) = default;
};

// First and last of a run of blocks of one class and epoch, both included.
struct SeqRange {
    Epoch epoch;
    BlockSeq first;
    BlockSeq last;
    friend constexpr auto operator<=>(const SeqRange&, const SeqRange&) = default;
};

using Uuid = std::array<std::byte, 16>;

// Which journal an acknowledgement speaks for. `resend` rises when the journal has to ask again for
// blocks that it lost; a device that meets another id voids its durable marks.
struct JournalId {
    Uuid uuid{};
    std::uint32_t resend = 0;
    friend constexpr bool operator==(const JournalId&, const JournalId&) = default;
};

}  // namespace longhaul
