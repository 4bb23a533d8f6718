#include "common/base/json_text.hpp"

#include "common/base/utf8.hpp"

namespace longhaul {
namespace {

void add_escaped(std::string& out, char c) {
    constexpr std::string_view digits = "0123456789abcdef";
    const auto byte = static_cast<unsigned char>(c);
    out += "\\u00";
    out += digits[byte >> 4];
    out += digits[byte & 15];
}

}  // namespace

std::string in_json(std::string_view text) {
    const bool utf8 = is_utf8(text);
    std::string quoted = "\"";
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        const auto byte = static_cast<unsigned char>(c);  // char has no sign on ARM
        const bool steers = byte < ' ' || byte == 127;
        // U+0080 to U+009F are control characters of two bytes, the first of which is C2.
        const bool c1 = utf8 && c == '\xc2' && static_cast<unsigned char>(text[i + 1]) < 0xa0;
        if (c == '"' || c == '\\') {
            quoted += '\\';
            quoted += c;
        } else if (c1) {
            add_escaped(quoted, text[++i]);
        } else if (steers || (byte > 127 && !utf8)) {
            add_escaped(quoted, c);
        } else {
            quoted += c;
        }
    }
    quoted += '"';
    return quoted;
}

}  // namespace longhaul
