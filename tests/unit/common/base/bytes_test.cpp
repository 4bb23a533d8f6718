#include "common/base/bytes.hpp"

#include <array>
#include <catch2/catch_test_macros.hpp>
#include <vector>

#include "tests/support/hex.hpp"

using namespace longhaul;

TEST_CASE("bytes: integers are little-endian and come back") {
    std::array<std::byte, 32> room;
    ByteWriter out{room};
    out.u8(0x01);
    out.u16(0x0302);
    out.u24(0x060504);
    out.u32(0x0a090807);
    out.i64(-2);
    REQUIRE(out.ok());
    CHECK(test::to_hex(out.written()) == "0102030405060708090afeffffffffffffff");

    ByteReader in{out.written()};
    CHECK(in.u8() == 0x01);
    CHECK(in.u16() == 0x0302);
    CHECK(in.u24() == 0x060504);
    CHECK(in.u32() == 0x0a090807);
    CHECK(in.i64() == -2);
    CHECK(in.at_end());
}

TEST_CASE("bytes: a reader past the end yields zeros and stays failed") {
    const auto bytes = test::from_hex("ff");
    ByteReader in{bytes};
    CHECK(in.u16() == 0);
    CHECK_FALSE(in.ok());
    CHECK(in.u8() == 0);
    CHECK_FALSE(in.at_end());
}

TEST_CASE("bytes: a writer without room writes nothing more") {
    std::array<std::byte, 3> room{};
    ByteWriter out{room};
    out.u16(0xffff);
    out.u16(0xffff);
    out.u8(0xff);
    CHECK_FALSE(out.ok());
    CHECK(out.size() == 2);
}

TEST_CASE("bytes: varints come back, and only their shortest form is read") {
    for (const std::uint64_t value : {std::uint64_t{0}, std::uint64_t{127}, std::uint64_t{128},
                                      std::uint64_t{1} << 35, UINT64_MAX}) {
        std::array<std::byte, varint_bytes_max> room;
        ByteWriter out{room};
        out.varint(value);
        CHECK(out.size() == varint_size(value));
        ByteReader in{out.written()};
        CHECK(in.varint() == value);
        CHECK(in.at_end());
    }
    for (const char* bad : {"8000", "80", "ffffffffffffffffff02", "ffffffffffffffffffff01"}) {
        CAPTURE(bad);
        const auto bytes = test::from_hex(bad);
        ByteReader in{bytes};
        (void)in.varint();
        CHECK_FALSE(in.ok());
    }
}

TEST_CASE("bytes: zigzag keeps every signed value") {
    for (const std::int64_t value :
         {std::int64_t{0}, std::int64_t{-1}, std::int64_t{1}, INT64_MIN, INT64_MAX}) {
        CHECK(unzigzag(zigzag(value)) == value);
    }
    CHECK(zigzag(-1) == 1);
    CHECK(zigzag(1) == 2);
}
