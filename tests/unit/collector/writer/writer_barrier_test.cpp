// When a barrier is what was asked for.
#include <catch2/catch_test_macros.hpp>

#include "tests/unit/collector/writer/writer_bench.hpp"

using namespace longhaul;
using namespace longhaul::test;

TEST_CASE("writer: a barrier that is asked for while another is under way reads what came since") {
    WriterBench bench;
    bench.settings.rows_max = 1;  // due after the first entries
    const auto bus = make_schema("bus", TimeKind::source, {field("n", FieldKind::integer)});
    EpochMaker epoch{"acme", "probe-0", 11, 1};
    epoch.stream(1, "bus", *bus);
    const auto send = [&](std::uint32_t number) {
        Body body;
        body.samples(1, *bus, {number}, {{Value::of_integer(number)}});
        bench.block(epoch, epoch.block(number, body));
    };
    bench.schema(*bus);
    bench.epoch(epoch);
    send(1);
    REQUIRE(bench.writer->step({0}, {noon_us}).ok());  // the first file of a barrier
    send(2);
    REQUIRE(bench.drain() == "");
    CHECK(bench.rows("acme/bus", {"n"}).size() == 2);
}
