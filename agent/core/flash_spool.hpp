// A spool in a ring of flash sectors, for devices without a file system. docs/spec/spool.md,
// section Flash ring.
//
// Each class of blocks has its own chain of sectors, so nothing is copied to make room. Memory is
// 12 bytes a sector and some KiB, whatever waits. The blocks themselves say what is there
// (flash_blocks); what they cannot say is in the core (flash_state): which are done with, and the
// account of losses.
#pragma once

#include <array>
#include <optional>

#include "agent/core/flash_blocks.hpp"
#include "agent/core/flash_epochs.hpp"
#include "agent/core/flash_state.hpp"
#include "agent/core/spool.hpp"
#include "agent/port/entropy.hpp"
#include "agent/port/flash.hpp"

namespace longhaul::agent {

class FlashSpool final : public Spool, private FlashEpochUse, private FlashStateUse {
 public:
    static constexpr std::uint32_t sectors_max = 1024;
    // What all small values take together, at least: five of 32 bytes and one of 512.
    static constexpr std::array<std::uint16_t, 6> values_min{32, 32, 32, 32, 32, 512};
    static std::size_t memory_bytes(const FlashGeometry& geometry);
    // The largest block and value that fit; append() answers too_large beyond.
    static std::size_t block_bytes_max(const FlashGeometry& geometry);

    // The bound of the policy is lowered to what the flash has room for.
    FlashSpool(Flash& flash, const SpoolPolicy& policy, Entropy& entropy, MutableBytes memory);
    // Whatever lies on the flash. Error io: it does not take what is written, nowhere. Error
    // too_large: more sectors than sectors_max, or too small for the state.
    Status open();

    Incarnation incarnation() const override { return core_.incarnation; }
    const SpoolPolicy& policy() const override { return policy_; }
    Result<Epoch> begin_epoch() override;
    Result<EpochEnd> previous_end() override { return previous_end_; }

    Status store_schema(const SchemaHash& hash, Bytes encoded) override;
    Status store_epoch(Epoch epoch, Bytes signed_epoch,
                       std::span<const SchemaHash> schemas) override;
    Result<Bytes> read_schema(const SchemaHash& hash, MutableBytes room) override;
    Result<Bytes> read_epoch(Epoch epoch, MutableBytes room) override;
    Result<std::size_t> waiting_schemas(std::span<SchemaHash> out) override;
    Result<std::size_t> epoch_schemas(Epoch epoch, std::span<SchemaHash> out) override;

    // As its virtual parent says. Error too_large: the first one is larger than a sector.
    Result<Appended> append(std::span<const SpoolBlock> blocks, const SentMarks& sent) override;
    Result<SpoolBlock> next(BlockClass block_class, Epoch epoch, BlockSeq after,
                            MutableBytes room) override;
    Result<DurableGain> mark_durable(const SeqRange& range) override;
    Status void_durable() override;
    Result<SpoolDepth> depth() override;
    const LossLedger& losses() const override { return core_.losses; }
    SpoolWear wear() override;

    // Error full: all values together have to fit in a sector, beside the core.
    Status put_state(std::uint8_t key, Bytes value) override;
    Result<Bytes> read_state(std::uint8_t key, MutableBytes room) override;

 private:
    struct Chain {
        FlashTail tail;
        std::uint32_t waiting = 0;
        std::uint64_t bytes_waiting = 0;
        BlockPlace newest;         // of the blocks in the sector of the tail
        std::uint32_t blocks = 0;  // in the sector of the tail
        std::uint64_t bytes = 0;   // of them
        std::array<FlashCursor, 4> cursors;
        std::size_t victim = 0;  // the cursor that goes next
    };
    struct Survey {
        std::uint32_t waiting = 0;
        std::uint64_t bytes_waiting = 0;
        std::uint32_t blocks = 0;
        std::uint64_t bytes = 0;
        FlashRecord last;  // epoch 0: no block
        std::uint32_t end = 0;
    };
    enum class Room : std::uint8_t { made, drop_new, stop };
    enum class Taken : std::uint8_t { stored, dropped, full };
    enum class Which : std::uint8_t { waiting, all };

    // flash_spool_mount.cpp
    Status check_geometry() const;
    Status load();
    Status start_anew();
    Status load_core(Entropy& entropy);
    Status finish_freeing();
    Status load_class(FlashChain chain);
    void load_sector(FlashChain chain, std::uint32_t sector, Survey& newest, BlockPlace& last);
    bool count_by_summary(FlashChain chain, std::uint32_t sector, BlockPlace& last);
    void load_tail(FlashChain chain, const Survey& newest);
    Status list_lost_front(FlashChain chain, const BlockPlace& last);
    Status list_lost_tail(FlashChain chain, const BlockPlace& last);
    Status note_carrier(const Survey& newest);
    Status forget_carrier_that_never_came();
    void note_newest(const Survey& newest, FlashChain chain);
    Survey survey(FlashChain chain, std::uint32_t sector);

    // flash_spool_room.cpp
    std::uint32_t data_sectors() const;
    SpoolUse use(const SentMarks& sent);
    Result<Room> make_room(const SpoolTag& tag, const SentMarks& sent);
    Status begin_sector(const SpoolTag& tag);
    void close_sector(FlashChain chain);
    std::optional<std::uint32_t> droppable(FlashChain chain, const SentMarks& sent);
    bool was_sent(FlashChain chain, std::uint32_t sector, const SentOfClass& sent);
    std::optional<std::uint32_t> oldest_done();
    std::optional<std::uint32_t> expendable();
    Status keep_spare();
    void list_waiting(std::uint32_t sector);
    Status drop_sector(std::uint32_t sector);
    Status erase_sector(std::uint32_t sector);
    std::optional<std::uint32_t> leave_done() override;
    std::optional<std::uint32_t> leave_waiting() override;
    void erase_left(std::uint32_t sector) override { (void)erase_sector(sector); }
    void note_freeing(std::uint32_t sector);
    void leave_chain(std::uint32_t sector);
    bool in_use(Epoch epoch) override;
    bool has_blocks(Epoch epoch, Which which);
    Epoch current() const override { return {core_.epoch_counter}; }
    Epoch newest_with_blocks() const override { return core_.newest_epoch; }
    Status free_sector(std::uint32_t sector) override;
    Status make_room_for_epochs() override;

    // flash_spool_read.cpp
    std::optional<FlashItem> find(FlashChain chain, const BlockPlace& after, Which which);
    std::optional<FlashItem> find_in(BlockScan& scan, FlashChain chain, const BlockPlace& after,
                                     Which which);
    std::optional<std::uint32_t> sector_of(FlashChain chain, const BlockPlace& after, Which which);
    std::optional<std::uint32_t> next_sector(FlashChain chain, std::uint32_t order, Which which);
    void remember(FlashChain chain, const BlockPlace& after, const FlashItem& item);
    void keep_gaps_done(FlashChain chain);
    Epoch next_waiting_epoch(Epoch after);
    std::optional<BlockPlace> newest_waiting(FlashChain chain);
    void nothing_waits_in(std::uint32_t sector);
    bool is_readable(Epoch epoch, std::size_t bytes_max);
    Status lose_longer(FlashChain chain, const FlashItem& first, std::size_t bytes_max);
    Status lose(FlashChain chain, const FlashItem& item, LossReason reason);
    void mark_done(FlashChain chain, PlaceRange range, const BlockPlace& before);
    void wait_again(FlashChain chain, const PlaceRange& range);
    void done_with(FlashChain chain, const FlashItem& item);

    // flash_spool.cpp
    Result<Taken> append_one(const SpoolBlock& block, const SentMarks& sent);
    Result<Taken> store(const SpoolBlock& block, const SentMarks& sent);
    Status note_stored(const SpoolBlock& block);
    Status note_dropped(const SpoolTag& tag);
    void note_number(const SpoolTag& tag);
    void list(FlashChain chain, const FlashItem& item, LossReason reason);
    void list_cuts_before_lost();
    Status write_core(FlashState::Copies copies);

    SpoolPolicy policy_;
    Entropy& entropy_;
    FlashSectors sectors_;
    FlashState state_;
    FlashEpochs epochs_;
    FlashCore core_;
    std::array<Chain, block_class_count> chains_;
    EpochEnd previous_end_;
    Epoch lost_from_;  // epochs of what was listed since the last core; 0: nothing was
    Epoch lost_to_;
    Epoch readable_;             // that one can be read
    bool mounted_ = false;       // a core can be written
    bool stored_moved_ = false;  // since the last core
    bool core_due_ = false;      // as soon as it can
    std::uint64_t bytes_stored_ = 0;
};

}  // namespace longhaul::agent
