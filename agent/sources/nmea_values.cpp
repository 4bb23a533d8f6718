#include "agent/sources/nmea_values.hpp"

#include <algorithm>
#include <bit>
#include <chrono>

namespace longhaul::agent {
namespace {

constexpr std::size_t digits_max = 15;  // 10^15 < 2^53: every such number is exact as a double
constexpr std::int64_t degree = 10'000'000;
constexpr std::int64_t us_per_second = 1'000'000;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::int64_t power_of_ten(std::size_t exponent) {
    std::int64_t power = 1;
    for (std::size_t i = 0; i < exponent; ++i) power *= 10;
    return power;
}

// digits * 10^-places
struct Number {
    std::int64_t digits = 0;
    std::size_t places = 0;
};

// Digits with at most one point among or around them, at least one digit.
std::optional<Number> read_number(std::string_view text) {
    Number number;
    std::size_t count = 0;
    bool fraction = false;
    for (const char c : text) {
        if (c == '.' && !fraction) {
            fraction = true;
            continue;
        }
        if (!is_digit(c) || ++count > digits_max) return std::nullopt;
        number.digits = number.digits * 10 + (c - '0');
        number.places += fraction ? 1 : 0;
    }
    if (count == 0) return std::nullopt;
    return number;
}

std::optional<std::int64_t> read_digits(std::string_view text, std::size_t count) {
    if (text.size() != count || !std::all_of(text.begin(), text.end(), is_digit))
        return std::nullopt;
    return read_nmea_integer(text);
}

// The double nearest to the text. Without floating point, for which a small processor needs 2 KB of
// library: the quotient bit by bit, one bit more than a double has, rounded to even.
double nearest_double(const Number& number, bool negative) {
    constexpr unsigned mantissa_bits = 52;
    constexpr std::uint64_t hidden_bit = std::uint64_t{1} << mantissa_bits;
    auto left = static_cast<std::uint64_t>(number.digits);
    auto divisor = static_cast<std::uint64_t>(power_of_ten(number.places));
    std::uint64_t bits = negative ? std::uint64_t{1} << 63 : 0;
    if (left == 0) return std::bit_cast<double>(bits);
    std::uint64_t exponent = 1023;
    for (; left < divisor; --exponent) left *= 2;
    for (; left >= 2 * divisor; ++exponent) divisor *= 2;
    std::uint64_t quotient = 0;
    for (unsigned i = 0; i < mantissa_bits + 2; ++i) {
        const bool one = left >= divisor;
        quotient = quotient * 2 + (one ? 1 : 0);
        left = (one ? left - divisor : left) * 2;
    }
    const bool up = (quotient & 1) != 0 && (left != 0 || (quotient & 2) != 0);
    // A mantissa that overflows makes the exponent one more, and itself 0.
    bits |= (exponent << mantissa_bits) + (quotient / 2 + (up ? 1 : 0) - hidden_bit);
    return std::bit_cast<double>(bits);
}

}  // namespace

std::optional<std::int64_t> read_nmea_integer(std::string_view text) {
    constexpr std::size_t integer_digits_max = 9;
    if (text.empty() || text.size() > integer_digits_max) return std::nullopt;
    std::int64_t value = 0;
    for (const char c : text) {
        if (!is_digit(c)) return std::nullopt;
        value = value * 10 + (c - '0');
    }
    return value;
}

std::optional<Value> read_nmea_decimal(std::string_view text, unsigned scale) {
    const bool negative = text.starts_with('-');
    if (negative || text.starts_with('+')) text.remove_prefix(1);
    std::optional<Number> number = read_number(text);
    if (!number) return std::nullopt;
    while (number->places > scale && number->digits % 10 == 0) {
        number->digits /= 10;
        --number->places;
    }
    constexpr std::int64_t exact_max = std::int64_t{1} << 53;
    const bool on_grid = number->places <= scale && !(negative && number->digits == 0) &&
                         number->digits < exact_max / power_of_ten(scale - number->places);
    if (on_grid) {
        const std::int64_t value = number->digits * power_of_ten(scale - number->places);
        return Value::of_integer(negative ? -value : value);
    }
    return Value::of_real(nearest_double(*number, negative));
}

std::optional<std::int64_t> read_nmea_angle(std::string_view text, std::string_view hemisphere,
                                            int degrees_max) {
    const std::size_t point = std::min(text.find('.'), text.size());
    if (point < 3 || point > 5 || hemisphere.size() != 1) return std::nullopt;
    const bool latitude = degrees_max == 90;
    const bool negative = hemisphere == (latitude ? "S" : "W");
    if (!negative && hemisphere != (latitude ? "N" : "E")) return std::nullopt;

    const auto whole = read_nmea_integer(text.substr(0, point - 2));
    const auto minutes = read_number(text.substr(point - 2));
    constexpr std::size_t places_max = 9;  // 60 * 10^9 * 10^7 is below 2^63
    if (!whole || !minutes || minutes->places > places_max) return std::nullopt;
    const std::int64_t per_degree = 60 * power_of_ten(minutes->places);
    if (minutes->digits >= per_degree) return std::nullopt;
    const std::int64_t angle =
        *whole * degree + (minutes->digits * degree + per_degree / 2) / per_degree;
    if (angle > degrees_max * degree) return std::nullopt;
    return negative ? -angle : angle;
}

std::optional<std::int64_t> read_nmea_time(std::string_view text) {
    constexpr std::size_t whole_digits = 6;
    if (text.size() < whole_digits) return std::nullopt;
    const auto hour = read_digits(text.substr(0, 2), 2);
    const auto minute = read_digits(text.substr(2, 2), 2);
    const auto second = read_digits(text.substr(4, 2), 2);
    if (!hour || !minute || !second || *hour > 23 || *minute > 59 || *second > 60)
        return std::nullopt;
    std::int64_t time = ((*hour * 60 + *minute) * 60 + *second) * us_per_second;
    text.remove_prefix(whole_digits);
    if (text.empty()) return time;
    if (text.front() != '.') return std::nullopt;
    if (text.size() == 1) return time;
    const auto fraction = read_number(text);
    constexpr std::size_t places_max = 12;  // 10^12 * 10^6 is below 2^63
    if (!fraction || fraction->places > places_max) return std::nullopt;
    const std::int64_t parts = fraction->digits * us_per_second;
    const std::int64_t per_second = power_of_ten(fraction->places);
    if (parts % per_second != 0) return std::nullopt;
    return time + parts / per_second;
}

std::optional<std::int64_t> read_nmea_date(std::string_view day, std::string_view month,
                                           std::string_view year) {
    const auto days = read_digits(day, 2);
    const auto months = read_digits(month, 2);
    const auto years = read_digits(year, 4);
    if (!days || !months || !years) return std::nullopt;
    const std::chrono::year_month_day date{std::chrono::year{static_cast<int>(*years)},
                                           std::chrono::month{static_cast<unsigned>(*months)},
                                           std::chrono::day{static_cast<unsigned>(*days)}};
    if (!date.ok()) return std::nullopt;
    return std::chrono::sys_days{date}.time_since_epoch().count();
}

std::optional<std::int64_t> read_nmea_short_date(std::string_view text) {
    const auto digits = read_digits(text, 6);
    if (!digits) return std::nullopt;
    const char century[] = {text[4] >= '8' ? '1' : '2', text[4] >= '8' ? '9' : '0', text[4],
                            text[5]};
    return read_nmea_date(text.substr(0, 2), text.substr(2, 2), {century, sizeof(century)});
}

}  // namespace longhaul::agent
