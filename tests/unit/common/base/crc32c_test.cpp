#include "common/base/crc32c.hpp"

#include <catch2/catch_test_macros.hpp>
#include <vector>

using namespace longhaul;

TEST_CASE("crc32c: the vectors of RFC 3720, B.4") {
    std::vector<std::byte> bytes(32, std::byte{0});
    CHECK(crc32c(bytes) == 0x8a9136aa);
    bytes.assign(32, std::byte{0xff});
    CHECK(crc32c(bytes) == 0x62a8ab43);
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i);
    CHECK(crc32c(bytes) == 0x46dd794e);
}

TEST_CASE("crc32c: it goes on from the bytes before") {
    CHECK(crc32c(as_bytes("def"), crc32c(as_bytes("abc"))) == crc32c(as_bytes("abcdef")));
}
