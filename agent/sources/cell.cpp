#include "agent/sources/cell.hpp"

#include <charconv>

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

// The integer n with n * 10^-scale == text, when there is one below 2^53 and the text is a decimal
// number. -0 has none.
std::optional<std::int64_t> on_grid(std::string_view text, int scale) {
    const bool negative = text.starts_with('-');
    if (negative || text.starts_with('+')) text.remove_prefix(1);
    std::int64_t n = 0;
    int exponent = scale;
    int zeros = 0;  // not yet multiplied in, for they may be cut off again
    bool fraction = false;
    bool any = false;
    std::size_t at = 0;
    for (; at < text.size(); ++at) {
        const char c = text[at];
        if (c == '.' && !fraction) {
            fraction = true;
            continue;
        }
        if (c < '0' || c > '9') break;
        any = true;
        if (fraction) --exponent;
        ++zeros;
        if (c == '0') continue;
        for (; zeros > 0; --zeros) {
            n *= 10;
            if (n >= decimal_magnitude_max) return std::nullopt;
        }
        n += c - '0';
    }
    if (!any) return std::nullopt;
    if (at < text.size()) {
        if (text[at] != 'e' && text[at] != 'E') return std::nullopt;
        const std::optional<int> written = read_number<int>(text.substr(at + 1));
        if (!written || *written < -400 || *written > 400) return std::nullopt;
        exponent += *written;
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
    if (const auto n = on_grid(cell, field.scale)) return Value::of_integer(*n);
    const std::optional<double> real = read_number<double>(cell);
    if (!real) return std::nullopt;
    return Value::of_real(*real);
}

std::optional<Value> read_boolean(std::string_view cell) {
    if (cell == "true" || cell == "1") return Value::of_integer(1);
    if (cell == "false" || cell == "0") return Value::of_integer(0);
    return std::nullopt;
}

std::optional<Value> read_label(const Field& field, std::string_view cell) {
    std::string_view rest = field.labels;
    for (std::int64_t i = 0; !rest.empty(); ++i) {
        const std::size_t end = rest.find('\n');
        if (rest.substr(0, end) == cell) return Value::of_integer(i);
        rest.remove_prefix(end + 1);
    }
    return std::nullopt;
}

std::optional<Value> read_hex(std::string_view digits, ByteArena* arena) {
    if (arena == nullptr || digits.size() % 2 != 0 || digits.size() / 2 > limits::text_bytes_max)
        return std::nullopt;
    const auto digit = [](char c) {
        if (c >= '0' && c <= '9') return c - '0';
        if (c >= 'a' && c <= 'f') return c - 'a' + 10;
        return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
    };
    const std::span<std::byte> bytes = arena->room(digits.size() / 2);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const int high = digit(digits[2 * i]);
        const int low = digit(digits[2 * i + 1]);
        if (high < 0 || low < 0) return std::nullopt;
        bytes[i] = static_cast<std::byte>(high << 4 | low);
    }
    return Value::of_text(bytes);
}

template <class T>
std::optional<Value> valued(std::optional<T> number, Value (*make)(T)) {
    return number ? std::optional<Value>{make(*number)} : std::nullopt;
}

}  // namespace

std::optional<Value> read_value(const Field& field, std::string_view text, ByteArena* arena) {
    switch (field.kind) {
        case FieldKind::integer:
            return valued(read_number<std::int64_t>(text), &Value::of_integer);
        case FieldKind::decimal:
            return read_decimal(field, text);
        case FieldKind::boolean:
            return read_boolean(text);
        case FieldKind::enumeration:
            return read_label(field, text);
        case FieldKind::float32:
            return valued(read_number<float>(text), &Value::of_float32);
        case FieldKind::float64:
            return valued(read_number<double>(text), &Value::of_real);
        case FieldKind::text:
            if (text.size() > limits::text_bytes_max || !is_utf8(text)) return std::nullopt;
            return Value::of_text(as_bytes(text));
        case FieldKind::bytes:
            return read_hex(text, arena);
    }
    return std::nullopt;
}

std::optional<Value> read_cell(const Field& field, std::string_view cell, ByteArena* arena) {
    if (cell.empty() && field.nullable) return Value{};
    return read_value(field, cell, arena);
}

}  // namespace longhaul::agent
