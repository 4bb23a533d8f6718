#include "agent/sources/nmea_sentence.hpp"

#include <algorithm>

namespace longhaul::agent {
namespace {

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

std::string_view without_line_end(std::string_view line) {
    if (line.ends_with('\n')) line.remove_suffix(1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
}

bool printable(char c) { return c >= ' ' && c <= '~'; }

bool split(std::string_view content, NmeaSentence& sentence) {
    sentence.field_count = 0;
    std::size_t comma = std::min(content.find(','), content.size());
    sentence.address = content.substr(0, comma);
    while (comma < content.size()) {
        if (sentence.field_count == nmea_fields_max) return false;
        const std::size_t begin = comma + 1;
        comma = std::min(content.find(',', begin), content.size());
        sentence.fields[sentence.field_count++] = content.substr(begin, comma - begin);
    }
    return true;
}

}  // namespace

const char* name_of(NmeaRefusal reason) {
    switch (reason) {
        case NmeaRefusal::not_nmea:
            return "not_nmea";
        case NmeaRefusal::too_long:
            return "too_long";
        case NmeaRefusal::checksum_missing:
            return "checksum_missing";
        case NmeaRefusal::checksum_wrong:
            return "checksum_wrong";
        case NmeaRefusal::value:
            return "value";
    }
    return "";
}

bool read_nmea_sentence(std::string_view line, NmeaSentence& sentence, NmeaRefusal& refusal) {
    constexpr std::size_t checksum_bytes = 3;
    const auto refuse = [&refusal](NmeaRefusal reason) {
        refusal = reason;
        return false;
    };
    line = without_line_end(line);
    if (line.empty() || (line.front() != '$' && line.front() != '!') ||
        !std::all_of(line.begin(), line.end(), printable))
        return refuse(NmeaRefusal::not_nmea);
    if (line.size() > nmea_line_bytes_max) return refuse(NmeaRefusal::too_long);
    if (line.size() < 1 + checksum_bytes) return refuse(NmeaRefusal::checksum_missing);

    const std::string_view end = line.substr(line.size() - checksum_bytes);
    const int high = hex_digit(end[1]);
    const int low = hex_digit(end[2]);
    if (end[0] != '*' || high < 0 || low < 0) return refuse(NmeaRefusal::checksum_missing);
    const std::string_view content = line.substr(1, line.size() - 1 - checksum_bytes);
    unsigned sum = 0;
    for (const char c : content) sum ^= static_cast<unsigned char>(c);
    if (sum != static_cast<unsigned>(high * 16 + low)) return refuse(NmeaRefusal::checksum_wrong);
    return split(content, sentence) || refuse(NmeaRefusal::too_long);
}

}  // namespace longhaul::agent
