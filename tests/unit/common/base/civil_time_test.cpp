#include "common/base/civil_time.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace longhaul;

TEST_CASE("civil time: microseconds become dates and times of UTC, cut downwards") {
    struct Case {
        std::int64_t time_us;
        const char* date;
        const char* text;
    };
    const Case cases[] = {
        {0, "1970-01-01", "1970-01-01T00:00:00.000Z"},
        {999, "1970-01-01", "1970-01-01T00:00:00.000Z"},
        {-1, "1969-12-31", "1969-12-31T23:59:59.999Z"},
        {951'782'400'123'456, "2000-02-29", "2000-02-29T00:00:00.123Z"},
        {1'795'219'199'999'999, "2026-11-20", "2026-11-20T23:59:59.999Z"},
        {1'795'219'200'000'000, "2026-11-21", "2026-11-21T00:00:00.000Z"},
        {253'402'300'799'999'000, "9999-12-31", "9999-12-31T23:59:59.999Z"},
        {-62'135'596'800'000'000, "0001-01-01", "0001-01-01T00:00:00.000Z"},
    };
    for (const Case& each : cases) {
        CAPTURE(each.time_us);
        CHECK(date_text({each.time_us}) == each.date);
        CHECK(timestamp_text_ms({each.time_us}) == each.text);
    }
}

TEST_CASE("civil time: a partition's date has four digits of the year, whatever the clock says") {
    CHECK(date_text({INT64_MIN}) == "0001-01-01");
    CHECK(date_text({-62'135'596'800'000'001}) == "0001-01-01");
    CHECK(date_text({253'402'300'800'000'000}) == "9999-12-31");
    CHECK(date_text({INT64_MAX}) == "9999-12-31");
}

TEST_CASE("civil time: what people write is read, and nothing else") {
    CHECK(parse_utc("1970-01-01") == WallUs{0});
    CHECK(parse_utc("2026-11-21") == WallUs{1'795'219'200'000'000});
    CHECK(parse_utc("2026-11-21T05:58") == WallUs{1'795'240'680'000'000});
    CHECK(parse_utc("2026-11-21T05:58Z") == WallUs{1'795'240'680'000'000});
    CHECK(parse_utc("2026-11-21T05:58:07Z") == WallUs{1'795'240'687'000'000});
    for (const char* wrong :
         {"", "yesterday", "2026-11", "2026-13-01", "2026-02-29", "2026-11-21T", "2026-11-21T05",
          "2026-11-21T24:00", "2026-11-21T05:60", "2026-11-21Z", "2026-11-21T05:58+01:00",
          "2026-11-21 05:58", "2026-11-21T05:58:07.5Z", "2026-11-21T05:58:"}) {
        CAPTURE(wrong);
        CHECK_FALSE(parse_utc(wrong));
    }
}
