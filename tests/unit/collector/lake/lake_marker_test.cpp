#include "collector/lake/lake_marker.hpp"

#include <catch2/catch_test_macros.hpp>

#include "collector/lake/local_store.hpp"
#include "firmware-sim/sim_disk.hpp"

using namespace longhaul;
using namespace longhaul::collector;

TEST_CASE("lake marker: the first one stays, whoever comes later") {
    sim::SimDisk disk;
    LocalStore store{disk};
    CHECK_FALSE(read_lake_marker(store).value());
    CHECK(mark_lake(store, {"staging", "11"}).value().lake == "11");
    const LakeMarker there = mark_lake(store, {"production", "22"}).value();
    CHECK(there.environment == "staging");
    CHECK(there.lake == "11");
    CHECK(foreign_lake(there, "staging").empty());
    CHECK(foreign_lake(there, "production") ==
          "the lake belongs to environment \"staging\", this is \"production\"");
}

TEST_CASE("lake marker: what is none is refused and left alone") {
    struct Case {
        const char* text;
        ErrorCode code;
    };
    const Case cases[] = {
        {"", ErrorCode::malformed},
        {"[]", ErrorCode::malformed},
        {"{\"version\":1,\"environment\":\"a\"}", ErrorCode::malformed},
        {"{\"version\":1,\"environment\":7,\"lake\":\"1\"}", ErrorCode::malformed},
        {"{\"environment\":\"a\",\"lake\":\"1\"}", ErrorCode::malformed},
        {"{\"version\":2,\"environment\":\"a\",\"lake\":\"1\"}", ErrorCode::unsupported},
    };
    for (const Case& each : cases) {
        CAPTURE(each.text);
        sim::SimDisk disk;
        LocalStore store{disk};
        REQUIRE(store.put_if_absent(lake_marker_path, as_bytes(each.text)).ok());
        CHECK(read_lake_marker(store).error().code == each.code);
        CHECK(mark_lake(store, {"a", "1"}).error().code == each.code);
        CHECK(as_text(store.read(lake_marker_path).value()) == each.text);
    }
}
