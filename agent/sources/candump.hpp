// One line of candump's log format, (seconds.fraction) interface id#data, and the schema
// "can_frame" of what it says.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "agent/sources/byte_arena.hpp"
#include "agent/sources/refusal.hpp"
#include "common/block/schema.hpp"
#include "common/block/value.hpp"

namespace longhaul::agent {

// The fields by their place in the schema.
enum class CanField : std::uint8_t { interface, id, extended, data };
inline constexpr std::size_t can_field_count = 4;

extern const Schema can_frame_schema;

struct CanFrame {
    std::int64_t time_us = 0;  // UTC, as the line has it
    std::array<Value, can_field_count> values{};
};

// The line comes without its line end; the interface points into it, data lies in the arena.
// Returns why it is refused, or nothing: malformed, time, or value (an id of more bits than its
// digits say, data that is no hexadecimal or more than 8 bytes). Remote frames (id#R), frames of
// CAN FD (id##) and of errors are refused: they carry no data that the schema could hold.
std::optional<Refusal> read_candump(std::string_view line, ByteArena& arena, CanFrame& frame);

}  // namespace longhaul::agent
