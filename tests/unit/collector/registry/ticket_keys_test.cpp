// Ticket keys in the registry: shared by collectors, rotated daily, two generations.
#include "collector/registry/ticket_keys.hpp"

#include <sys/stat.h>

#include <catch2/catch_test_macros.hpp>
#include <fstream>

#include "collector/registry/registry.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace longhaul;
using namespace longhaul::collector;

namespace {

constexpr std::int64_t day_us = 86'400'000'000;
constexpr WallUs day(std::int64_t number) { return {number * day_us + 1}; }

std::unique_ptr<TicketKeys> open(const std::string& path) {
    REQUIRE(crypto_init().ok());
    auto keys = TicketKeys::open(path);
    REQUIRE(keys.ok());
    return std::move(keys).value();
}

}  // namespace

TEST_CASE("ticket keys: two collectors of a site have the same ones") {
    const test::TemporaryFolder folder;
    const auto one = open(folder / "registry.db");
    const auto other = open(folder / "registry.db");
    const auto made = one->at(day(100)).value();
    const auto found = other->at(day(100)).value();
    REQUIRE((made.size() == 1 && found.size() == 1));
    CHECK(made[0].generation == 100);
    CHECK(made[0].key.bytes == found[0].key.bytes);
}

TEST_CASE("ticket keys: yesterday's opens, the one before is gone from the file") {
    const test::TemporaryFolder folder;
    const auto keys = open(folder / "registry.db");
    const auto first = keys->at(day(100)).value();
    const auto second = keys->at(day(101)).value();
    REQUIRE(second.size() == 2);
    CHECK((second[0].generation == 101 && second[1].generation == 100));
    CHECK(second[1].key.bytes == first[0].key.bytes);
    CHECK(second[0].key.bytes != first[0].key.bytes);
    REQUIRE(keys->at(day(102)).value().size() == 2);
    auto database = SqliteDatabase::open(folder / "registry.db", SqliteAccess::read_only, 0);
    REQUIRE(database.ok());
    CHECK(database.value().integer("SELECT min(generation) FROM ticket_keys").value() == 101);
}

TEST_CASE("ticket keys: a clock that goes back a day seals with that day's key again") {
    const test::TemporaryFolder folder;
    const auto keys = open(folder / "registry.db");
    REQUIRE(keys->at(day(100)).ok());
    REQUIRE(keys->at(day(101)).ok());
    const auto back = keys->at(day(100)).value();
    REQUIRE(back.size() == 2);
    CHECK((back[0].generation == 100 && back[1].generation == 101));
}

TEST_CASE("ticket keys: the file is its owner's alone from then on") {
    const test::TemporaryFolder folder;
    const std::string path = folder / "registry.db";
    const auto made = SqliteDatabase::open(path, SqliteAccess::make, 0);
    REQUIRE(made.ok());
    ::chmod(path.c_str(), 0644);
    const auto keys = open(path);
    struct stat status{};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
}

TEST_CASE("ticket keys: a forgotten key is nowhere in the files") {
    const test::TemporaryFolder folder;
    const std::string path = folder / "registry.db";
    const auto registry = Registry::open(path).value();  // keeps a log
    const auto keys = open(path);
    const auto first = keys->at(day(100)).value();
    const auto holds_first = [&] {
        std::string text;
        for (const std::string& each : {path, path + "-wal"}) {
            std::ifstream file{each, std::ios::binary};
            text.append(std::istreambuf_iterator<char>{file}, {});
        }
        return text.find(as_text(first[0].key.bytes)) != std::string::npos;
    };
    CHECK(holds_first());
    REQUIRE(keys->at(day(101)).ok());
    REQUIRE(keys->at(day(102)).ok());
    CHECK_FALSE(holds_first());
}

TEST_CASE("ticket keys: collectors whose clocks differ by days leave each other's keys alone") {
    const test::TemporaryFolder folder;
    const auto behind = open(folder / "registry.db");
    const auto ahead = open(folder / "registry.db");
    const auto of_ahead = ahead->at(day(105)).value();
    const auto of_behind = behind->at(day(100)).value();
    CHECK(ahead->at(day(105)).value()[0].key.bytes == of_ahead[0].key.bytes);
    CHECK(behind->at(day(100)).value()[0].key.bytes == of_behind[0].key.bytes);
}
