// NMEA: sentences, their values, and the fixes that they make.
#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

#include "agent/sources/builtin_schema.hpp"
#include "agent/sources/gnss_fix.hpp"
#include "agent/sources/nmea_sentence.hpp"
#include "agent/sources/nmea_values.hpp"

using namespace longhaul;
using namespace longhaul::agent;

namespace {

std::string sentence(const std::string& content) {
    unsigned sum = 0;
    for (const char c : content) sum ^= static_cast<unsigned char>(c);
    constexpr char digits[] = "0123456789ABCDEF";
    return "$" + content + "*" + digits[sum / 16] + digits[sum % 16];
}

std::string text_of(const Value& value) {
    switch (value.form) {
        case ValueForm::null:
            return "-";
        case ValueForm::integer:
            return std::to_string(value.integer);
        case ValueForm::real:
            return "~" + std::to_string(value.real());
        case ValueForm::text:
            return std::string{as_text(value.text)};
    }
    return "";
}

std::string text_of(const GnssFix* fix) {
    if (fix == nullptr) return "";
    std::string text;
    for (const Value& value : fix->values()) text += (text.empty() ? "" : " ") + text_of(value);
    return text;
}

// The fixes of these lines, one a text; the last one is flushed.
std::vector<std::string> fixes_of(const std::vector<std::string>& lines,
                                  NmeaCounts* counts = nullptr) {
    GnssFixes fixes;
    std::vector<std::string> found;
    for (const std::string& line : lines) {
        if (const GnssFix* const fix = fixes.take(line, 0)) found.push_back(text_of(fix));
    }
    if (const GnssFix* const fix = fixes.flush()) found.push_back(text_of(fix));
    if (counts != nullptr) *counts = fixes.counts();
    return found;
}

std::uint64_t refused(const NmeaCounts& counts, NmeaRefusal reason) {
    return counts.refused[static_cast<std::size_t>(reason)];
}

}  // namespace

TEST_CASE("nmea: a sentence is an address and fields, and its checksum holds") {
    NmeaSentence read;
    NmeaRefusal refusal{};
    REQUIRE(
        read_nmea_sentence("$GPGLL,4808.9985,N,01135.0867,E,164516.99,A,A*6E\r\n", read, refusal));
    CHECK(read.talker() == "GP");
    CHECK(read.kind() == "GLL");
    CHECK(read.field_count == 7);
    CHECK(read.field(1) == "N");
    CHECK(read.field(6) == "A");
    CHECK(read.field(7).empty());
    REQUIRE(read_nmea_sentence(sentence("PUBX,00,1"), read, refusal));
    CHECK(read.kind().empty());
}

TEST_CASE("nmea: what is no sentence is refused with its reason") {
    const std::string long_line = sentence("GPTXT," + std::string(130, 'x'));
    const std::string many_fields = sentence("GPTXT" + std::string(41, ','));
    const struct {
        std::string line;
        NmeaRefusal reason;
    } cases[] = {
        {"", NmeaRefusal::not_nmea},
        {"# Date: 2019-03-28", NmeaRefusal::not_nmea},
        {"GPGLL,4808.9985,N*6E", NmeaRefusal::not_nmea},
        {"$GP\x01GLL,A*6E", NmeaRefusal::not_nmea},
        {"$GPGLL,4808.9985,N", NmeaRefusal::checksum_missing},
        {"$", NmeaRefusal::checksum_missing},
        {"$*1", NmeaRefusal::checksum_missing},
        {"$GPGLL,4808.9985,N*6G", NmeaRefusal::checksum_missing},
        {"$GPGLL,4808.9985,N,01135.0867,E,164516.99,A,A*6F", NmeaRefusal::checksum_wrong},
        {"$GPRMC,000344.03,A,4808.9992,N,4,02.3*05", NmeaRefusal::checksum_wrong},
        {long_line, NmeaRefusal::too_long},
        {many_fields, NmeaRefusal::too_long},
    };
    for (const auto& each : cases) {
        CAPTURE(each.line);
        NmeaSentence read;
        NmeaRefusal refusal{};
        REQUIRE_FALSE(read_nmea_sentence(each.line, read, refusal));
        CHECK(refusal == each.reason);
    }
}

TEST_CASE("nmea: degrees and minutes become degrees times ten million, rounded half up") {
    const struct {
        const char* text;
        const char* hemisphere;
        int degrees_max;
        std::int64_t degrees;
    } cases[] = {
        {"4808.9985", "N", 90, 481'499'750},
        {"2712.6404", "S", 90, -272'106'733},
        {"12219.58362", "W", 180, -1'223'263'937},
        {"00000.0000", "E", 180, 0},
        {"9000", "N", 90, 900'000'000},
        {"0000.000003", "N", 90, 1},  // exactly a half
        {"0000.0000029", "S", 90, 0},
        {"018.5", "E", 180, 3'083'333},
    };
    for (const auto& each : cases) {
        CAPTURE(each.text);
        CHECK(read_nmea_angle(each.text, each.hemisphere, each.degrees_max) == each.degrees);
    }
    for (const char* const text : {"", "48", "4860.0", "9000.1", "48a8.1", "4808.9.1", "123456.1"})
        CHECK_FALSE(read_nmea_angle(text, "N", 90));
    CHECK_FALSE(read_nmea_angle("4808.1", "", 90));
    CHECK_FALSE(read_nmea_angle("4808.1", "E", 90));
}

TEST_CASE("nmea: decimals are exact on their grid, and the nearest double off it") {
    const struct {
        const char* text;
        unsigned scale;
        std::string value;
    } cases[] = {{"1144.8", 2, "114480"},   {"-6.0", 2, "-600"},
                 {"00463.0", 2, "46300"},   {"0.020", 3, "20"},
                 {"286.350", 2, "28635"},   {"1.125", 2, "~1.125000"},
                 {"-0.0", 2, "~-0.000000"}, {".5", 1, "5"},
                 {"7.", 1, "70"},           {"999999999999999", 2, "~999999999999999.000000"}};
    for (const auto& each : cases) {
        CAPTURE(each.text);
        const auto value = read_nmea_decimal(each.text, each.scale);
        REQUIRE(value);
        CHECK(text_of(*value) == each.value);
    }
    for (const char* const text : {"", ".", "-", "1e5", "1.2.3", " 1", "1234567890123456"})
        CHECK_FALSE(read_nmea_decimal(text, 2));
}

TEST_CASE("nmea: times of day and dates exist, or are refused") {
    CHECK(read_nmea_time("055234.200") == 21'154'200'000);
    CHECK(read_nmea_time("235960") == 86'400'000'000);
    CHECK(read_nmea_time("000000.0000010") == 1);
    CHECK_FALSE(read_nmea_time("000000.999999999999999"));
    for (const char* const text : {"", "05523", "245234", "056034", "055234x", "055234.0000001"})
        CHECK_FALSE(read_nmea_time(text));
    CHECK(read_nmea_short_date("010170") == 36'525);  // 2070
    CHECK(read_nmea_short_date("220899") == 10'825);  // 1999, as after a rollover
    CHECK(read_nmea_short_date("290224") == 19'782);
    for (const char* const text : {"", "290223", "2208-1", "320101", "01011999"})
        CHECK_FALSE(read_nmea_short_date(text));
}

TEST_CASE("gnss: sentences of one time of day are one fix") {
    const auto fixes = fixes_of({
        "$GNRMC,000941.00,A,4404.13387,N,12118.85628,W,0.029,,100117,,,A*7D",
        "$GNVTG,,T,,M,0.029,N,0.053,K,A*30",
        "$GNGGA,000941.00,4404.13387,N,12118.85628,W,1,12,1.01,1144.8,M,-21.4,M,,*4D",
        "$GNGLL,4404.13387,N,12118.85628,W,000941.00,A,A*69",
        "$GNZDA,000941.00,10,01,2017,00,00*70",
        "$GNRMC,000942.00,A,4404.13401,N,12118.85633,W,0.041,,100117,,,A*73",
    });
    REQUIRE(fixes.size() == 2);
    CHECK(fixes[0] == "1484006981000000 GN 440688978 -1213142713 114480 29 - 1 12 101 A A");
    CHECK(fixes[1] == "1484006982000000 GN 440689002 -1213142722 - 41 - - - - A A");
}

TEST_CASE("gnss: without a time of day a fix ends when one of its sentences comes again") {
    const auto fixes =
        fixes_of({"$GPGGA,,,,,,0,,,,M,,M,,*66", "$GPGLL,,,,,,V,N*64", "$GPRMC,,V,,,,,,,,,,N*53",
                  "$GPVTG,,T,,M,,N,,K,N*2C", "$GPGGA,,,,,,0,,,,M,,M,,*66", "$GPGLL,,,,,,V,N*64"});
    CHECK(fixes ==
          std::vector<std::string>{"- GP - - - - - 0 - - V N", "- GP - - - - - 0 - - V N"});
}

TEST_CASE("gnss: several talkers of one receiver make one fix, named by the first") {
    const auto fixes = fixes_of({
        sentence("GPGNS,101112.00,4404.0,N,12118.0,W,AN,05,1.5,10.0,,,"),
        sentence("GLGNS,101112.00,4404.1,N,12118.0,W,NA,04,1.6,11.0,,,"),
        sentence("GBGGA,101112,4404.0,N,12118.0,W,2,09,1.5,10.0,M,,M,,"),
        sentence("QZRMC,101113.00,A,4404.0,N,12118.0,W,1.5,7.25,100117,,,D"),
    });
    REQUIRE(fixes.size() == 2);
    CHECK(fixes[0] == "- GP 440666667 -1213000000 1000 - - 2 5 150 - AN");
    CHECK(fixes[1] == "1484043073000000 QZ 440666667 -1213000000 - 1500 7250 - - - A D");
}

TEST_CASE("gnss: a time of day without a date is no date") {
    const auto fixes = fixes_of({sentence("GPGGA,101112,4404.0,N,12118.0,W,1,09,1.5,10.0,M,,M,,")});
    CHECK(fixes == std::vector<std::string>{"- GP 440666667 -1213000000 1000 - - 1 9 150 - -"});
}

TEST_CASE("gnss: lines are counted as used, not used, or refused by their reason") {
    NmeaCounts counts;
    const auto fixes = fixes_of(
        {
            "$GPRMC,,V,,,,,,,,,,N*53",
            "$GPRMC,000231.099,A,4829.0005,N,00022.0015,E,0.15,212.28,2208-1,,,A*73",
            "$GPRMC,000231.42,A,4829.0005,N,00022.0016,E,0.16,212.28,220899,,,A*59",
            "!AIVDM,1,1,,B,13aDp<PP000IwSlN?Wm@0?wN2<1T,0*29",
            "$GPGSA,A,3,11,32,14,28,22,03,10,08,17,,,,2.02,1.03,1.74*00",
            "$GPVTG,,T,,M,0.029,N,0.053,K,A*30",
            "noise",
            sentence("GPGGA,101112,4404.0,N,12118.0,W,1,9x,1.5,10.0,M,,M,,"),
            sentence("GPGGA,101112,4404.0,,12118.0,W,1,9,1.5,10.0,M,,M,,"),
            sentence("GPZDA,101112,31,02,2020,,"),
        },
        &counts);
    REQUIRE(fixes.size() == 2);
    CHECK(fixes[1] == "935280151420000 GP 484833417 3666933 - 160 212280 - - - A A");
    CHECK(counts.used == 2);
    CHECK(counts.not_used == 2);
    CHECK(refused(counts, NmeaRefusal::checksum_wrong) == 1);
    CHECK(refused(counts, NmeaRefusal::not_nmea) == 1);
    CHECK(refused(counts, NmeaRefusal::value) == 4);
}

TEST_CASE(
    "gnss: a fix knows when its first sentence was read, and stays until the next is complete") {
    GnssFixes fixes;
    CHECK_FALSE(fixes.under_way());
    fixes.take(sentence("GPRMC,000231.42,A,4829.0,N,00022.0,E,,,220899,,,A"), 100);
    fixes.take(sentence("GPGGA,000231.42,4829.0,N,00022.0,E,1,,,,M,,M,,"), 200);
    CHECK(fixes.under_way());
    const GnssFix* const fix = fixes.take(sentence("GPGGA,000232.42,,,,,0,,,,M,,M,,"), 300);
    REQUIRE(fix != nullptr);
    const std::string before = text_of(fix);
    CHECK(fix->time_us() == 100);
    fixes.take(sentence("GNGNS,000232.42,,,,,NNN,,,,,,"), 400);
    CHECK(text_of(fix) == before);
    const GnssFix* const last = fixes.flush();
    REQUIRE(last != nullptr);
    CHECK(last->time_us() == 300);
    CHECK(fixes.flush() == nullptr);
}

TEST_CASE("gnss: the schema is valid") {
    const BuiltinSchema schema{gnss_schema};
    CHECK(schema.schema().fields.size() == gnss_field_count);
    CHECK(schema.schema().fields[static_cast<std::size_t>(GnssField::hdop)].name == "hdop");
    CHECK(schema.schema().fields[static_cast<std::size_t>(GnssField::mode)].name == "mode");
}
