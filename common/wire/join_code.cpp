#include "common/wire/join_code.hpp"

#include <algorithm>
#include <cctype>
#include <optional>

#include "common/base/crc32c.hpp"

namespace longhaul {
namespace {

constexpr std::string_view version = "LH1";
constexpr std::string_view digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr std::size_t digits_per_group = 8;
constexpr unsigned bits_per_digit = 5;
constexpr std::size_t check_bytes = 3;
constexpr std::size_t plain_bytes =
    sizeof(JoinCodeId) + sizeof(JoinSecret) + sizeof(CollectorFingerprint);
constexpr std::size_t code_bytes = plain_bytes + check_bytes;
constexpr std::size_t code_digits = code_bytes * 8 / bits_per_digit;
constexpr std::size_t text_bytes_max = 512;

std::string in_digits(Bytes bytes) {
    std::string text;
    std::uint32_t bits = 0;
    unsigned count = 0;
    for (const std::byte byte : bytes) {
        bits = bits << 8 | std::to_integer<std::uint32_t>(byte);
        for (count += 8; count >= bits_per_digit; count -= bits_per_digit)
            text += digits[bits >> (count - bits_per_digit) & 31U];
    }
    return text;
}

std::optional<std::uint32_t> value_of(char c) {
    auto letter = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    if (letter == 'I' || letter == 'L') letter = '1';
    if (letter == 'O') letter = '0';
    const std::size_t at = digits.find(letter);
    if (at == std::string_view::npos) return std::nullopt;
    return static_cast<std::uint32_t>(at);
}

// As many digits as `out` has bits for.
bool from_digits(std::string_view text, MutableBytes out) {
    if (text.size() * bits_per_digit != out.size() * 8) return false;
    std::uint32_t bits = 0;
    unsigned count = 0;
    std::size_t at = 0;
    for (const char c : text) {
        const auto value = value_of(c);
        if (!value) return false;
        bits = bits << bits_per_digit | *value;
        count += bits_per_digit;
        if (count < 8) continue;
        count -= 8;
        out[at++] = static_cast<std::byte>(bits >> count & 255U);
    }
    return true;
}

std::uint32_t check_of(Bytes plain) { return crc32c(plain, crc32c(as_bytes(version))) & 0xffffff; }

std::string without_hyphens(std::string_view text) {
    std::string kept;
    for (const char c : text)
        if (c != '-' && c != ' ') kept += c;
    return kept;
}

}  // namespace

CollectorFingerprint collector_fingerprint(std::string_view server_name, Bytes root_der) {
    std::string text = "longhaul collector\n";
    text.append(server_name).append("\n").append(as_text(root_der));
    const Sha256 hash = sha256(as_bytes(text));
    CollectorFingerprint fingerprint;
    std::copy_n(hash.begin(), fingerprint.size(), fingerprint.begin());
    return fingerprint;
}

std::string text_of(const JoinCodeId& id) { return in_digits(id); }

Result<JoinCodeId> parse_join_code_id(std::string_view text) {
    JoinCodeId id;
    if (!from_digits(text, id)) return Error{ErrorCode::malformed, "not the id of a join code"};
    return id;
}

std::string text_of(const JoinCode& code) {
    std::array<std::byte, code_bytes> bytes;
    ByteWriter out{bytes};
    out.bytes(code.id);
    out.bytes(code.secret);
    out.bytes(code.fingerprint);
    out.u24(check_of(out.written()));
    const std::string all = in_digits(bytes);
    std::string text{version};
    for (std::size_t at = 0; at < all.size(); at += digits_per_group)
        text.append("-").append(all, at, digits_per_group);
    return code.address.empty() ? text : text + "@" + code.address;
}

Result<JoinCode, Message> parse_join_code(std::string_view text) {
    if (text.size() > text_bytes_max) return Message{"the code is far too long"};
    const std::size_t at_sign = text.find('@');
    const std::string typed = without_hyphens(text.substr(0, at_sign));
    if (typed.size() < version.size() || value_of(typed[0]) != value_of(version[0]) ||
        (typed[1] | 0x20) != 'h' || typed[2] != version[2]) {
        return Message{"a join code begins with LH1"};
    }
    const std::string_view all = std::string_view{typed}.substr(version.size());
    if (all.size() != code_digits) {
        return Message{"the code has " + std::to_string(all.size()) + " characters behind LH1, " +
                       std::to_string(code_digits) + " are needed: is it whole?"};
    }
    std::array<std::byte, code_bytes> bytes;
    if (!from_digits(all, bytes)) return Message{"the code has a character that no code has"};
    ByteReader in{bytes};
    JoinCode code;
    const auto take = [&in](auto& part) {
        const Bytes taken = in.bytes(part.size());
        std::copy(taken.begin(), taken.end(), part.begin());
    };
    take(code.id);
    take(code.secret);
    take(code.fingerprint);
    if (in.u24() != check_of(Bytes{bytes}.first(plain_bytes)))
        return Message{"the code is mistyped: its check does not match; compare it once more"};
    if (at_sign != std::string_view::npos) code.address = text.substr(at_sign + 1);
    return code;
}

}  // namespace longhaul
