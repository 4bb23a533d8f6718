// From the text of one cell to a value of a field. What cannot be read exactly is refused, never
// guessed.
#pragma once

#include <optional>
#include <string_view>

#include "agent/sources/byte_arena.hpp"
#include "common/block/schema.hpp"
#include "common/block/value.hpp"

namespace longhaul::agent {

// nullopt: unreadable as this kind. A decimal on the grid of its scale travels as an integer; one
// that is finer, too large, infinite, no number or -0 travels as a double, which is the one nearest
// to the text. Texts point into `text`. Bytes are hexadecimal digits and lie in `arena` then;
// without one they are refused.
std::optional<Value> read_value(const Field& field, std::string_view text,
                                ByteArena* arena = nullptr);
// The same of a cell: an empty one is null in a nullable field, and an empty text in a text field
// that is not.
std::optional<Value> read_cell(const Field& field, std::string_view cell,
                               ByteArena* arena = nullptr);

}  // namespace longhaul::agent
