// Chain 4 of the flash ring: epoch records and schemas, each written into two sectors, kept as long
// as the blocks that need them. What outlives its neighbours is copied, and the sector freed.
#pragma once

#include <array>
#include <optional>

#include "agent/core/flash_records.hpp"
#include "common/block/epoch.hpp"
#include "common/block/limits.hpp"
#include "common/block/schema.hpp"

namespace longhaul::agent {

// What the chain has to ask of the spool around it.
class FlashEpochUse {
 public:
    // A block of the epoch is kept, or may be about to come.
    virtual bool in_use(Epoch epoch) = 0;
    virtual Epoch current() const = 0;
    virtual Epoch newest_with_blocks() const = 0;
    virtual Status free_sector(std::uint32_t sector) = 0;
    // The oldest blocks go, by policy. Error full: none may.
    virtual Status make_room_for_epochs() = 0;

 protected:
    ~FlashEpochUse() = default;
};

class FlashEpochs {
 public:
    explicit FlashEpochs(FlashSectors& sectors) : sectors_{sectors} {}

    static std::uint32_t sectors_max(const FlashLayout& layout);
    // Frees a copy of a sector that was not finished; finds where the next record goes.
    void open();

    Status store_schema(const SchemaHash& hash, Bytes encoded, FlashEpochUse& use);
    Status store_epoch(Epoch epoch, Bytes signed_epoch, std::span<const SchemaHash> schemas,
                       FlashEpochUse& use);
    Result<Bytes> read_schema(const SchemaHash& hash, MutableBytes room);
    Result<Bytes> read_epoch(Epoch epoch, MutableBytes room);
    // Its record and all its schemas can be read, each into so many bytes.
    bool is_whole(Epoch epoch, std::size_t bytes_max);
    Result<std::size_t> schemas_of(Epoch epoch, std::span<SchemaHash> out);
    // What the record says of the epoch before it.
    Result<longhaul_EpochBefore> before(Epoch epoch);
    // The next one after `epoch` that has a record; 0: none.
    Epoch next_epoch(Epoch epoch);

 private:
    struct Hashes {
        std::array<std::byte, 1 + limits::streams_max * sizeof(SchemaHash)> bytes;
        std::size_t count = 0;
        SchemaHash at(std::size_t index) const;
        bool contain(const SchemaHash& hash) const;
    };
    template <class Good>
    std::optional<FlashRecord> find(Good&& good);
    std::optional<FlashRecord> find_epoch(Epoch epoch);
    std::optional<FlashRecord> find_schema(const SchemaHash& hash);
    bool read_hashes(const FlashRecord& record, Hashes& hashes);
    bool is_schema(const FlashRecord& record, const SchemaHash& hash);

    Status store(RecordHeader header, BodyPieces body, FlashEpochUse& use);
    Status store_copy(std::size_t copy, RecordHeader header, BodyPieces body, FlashEpochUse& use);
    Status make_room(std::size_t copy, std::size_t body_bytes, FlashEpochUse& use);
    FlashTail tail_of(std::uint32_t sector) const;
    FlashTail tail_behind(std::optional<std::uint32_t> sector);
    bool is_live(const FlashRecord& record, FlashEpochUse& use);
    bool is_needed(const SchemaHash& hash, FlashEpochUse& use);
    std::uint32_t live_bytes(std::uint32_t sector, FlashEpochUse& use);
    std::optional<std::uint32_t> collectable(std::size_t copy, std::size_t body_bytes,
                                             FlashEpochUse& use);
    Status collect(std::size_t copy, std::uint32_t sector, FlashEpochUse& use);
    Status copy_live(std::uint32_t sector, FlashTail& to, FlashEpochUse& use);

    FlashSectors& sectors_;
    static constexpr std::size_t copies = 2;
    std::array<FlashTail, copies> tails_;  // in different sectors
    FlashRecord hint_{no_sector, 0, {}};   // what was found last
};

}  // namespace longhaul::agent
