// The whole road without sockets, files or threads: the agent's core, a link in memory, the
// collector's session, its journal and its lake on a simulated disk. The disk fails at every step
// of the run in turn, or is full; the collector goes on, or starts again from what the disk kept;
// at the end every sample is in the table once.
#include <catch2/catch_test_macros.hpp>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "collector/lake/parquet_file.hpp"
#include "firmware-sim/sim_device_spool.hpp"
#include "tests/system/collector_in_memory.hpp"
#include "tests/unit/agent/core/lossy_spool.hpp"

using namespace longhaul;
using namespace longhaul::collector;
using namespace longhaul::test;

namespace {

// Long enough for several barriers of the writer, so that it also fails between two of them.
constexpr std::int64_t samples_total = 60;
constexpr std::int64_t sample_interval_ms = 50;

// A source whose n-th sample is known, so that rows can be compared with it.
class CountingSource final : public agent::Source {
 public:
    CountingSource() {
        fields_[0] = {.name = "reading",
                      .unit = "Cel",
                      .help = {},
                      .labels = {},
                      .kind = FieldKind::decimal,
                      .scale = 2};
        fields_[1] = {.name = "note",
                      .unit = {},
                      .help = {},
                      .labels = {},
                      .kind = FieldKind::text,
                      .scale = 0,
                      .nullable = true};
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
        values_[0] = Value::of_integer(reading(given_));
        note_ = note(given_);
        values_[1] = note_.empty() ? Value{} : Value::of_text(as_bytes(note_));
        sample_ = {0, time(given_), values_};
        ++given_;
        return &sample_;
    }
    MonotonicMs next_at() const override {
        return given_ == samples_total ? MonotonicMs::never()
                                       : MonotonicMs{given_ * sample_interval_ms};
    }

    static std::int64_t reading(std::int64_t n) { return 2000 + n * n % 37; }
    static std::string note(std::int64_t n) { return n % 3 == 0 ? "" : "n" + std::to_string(n); }
    static std::int64_t time(std::int64_t n) { return start_wall.value + (n % 5) * 1000 - n; }

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

// What the table says, by the order in which the device made the samples.
std::map<std::string, int> read_table(sim::SimDisk& disk) {
    LocalStore store{disk};
    DeltaTable table{store, "acme/probe"};
    REQUIRE(table.refresh().ok());
    std::map<std::string, int> rows;
    for (const auto& [path, file] : table.state().files) {
        const auto bytes = store.read("acme/probe/" + path);
        REQUIRE(bytes.ok());
        CHECK(bytes.value().size() == file.bytes);
        const Status read =
            read_text_rows(bytes.value(), {"reading", "note", "event_time", "device", "stream"},
                           [&rows](const std::vector<std::string>& row) {
                               ++rows[row[0] + "|" + row[1] + "|" + row[3] + "|" + row[4]];
                           });
        REQUIRE(read.ok());
    }
    return rows;
}

std::map<std::string, int> expected_rows() {
    std::map<std::string, int> rows;
    for (std::int64_t n = 0; n < samples_total; ++n) {
        char reading[32];
        std::snprintf(reading, sizeof(reading), "%.10g",
                      static_cast<double>(CountingSource::reading(n)) / 100);
        ++rows[std::string{reading} + "|" + CountingSource::note(n) + "|probe-1|probe"];
    }
    return rows;
}

// Of all different losses that the device told of.
std::uint64_t lost_samples(sim::SimDisk& disk) {
    LocalStore store{disk};
    DeltaTable table{store, "acme/_losses"};
    REQUIRE(table.refresh().ok());
    std::map<std::string, std::uint64_t> losses;
    for (const auto& [path, file] : table.state().files) {
        REQUIRE(read_text_rows(store.read("acme/_losses/" + path).value(), {"first_seq", "samples"},
                               [&](const auto& row) { losses[row[0]] = std::stoull(row[1]); })
                    .ok());
    }
    std::uint64_t sum = 0;
    for (const auto& [first, samples] : losses) sum += samples;
    return sum;
}

agent::AgentSettings settings_of(CodecSet codecs) {
    agent::AgentSettings settings;
    settings.environment = "test";
    settings.tenant = "acme";
    settings.device = "probe-1";
    settings.firmware = "test";
    settings.sealing_key = public_key_of(pki().sealing_key).value();
    settings.body_bytes_max = 256;
    settings.codecs = codecs;
    return settings;
}

struct Outcome {
    bool disk_failed = false;
    bool ran_short = false;
    std::uint64_t waits = 0;  // of the writer
    std::uint64_t steps = 0;
};

// At which of its steps the disk is full, and for how many calls; what it then does with what is
// appended, and whether the power is cut too: when the process ends of it, and a little later, when
// the device has heard what was acknowledged.
struct Shortage {
    std::uint64_t step = UINT64_MAX;
    std::uint64_t calls = 1;
    bool cuts_writes = false;
    bool power_cut = false;
};

// One run in which the disk fails at step `fail_after` (never: UINT64_MAX), then works. A `lossy`
// device has no room for a while and drops what is new.
Outcome run(std::uint64_t fail_after, bool torn, bool lossy, CodecSet codecs = usual_codecs,
            const Shortage* shortage = nullptr) {
    sim::SimDisk disk;
    disk.fail_after(fail_after);
    if (shortage != nullptr) disk.run_short(shortage->step, shortage->calls, shortage->cuts_writes);
    sim::SimLink link;
    sim::SimDeviceSpool kept{{0xabcd}, UINT64_MAX, {4096, 64, 1}};
    test::LossySpool spool{*kept};
    if (lossy) spool.settings().classes[2].when_full = agent::WhenFull::drop_newest;
    TestIdentity identity;
    TestEntropy entropy;
    TestClock clock;
    CountingSource source;
    agent::Source* sources[] = {&source};
    const agent::AgentSettings settings = settings_of(codecs);
    Codec2Encoder range;
    ZstdCompression zstd;
    std::vector<std::byte> plain(2 * limits::section_plain_bytes_max);
    std::vector<std::byte> memory(agent::Agent::memory_bytes(settings, sources));
    agent::Agent device{
        settings, {spool, link, entropy, identity, clock, sources, {&range, &zstd, plain}}, memory};
    Collector collector{disk, link, shortage != nullptr};

    Outcome outcome;
    std::mt19937_64 random{fail_after};
    bool barrier_requested = false;
    std::int64_t power_cut_at = -1;
    for (std::int64_t ms = 0; ms < 3'600'000; ms += 10) {
        spool.alarms_have_room = true;
        spool.full = lossy && ms >= 1000 && ms < 1600;
        device.poll({ms});
        const bool cut_soon = shortage != nullptr && shortage->power_cut && disk.ran_short();
        if (cut_soon && power_cut_at < 0) power_cut_at = ms + 50;
        if (ms == power_cut_at) collector.end();
        if (ms == power_cut_at || !collector.step({ms})) {
            outcome.disk_failed = outcome.disk_failed || ms != power_cut_at;
            if (shortage == nullptr || shortage->power_cut)
                disk.cut_power(torn ? &random : nullptr);
            barrier_requested = false;
            continue;
        }
        if (!device.drained()) continue;
        if (!barrier_requested) collector.request_barrier();
        barrier_requested = true;
        if (collector.drained()) break;
    }
    REQUIRE(device.drained());
    REQUIRE(collector.drained());
    outcome.steps = disk.steps_taken();
    outcome.ran_short = disk.ran_short();
    outcome.waits = collector.waits();
    if (shortage != nullptr) disk.cut_power();  // and what is committed lasts
    CHECK(device.status().samples == samples_total);
    const std::uint64_t lost = device.status().samples_lost;
    CHECK(device.uplink_status().acked_samples + lost >= samples_total);
    CHECK(collector.counters().quarantined == 0);
    CHECK(collector.counters().damaged == 0);
    if (!lossy) CHECK(read_table(disk) == expected_rows());
    if (!lossy) return outcome;
    CHECK(lost > 5);
    CHECK(lost_samples(disk) == lost);
    std::uint64_t rows = 0;
    for (const auto& [row, count] : read_table(disk)) rows += static_cast<std::uint64_t>(count);
    CHECK(rows + lost == samples_total);
    return outcome;
}

}  // namespace

TEST_CASE("road: without a fault every sample is in the table once") {
    const Outcome outcome = run(UINT64_MAX, false, false);
    CHECK_FALSE(outcome.disk_failed);
    INFO("disk steps " << outcome.steps);
    CHECK(outcome.steps > 50);
}

TEST_CASE("road: the table is the same whichever codecs the device may use") {
    for (unsigned codecs = 0; codecs <= usual_codecs; ++codecs) {
        CAPTURE(codecs);
        run(UINT64_MAX, false, false, static_cast<CodecSet>(codecs));
    }
}

TEST_CASE("road: at whatever step the collector's disk fails, every sample is in the table once") {
    for (const bool torn : {false, true}) {
        for (std::uint64_t step = 1;; ++step) {
            CAPTURE(step, torn);
            if (!run(step, torn, false).disk_failed) {
                CHECK(step > 50);
                break;
            }
        }
    }
}

// The journal ends the process, which a later start goes on from; all else waits and tries again.
TEST_CASE("road: at whatever step the disk is full, every sample is in the table once") {
    // What lands of a write stays when only the process ends.
    for (Shortage shortage : {Shortage{0, 1, false, true}, Shortage{0, 3, true, false}}) {
        std::uint64_t ended = 0;
        std::uint64_t waited = 0;
        for (shortage.step = 1;; ++shortage.step) {
            CAPTURE(shortage.step, shortage.calls, shortage.cuts_writes, shortage.power_cut);
            const Outcome outcome =
                run(UINT64_MAX, shortage.power_cut, false, usual_codecs, &shortage);
            if (!outcome.ran_short) break;
            ended += outcome.disk_failed ? 1 : 0;
            waited += outcome.waits != 0 ? 1 : 0;
        }
        CHECK(shortage.step > 50);
        CHECK(ended > 10);
        CHECK(waited > 10);
    }
}

TEST_CASE("road: what the device had to drop is in _losses, whenever the disk fails") {
    bool failed = true;
    for (std::uint64_t step = 1; failed; step += 3) {
        CAPTURE(step);
        failed = run(step, false, true).disk_failed;
    }
}
