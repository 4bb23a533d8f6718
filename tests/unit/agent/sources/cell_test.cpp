#include "agent/sources/cell.hpp"

#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <random>
#include <string>

#include "tests/unit/agent/fixtures.hpp"

using namespace longhaul;
using namespace longhaul::agent;
using namespace longhaul::test;

namespace {

// What is read lasts as long as the test's process.
std::optional<Value> read(const Field& field, std::string_view cell) {
    static ByteArena arena;
    return read_cell(field, cell, &arena);
}

Field plain(FieldKind kind, std::uint8_t scale = 0) { return field_of(kind, "a", scale); }

}  // namespace

TEST_CASE("cell: a decimal on its grid travels as an integer, any other as the nearest double") {
    struct Case {
        const char* text;
        std::uint8_t scale;
        bool grid;
        std::int64_t integer;
    };
    const Case cases[] = {
        {"12.96416", 5, true, 1'296'416},
        {"0.0", 5, true, 0},
        {"30.20585", 6, true, 30'205'850},
        {"-97.774315", 6, true, -97'774'315},
        {"4.100", 1, true, 41},
        {"+7", 2, true, 700},
        {"3.85E-05", 9, true, 38'500},
        {"3.85e-5", 7, true, 385},
        {"1e3", 0, true, 1000},
        {"1200e-2", 0, true, 12},
        {"007", 0, true, 7},
        {".5", 1, true, 5},
        {"5.", 1, true, 50},
        {"9007199254740991", 0, true, 9'007'199'254'740'991},
        {"0e99", 3, true, 0},
        {"3.85E-05", 6, false, 0},
        {"0.1234", 3, false, 0},
        {"9007199254740992", 0, false, 0},
        {"90071992547409.92", 3, false, 0},
        {"-0", 2, false, 0},
        {"-0.00", 2, false, 0},
        {"1e22", 0, false, 0},
        {"nan", 2, false, 0},
        {"inf", 2, false, 0},
        {"-inf", 2, false, 0},
    };
    for (const Case& each : cases) {
        CAPTURE(each.text, int{each.scale});
        const auto value = read(plain(FieldKind::decimal, each.scale), each.text);
        REQUIRE(value);
        if (each.grid) {
            CHECK(value->form == ValueForm::integer);
            CHECK(value->integer == each.integer);
        } else {
            REQUIRE(value->form == ValueForm::real);
            const double expected = std::strtod(each.text, nullptr);
            if (std::isnan(expected)) {
                CHECK(std::isnan(value->real()));
            } else {
                CHECK(value->real_bits == std::bit_cast<std::uint64_t>(expected));
            }
        }
    }
}

TEST_CASE(
    "cell: an integer divided by its power of ten is the double of the text, for any decimal") {
    std::mt19937_64 random{11};
    double power = 1;
    for (std::uint8_t scale = 0; scale <= limits::decimal_scale_max; ++scale, power *= 10) {
        for (int i = 0; i < 2000; ++i) {
            const std::uint64_t magnitude =
                random() % (std::uint64_t{1} << (1 + random() % 52)) + 1;
            std::string text = std::to_string(magnitude);
            while (text.size() <= scale) text.insert(0, "0");
            if (scale > 0) text.insert(text.size() - scale, ".");
            const auto value = read(plain(FieldKind::decimal, scale), text);
            REQUIRE(value);
            REQUIRE(value->form == ValueForm::integer);
            REQUIRE(static_cast<double>(value->integer) / power ==
                    std::strtod(text.c_str(), nullptr));
        }
    }
}

TEST_CASE("cell: what is not of its kind is refused") {
    struct Case {
        FieldKind kind;
        const char* text;
    };
    const Case cases[] = {
        {FieldKind::integer, ""},      {FieldKind::integer, "1.0"},
        {FieldKind::integer, " 1"},    {FieldKind::integer, "9223372036854775808"},
        {FieldKind::integer, "+-1"},   {FieldKind::decimal, ""},
        {FieldKind::decimal, "1,5"},   {FieldKind::decimal, "1.5 V"},
        {FieldKind::decimal, "0x10"},  {FieldKind::decimal, "1e400"},
        {FieldKind::decimal, "."},     {FieldKind::boolean, "yes"},
        {FieldKind::boolean, ""},      {FieldKind::enumeration, "purple"},
        {FieldKind::enumeration, ""},  {FieldKind::float64, "--"},
        {FieldKind::float32, "1e99"},  {FieldKind::text, "\xff"},
        {FieldKind::text, "\xc0\x80"}, {FieldKind::text, "\xed\xa0\x80"},
        {FieldKind::text, "\xe2\x82"}, {FieldKind::bytes, "0"},
        {FieldKind::bytes, "0g"},      {FieldKind::bytes, "0x00"},
        {FieldKind::decimal, "1.2.3"}, {FieldKind::decimal, "1e"},
        {FieldKind::decimal, "-"},     {FieldKind::decimal, "1e5 "},
        {FieldKind::decimal, "+-1"},   {FieldKind::decimal, "1..2"},
    };
    for (const Case& each : cases) {
        CAPTURE(static_cast<int>(each.kind), each.text);
        CHECK_FALSE(read(plain(each.kind), each.text));
    }
    CHECK_FALSE(read(plain(FieldKind::text), std::string(1025, 'x')));
    CHECK_FALSE(read(plain(FieldKind::bytes), std::string(2050, '0')));
}

TEST_CASE("cell: values of the other kinds") {
    CHECK(read(plain(FieldKind::integer), "-9223372036854775808")->integer == INT64_MIN);
    CHECK(read(plain(FieldKind::boolean), "true")->integer == 1);
    CHECK(read(plain(FieldKind::boolean), "0")->integer == 0);
    CHECK(read(plain(FieldKind::enumeration), "blue")->integer == 2);
    CHECK(read(plain(FieldKind::float64), "-0.0")->real_bits == std::bit_cast<std::uint64_t>(-0.0));
    CHECK(read(plain(FieldKind::float32), "0.1")->real_bits == std::bit_cast<std::uint32_t>(0.1F));
    CHECK(as_text(read(plain(FieldKind::text), "Zürich € 🚌")->text) == "Zürich € 🚌");
}

TEST_CASE("cell: bytes are hexadecimal digits, of either case") {
    const auto value = read(plain(FieldKind::bytes), "00fFA9");
    REQUIRE(value);
    CHECK(value->form == ValueForm::text);
    CHECK(as_text(value->text) == std::string_view{"\x00\xff\xa9", 3});
    CHECK(read(plain(FieldKind::bytes), "")->text.empty());
    CHECK_FALSE(read_cell(plain(FieldKind::bytes), "00"));  // nobody keeps them
}

TEST_CASE("cell: an empty cell is null where that is allowed, and an empty text elsewhere") {
    CHECK(read(field_of(FieldKind::integer, "a", 0, true), "")->form == ValueForm::null);
    CHECK(read(field_of(FieldKind::text, "a", 0, true), "")->form == ValueForm::null);
    CHECK(read(plain(FieldKind::text), "")->form == ValueForm::text);
}
