#include "agent/sources/cell.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "common/base/utf8.hpp"
#include "common/block/limits.hpp"

namespace longhaul::agent {
namespace {

constexpr std::int64_t decimal_magnitude_max = std::int64_t{1} << 53;

template <class T>
std::optional<T> read_number(std::string_view text) {
    if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
    T value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

// The integer n with n * 10^-scale == text, when there is one below 2^53. -0 has none.
std::optional<std::int64_t> on_grid(std::string_view text, int scale) {
    const bool negative = text.starts_with('-');
    if (negative || text.starts_with('+')) text.remove_prefix(1);
    std::size_t exponent_at = std::min(text.find_first_of("eE"), text.size());
    int exponent = scale;
    if (exponent_at < text.size()) {
        const std::optional<int> written = read_number<int>(text.substr(exponent_at + 1));
        if (!written || *written < -400 || *written > 400) return std::nullopt;
        exponent += *written;
    }
    std::int64_t n = 0;
    int zeros = 0;  // not yet multiplied in, for they may be cut off again
    bool fraction = false;
    for (const char c : text.substr(0, exponent_at)) {
        if (c == '.') {
            fraction = true;
            continue;
        }
        if (fraction) --exponent;
        ++zeros;
        if (c == '0') continue;
        for (; zeros > 0; --zeros) {
            n *= 10;
            if (n >= decimal_magnitude_max) return std::nullopt;
        }
        n += c - '0';
    }
    for (exponent += zeros; exponent > 0 && n != 0; --exponent) {
        n *= 10;
        if (n >= decimal_magnitude_max) return std::nullopt;
    }
    if (n == 0) return negative ? std::nullopt : std::optional<std::int64_t>{0};
    if (exponent < 0 || n >= decimal_magnitude_max) return std::nullopt;
    return negative ? -n : n;
}

std::optional<Value> read_decimal(const Field& field, std::string_view cell) {
    const std::optional<double> real = read_number<double>(cell);
    if (!real) return std::nullopt;
    if (std::isfinite(*real)) {
        if (const auto n = on_grid(cell, field.scale)) return Value::of_integer(*n);
    }
    return Value::of_real(*real);
}

std::optional<Value> read_boolean(std::string_view cell) {
    if (cell == "true" || cell == "1") return Value::of_integer(1);
    if (cell == "false" || cell == "0") return Value::of_integer(0);
    return std::nullopt;
}

std::optional<Value> read_label(const Field& field, std::string_view cell) {
    for (std::size_t i = 0; i < field.label_count(); ++i) {
        if (field.label(i) == cell) return Value::of_integer(static_cast<std::int64_t>(i));
    }
    return std::nullopt;
}

template <class T>
std::optional<Value> valued(std::optional<T> number, Value (*make)(T)) {
    return number ? std::optional<Value>{make(*number)} : std::nullopt;
}

}  // namespace

std::optional<Value> read_cell(const Field& field, std::string_view cell) {
    if (cell.empty() && field.nullable) return Value{};
    switch (field.kind) {
        case FieldKind::integer:
            return valued(read_number<std::int64_t>(cell), &Value::of_integer);
        case FieldKind::decimal:
            return read_decimal(field, cell);
        case FieldKind::boolean:
            return read_boolean(cell);
        case FieldKind::enumeration:
            return read_label(field, cell);
        case FieldKind::float32:
            return valued(read_number<float>(cell), &Value::of_float32);
        case FieldKind::float64:
            return valued(read_number<double>(cell), &Value::of_real);
        case FieldKind::text:
            if (cell.size() > limits::text_bytes_max || !is_utf8(cell)) return std::nullopt;
            return Value::of_text(as_bytes(cell));
        case FieldKind::bytes:
            return std::nullopt;
    }
    return std::nullopt;
}

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

// Takes between `least` and `most` digits from the front.
bool take_digits(std::string_view& text, std::size_t least, std::size_t most, std::int64_t& value) {
    std::size_t count = 0;
    value = 0;
    for (; count < std::min(most, text.size()) && text[count] >= '0' && text[count] <= '9';
         ++count) {
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

// ".25" to 250,000; nothing there is 0.
bool take_fraction(std::string_view& text, std::int64_t& microseconds) {
    microseconds = 0;
    if (!take(text, ".")) return true;
    const std::size_t before = text.size();
    if (!take_digits(text, 1, 6, microseconds)) return false;
    for (std::size_t digits = before - text.size(); digits < 6; ++digits) microseconds *= 10;
    while (take(text, "0")) {
    }
    return true;
}

std::optional<std::int64_t> read_iso8601(std::string_view text, std::int64_t offset_s) {
    Civil t;
    std::int64_t microseconds = 0;
    const bool readable =
        take_digits(text, 4, 4, t.year) && take(text, "-") && take_digits(text, 2, 2, t.month) &&
        take(text, "-") && take_digits(text, 2, 2, t.day) && (take(text, "T") || take(text, " ")) &&
        take_digits(text, 2, 2, t.hour) && take(text, ":") && take_digits(text, 2, 2, t.minute) &&
        (!take(text, ":") || take_digits(text, 2, 2, t.second)) &&
        take_fraction(text, microseconds);
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

}  // namespace

bool valid_time_pattern(std::string_view pattern) {
    if (pattern == "iso8601") return true;
    Civil t;
    bool any = false;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        if (pattern[i] != '%') continue;
        ++i;
        if (i == pattern.size() || part_of(t, pattern[i]) == nullptr) return false;
        any = true;
    }
    return any;
}

std::optional<std::int64_t> read_time(const TimeFormat& format, std::string_view cell) {
    if (format.pattern == "iso8601") return read_iso8601(cell, format.offset_s);
    Civil t;
    for (std::size_t i = 0; i < format.pattern.size(); ++i) {
        if (format.pattern[i] != '%') {
            if (!take(cell, format.pattern.substr(i, 1))) return std::nullopt;
            continue;
        }
        const char letter = format.pattern[++i];
        if (!take_digits(cell, 1, letter == 'Y' ? 4 : 2, *part_of(t, letter))) return std::nullopt;
    }
    if (!cell.empty() || !exists(t)) return std::nullopt;
    return (seconds_since_1970(t) - format.offset_s) * 1'000'000;
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
