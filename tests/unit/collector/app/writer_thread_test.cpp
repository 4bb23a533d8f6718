#include "collector/app/writer_thread.hpp"

#include <spdlog/sinks/null_sink.h>
#include <spdlog/sinks/ostream_sink.h>

#include <catch2/catch_test_macros.hpp>
#include <future>
#include <sstream>

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

TEST_CASE("writer thread: who asks for a survey gets it while the writer waits, and none after") {
    WriterBench bench;
    bench.settings.commit_interval_ms = 3'600'000;
    const auto bus = counter();
    EpochMaker epoch{"acme", "bus-1", 7, 1};
    epoch.stream(1, "bus", *bus);
    bench.schema(*bus);
    bench.epoch(epoch);
    Releases releases{*bench.store,
                      *bench.writer,
                      {[](const std::string&, const ModelHash&) { return nullptr; },
                       [](Shard, const JournalEntry&) { return Status{}; }}};
    Log log{std::make_shared<spdlog::sinks::null_sink_mt>()};
    WriterThread thread{*bench.writer, releases, log, [](Message) {}};
    for (;;) {  // until it has read the record
        const auto survey = thread.survey("");
        REQUIRE(survey.ok());
        if (!survey.value()) continue;
        CHECK(survey.value()->tenant == "acme");
        if (!survey.value()->devices.empty()) break;
    }
    CHECK_FALSE(thread.survey("acme").value());
    thread.stop(monotonic_now() + 60'000);
    CHECK(thread.survey("").error().code == ErrorCode::closed);
}

TEST_CASE(
    "read progress: a line every five seconds, with what is left, and none for what is quick") {
    std::ostringstream text;
    Log log{std::make_shared<spdlog::sinks::ostream_sink_mt>(text)};
    constexpr std::uint64_t mib = 1 << 20;
    ReadProgress quick{log, "the journal is read", 100 * mib, {1000}};
    quick.at(99 * mib, {5999});
    quick.end({6000});
    CHECK(text.str().empty());
    ReadProgress slow{log, "the journal is read", 1000 * mib, {0}};
    slow.at(100 * mib, {5000});
    slow.at(150 * mib, {9999});
    CHECK(text.str().find("mib=100 of_mib=1000 mib_per_s=20 left_s=45") != std::string::npos);
    CHECK(text.str().find("mib=150") == std::string::npos);
    slow.at(0, {10'000});
    slow.end({20'000});
    CHECK(text.str().find("mib=1000 of_mib=1000 mib_per_s=50 left_s=0") != std::string::npos);
}
