// Chain 5 of the flash ring: the small state of a spool, kept twice in two sectors side by side.
//
// Each of the two, a lane, holds a whole copy: every value, and last of all a core, which makes it
// complete. What changes is appended to both. A lane that is full moves into another sector, and
// the old one is erased when the new one is complete, so one damaged sector never costs the state.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>

#include "agent/core/flash_marks.hpp"
#include "agent/core/flash_records.hpp"
#include "agent/core/loss_ledger.hpp"

namespace longhaul::agent {

struct FlashCoreClass {
    std::uint32_t last_number = 0;  // of the newest epoch; what was dropped at once counts
    std::int64_t last_us = 0;
    BlockPlace stored;  // the newest block in the chain; 0: none
    BlockPlace freed;   // what goes before the chain's first block went, or never was; 0: unknown
    FlashMarks done;
};

// What the spool has to know besides its blocks, as it is stored.
struct FlashCore {
    static constexpr std::size_t given_up_max = 6;
    static constexpr std::size_t stored_bytes_max =
        16 + 1 + given_up_max * 4 + 4 + block_class_count * (28 + FlashMarks::stored_bytes_max) +
        LossLedger::stored_bytes_max;

    Incarnation incarnation;
    std::uint32_t epoch_counter = 0;
    std::uint32_t order_max = 0;                         // of all sectors that ever joined a chain
    std::uint32_t freeing = 0;                           // order of the sector that is being freed
    std::array<std::uint32_t, given_up_max> given_up{};  // orders of sectors that cannot be erased
    std::size_t given_up_count = 0;
    Epoch newest_epoch;  // that stored a block
    std::array<FlashCoreClass, block_class_count> classes;
    LossLedger losses;

    void give_up(std::uint32_t order);
    bool has_given_up(std::uint32_t order) const;
    void write(ByteWriter& out) const;
    Status read(ByteReader& in);
};

// What the state asks of the spool around it when no sector is free. The core that it is about to
// write says which sector left its chain, and what was in it.
class FlashStateUse {
 public:
    // The oldest sector that is done with, or one that is being freed anyway. Nothing: there is
    // none.
    virtual std::optional<std::uint32_t> leave_done() = 0;
    // One in which blocks wait, by policy.
    virtual std::optional<std::uint32_t> leave_waiting() = 0;
    virtual void erase_left(std::uint32_t sector) = 0;

 protected:
    ~FlashStateUse() = default;
};

class FlashState {
 public:
    // `scratch` takes a core, FlashCore::stored_bytes_max.
    FlashState(FlashSectors& sectors, MutableBytes scratch, FlashStateUse& use)
        : sectors_{sectors}, scratch_{scratch}, use_{use} {}

    // Error not_found: there is no core. Changes nothing.
    Status load(FlashCore& core);
    // After load() and FlashSectors::keep_only(): both lanes are whole, or made so.
    Status open(const FlashCore& core);

    enum class Copies : std::uint8_t { one, both };
    Status write_core(const FlashCore& core, Copies copies);
    Status put(std::uint8_t key, Bytes value, const FlashCore& core);
    Result<Bytes> read(std::uint8_t key, MutableBytes room);
    std::uint32_t serial() const { return serial_; }  // the highest that was given

 private:
    struct Value {
        std::uint8_t key;
        Bytes bytes;
    };
    bool find_value(std::uint8_t key, FlashRecord& found, std::uint32_t but_for = no_sector);
    bool is_elsewhere(std::uint32_t sector);
    bool has_core_but_for(std::uint32_t sector);
    void find_lanes();
    Status next_serial();
    // A value, or without one the core.
    Status append(FlashTail& lane, const FlashCore& core, const Value* value);
    Status append_core(FlashTail& lane, const FlashCore& core);
    Status append_value(FlashTail& lane, const Value& value);
    Result<std::uint32_t> take_sector(FlashTail& lane, const FlashCore& core);
    void erase_left(std::uint32_t sector, const FlashTail& lane, const FlashCore& core);
    Status move(FlashTail& lane, const FlashCore& core, const Value* value);
    Status copy_values(FlashTail& to, const Value* instead);
    Result<std::uint32_t> bytes_of_values(std::uint8_t but_for);

    FlashSectors& sectors_;
    MutableBytes scratch_;
    FlashStateUse& use_;
    std::array<FlashTail, 2> lanes_;
    std::uint32_t serial_ = 0;
    std::bitset<256> keys_;
};

}  // namespace longhaul::agent
