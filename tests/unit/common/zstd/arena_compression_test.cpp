#include "common/zstd/arena_compression.hpp"

#include <catch2/catch_test_macros.hpp>
#include <random>
#include <vector>

#include "common/zstd/zstd_compression.hpp"

using namespace longhaul;

namespace {

// Columns of varints as sections have them: small steps, now and then a large one.
std::vector<std::byte> columns(std::mt19937& random, std::size_t bytes) {
    std::vector<std::byte> made(bytes);
    for (std::byte& each : made)
        each = static_cast<std::byte>(random() % 10 == 0 ? random() & 255 : random() % 4);
    return made;
}

// Memory of exactly what is asked for, between bytes that must stay.
struct Arena {
    static constexpr std::size_t edge = 64;
    std::vector<std::uint64_t> words = std::vector<std::uint64_t>(
        (ArenaCompression::memory_bytes() + 7) / 8 + 2 * edge / 8, 0x5a5a);
    MutableBytes memory() {
        return std::as_writable_bytes(std::span{words})
            .subspan(edge, ArenaCompression::memory_bytes());
    }
    bool edges_stayed() const {
        for (std::size_t at = 0; at < edge / 8; ++at)
            if (words[at] != 0x5a5a || words[words.size() - 1 - at] != 0x5a5a) return false;
        return true;
    }
};

}  // namespace

TEST_CASE("arena compression: every frame is one that the collector reads") {
    std::mt19937 random{7};
    Arena arena;
    ArenaCompression compression{arena.memory()};
    ZstdCompression reader;
    std::vector<std::byte> frame(2 * ArenaCompression::plain_bytes_max);
    std::vector<std::byte> plain_again(ArenaCompression::plain_bytes_max);
    std::size_t plain_bytes = 0, frame_bytes = 0;
    for (unsigned turn = 0; turn < 300; ++turn) {
        CAPTURE(turn);
        const std::size_t bytes = turn < 2 ? turn * ArenaCompression::plain_bytes_max
                                           : random() % (ArenaCompression::plain_bytes_max + 1);
        const std::vector<std::byte> plain = columns(random, bytes);
        const auto size = compression.compress(plain, {}, frame);
        REQUIRE(size);
        const auto read = reader.decompress(Bytes{frame}.first(*size), {}, plain_again);
        REQUIRE(read.ok());
        REQUIRE(std::equal(read.value().begin(), read.value().end(), plain.begin(), plain.end()));
        plain_bytes += bytes;
        frame_bytes += *size;
    }
    CHECK(frame_bytes < plain_bytes / 2);
    CHECK(arena.edges_stayed());
}

TEST_CASE("arena compression: what does not fit costs that one frame") {
    std::mt19937 random{8};
    Arena arena;
    ArenaCompression compression{arena.memory()};
    const std::vector<std::byte> plain = columns(random, 1000);
    std::vector<std::byte> frame(1000), small(50);
    CHECK_FALSE(compression.compress(plain, {}, small));
    CHECK(compression.compress(plain, {}, frame));
    CHECK_FALSE(
        compression.compress(columns(random, ArenaCompression::plain_bytes_max + 1), {}, frame));
    CHECK_FALSE(compression.compress(plain, plain, frame));  // no dictionaries
    CHECK(compression.compress(plain, {}, frame));
    CHECK(arena.edges_stayed());
}
