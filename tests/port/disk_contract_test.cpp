// The contract of collector/disk/disk.hpp, proven of every disk: the operating system's and the
// simulated one. What only the simulated one can show, forgetting, is in tests/unit/firmware_sim.
#include <catch2/catch_test_macros.hpp>
#include <string>

#include "tests/port/any_disk.hpp"

using namespace longhaul;
using namespace longhaul::collector;

namespace {

ErrorCode code_of(const auto& result) {
    REQUIRE_FALSE(result.ok());
    return result.error().code;
}

std::string text_of(Disk& disk, std::string_view path) {
    const auto bytes = read_file(disk, path);
    REQUIRE(bytes.ok());
    return std::string{as_text(bytes.value())};
}

}  // namespace

TEST_CASE("disk: a file grows by what is appended and is read at any place") {
    AnyDisk disk{kind_of_disk()};
    const auto file = disk->create("f");
    REQUIRE(file.ok());
    REQUIRE(file.value()->append(as_bytes("hello ")).ok());
    REQUIRE(file.value()->append(as_bytes("disk")).ok());
    CHECK(file.value()->size().value() == 10);
    std::array<std::byte, 4> room{};
    CHECK(file.value()->read_at(6, room).value() == 4);
    CHECK(as_text(room) == "disk");
    CHECK(file.value()->read_at(8, room).value() == 2);
    CHECK(file.value()->read_at(10, room).value() == 0);
    CHECK(file.value()->read_at(1000, room).value() == 0);
    CHECK(file.value()->sync().ok());
}

TEST_CASE("disk: an append goes to the end of a file, also after it was cut") {
    AnyDisk disk{kind_of_disk()};
    REQUIRE(write_synced(*disk, "f", as_bytes("abcdef")).ok());
    const auto file = disk->open("f");
    REQUIRE(file.ok());
    REQUIRE(file.value()->truncate(2).ok());
    REQUIRE(file.value()->append(as_bytes("XY")).ok());
    CHECK(text_of(*disk, "f") == "abXY");
}

TEST_CASE("disk: two handles of a file see the same bytes") {
    AnyDisk disk{kind_of_disk()};
    const auto writer = disk->create("f");
    const auto reader = disk->open("f");
    REQUIRE(writer.ok());
    REQUIRE(reader.ok());
    REQUIRE(writer.value()->append(as_bytes("abc")).ok());
    CHECK(reader.value()->size().value() == 3);
}

TEST_CASE("disk: names that exist are not made again, names that do not are not found") {
    AnyDisk disk{kind_of_disk()};
    REQUIRE(write_synced(*disk, "f", as_bytes("1")).ok());
    REQUIRE(write_synced(*disk, "g", as_bytes("2")).ok());
    CHECK(code_of(disk->create("f")) == ErrorCode::exists);
    CHECK(code_of(disk->link("g", "f")) == ErrorCode::exists);
    CHECK(code_of(disk->open("none")) == ErrorCode::not_found);
    CHECK(code_of(disk->link("none", "h")) == ErrorCode::not_found);
    CHECK(code_of(disk->rename("none", "h")) == ErrorCode::not_found);
    CHECK(code_of(disk->remove("none")) == ErrorCode::not_found);
    CHECK(code_of(disk->create("none/f")) == ErrorCode::not_found);
    CHECK(code_of(disk->list("none")) == ErrorCode::not_found);
    CHECK(code_of(disk->sync_directory("none")) == ErrorCode::not_found);
    CHECK(text_of(*disk, "f") == "1");
}

TEST_CASE("disk: a linked file has two names and lives until both are gone") {
    AnyDisk disk{kind_of_disk()};
    REQUIRE(write_synced(*disk, "f", as_bytes("abc")).ok());
    REQUIRE(disk->link("f", "g").ok());
    REQUIRE(disk->remove("f").ok());
    CHECK(code_of(disk->open("f")) == ErrorCode::not_found);
    CHECK(text_of(*disk, "g") == "abc");
}

TEST_CASE("disk: a removed file is still read through a handle") {
    AnyDisk disk{kind_of_disk()};
    REQUIRE(write_synced(*disk, "f", as_bytes("abc")).ok());
    const auto file = disk->open("f");
    REQUIRE(disk->remove("f").ok());
    std::array<std::byte, 3> room{};
    CHECK(file.value()->read_at(0, room).value() == 3);
}

TEST_CASE("disk: a rename takes the place of what was there") {
    AnyDisk disk{kind_of_disk()};
    REQUIRE(write_synced(*disk, "old", as_bytes("old")).ok());
    REQUIRE(write_synced(*disk, "new", as_bytes("new")).ok());
    REQUIRE(disk->rename("new", "old").ok());
    CHECK(text_of(*disk, "old") == "new");
    CHECK(code_of(disk->open("new")) == ErrorCode::not_found);
}

TEST_CASE("disk: folders are made with those above them, twice does no harm") {
    AnyDisk disk{kind_of_disk()};
    REQUIRE(disk->make_directories("a/b/c").ok());
    REQUIRE(disk->make_directories("a/b/c").ok());
    REQUIRE(write_synced(*disk, "a/b/c/f", as_bytes("x")).ok());
    CHECK(disk->sync_directory("a/b/c").ok());
    CHECK(disk->sync_directory("").ok());
    CHECK_FALSE(disk->make_directories("a/b/c/f").ok());
}

TEST_CASE("disk: a list is sorted, with sizes and kinds, and goes one level down") {
    AnyDisk disk{kind_of_disk()};
    REQUIRE(disk->make_directories("a/z").ok());
    REQUIRE(write_synced(*disk, "a/f2", as_bytes("12345")).ok());
    REQUIRE(write_synced(*disk, "a/f1", as_bytes("")).ok());
    REQUIRE(write_synced(*disk, "a/z/deep", as_bytes("x")).ok());
    const auto entries = disk->list("a");
    REQUIRE(entries.ok());
    REQUIRE(entries.value().size() == 3);
    CHECK(entries.value()[0].name == "f1");
    CHECK(entries.value()[1].name == "f2");
    CHECK(entries.value()[1].bytes == 5);
    CHECK_FALSE(entries.value()[1].directory);
    CHECK(entries.value()[2].name == "z");
    CHECK(entries.value()[2].directory);
    CHECK(disk->list("").value().size() == 1);
}

TEST_CASE("disk: replacing a file leaves the new one and nothing beside it") {
    AnyDisk disk{kind_of_disk()};
    REQUIRE(write_synced(*disk, "f.new", as_bytes("left by a crash")).ok());
    REQUIRE(replace_file(*disk, "f", as_bytes("1")).ok());
    REQUIRE(replace_file(*disk, "f", as_bytes("22")).ok());
    CHECK(text_of(*disk, "f") == "22");
    CHECK(disk->list("").value().size() == 1);
}
