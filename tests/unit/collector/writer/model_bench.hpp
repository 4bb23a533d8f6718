// A device whose stream has a model, and what releases its blocks, for tests of the writer.
#pragma once

#include "collector/writer/releases.hpp"
#include "tests/support/model.hpp"
#include "tests/unit/collector/writer/writer_bench.hpp"

namespace longhaul::test {

using namespace longhaul::collector;

using Rows = std::vector<std::string>;
using StoredBytes = std::vector<std::byte>;

// A device whose stream has a model.
struct ModelBench : WriterBench {
    StoredBytes model = small_model();
    ModelHash hash = model_hash(model);
    std::unique_ptr<StoredSchema> schema_of_bus =
        make_schema("bus", TimeKind::device, {field("n", FieldKind::integer)});
    EpochMaker maker{"acme", "bus-1", 7, 1};

    void begin() {
        if (maker.record.streams_count == 0) maker.stream(1, "bus", *schema_of_bus, model);
        schema(*schema_of_bus);
        epoch(maker);
    }
    StoredBytes sealed(std::uint32_t number, std::uint8_t codec = codec_range) const {
        const auto n = static_cast<std::int64_t>(number);
        Body body;
        if (number == 2) body.anchor(0, noon_us, 100);
        body.samples(1, *schema_of_bus, {n, n + 10, n + 20},
                     {{Value::of_integer(n), Value::of_integer(-n), Value::of_integer(7)}}, codec,
                     model);
        return maker.block(number, body);
    }
    void send(std::uint32_t number, std::int64_t time_us = noon_us) {
        block(maker, sealed(number), time_us);
    }
    void append_model() { append(JournalKind::model, "acme", "", model); }
    void release(Bytes block, std::int64_t came_us = noon_us) {
        append(JournalKind::release, "acme", "bus-1", block, came_us);
    }

    Rows bus() { return rows("acme/bus", {"seq", "row", "n", "receive_time"}); }
    Rows reasons() { return rows("acme/_quarantine", {"seq", "reason"}); }

    Releases releases(bool has_model) {
        const auto find = [this, has_model](const std::string& tenant, const ModelHash& wanted) {
            const bool found = has_model && tenant == "acme" && wanted == hash;
            return found ? std::make_shared<const StoredBytes>(model) : nullptr;
        };
        const auto add = [this](Shard shard, const JournalEntry& entry) -> Status {
            LH_TRY(journal->append(shard, entry, {0}));
            return journal->flush();
        };
        return Releases{*store, *writer, {find, add}};
    }
    // A collector's process until nothing is left to do, or the disk fails.
    bool work(bool has_model) {
        Releases releasing = releases(has_model);
        std::int64_t now = 0;
        for (int steps = 0; steps < 10'000; ++steps) {
            writer->request_barrier();
            if (!writer->step({now += 10}, {noon_us}).ok()) return false;
            if (!writer->drained()) continue;
            const Offset before = journal->durable_end(0);
            if (!releasing.step({noon_us + 5}).ok()) return false;
            if (journal->durable_end(0) == before) return true;
        }
        FAIL("the writer does not come to an end");
        return false;
    }
};

}  // namespace longhaul::test
