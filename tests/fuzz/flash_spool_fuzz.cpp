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

// Small ones, so that they meet; now and then one of the highest.
std::uint32_t number(ByteReader& in) {
    const std::uint32_t byte = in.u8();
    return byte != 255 || in.u8() < 192 ? byte : UINT32_MAX - in.u8() % 4;
}
BlockPlace place(ByteReader& in) {
    const Epoch epoch{number(in)};
    return {epoch, number(in)};
}

// Most often that of a spool that was there.
Incarnation incarnation(ByteReader& in) { return {in.u8() % 8 == 7 ? 1U : 0x0707'0707U}; }

// What it may say of blocks and sectors, with the lengths that a core has to have.
std::vector<std::byte> core_body(ByteReader& in) {
    std::vector<std::byte> body(FlashCore::stored_bytes_max);
    ByteWriter out{body};
    const auto put_place = [&] {
        const BlockPlace said = place(in);
        out.u32(said.epoch.value);
        out.u32(said.number);
    };
    for (const std::uint32_t said : {incarnation(in).value, number(in), number(in), number(in)})
        out.u32(said);
    const std::uint8_t given_up = in.u8() % 8;
    out.u8(given_up);
    for (std::uint8_t i = 0; i < given_up; ++i) out.u32(number(in));
    out.u32(number(in));
    for (std::size_t c = 0; c < block_class_count; ++c) {
        out.u32(number(in));
        out.i64(in.u8());
        put_place();
        put_place();
        const std::uint8_t ranges = in.u8() % 8;
        out.u8(ranges);
        for (std::uint8_t i = 0; i < 2 * ranges; ++i) put_place();
    }
    const std::uint8_t losses = in.u8() % 4;
    out.u8(losses);
    out.u8(in.u8() % 4);
    out.u8(in.u8() % 4);
    put_place();
    for (std::uint8_t i = 0; i < losses; ++i) {
        out.u8(in.u8() % 4);
        out.u8(in.u8() % 6);
        put_place();
        put_place();
        out.u64(in.u8());
        out.i64(0);
        out.i64(0);
    }
    LH_CHECK(out.ok());
    const auto written = out.written();
    return {written.begin(), written.end()};
}

void lay_record(ByteReader& in, sim::SimFlash& flash, const FlashLayout& layout,
                std::uint32_t sector, const SectorHeader& header, std::uint32_t& offset) {
    RecordHeader record;
    record.kind = static_cast<RecordKind>(1 + in.u8() % 6);
    record.key = in.u8() % 8 == 0 ? in.u8() : header.chain;
    record.samples = in.u8();
    record.losses = in.u8() % 4 == 0 ? in.u8() : 0;
    record.place = place(in);
    record.before = place(in);
    record.first_us = in.u8();
    record.last_us = in.u16();
    std::vector<std::byte> body;
    if (record.kind == RecordKind::core) {
        body = core_body(in);
    } else {
        const Bytes some = in.bytes(std::min<std::size_t>(in.remaining(), in.u16() % 2000));
        body.assign(some.begin(), some.end());
    }
    record.body_bytes = static_cast<std::uint16_t>(body.size());
    record.body_crc = crc32c(body) ^ (in.u8() == 0 ? 1 : 0);
    const bool summary = record.kind == RecordKind::summary;
    const std::uint32_t at = summary ? layout.summary_at() : offset;
    if (at + layout.record_bytes(body.size()) > geometry.sector_bytes) return;
    std::array<std::byte, record_header_bytes> written;
    ByteWriter out{written};
    write_record_header(record, {header.order, at}, out);
    put(flash, sector, at, out.written());
    put(flash, sector, at + layout.up(record_header_bytes), body);
    if (!summary) offset += layout.record_bytes(body.size()) + in.u8() % 4 * layout.unit;
}

void lay_sector(ByteReader& in, sim::SimFlash& flash, const FlashLayout& layout,
                std::uint32_t sector) {
    SectorHeader header;
    header.order = number(in);
    header.chain = in.u8() % chain_count;
    header.incarnation = incarnation(in);
    header.epoch_counter = number(in);
    header.first = place(in);
    header.before = place(in);
    std::array<std::byte, sector_header_bytes> room;
    ByteWriter out{room};
    write_sector_header(header, out);
    put(flash, sector, layout.header_at(in.u8() % 2), out.written());
    std::uint32_t offset = layout.records_at();
    for (std::uint32_t records = in.u8() % 16; records != 0; --records)
        lay_record(in, flash, layout, sector, header, offset);
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

bool begin(FlashSpool& spool, Epoch& epoch) {
    const auto begun = spool.begin_epoch();
    if (!begun.ok() || !spool.store_epoch(begun.value(), as_bytes("record"), {}).ok()) return false;
    epoch = begun.value();
    return true;
}

bool append(FlashSpool& spool, const BlockPlace& place) {
    const BlockSeq seq = BlockSeq::of(BlockClass::alarm, place.number);
    const SpoolTag tag{{spool.incarnation(), place.epoch, seq}, 1, 0, 0};
    const auto done = spool.append(std::array{SpoolBlock{tag, as_bytes("a block")}}, nothing_sent);
    return done.ok() && done.value().stored == 1;
}

// It waits whole under its name, or is listed, and never both.
void check_kept(FlashSpool& spool, const BlockPlace& place) {
    std::array<std::byte, 4096> room;
    const auto block = spool.next(BlockClass::alarm, {place.epoch},
                                  BlockSeq::of(BlockClass::alarm, place.number - 1), room);
    const bool waits = block.ok() && place_of(block.value().tag.name) == place;
    if (waits) LH_CHECK(as_text(block.value().sealed) == "a block");
    LH_CHECK(waits != is_listed(spool.losses(), place));
}

// Something of everything, for sectors that are laid over it to contradict.
void live_a_little(sim::SimFlash& flash) {
    SomeEntropy entropy;
    std::vector<std::byte> memory(FlashSpool::memory_bytes(geometry));
    SpoolPolicy policy;
    policy.bytes_max = UINT64_MAX;
    for (int boot = 0; boot < 2; ++boot) {
        FlashSpool spool{flash, policy, entropy, memory};
        Epoch epoch;
        LH_CHECK(spool.open().ok() && begin(spool, epoch));
        for (std::uint32_t n = 1; n <= 70; ++n) LH_CHECK(append(spool, {epoch, n}));
        const BlockSeq last = BlockSeq::of(BlockClass::alarm, 40);
        LH_CHECK(spool.mark_durable({epoch, BlockSeq::of(BlockClass::alarm, 30), last}).ok());
        LH_CHECK(spool.put_state(7, as_bytes("before")).ok());
    }
}

// Whatever sectors with right checksums say of each other: it has a place for new blocks of a new
// epoch, and after the next start it has them, their numbers are not given again, and what is
// acknowledged does not come back.
void live_on(sim::SimFlash& flash) {
    SomeEntropy entropy;
    std::vector<std::byte> memory(FlashSpool::memory_bytes(geometry));
    SpoolPolicy policy;
    policy.bytes_max = UINT64_MAX;
    FlashSpool spool{flash, policy, entropy, memory};
    LH_CHECK(spool.open().ok());
    drain(spool);
    Epoch epoch;
    if (!begin(spool, epoch)) return;  // there are no more numbers, or no sector takes anything
    std::uint32_t stored = 0;
    while (stored < 3 && append(spool, {epoch, stored + 1})) ++stored;
    const bool put = spool.put_state(7, as_bytes("a value")).ok();
    FlashSpool again{flash, policy, entropy, memory};
    LH_CHECK(again.open().ok());
    LH_CHECK(again.incarnation() == spool.incarnation());
    for (std::uint32_t n = 1; n <= stored; ++n) check_kept(again, {epoch, n});
    std::array<std::byte, 32> room;
    const auto value = again.read_state(7, room);
    if (put) LH_CHECK(value.ok() && as_text(value.value()) == "a value");
    const BlockSeq last = BlockSeq::of(BlockClass::alarm, 3);
    const bool marked = again.mark_durable({epoch, BlockSeq::of(BlockClass::alarm, 1), last}).ok();
    Epoch later;
    if (!begin(again, later)) return;
    LH_CHECK(later > epoch);
    FlashSpool third{flash, policy, entropy, memory};
    LH_CHECK(third.open().ok());
    std::array<std::byte, 4096> block;
    const auto left =
        third.next(BlockClass::alarm, epoch, BlockSeq::of(BlockClass::alarm, 0), block);
    if (marked && left.ok()) LH_CHECK(place_of(left.value().tag.name) > BlockPlace(epoch, 3));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const FlashLayout layout{geometry};
    ByteReader in{std::as_bytes(std::span{data, size})};
    sim::SimFlash flash{geometry};
    const std::uint8_t what = in.u8() % 4;
    if (what == 0) {
        std::copy_n(in.rest().begin(), std::min(in.rest().size(), flash.image().size()),
                    flash.image().begin());
    }
    if (what >= 2) live_a_little(flash);
    for (std::uint32_t sector = 0; what != 0 && sector < geometry.sectors; ++sector) {
        if (what >= 2) sector += in.u8() % 4;
        if (in.remaining() != 0 && sector < geometry.sectors) lay_sector(in, flash, layout, sector);
    }
    live_on(flash);
    return 0;
}
