#include "agent/sources/time_text.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace longhaul;
using namespace longhaul::agent;

TEST_CASE("time: times become UTC microseconds") {
    struct Case {
        const char* pattern;
        std::int64_t offset_s;
        const char* text;
        std::int64_t us;
    };
    const Case cases[] = {
        {"iso8601", 0, "1970-01-01T00:00:00Z", 0},
        {"iso8601", 0, "2016-11-24T00:00:51-06:00", 1'479'967'251'000'000},
        {"iso8601", 3600, "2016-11-24T00:00:51-06:00", 1'479'967'251'000'000},
        {"iso8601", 3600, "1970-01-01 01:00:00", 0},
        {"iso8601", 0, "1970-01-01T00:00", 0},
        {"iso8601", 0, "1969-12-31T23:59:59.999999+00:00", -1},
        {"iso8601", 0, "2024-02-29T12:00:00.25Z", 1'709'208'000'250'000},
        {"iso8601", 0, "2024-02-29T12:00:00.2500000Z", 1'709'208'000'250'000},
        {"iso8601", 0, "0001-01-01T00:00:00+0530", -62'135'616'600'000'000},
        {"iso8601", 0, "9999-12-31T23:59:59Z", 253'402'300'799'000'000},
        {"%Y/%m/%d %H:%M", 0, "2000/1/1 00:00", 946'684'800'000'000},
        {"%Y/%m/%d %H:%M", 0, "2000/1/15 7:05", 947'919'900'000'000},
        {"%d.%m.%Y %H:%M:%S", 7200, "01.01.1970 02:00:01", 1'000'000},
        {"%H:%M:%S.%f", 0, "0:00:43.463562", 43'463'562},
        {"%H:%M:%S.%f", 0, "00:00:43.5", 43'500'000},
        {"%f|%S", 0, "0250000|7", 7'025'000},
        {"unix_s", 0, "1410714882.622188", 1'410'714'882'622'188},
        {"unix_s", 3600, "0", 0},
        {"unix_s", 0, "1.5000000000", 1'500'000},
        {"unix_ms", 0, "1672867882173", 1'672'867'882'173'000},
        {"unix_ms", 0, "-1.25", -1250},
        {"unix_us", 0, "253402300799999999", 253'402'300'799'999'999},
        {"unix_us", 0, "-62135596800000000", -62'135'596'800'000'000},
    };
    for (const Case& each : cases) {
        CAPTURE(each.pattern, each.text);
        const auto us = read_time({each.pattern, each.offset_s}, each.text);
        REQUIRE(us);
        CHECK(*us == each.us);
    }
}

TEST_CASE("time: times that do not exist or are not in the format are refused") {
    struct Case {
        const char* pattern;
        const char* text;
    };
    const Case cases[] = {
        {"iso8601", ""},
        {"iso8601", "2016-11-24"},
        {"iso8601", "2016-11-24T12:30.5Z"},
        {"iso8601", "2016-11-31T00:00:00Z"},
        {"iso8601", "2023-02-29T00:00:00Z"},
        {"iso8601", "1900-02-29T00:00:00Z"},
        {"iso8601", "2016-13-01T00:00:00Z"},
        {"iso8601", "2016-11-24T24:00:00Z"},
        {"iso8601", "2016-12-31T23:59:60Z"},
        {"iso8601", "2016-11-24T00:00:00.0000001Z"},
        {"iso8601", "2016-11-24T00:00:00.Z"},
        {"iso8601", "2016-11-24T00:00:00+25:00"},
        {"iso8601", "2016-11-24T00:00:00 Z"},
        {"iso8601", "0000-11-24T00:00:00Z"},
        {"%Y/%m/%d %H:%M", "2000/1/1"},
        {"%Y/%m/%d %H:%M", "2000/1/1 00:00:00"},
        {"%Y/%m/%d %H:%M", "2000-1-1 00:00"},
        {"%Y/%m/%d %H:%M", "2000/0/1 00:00"},
        {"%S.%f", "1."},
        {"%S.%f", "1.0000001"},
        {"unix_s", ""},
        {"unix_s", "+1"},
        {"unix_s", "1e9"},
        {"unix_s", "1."},
        {"unix_s", ".5"},
        {"unix_s", "1.0000001"},
        {"unix_s", "253402300800"},
        {"unix_s", "-62135596800.000001"},
        {"unix_s", "9999999999999999999"},
        {"unix_ms", "1.0001"},
        {"unix_us", "1.5"},
        {"unix_us", "253402300800000000"},
    };
    for (const Case& each : cases) {
        CAPTURE(each.pattern, each.text);
        CHECK_FALSE(read_time({each.pattern, 0}, each.text));
    }
    CHECK(valid_time_pattern("%Y"));
    CHECK(valid_time_pattern("unix_ms"));
    CHECK(valid_time_pattern("%S.%f"));
    CHECK_FALSE(valid_time_pattern("unix"));
    CHECK_FALSE(valid_time_pattern("%Q"));
    CHECK_FALSE(valid_time_pattern("%Y %"));
    CHECK_FALSE(valid_time_pattern("today"));
}

TEST_CASE("time: what is finer than microseconds is cut only where that is asked for") {
    CHECK(read_time({"unix_s", 0, true}, "46408.58493039533") == 46'408'584'930);
    CHECK(read_time({"unix_ms", 0, true}, "1.0019") == 1001);
    CHECK(read_time({"iso8601", 0, true}, "1970-01-01T00:00:00.1234567Z") == 123'456);
    CHECK_FALSE(read_time({"unix_s", 0, true}, "1.5x"));
}
