#include "common/base/utf8.hpp"

#include <catch2/catch_test_macros.hpp>
#include <string>

using namespace longhaul;

TEST_CASE("utf8: every code point's shortest form is valid, a surrogate is not") {
    const auto encoded = [](std::uint32_t point) {
        const auto byte = [](std::uint32_t value) { return static_cast<char>(value); };
        if (point < 0x80) return std::string{byte(point)};
        if (point < 0x800) return std::string{byte(0xc0 | point >> 6), byte(0x80 | (point & 63))};
        if (point < 0x10000) {
            return std::string{byte(0xe0 | point >> 12), byte(0x80 | (point >> 6 & 63)),
                               byte(0x80 | (point & 63))};
        }
        return std::string{byte(0xf0 | point >> 18), byte(0x80 | (point >> 12 & 63)),
                           byte(0x80 | (point >> 6 & 63)), byte(0x80 | (point & 63))};
    };
    std::uint32_t wrong = 0;
    for (std::uint32_t point = 0; point < 0x120000; ++point) {
        const bool valid = point < 0x110000 && (point < 0xd800 || point > 0xdfff);
        if (is_utf8(encoded(point)) != valid) ++wrong;
    }
    CHECK(wrong == 0);
}

TEST_CASE("utf8: broken texts are refused") {
    struct Case {
        const char* what;
        std::string_view text;
    };
    const Case cases[] = {
        {"a follower without a lead", "a\x80"},
        {"an end within a character", "a\xc3"},
        {"an end within a long character", "\xf0\x9f\x98"},
        {"a long form of a slash", "\xc0\xaf"},
        {"a longer form of a slash", "\xe0\x80\xaf"},
        {"Latin-1",
         "Gr\xfc\xdf"
         "e"},
        {"a lead in the place of a follower", "\xe2\x82\xc3"},
        {"a byte that never occurs", "\xff"},
    };
    for (const Case& each : cases) {
        CAPTURE(each.what);
        CHECK_FALSE(is_utf8(each.text));
    }
    CHECK(is_utf8(""));
    CHECK(is_utf8("Grüße, 東京 😀"));
}
