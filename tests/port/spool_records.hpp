// Epoch records as the spools of the tests have them, and who has to tell what they say of the
// epoch before.
#pragma once

#include <catch2/catch_test_macros.hpp>
#include <map>
#include <string_view>
#include <vector>

#include "agent/core/spool.hpp"
#include "common/base/check.hpp"
#include "common/block/epoch.hpp"
#include "common/block/protobuf.hpp"
#include "tests/port/spool_steps.hpp"

namespace longhaul::test {

// What an agent's record says of the epoch before its own, and what a spool reads of it.
inline longhaul_EpochBefore epoch_before(const agent::EpochEnd& end, bool clean) {
    longhaul_EpochBefore before = longhaul_EpochBefore_init_zero;
    before.version = epoch_record_version;
    before.previous_epoch = end.epoch.value;
    before.previous_clean = clean;
    for (std::uint32_t c = 0; c < block_class_count; ++c)
        if (end.last_number[c] != 0)
            before.previous_ends[before.previous_ends_count++] = {c, end.last_number[c],
                                                                  end.last_us[c]};
    return before;
}
// A record that says nothing else, then some text.
inline std::vector<std::byte> record_bytes(const longhaul_EpochBefore& before,
                                           std::string_view text) {
    std::vector<std::byte> room(2 + longhaul_EpochBefore_size + text.size());
    ByteWriter record{MutableBytes{room}.subspan(2)};
    LH_CHECK(encode_protobuf(longhaul_EpochBefore_fields, &before, record).ok());
    ByteWriter length{room};
    length.u16(static_cast<std::uint16_t>(record.size()));
    record.text(text);
    room.resize(2 + record.size());
    return room;
}

struct SpoolModelRecord {
    longhaul_EpochBefore before{};
    std::vector<std::byte> bytes;
};
using SpoolModelRecords = std::map<Epoch, SpoolModelRecord>;

// What a spool says of the newest epoch, against what was stored.
inline void check_previous_end(const agent::EpochEnd& end, const SpoolModelBlocks& blocks,
                               bool cut) {
    Epoch newest;
    for (const auto& [key, block] : blocks)
        if (block.committed) newest = std::max(newest, key.second.epoch);
    CHECK(end.epoch >= newest);
    if (end.epoch != newest) return;  // of the append that was cut
    std::array<std::uint32_t, block_class_count> least{};
    for (const auto& [key, block] : blocks) {
        auto& number = least[static_cast<std::size_t>(key.first)];
        if (block.committed && key.second.epoch == newest)
            number = std::max(number, key.second.number);
    }
    for (std::size_t c = 0; c < block_class_count; ++c) {
        CAPTURE(c);
        CHECK(end.last_number[c] >= least[c]);
        if (!cut) CHECK(end.last_number[c] == least[c]);
    }
}

// What an epoch lost in memory when the power went is told by the next record, if a block of its
// epoch ever comes, and else by the account; and nothing is told that was not. Returns how many
// ends of a class the account had to tell.
inline std::size_t check_cuts_told(const SpoolModelRecords& records, const SpoolModelBlocks& blocks,
                                   const std::vector<agent::Loss>& told) {
    using End = std::pair<BlockClass, agent::BlockPlace>;
    std::map<Epoch, bool> arrived;  // of those that committed a block
    for (const auto& [key, block] : blocks)
        if (block.committed) arrived[key.second.epoch] |= block.acked;
    std::vector<End> ends;
    std::size_t untold_by_records = 0;
    for (const auto& [epoch, record] : records) {
        const longhaul_EpochBefore& before = record.before;
        if (before.previous_epoch == 0 || before.previous_clean) continue;
        const auto used = arrived.find(epoch);
        for (const longhaul_ClassEnd& end :
             std::span{before.previous_ends}.first(before.previous_ends_count)) {
            ends.push_back({static_cast<BlockClass>(end.block_class),
                            {{before.previous_epoch}, end.last_number + 1}});
            if (used == arrived.end() || used->second) continue;
            ++untold_by_records;
            CAPTURE(epoch.value, end.block_class, before.previous_epoch);
            CHECK(covered(told, ends.back().first, ends.back().second));
        }
    }
    for (const agent::Loss& loss : told) {
        if (loss.reason != agent::LossReason::power_cut || loss.first != loss.last) continue;
        CAPTURE(static_cast<int>(loss.block_class), loss.first.epoch.value, loss.first.number);
        CHECK(std::find(ends.begin(), ends.end(), End{loss.block_class, loss.first}) != ends.end());
    }
    return untold_by_records;
}

}  // namespace longhaul::test
