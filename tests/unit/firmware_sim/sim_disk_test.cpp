#include "firmware-sim/sim_disk.hpp"

#include <catch2/catch_test_macros.hpp>
#include <set>
#include <string>

using namespace longhaul;
using namespace longhaul::collector;
using longhaul::sim::SimDisk;

namespace {

std::string text_of(SimDisk& disk, std::string_view path) {
    const auto bytes = read_file(disk, path);
    return bytes.ok() ? std::string{as_text(bytes.value())} : "(none)";
}

// What is in `path` after torn power cuts of copies of what `prepare` made, over many seeds.
template <class Prepare>
std::set<std::string> after_torn_cuts(std::string_view path, Prepare prepare) {
    std::set<std::string> seen;
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
        SimDisk disk;
        prepare(disk);
        std::mt19937_64 random{seed};
        disk.cut_power(&random);
        seen.insert(text_of(disk, path));
    }
    return seen;
}

}  // namespace

TEST_CASE("simulated disk: bytes and names last from their sync on, not before") {
    SimDisk disk;
    const auto file = disk.create("f");
    REQUIRE(file.value()->append(as_bytes("ab")).ok());
    REQUIRE(file.value()->sync().ok());
    SimDisk without_name = disk;
    without_name.cut_power();
    CHECK(text_of(without_name, "f") == "(none)");
    REQUIRE(disk.sync_directory("").ok());
    REQUIRE(file.value()->append(as_bytes("cd")).ok());
    disk.cut_power();
    CHECK(text_of(disk, "f") == "ab");
}

TEST_CASE("simulated disk: what was cut off comes back unless the cut was synced") {
    SimDisk disk;
    REQUIRE(write_synced(disk, "f", as_bytes("abcdef")).ok());
    REQUIRE(disk.sync_directory("").ok());
    const auto file = disk.open("f");
    REQUIRE(file.value()->truncate(4).ok());
    REQUIRE(file.value()->truncate(2).ok());
    REQUIRE(file.value()->append(as_bytes("X")).ok());
    SimDisk unsynced = disk;
    unsynced.cut_power();
    CHECK(text_of(unsynced, "f") == "abcdef");
    REQUIRE(file.value()->sync().ok());
    disk.cut_power();
    CHECK(text_of(disk, "f") == "abX");
}

TEST_CASE("simulated disk: removed and renamed names come back unless their folder was synced") {
    SimDisk disk;
    REQUIRE(write_synced(disk, "a", as_bytes("a")).ok());
    REQUIRE(write_synced(disk, "b", as_bytes("b")).ok());
    REQUIRE(disk.sync_directory("").ok());
    REQUIRE(disk.remove("a").ok());
    REQUIRE(disk.rename("b", "c").ok());
    SimDisk unsynced = disk;
    unsynced.cut_power();
    CHECK(text_of(unsynced, "a") == "a");
    CHECK(text_of(unsynced, "b") == "b");
    CHECK(text_of(unsynced, "c") == "(none)");
    REQUIRE(disk.sync_directory("").ok());
    disk.cut_power();
    CHECK(text_of(disk, "a") == "(none)");
    CHECK(text_of(disk, "b") == "(none)");
    CHECK(text_of(disk, "c") == "b");
}

TEST_CASE("simulated disk: a torn power cut keeps any beginning of what was not synced") {
    const auto seen = after_torn_cuts("f", [](SimDisk& disk) {
        REQUIRE(write_synced(disk, "f", as_bytes("ab")).ok());
        REQUIRE(disk.sync_directory("").ok());
        REQUIRE(disk.open("f").value()->append(as_bytes("cd")).ok());
    });
    CHECK(seen == std::set<std::string>{"ab", "abc", "abcd"});
}

TEST_CASE("simulated disk: a torn power cut keeps the first changes of names, a rename whole") {
    const auto prepare = [](SimDisk& disk) {
        REQUIRE(write_synced(disk, "old", as_bytes("1")).ok());
        REQUIRE(disk.sync_directory("").ok());
        REQUIRE(write_synced(disk, "new", as_bytes("2")).ok());
        REQUIRE(disk.rename("new", "old").ok());
    };
    CHECK(after_torn_cuts("old", prepare) == std::set<std::string>{"1", "2"});
    CHECK(after_torn_cuts("new", prepare) == std::set<std::string>{"(none)", "2"});
}

TEST_CASE("simulated disk: the call at which it fails, and all behind it, report an error") {
    SimDisk disk;
    disk.fail_after(3);
    const auto file = disk.create("f");
    REQUIRE(file.ok());
    CHECK(file.value()->append(as_bytes("a")).ok());
    CHECK_FALSE(file.value()->append(as_bytes("b")).ok());
    CHECK_FALSE(file.value()->sync().ok());
    CHECK_FALSE(disk.sync_directory("").ok());
    CHECK(disk.failed());
    disk.cut_power();
    CHECK_FALSE(disk.failed());
    CHECK(disk.create("g").ok());
}

TEST_CASE("simulated disk: what a failed sync should have kept, no later sync keeps") {
    SimDisk disk;
    const auto file = disk.create("f");
    REQUIRE(disk.sync_directory("").ok());
    REQUIRE(file.value()->append(as_bytes("a")).ok());
    disk.fail_next_sync();
    CHECK_FALSE(file.value()->sync().ok());
    CHECK(file.value()->sync().ok());  // as Linux does
    disk.cut_power();
    CHECK(text_of(disk, "f").empty());
}
