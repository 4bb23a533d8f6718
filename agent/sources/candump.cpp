#include "agent/sources/candump.hpp"

#include <algorithm>
#include <charconv>

#include "agent/sources/cell.hpp"
#include "agent/sources/time_text.hpp"

namespace longhaul::agent {
namespace {

constexpr Field field(std::string_view name, FieldKind kind, std::string_view help) {
    Field field;
    field.name = name;
    field.kind = kind;
    field.help = help;
    return field;
}

constexpr Field fields[can_field_count] = {
    field("interface", FieldKind::text, "as the recorder calls it"),
    field("id", FieldKind::integer, "of the frame: 11 bits, or 29 of an extended one"),
    field("extended", FieldKind::boolean, "the id has 29 bits"),
    field("data", FieldKind::bytes, "up to 8 bytes"),
};

constexpr std::uint32_t standard_id_max = 0x7ff;
constexpr std::uint32_t extended_id_max = 0x1fff'ffff;
constexpr std::size_t standard_digits = 3;
constexpr std::size_t extended_digits = 8;
constexpr std::size_t data_digits_max = 16;

std::string_view take_word(std::string_view& rest) {
    const std::size_t begin = std::min(rest.find_first_not_of(' '), rest.size());
    const std::size_t end = std::min(rest.find(' ', begin), rest.size());
    const std::string_view word = rest.substr(begin, end - begin);
    rest.remove_prefix(end);
    return word;
}

std::optional<std::uint32_t> read_id(std::string_view digits, bool extended) {
    std::uint32_t id = 0;
    const char* const behind = digits.data() + digits.size();
    const auto [end, error] = std::from_chars(digits.data(), behind, id, 16);
    if (error != std::errc{} || end != behind) return std::nullopt;
    return id <= (extended ? extended_id_max : standard_id_max) ? std::optional{id} : std::nullopt;
}

}  // namespace

constexpr Schema can_frame_schema{.name = "can_frame",
                                  .fields = fields,
                                  .time = TimeKind::source,
                                  .tick_us = 1,
                                  .default_class = BlockClass::normal,
                                  .deadline_ms = 60'000};

std::optional<Refusal> read_candump(std::string_view line, ByteArena& arena, CanFrame& frame) {
    std::string_view time = take_word(line);
    const std::string_view interface = take_word(line);
    const std::string_view id_and_data = take_word(line);
    const std::size_t hash = id_and_data.find('#');
    const std::string_view id_digits = id_and_data.substr(0, hash);
    const bool extended = id_digits.size() == extended_digits;
    if (!time.starts_with('(') || !time.ends_with(')') || hash == std::string_view::npos ||
        !take_word(line).empty() || (!extended && id_digits.size() != standard_digits)) {
        return Refusal::malformed;
    }
    time = time.substr(1, time.size() - 2);
    const auto time_us = read_time({"unix_s"}, time);
    if (!time_us) return Refusal::time;

    const std::string_view digits = id_and_data.substr(hash + 1);
    if (digits.size() > data_digits_max) return Refusal::value;
    const auto id = read_id(id_digits, extended);
    const auto name = read_value(fields[0], interface);
    const auto data = read_value(fields[3], digits, &arena);
    if (!id || !name || !data) return Refusal::value;
    frame.time_us = *time_us;
    frame.values = {*name, Value::of_integer(*id), Value::of_integer(extended ? 1 : 0), *data};
    return std::nullopt;
}

}  // namespace longhaul::agent
