// One line of NMEA 0183: the checksum is checked, the fields are split. Needs no heap.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace longhaul::agent {

enum class NmeaRefusal : std::uint8_t {
    not_nmea,          // begins with neither $ nor !, or is not text
    too_long,          // more than nmea_line_bytes_max, or fields without end
    checksum_missing,  // does not end in * and two hexadecimal digits
    checksum_wrong,
    value,  // the checksum is right, but a field cannot be read as what it has to be
};
inline constexpr std::size_t nmea_refusal_count = 5;
const char* name_of(NmeaRefusal reason);

// 82 by the standard, which receivers exceed when they give more digits.
inline constexpr std::size_t nmea_line_bytes_max = 128;
inline constexpr std::size_t nmea_fields_max = 40;

// Texts point into the line.
struct NmeaSentence {
    std::string_view address;  // "GPRMC"
    std::array<std::string_view, nmea_fields_max> fields{};
    std::size_t field_count = 0;

    // Empty when there is no such field; 0 is the first one after the address.
    std::string_view field(std::size_t index) const {
        return index < field_count ? fields[index] : std::string_view{};
    }
    // "GP"; empty for addresses that are not two letters of a talker and three of a kind, such as
    // those of vendors ("PUBX").
    std::string_view talker() const { return standard() ? address.substr(0, 2) : ""; }
    std::string_view kind() const { return standard() ? address.substr(2) : ""; }

 private:
    bool standard() const { return address.size() == 5 && address.front() != 'P'; }
};

// The line may end in carriage return and line feed. `refusal` is set when the answer is false.
bool read_nmea_sentence(std::string_view line, NmeaSentence& sentence, NmeaRefusal& refusal);

}  // namespace longhaul::agent
