// Models in the journal: what needs one that is missing waits in quarantine and is released, once,
// whatever ends in between.
#include <catch2/catch_test_macros.hpp>
#include <random>

#include "common/base/hex.hpp"
#include "tests/unit/collector/writer/model_bench.hpp"

using namespace longhaul;
using namespace longhaul::collector;
using namespace longhaul::test;

namespace {

// A lake of which one file cannot be read for now.
struct FailingRead final : ObjectStore {
    FailingRead(ObjectStore& of, std::string path) : lake{of}, at{std::move(path)} {}
    Status put_if_absent(std::string_view, Bytes) override { return ErrorCode::denied; }
    Result<std::unique_ptr<ObjectWriter>> begin() override { return ErrorCode::denied; }
    Result<std::vector<std::byte>> read(std::string_view path) override {
        if (fails && path == at) return ErrorCode::io;
        return lake.read(path);
    }
    Result<std::vector<std::string>> list(std::string_view folder) override {
        return lake.list(folder);
    }
    Result<std::vector<StoredObject>> entries(std::string_view folder) override {
        return lake.entries(folder);
    }
    Status remove(std::string_view) override { return ErrorCode::denied; }
    Status make_durable(std::string_view) override { return ErrorCode::denied; }
    Status replace(std::string_view, Bytes) override { return ErrorCode::denied; }
    ObjectStore& lake;
    std::string at;
    bool fails = true;
};

std::string lacks(const ModelHash& hash) { return std::string{unknown_model} + hex(hash); }

}  // namespace

TEST_CASE("models: sections are read with the model that the epoch record names") {
    ModelBench bench;
    bench.schema(*bench.schema_of_bus);
    bench.append_model();
    bench.begin();
    for (const std::uint8_t codec : {codec_columns, codec_zstd, codec_range})
        bench.block(bench.maker, bench.sealed(codec + 1U, codec));
    REQUIRE(bench.drain() == "");
    CHECK(bench.reasons().empty());
    REQUIRE(bench.bus().size() == 9);
    CHECK(bench.bus()[0].starts_with(std::to_string(BlockSeq::of(BlockClass::normal, 1).value) +
                                     "|0|1|"));
    CHECK(bench.writer->missing_models().empty());
}

TEST_CASE("models: a block whose model is missing waits in quarantine with its bytes") {
    ModelBench bench;
    bench.begin();
    bench.send(1);
    bench.block(bench.maker, bench.sealed(2, codec_columns));  // needs none
    bench.send(1);                                             // the same once more
    REQUIRE(bench.drain() == "");
    const std::string seq = std::to_string(BlockSeq::of(BlockClass::normal, 1).value);
    CHECK(bench.reasons() == Rows{seq + "|" + lacks(bench.hash)});
    const Rows content = bench.rows("acme/_quarantine", {"content"});
    REQUIRE(content.size() == 1);
    CHECK_FALSE(content[0].empty());
    CHECK(bench.bus().size() == 3);
    CHECK(bench.writer->counters().duplicates == 1);
    REQUIRE(bench.writer->missing_models().size() == 1);
    CHECK(bench.writer->missing_models().begin()->hash == bench.hash);
    CHECK(bench.writer->releasable().empty());
}

TEST_CASE("models: a release makes rows of a waiting block, with the time of its arrival") {
    ModelBench bench;
    bench.begin();
    bench.send(1, noon_us - 86'400'000'000);
    bench.append_model();
    bench.release(bench.sealed(1), noon_us - 86'400'000'000);
    bench.release(bench.sealed(1), noon_us - 86'400'000'000);
    REQUIRE(bench.drain() == "");
    REQUIRE(bench.bus().size() == 3);
    // No anchor: the newest sample, of 21 ms, is as old as the block's arrival.
    const Rows times = bench.rows("acme/bus", {"event_time", "receive_time"});
    CHECK(times[2] == "2026-11-20 12:00:00.000000Z|2026-11-20 12:00:00.000000Z");
    CHECK(bench.writer->counters().released == 1);
    CHECK(bench.writer->counters().duplicates == 1);
    CHECK(bench.writer->releasable().empty());
}

TEST_CASE("models: a release of anything else has no effect") {
    ModelBench bench;
    bench.begin();
    bench.send(1);
    bench.append_model();
    StoredBytes other = bench.sealed(1);
    other.back() ^= std::byte{1};
    bench.release(other);              // of other content
    bench.release(bench.sealed(2));    // that never came
    bench.release(as_bytes("block"));  // no block
    REQUIRE(bench.drain() == "");
    CHECK(bench.bus().empty());
    CHECK(bench.reasons().size() == 1);
    bench.release(bench.sealed(1));
    bench.send(2);
    REQUIRE(bench.drain() == "");
    CHECK(bench.bus().size() == 6);
}

TEST_CASE("models: a waiting block's name is taken; coming again does not release it") {
    ModelBench bench;
    bench.begin();
    bench.send(1);
    StoredBytes other = bench.sealed(1);
    other.back() ^= std::byte{1};
    bench.block(bench.maker, other);
    bench.append_model();
    bench.send(1);
    REQUIRE(bench.drain() == "");
    CHECK(bench.bus().empty());
    CHECK(bench.writer->counters().duplicates == 1);
    REQUIRE(bench.work(true));
    CHECK(bench.bus().size() == 3);
    const Rows reasons = bench.reasons();
    REQUIRE(reasons.size() == 2);
    CHECK(reasons[0].ends_with("fork: other content under the same name"));
    CHECK(bench.writer->counters().released == 1);
}

TEST_CASE("models: a block that needs two models waits for each") {
    ModelBench bench;
    const StoredBytes second = small_model(0x7000);
    const auto port = make_schema("port", TimeKind::source, {field("n", FieldKind::integer)});
    bench.maker.stream(1, "bus", *bench.schema_of_bus, bench.model)
        .stream(2, "port", *port, second);
    bench.schema(*port);
    bench.begin();
    Body body;
    body.samples(1, *bench.schema_of_bus, {1}, {{Value::of_integer(1)}}, codec_range, bench.model)
        .samples(2, *port, {1}, {{Value::of_integer(1)}}, codec_range, second);
    bench.block(bench.maker, bench.maker.block(1, body));
    REQUIRE(bench.work(true));
    CHECK(bench.bus().empty());
    CHECK(bench.reasons().size() == 2);
    bench.append(JournalKind::model, "acme", "", second);
    REQUIRE(bench.work(true));
    CHECK(bench.bus().size() == 1);
    CHECK(bench.rows("acme/port", {"n"}).size() == 1);
}

TEST_CASE(
    "models: what is no model goes into quarantine itself, and another tenant's does not help") {
    ModelBench bench;
    bench.begin();
    bench.send(1);
    bench.append(JournalKind::model, "acme", "", as_bytes("model"));
    bench.append(JournalKind::model, "other", "", bench.model);
    REQUIRE(bench.work(false));
    CHECK(bench.bus().empty());
    CHECK(bench.reasons().size() == 2);
    CHECK(bench.writer->releasable().empty());
}

TEST_CASE("models: more blocks than are released at a time are released after one another") {
    ModelBench bench;
    bench.begin();
    for (std::uint32_t number = 1; number <= 150; ++number) bench.send(number);
    REQUIRE(bench.work(true));
    CHECK(bench.bus().size() == 450);
    CHECK(bench.writer->counters().released == 150);
    CHECK(bench.writer->counters().duplicates == 0);
}

TEST_CASE("models: wherever the collector ends while it releases blocks, each becomes rows once") {
    constexpr std::uint32_t blocks = 3;
    const auto fill = [](ModelBench& bench) {
        REQUIRE(bench.start());
        bench.settings.entries_per_step = 2;
        bench.begin();
        for (std::uint32_t number = 1; number <= blocks; ++number) bench.send(number);
        REQUIRE(bench.work(false));  // nobody has the model yet
        REQUIRE(bench.bus().empty());
    };
    std::uint64_t failures = 0;
    for (std::uint64_t step = 1;; ++step) {
        ModelBench cut;
        fill(cut);
        REQUIRE(cut.start());
        cut.disk.fail_after(step);
        const bool done = cut.work(true);
        for (const bool torn : {false, true}) {
            CAPTURE(step, torn);
            std::mt19937_64 random{step};
            ModelBench bench;
            bench.disk = cut.disk;
            bench.disk.cut_power(torn ? &random : nullptr);
            REQUIRE(bench.start());
            REQUIRE(bench.work(true));
            const Rows rows = bench.bus();
            REQUIRE(rows.size() == blocks * 3);
            REQUIRE(std::adjacent_find(rows.begin(), rows.end()) == rows.end());
            REQUIRE(bench.reasons().size() == blocks);
            REQUIRE(bench.writer->counters().blocks == blocks);
            REQUIRE(bench.writer->missing_models().empty());
            REQUIRE(bench.writer->releasable().empty());
        }
        if (done) break;
        ++failures;
    }
    INFO(failures);
    CHECK(failures > 20);
}

TEST_CASE("models: damage to a model or a release, after the commit, brings no row twice") {
    for (const bool of_model : {false, true}) {
        for (const bool of_release : {false, true}) {
            CAPTURE(of_model, of_release);
            ModelBench bench;
            bench.begin();
            bench.send(1);
            const Offset model_at = bench.journal->durable_end(0);
            bench.append_model();
            const Offset release_at = bench.journal->durable_end(0);
            REQUIRE(bench.work(true));
            REQUIRE(bench.writer->counters().released == 1);
            bench.send(2);  // a damaged end of the journal would be trimmed
            REQUIRE(bench.work(true));
            const Rows once = bench.bus();
            REQUIRE(once.size() == 6);
            if (of_model) bench.damage(model_at);
            if (of_release) bench.damage(release_at);
            for (int starts = 0; starts < 3; ++starts) {
                REQUIRE(bench.start());
                REQUIRE(bench.work(true));
                bench.send(1);
                REQUIRE(bench.work(true));
                REQUIRE(bench.bus() == once);
            }
        }
    }
}

TEST_CASE(
    "models: a model that is damaged before a block which it once served brings no row twice") {
    ModelBench bench;
    bench.schema(*bench.schema_of_bus);
    const Offset model_at = bench.journal->durable_end(0);
    bench.append_model();
    bench.begin();
    bench.send(1);
    REQUIRE(bench.work(true));
    const Rows once = bench.bus();
    REQUIRE(once.size() == 3);
    bench.damage(model_at);
    for (int starts = 0; starts < 2; ++starts) {
        REQUIRE(bench.start());
        REQUIRE(bench.work(true));
        REQUIRE(bench.bus() == once);
    }
}

TEST_CASE(
    "models: in a damaged shard, what waits since the start stays, what comes later does not") {
    ModelBench bench;
    bench.begin();
    const Offset at = bench.journal->durable_end(0);
    bench.send(1);
    bench.send(2);
    bench.damage(at);
    REQUIRE(bench.start());
    REQUIRE(bench.work(false));
    bench.send(3);
    REQUIRE(bench.work(true));
    CHECK(bench.bus().size() == 3);
    CHECK(bench.writer->counters().released == 1);
    CHECK(bench.reasons().size() == 2);
    REQUIRE(bench.start());
    REQUIRE(bench.work(true));
    CHECK(bench.bus().size() == 3);
}

TEST_CASE("models: a model that cannot be read is appended once") {
    ModelBench bench;
    bench.model.front() = std::byte{99};  // of a later version
    bench.hash = model_hash(bench.model);
    bench.maker.stream(1, "bus", *bench.schema_of_bus, bench.model);
    EpochMaker later{"acme", "bus-1", 7, 2};
    later.stream(1, "bus", *bench.schema_of_bus, bench.model);
    bench.begin();
    REQUIRE(bench.work(true));
    REQUIRE(bench.reasons() == Rows{"|model cannot be read"});
    bench.epoch(later);
    const Offset end = bench.journal->durable_end(0);
    for (int starts = 0; starts < 2; ++starts) {
        REQUIRE(bench.work(true));
        CHECK(bench.journal->durable_end(0) == end);
        CHECK(bench.writer->missing_models().empty());
        REQUIRE(bench.start());
    }
}

TEST_CASE("models: a file of _quarantine that cannot be read for now holds up no other") {
    ModelBench bench;
    bench.begin();
    bench.send(1);
    REQUIRE(bench.drain() == "");
    DeltaTable table{*bench.store, "acme/_quarantine"};
    REQUIRE(table.refresh().ok());
    FailingRead lake{*bench.store, "acme/_quarantine/" + table.state().files.begin()->first};
    bench.send(2);
    bench.send(3);
    bench.append_model();
    REQUIRE(bench.drain() == "");
    const auto add = [&](Shard shard, const JournalEntry& entry) -> Status {
        LH_TRY(bench.journal->append(shard, entry, {0}));
        return bench.journal->flush();
    };
    Releases releasing{lake, *bench.writer, {{}, add}};
    CHECK(releasing.step({noon_us}).error() == ErrorCode::io);
    REQUIRE(bench.drain() == "");
    CHECK(bench.bus().size() == 6);
    lake.fails = false;
    CHECK(releasing.step({noon_us}).ok());
    REQUIRE(bench.drain() == "");
    CHECK(bench.bus().size() == 9);
    CHECK(bench.writer->releasable().empty());
}

TEST_CASE("models: released rows have the time at which their block came") {
    ModelBench bench;
    bench.begin();
    bench.send(1, noon_us - 77);
    REQUIRE(bench.work(true));
    REQUIRE(bench.bus().size() == 3);
    CHECK(bench.bus()[0].ends_with("|" + bench.rows("acme/_quarantine", {"receive_time"})[0]));
}

TEST_CASE("models: what waits is remembered in few runs, and above them it only lies there") {
    EpochState epoch;
    const ModelHash model{};
    for (std::uint32_t seq = 1; seq <= 1'000'000; ++seq) REQUIRE(epoch.add_waiting(model, seq));
    CHECK(epoch.waiting.at(model).size() == 1);
    for (std::uint32_t run = 1; run < state_limits::runs_max; ++run)
        REQUIRE(epoch.add_waiting(model, 2'000'000 + 2 * run));
    CHECK_FALSE(epoch.add_waiting(model, 9'000'000));
    CHECK_FALSE(epoch.add_waiting(ModelHash{std::byte{1}}, 9'000'000));
    CHECK(epoch.add_waiting(model, 1'000'001));
    CHECK(epoch.waiting.size() == 1);
}
