#include "collector/lake/local_store.hpp"

#include <catch2/catch_test_macros.hpp>

#include "firmware-sim/sim_disk.hpp"

using namespace longhaul;
using namespace longhaul::collector;

namespace {

std::string text_at(ObjectStore& store, std::string_view path) {
    const auto bytes = store.read(path);
    return bytes.ok() ? std::string{as_text(bytes.value())} : to_string(bytes.error());
}

}  // namespace

TEST_CASE("local store: the first to put a name wins") {
    sim::SimDisk disk;
    LocalStore store{disk};
    REQUIRE(store.put_if_absent("t/log/1.json", as_bytes("first")).ok());
    const Status second = store.put_if_absent("t/log/1.json", as_bytes("second"));
    REQUIRE_FALSE(second.ok());
    CHECK(second.error().code == ErrorCode::exists);
    CHECK(text_at(store, "t/log/1.json") == "first");
    CHECK(store.list("t/log").value() == std::vector<std::string>{"1.json"});
    CHECK(store.list("_unfinished").value().empty());
}

TEST_CASE("local store: an object under its content's name may be finished twice") {
    sim::SimDisk disk;
    LocalStore store{disk};
    for (int i = 0; i < 2; ++i) {
        auto writer = store.begin();
        REQUIRE(writer.ok());
        REQUIRE(writer.value()->append(as_bytes("some ")).ok());
        REQUIRE(writer.value()->append(as_bytes("rows")).ok());
        REQUIRE(writer.value()->finish("t/part/a.parquet").ok());
    }
    CHECK(text_at(store, "t/part/a.parquet") == "some rows");
}

TEST_CASE("local store: an object that was not finished is nowhere") {
    sim::SimDisk disk;
    LocalStore store{disk};
    {
        auto writer = store.begin();
        REQUIRE(writer.ok());
        REQUIRE(writer.value()->append(as_bytes("rows")).ok());
    }
    CHECK(store.list("_unfinished").value().empty());
    CHECK(store.list("t").value().empty());
}

TEST_CASE("local store: a leftover of a crash does not look like somebody else's object") {
    sim::SimDisk disk;
    REQUIRE(disk.make_directories("_unfinished").ok());
    REQUIRE(write_synced(disk, "_unfinished/0", as_bytes("left")).ok());
    LocalStore store{disk};
    CHECK(store.put_if_absent("t/1.json", as_bytes("first")).ok());
    CHECK(text_at(store, "t/1.json") == "first");

    REQUIRE(store.clean_up().ok());
    CHECK(store.list("_unfinished").value().empty());
}

TEST_CASE("local store: wherever the disk fails, an object is whole and lasting or absent") {
    for (const bool torn : {false, true}) {
        for (std::uint64_t step = 1;; ++step) {
            CAPTURE(step, torn);
            sim::SimDisk disk;
            std::mt19937_64 random{step};
            disk.fail_after(step);
            LocalStore store{disk};
            const Status put = store.put_if_absent("t/log/1.json", as_bytes("all of it"));
            disk.cut_power(torn ? &random : nullptr);

            LocalStore after{disk};
            REQUIRE(after.clean_up().ok());
            const std::string text = text_at(after, "t/log/1.json");
            CHECK((text == "all of it" || text == "not found"));
            if (!put.ok()) {
                // A retry settles it, whichever of the two it was.
                const Status again = after.put_if_absent("t/log/1.json", as_bytes("all of it"));
                CHECK((again.ok() || again.error().code == ErrorCode::exists));
            }
            disk.cut_power();
            CHECK(text_at(after, "t/log/1.json") == "all of it");
            if (put.ok()) break;
        }
    }
}
