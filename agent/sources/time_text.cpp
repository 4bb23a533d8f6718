#include "agent/sources/time_text.hpp"

#include <algorithm>

namespace longhaul::agent {
namespace {

struct Civil {
    std::int64_t year = 1970, month = 1, day = 1, hour = 0, minute = 0, second = 0;
};

bool leap(std::int64_t year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

bool exists(const Civil& t) {
    constexpr std::int64_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (t.year < 1 || t.year > 9999 || t.month < 1 || t.month > 12) return false;
    const std::int64_t last_day = t.month == 2 && leap(t.year) ? 29 : days[t.month - 1];
    return t.day >= 1 && t.day <= last_day && t.hour < 24 && t.minute < 60 && t.second < 60;
}

std::int64_t seconds_since_1970(const Civil& t) {
    // Years begin in March here, so that the leap day is the last one.
    const std::int64_t year = t.month > 2 ? t.year : t.year - 1;
    const std::int64_t month = t.month > 2 ? t.month - 3 : t.month + 9;
    const std::int64_t days = year * 365 + year / 4 - year / 100 + year / 400 +
                              (month * 153 + 2) / 5 + t.day - 1 - 719'468;
    return ((days * 24 + t.hour) * 60 + t.minute) * 60 + t.second;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Takes between `least` and `most` digits from the front.
bool take_digits(std::string_view& text, std::size_t least, std::size_t most, std::int64_t& value) {
    std::size_t count = 0;
    value = 0;
    for (; count < std::min(most, text.size()) && is_digit(text[count]); ++count) {
        value = value * 10 + (text[count] - '0');
    }
    text.remove_prefix(count);
    return count >= least;
}

bool take(std::string_view& text, std::string_view expected) {
    if (!text.starts_with(expected)) return false;
    text.remove_prefix(expected.size());
    return true;
}

// The digits of a fraction as millionths of its unit: "25" to 250,000. False when there is none.
bool take_fraction_digits(std::string_view& text, bool cut_finer, std::int64_t& millionths) {
    const std::size_t before = text.size();
    if (!take_digits(text, 1, 6, millionths)) return false;
    for (std::size_t digits = before - text.size(); digits < 6; ++digits) millionths *= 10;
    while (!text.empty() && (text.front() == '0' || (cut_finer && is_digit(text.front()))))
        text.remove_prefix(1);
    return true;
}

// ".25" to 250,000; nothing there is 0.
bool take_fraction(std::string_view& text, bool cut_finer, std::int64_t& millionths) {
    millionths = 0;
    return !take(text, ".") || take_fraction_digits(text, cut_finer, millionths);
}

constexpr std::int64_t time_us_min = -62'135'596'800'000'000;  // the first moment of year 1
constexpr std::int64_t time_us_max = 253'402'300'799'999'999;  // the last one of year 9999

// "1672867882.173" with a unit of `unit_us` microseconds.
std::optional<std::int64_t> read_unix(std::string_view text, std::int64_t unit_us, bool cut_finer) {
    const bool negative = take(text, "-");
    std::int64_t whole = 0;
    std::int64_t millionths = 0;
    if (!take_digits(text, 1, 18, whole) || !take_fraction(text, cut_finer, millionths) ||
        !text.empty() || whole > time_us_max / unit_us) {
        return std::nullopt;
    }
    const std::int64_t finer = 1'000'000 / unit_us;  // millionths of the unit that one us has
    if (millionths % finer != 0 && !cut_finer) return std::nullopt;
    const std::int64_t us = whole * unit_us + millionths / finer;
    if (us > (negative ? -time_us_min : time_us_max)) return std::nullopt;
    return negative ? -us : us;
}

std::optional<std::int64_t> read_iso8601(std::string_view text, const TimeFormat& format) {
    std::int64_t offset_s = format.offset_s;
    Civil t;
    std::int64_t microseconds = 0;
    const bool readable =
        take_digits(text, 4, 4, t.year) && take(text, "-") && take_digits(text, 2, 2, t.month) &&
        take(text, "-") && take_digits(text, 2, 2, t.day) && (take(text, "T") || take(text, " ")) &&
        take_digits(text, 2, 2, t.hour) && take(text, ":") && take_digits(text, 2, 2, t.minute) &&
        (!take(text, ":") || (take_digits(text, 2, 2, t.second) &&
                              take_fraction(text, format.cut_finer, microseconds)));
    if (!readable || !exists(t)) return std::nullopt;
    if (!text.empty()) {
        const std::optional<std::int64_t> written = read_utc_offset(text);
        if (!written) return std::nullopt;
        offset_s = *written;
    }
    return (seconds_since_1970(t) - offset_s) * 1'000'000 + microseconds;
}

std::int64_t* part_of(Civil& t, char letter) {
    switch (letter) {
        case 'Y':
            return &t.year;
        case 'm':
            return &t.month;
        case 'd':
            return &t.day;
        case 'H':
            return &t.hour;
        case 'M':
            return &t.minute;
        case 'S':
            return &t.second;
        default:
            return nullptr;
    }
}

// 0: the pattern is another one.
std::int64_t unix_unit_us(std::string_view pattern) {
    if (pattern == "unix_s") return 1'000'000;
    if (pattern == "unix_ms") return 1000;
    return pattern == "unix_us" ? 1 : 0;
}

}  // namespace

bool valid_time_pattern(std::string_view pattern) {
    if (pattern == "iso8601" || unix_unit_us(pattern) != 0) return true;
    Civil t;
    bool any = false;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        if (pattern[i] != '%') continue;
        ++i;
        if (i == pattern.size()) return false;
        if (pattern[i] != 'f' && part_of(t, pattern[i]) == nullptr) return false;
        any = true;
    }
    return any;
}

std::optional<std::int64_t> read_time(const TimeFormat& format, std::string_view cell) {
    if (format.pattern == "iso8601") return read_iso8601(cell, format);
    if (const std::int64_t unit_us = unix_unit_us(format.pattern); unit_us != 0)
        return read_unix(cell, unit_us, format.cut_finer);
    Civil t;
    std::int64_t microseconds = 0;
    for (std::size_t i = 0; i < format.pattern.size(); ++i) {
        if (format.pattern[i] != '%') {
            if (!take(cell, format.pattern.substr(i, 1))) return std::nullopt;
            continue;
        }
        const char letter = format.pattern[++i];
        const bool taken = letter == 'f'
                               ? take_fraction_digits(cell, format.cut_finer, microseconds)
                               : take_digits(cell, 1, letter == 'Y' ? 4 : 2, *part_of(t, letter));
        if (!taken) return std::nullopt;
    }
    if (!cell.empty() || !exists(t)) return std::nullopt;
    return (seconds_since_1970(t) - format.offset_s) * 1'000'000 + microseconds;
}

std::optional<std::int64_t> read_utc_offset(std::string_view text) {
    if (text == "Z") return 0;
    const bool negative = text.starts_with('-');
    std::int64_t hours = 0;
    std::int64_t minutes = 0;
    const bool readable =
        (take(text, "+") || take(text, "-")) && take_digits(text, 2, 2, hours) &&
        (text.empty() || ((take(text, ":") || true) && take_digits(text, 2, 2, minutes)));
    if (!readable || !text.empty() || hours > 14 || minutes > 59) return std::nullopt;
    const std::int64_t seconds = hours * 3600 + minutes * 60;
    return negative ? -seconds : seconds;
}

}  // namespace longhaul::agent
