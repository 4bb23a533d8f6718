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

}  // namespace longhaul
