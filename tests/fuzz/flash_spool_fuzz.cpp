// Attacks what a device finds on its own flash: any bytes, and sectors and records of any content
// whose checksums are right. The spool opens, yields what it finds in order, takes a block more,
// and has it after the next start; the simulated flash checks that it keeps the rules of flash.
#include <algorithm>
#include <vector>

#include "agent/core/flash_spool.hpp"
#include "common/base/crc32c.hpp"
#include "firmware-sim/sim_flash.hpp"

using namespace longhaul;
using namespace longhaul::agent;

namespace {

constexpr FlashGeometry geometry{4096, 16, 1};
constexpr std::uint32_t blocks_max = 20'000;  // more than there is room for

class SomeEntropy final : public Entropy {
 public:
    Status fill(MutableBytes room) override {
        std::fill(room.begin(), room.end(), std::byte{7});
        return {};
    }
};

void put(sim::SimFlash& flash, std::uint32_t sector, std::uint32_t offset, Bytes bytes) {
    const auto to = flash.image().begin() + sector * geometry.sector_bytes + offset;
    const std::size_t room = geometry.sector_bytes - offset;
    std::copy_n(bytes.begin(), std::min(bytes.size(), room), to);
}

void lay_sector(ByteReader& in, sim::SimFlash& flash, const FlashLayout& layout,
                std::uint32_t sector) {
    SectorHeader header;
    header.order = 1 + in.u8();
    header.chain = in.u8() % chain_count;
    header.incarnation = {in.u8() % 2U};
    header.epoch_counter = in.u8();
    header.first = {{in.u8()}, in.u8()};
    header.before = {{in.u8()}, in.u8()};
    std::array<std::byte, sector_header_bytes> room;
    ByteWriter out{room};
    write_sector_header(header, out);
    put(flash, sector, layout.header_at(in.u8() % 2), out.written());
    std::uint32_t offset = layout.records_at();
    for (std::uint32_t records = in.u8() % 16; records != 0; --records) {
        RecordHeader record;
        record.kind = static_cast<RecordKind>(1 + in.u8() % 6);
        record.key = in.u8() % 8 == 0 ? in.u8() : header.chain;
        record.samples = in.u8();
        record.losses = in.u8() % 4 == 0 ? in.u8() : 0;
        record.place = {{in.u8()}, in.u8()};
        record.before = {{in.u8()}, in.u8()};
        record.first_us = in.u8();
        record.last_us = in.u16();
        const Bytes body = in.bytes(std::min<std::size_t>(in.remaining(), in.u16() % 2000));
        record.body_bytes = static_cast<std::uint16_t>(body.size());
        record.body_crc = crc32c(body) ^ (in.u8() == 0 ? 1 : 0);
        const bool summary = record.kind == RecordKind::summary;
        const std::uint32_t at = summary ? layout.summary_at() : offset;
        if (at + layout.record_bytes(body.size()) > geometry.sector_bytes) continue;
        std::array<std::byte, record_header_bytes> written;
        ByteWriter record_out{written};
        write_record_header(record, {header.order, at}, record_out);
        put(flash, sector, at, record_out.written());
        put(flash, sector, at + layout.up(record_header_bytes), body);
        if (!summary) offset += layout.record_bytes(body.size()) + in.u8() % 4 * layout.unit;
    }
}

void drain(FlashSpool& spool) {
    std::vector<std::byte> room(geometry.sector_bytes);
    std::uint32_t blocks = 0;
    for (std::size_t c = 0; c < block_class_count; ++c) {
        const auto block_class = static_cast<BlockClass>(c);
        BlockPlace after;
        for (;;) {
            const auto block =
                spool.next(block_class, after.epoch, BlockSeq::of(block_class, after.number), room);
            if (!block.ok()) break;
            const BlockPlace place = place_of(block.value().tag.name);
            LH_CHECK(place > after && ++blocks < blocks_max);
            after = place;
        }
    }
    for (std::uint8_t key = 0; key < 8; ++key) (void)spool.read_state(key, room);
    (void)spool.depth();
    std::array<SchemaHash, 8> schemas;
    (void)spool.waiting_schemas(schemas);
}

bool is_listed(const LossLedger& losses, const BlockPlace& place) {
    return std::ranges::any_of(losses.entries(), [&place](const Loss& loss) {
        return loss.block_class == BlockClass::alarm && loss.first <= place && place <= loss.last;
    });
}

// It has a place for a new block of a new epoch, and keeps it or says that it is lost; sectors with
// right checksums that contradict each other may hide it, for they may say anything of any block.
void live_on(sim::SimFlash& flash, bool forged) {
    SomeEntropy entropy;
    std::vector<std::byte> memory(FlashSpool::memory_bytes(geometry));
    SpoolPolicy policy;
    policy.bytes_max = UINT64_MAX;
    FlashSpool spool{flash, policy, entropy, memory};
    LH_CHECK(spool.open().ok());
    drain(spool);
    const auto epoch = spool.begin_epoch();
    if (!epoch.ok()) return;  // there are no more numbers
    if (!spool.store_epoch(epoch.value(), as_bytes("record"), {}).ok()) return;
    const SpoolTag tag{
        {spool.incarnation(), epoch.value(), BlockSeq::of(BlockClass::alarm, 1)}, 1, 0, 0};
    const auto stored =
        spool.append(std::array{SpoolBlock{tag, as_bytes("a block")}}, nothing_sent);
    if (!stored.ok() || stored.value().stored == 0) return;
    FlashSpool again{flash, policy, entropy, memory};
    LH_CHECK(again.open().ok());
    LH_CHECK(again.incarnation() == spool.incarnation());
    std::array<std::byte, 4096> room;
    const auto block = again.next(BlockClass::alarm, {epoch.value().value - 1},
                                  BlockSeq::of(BlockClass::alarm, BlockSeq::number_max), room);
    if (block.ok()) LH_CHECK(as_text(block.value().sealed) == "a block");
    if (!block.ok() && !forged) LH_CHECK(is_listed(again.losses(), {epoch.value(), 1}));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const FlashLayout layout{geometry};
    ByteReader in{std::as_bytes(std::span{data, size})};
    sim::SimFlash flash{geometry};
    const bool forged = in.u8() % 2 != 0;
    if (!forged) {
        std::copy_n(in.rest().begin(), std::min(in.rest().size(), flash.image().size()),
                    flash.image().begin());
    } else {
        for (std::uint32_t sector = 0; sector < geometry.sectors && in.remaining() != 0; ++sector)
            lay_sector(in, flash, layout, sector);
    }
    live_on(flash, forged);
    return 0;
}
