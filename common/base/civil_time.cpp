#include "common/base/civil_time.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>

namespace longhaul {
namespace {

using namespace std::chrono;

std::string text_of(sys_days day) {
    const year_month_day date{day};
    char text[32];
    std::snprintf(text, sizeof(text), "%04d-%02u-%02u", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
    return text;
}

}  // namespace

std::string date_text(WallUs time) {
    constexpr sys_days first{year{1} / January / 1};
    constexpr sys_days last{year{9999} / December / 31};
    const auto day = floor<days>(sys_time<microseconds>{microseconds{time.value}});
    return text_of(std::clamp(day, first, last));
}

std::string timestamp_text_ms(WallUs time) {
    const auto moment = floor<milliseconds>(sys_time<microseconds>{microseconds{time.value}});
    const auto day = floor<days>(moment);
    const hh_mm_ss clock{moment - day};
    char text[32];
    std::snprintf(
        text, sizeof(text), "T%02d:%02d:%02d.%03dZ", static_cast<int>(clock.hours().count()),
        static_cast<int>(clock.minutes().count()), static_cast<int>(clock.seconds().count()),
        static_cast<int>(clock.subseconds().count()));
    return text_of(day) + text;
}

std::optional<WallUs> parse_utc(const std::string& text) {
    int year_number = 0;
    unsigned month_number = 0;
    unsigned day_number = 0;
    unsigned hour = 0;
    unsigned minute = 0;
    unsigned second = 0;
    const auto is = [&text](int fields, int wanted, int end) {
        if (fields != wanted || end < 0) return false;
        const std::string_view rest = std::string_view{text}.substr(static_cast<std::size_t>(end));
        return rest.empty() || (wanted > 3 && rest == "Z");
    };
    int date_end = -1;
    int minute_end = -1;
    int second_end = -1;
    const int fields =
        std::sscanf(text.c_str(), "%4d-%2u-%2u%nT%2u:%2u%n:%2u%n", &year_number, &month_number,
                    &day_number, &date_end, &hour, &minute, &minute_end, &second, &second_end);
    if (!is(fields, 3, date_end) && !is(fields, 5, minute_end) && !is(fields, 6, second_end))
        return std::nullopt;
    const year_month_day date{year{year_number}, month{month_number}, day{day_number}};
    if (!date.ok() || hour > 23 || minute > 59 || second > 59) return std::nullopt;
    const auto time = sys_days{date} + hours{hour} + minutes{minute} + seconds{second};
    return WallUs{duration_cast<microseconds>(time.time_since_epoch()).count()};
}

}  // namespace longhaul
