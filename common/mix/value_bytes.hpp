// Texts that stand for bytes: hexadecimal and base 64. Specification: docs/spec/codec3.md.
#pragma once

#include <cstdint>
#include <optional>

#include "common/base/bytes.hpp"

namespace longhaul {

enum class TextForm : std::uint8_t { plain, lower_hex, upper_hex, base64 };

struct PackedText {
    TextForm form = TextForm::plain;
    Bytes bytes;  // the text itself, or in the room
};

// As few bytes as it can stand for. `room` has half as many bytes as a text may have, or more.
PackedText pack_text(Bytes text, MutableBytes room);

std::size_t unpacked_bytes(TextForm form, std::size_t packed);
// `room` has as many bytes as unpacked_bytes() says.
void unpack_text(TextForm form, Bytes packed, MutableBytes room);

}  // namespace longhaul
