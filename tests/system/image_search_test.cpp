// What a thief gets: the whole flash of a device and the whole journal of a collector are searched
// for everything that was measured, as text and as numbers in each form that a program would store.
#include <catch2/catch_test_macros.hpp>
#include <random>
#include <string>
#include <vector>

#include "collector/journal/segment.hpp"
#include "firmware-sim/sim_device_spool.hpp"
#include "tests/system/collector_in_memory.hpp"

using namespace longhaul;
using namespace longhaul::collector;
using namespace longhaul::test;

namespace {

constexpr std::int64_t samples_total = 60;

std::string note(std::int64_t n) { return "confidential remark no. " + std::to_string(1000 + n); }

// Large and without pattern, so that none is anywhere by chance.
std::int64_t reading(std::int64_t n) {
    return static_cast<std::int64_t>(std::mt19937_64{static_cast<std::uint64_t>(n + 1)}() >> 2);
}

class SecretSource final : public agent::Source {
 public:
    SecretSource() {
        fields_[0] = {.name = "reading",
                      .unit = {},
                      .help = {},
                      .labels = {},
                      .kind = FieldKind::integer,
                      .scale = 0};
        fields_[1] = {.name = "note",
                      .unit = {},
                      .help = {},
                      .labels = {},
                      .kind = FieldKind::text,
                      .scale = 0};
        schema_.name = "probe";
        schema_.fields = fields_;
        schema_.time = TimeKind::source;
        schema_.tick_us = 1;
        schema_.deadline_ms = 40;
        encoded_.resize(limits::schema_bytes_max);
        ByteWriter out{encoded_};
        LH_CHECK(encode_schema(schema_, out).ok());
        info_ = {"probe", &schema_, out.written(), BlockClass::normal};
    }
    std::span<const agent::StreamInfo> streams() const override { return {&info_, 1}; }
    const Sample* next(MonotonicMs now) override {
        if (given_ == samples_total || now < next_at()) return nullptr;
        note_ = note(given_);
        values_[0] = Value::of_integer(reading(given_));
        values_[1] = Value::of_text(as_bytes(note_));
        sample_ = {0, start_wall.value + given_, values_};
        ++given_;
        return &sample_;
    }
    MonotonicMs next_at() const override {
        return given_ == samples_total ? MonotonicMs::never() : MonotonicMs{given_ * 50};
    }

 private:
    std::array<Field, 2> fields_;
    Schema schema_;
    std::vector<std::byte> encoded_;
    agent::StreamInfo info_;
    std::array<Value, 2> values_;
    std::string note_;
    Sample sample_;
    std::int64_t given_ = 0;
};

std::string written(const std::function<void(ByteWriter&)>& write) {
    std::array<std::byte, 16> room;
    ByteWriter out{room};
    write(out);
    return std::string{as_text(out.written())};
}

// The forms of one sample that might lie somewhere.
std::vector<std::string> forms(std::int64_t n) {
    const std::int64_t value = reading(n);
    const std::string little = written([&](ByteWriter& out) { out.i64(value); });
    return {note(n),
            std::to_string(value),
            little,
            {little.rbegin(), little.rend()},
            written([&](ByteWriter& out) { out.f64(static_cast<double>(value)); }),
            written([&](ByteWriter& out) { out.varint(static_cast<std::uint64_t>(value)); }),
            written([&](ByteWriter& out) { out.zigzag_varint(value); })};
}

std::size_t count_found(std::string_view image) {
    std::size_t found = 0;
    for (std::int64_t n = 0; n < samples_total; ++n)
        for (const std::string& form : forms(n))
            found += image.find(form) != std::string_view::npos ? 1U : 0U;
    return found;
}

std::string image_of(sim::SimFlash& flash) {
    const agent::FlashGeometry geometry = flash.geometry();
    std::vector<std::byte> sector(geometry.sector_bytes);
    std::string image;
    for (std::uint32_t i = 0; i < geometry.sectors; ++i) {
        REQUIRE(flash.read(i, 0, sector).ok());
        image += as_text(sector);
    }
    return image;
}

std::string journal_of(sim::SimDisk& disk) {
    std::string image;
    const auto entries = disk.list(shard_folder(0));
    REQUIRE(entries.ok());
    for (const DiskEntry& entry : entries.value())
        image += as_text(read_file(disk, shard_folder(0) + "/" + entry.name).value());
    return image;
}

// Every block of the spool, opened with the key that only the collector has.
std::string opened(agent::FlashSpool& spool) {
    std::string all;
    std::vector<std::byte> room(block_bytes_max);
    std::vector<std::byte> body(block_bytes_max);
    std::vector<std::byte> epoch_room(4096 + 2048);
    const auto epoch = parse_signed_epoch(spool.read_epoch({1}, epoch_room).value()).value();
    longhaul_EpochRecord record;
    REQUIRE(parse_epoch_record(epoch.record, record).ok());
    const BlockKey key = unwrap_block_key(pki().sealing_key, record).value();
    for (BlockSeq after = BlockSeq::of(BlockClass::normal, 0);;) {
        const auto block = spool.next(BlockClass::normal, {1}, after, room);
        if (!block.ok()) return all;
        all += as_text(open_block(key, block.value().sealed, body).value());
        after = block.value().tag.name.seq;
    }
}

}  // namespace

TEST_CASE("image search: a device's flash and a collector's journal hold nothing readable") {
    sim::SimDisk disk;
    sim::SimLink link;
    sim::SimDeviceSpool kept{{0xabcd}, UINT64_MAX, {4096, 64, 1}};
    TestIdentity identity;
    TestEntropy entropy;
    TestClock clock;
    SecretSource source;
    agent::Source* sources[] = {&source};
    agent::AgentSettings settings;
    settings.environment = "test";
    settings.tenant = "acme";
    settings.device = "probe-1";
    settings.firmware = "test";
    settings.sealing_key = public_key_of(pki().sealing_key).value();
    settings.body_bytes_max = 256;
    std::vector<std::byte> memory(agent::Agent::memory_bytes(settings, sources));
    agent::Agent device{settings, {*kept, link, entropy, identity, clock, sources}, memory};
    Collector collector{disk, link};

    // At first nobody listens: everything has to be kept.
    for (std::int64_t ms = 0; ms < 4'000; ms += 10) device.poll({ms});
    REQUIRE(device.status().samples == samples_total);
    CHECK(count_found(image_of(kept.flash())) == 0);
    // The search finds what is there to be found: all notes, as soon as the key is.
    CHECK(count_found(opened(*kept)) >= static_cast<std::size_t>(samples_total));

    for (std::int64_t ms = 4'000; ms < 3'600'000 && !device.drained(); ms += 10) {
        device.poll({ms});
        REQUIRE(collector.step({ms}));
    }
    REQUIRE(device.drained());
    CHECK(device.uplink_status().acked_samples >= samples_total);
    const std::string journal = journal_of(disk);
    CHECK(journal.size() > 60 * 20);
    CHECK(count_found(journal) == 0);
    CHECK(count_found(image_of(kept.flash())) == 0);
}
