#include "collector/app/writer_thread.hpp"

#include <spdlog/sinks/null_sink.h>

#include <catch2/catch_test_macros.hpp>
#include <future>

#include "collector/net/clock.hpp"
#include "tests/support/model.hpp"
#include "tests/unit/collector/writer/writer_bench.hpp"

using namespace longhaul;
using namespace longhaul::collector;
using namespace longhaul::test;

TEST_CASE("writer thread: a release that fails is tried again, though nothing else happens") {
    WriterBench bench;
    bench.settings.commit_interval_ms = 3'600'000;  // nothing else is due
    const auto model = std::make_shared<const std::vector<std::byte>>(small_model());
    const auto bus = make_schema("bus", TimeKind::source, {field("n", FieldKind::integer)});
    EpochMaker epoch{"acme", "bus-1", 7, 1};
    epoch.stream(1, "bus", *bus, *model);
    bench.schema(*bus);
    bench.epoch(epoch);

    int calls = 0;
    std::promise<void> again;
    const auto find = [&](const std::string&, const ModelHash&) { return model; };
    const auto append = [&](Shard, const JournalEntry&) -> Status {
        if (++calls == 1) return ErrorCode::io;
        if (calls == 2) again.set_value();
        return {};
    };
    Releases releases{*bench.store, *bench.writer, {find, append}};
    Log log{std::make_shared<spdlog::sinks::null_sink_mt>()};
    WriterThread thread{*bench.writer, releases, log, [](Message) {}};
    CHECK(again.get_future().wait_for(std::chrono::minutes{1}) == std::future_status::ready);
    CHECK(thread.stop(monotonic_now() + 60'000));
}
