#include "common/block/block.hpp"

#include <catch2/catch_test_macros.hpp>
#include <vector>

#include "tests/support/hex.hpp"

using namespace longhaul;

namespace {

const BlockName name{{0x04030201}, {7}, BlockSeq::of(BlockClass::normal, 9)};
const BlockKey key{{std::byte{1}, std::byte{2}, std::byte{3}}};

std::vector<std::byte> sealed_example() {
    REQUIRE(crypto_init().ok());
    std::vector<std::byte> sealed(block_bytes_max);
    const auto bytes = seal_block(key, name, 3, as_bytes("longhaul"), sealed);
    REQUIRE(bytes.ok());
    sealed.resize(bytes.value());
    return sealed;
}

}  // namespace

TEST_CASE("block: the sealed bytes of the specification's example") {
    CHECK(test::to_hex(sealed_example()) ==
          "01001800010203040700000009000080"
          "03000000"
          "6d2b3465e3e964f3d58c89f11eee103a2af5f653bbb082fd");
}

TEST_CASE("block: it opens with its key and shows its header to anybody") {
    const auto sealed = sealed_example();
    const auto header = parse_block_header(sealed);
    REQUIRE(header.ok());
    CHECK(header.value().name == name);
    CHECK(header.value().samples == 3);
    std::vector<std::byte> room(64);
    const auto body = open_block(key, sealed, room);
    REQUIRE(body.ok());
    CHECK(as_text(body.value()) == "longhaul");
    CHECK(open_block(BlockKey{}, sealed, room).error().code == ErrorCode::corrupt);
}

TEST_CASE("block: a flipped bit anywhere is found") {
    const auto sealed = sealed_example();
    std::vector<std::byte> room(64);
    for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
        CAPTURE(bit);
        auto spoiled = sealed;
        spoiled[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
        REQUIRE_FALSE(open_block(key, spoiled, room).ok());
    }
}

TEST_CASE("block: headers are refused with the right code") {
    struct Case {
        const char* what;
        std::size_t at;
        std::uint8_t value;
        ErrorCode code;
    };
    const Case cases[] = {
        {"version 2", 0, 2, ErrorCode::unsupported},
        {"a flag", 1, 1, ErrorCode::unsupported},
        {"more body than there is", 2, 0x19, ErrorCode::truncated},
        {"less body than there is", 2, 0x17, ErrorCode::malformed},
        {"a body over the limit", 3, 0xff, ErrorCode::too_large},
        {"too many samples", 17, 0xff, ErrorCode::too_large},
        {"reserved bytes", 18, 1, ErrorCode::unsupported},
        {"epoch 0", 8, 0, ErrorCode::malformed},
    };
    for (const Case& c : cases) {
        CAPTURE(c.what);
        auto sealed = sealed_example();
        sealed[c.at] = static_cast<std::byte>(c.value);
        const auto header = parse_block_header(sealed);
        REQUIRE_FALSE(header.ok());
        CHECK(header.error().code == c.code);
    }
    CHECK(parse_block_header({}).error().code == ErrorCode::truncated);
}

TEST_CASE("block: sections are walked, and a cut one is refused") {
    std::array<std::byte, 64> room;
    ByteWriter out{room};
    write_section({1, codec_columns, 256, as_bytes("abc")}, out);
    write_section({0, codec_columns, 1, {}}, out);
    SectionReader reader{out.written()};
    const auto first = reader.next();
    REQUIRE(first.ok());
    CHECK(first.value().count == 256);
    CHECK(as_text(first.value().content) == "abc");
    CHECK(reader.next().ok());
    CHECK(reader.at_end());

    for (std::size_t length = 1; length < 8; ++length) {
        SectionReader cut{out.written().first(length)};
        CHECK_FALSE(cut.next().ok());
    }
    for (const char* bad : {"20000100", "01000000", "0100810200"}) {
        CAPTURE(bad);
        const auto bytes = test::from_hex(bad);
        CHECK_FALSE(SectionReader{bytes}.next().ok());
    }
}
