#include <bit>
#include <catch2/catch_test_macros.hpp>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "agent/sources/nmea_values.hpp"
#include "agent/sources/xdr_readings.hpp"

using namespace longhaul;
using namespace longhaul::agent;

namespace {

std::string sentence(const std::string& content) {
    unsigned sum = 0;
    for (const char c : content) sum ^= static_cast<unsigned char>(c);
    constexpr std::string_view digits = "0123456789ABCDEF";
    return "$" + content + "*" + digits[sum / 16] + digits[sum % 16] + "\r";
}

// "name type value unit", the value in 1e-8.
std::vector<std::string> readings_of(XdrReadings& readings, const std::string& line) {
    std::vector<std::string> said;
    if (!readings.take(line)) said.push_back("none");
    for (auto values = readings.next(); !values.empty(); values = readings.next()) {
        const auto text = [&](std::size_t at) { return std::string{as_text(values[at].text)}; };
        said.push_back(text(0) + " " + text(1) + " " + std::to_string(values[2].integer) + " " +
                       text(3));
    }
    return said;
}

using Said = std::vector<std::string>;

}  // namespace

TEST_CASE("xdr: each reading of a sentence is a sample, in its order") {
    XdrReadings readings;
    CHECK(readings_of(readings, sentence("IIXDR,G,0.00000844,,T3/1/1/L1")) ==
          Said{"T3/1/1/L1 G 844 "});
    CHECK(readings_of(readings, sentence("WIXDR,C,-12.5,C,AIR,P,1.01325,B,BARO")) ==
          Said{"AIR C -1250000000 C", "BARO P 101325000 B"});
}

TEST_CASE("xdr: what is not a reading is passed over, and nothing of a line before comes again") {
    XdrReadings readings;
    CHECK(readings_of(readings, sentence("WIXDR,C,,C,AIR,P,1.01325,B,BARO")) ==
          Said{"BARO P 101325000 B"});
    CHECK(readings_of(readings, sentence("WIXDR,C,1,C")).empty());
    CHECK(readings_of(readings, sentence("GPRMC,1,2,3,4")) == Said{"none"});
    readings.take(sentence("WIXDR,C,1,C,AIR"));
    CHECK(readings_of(readings, sentence("GPGGA,1,2,3,4")) == Said{"none"});
    CHECK(readings_of(readings, "$WIXDR,C,1,C,AIR*00") == Said{"none"});
    CHECK(readings_of(readings, "") == Said{"none"});
}

TEST_CASE("nmea: a number off the grid is the double nearest to its text") {
    std::mt19937_64 random{1};
    for (int i = 0; i < 200'000; ++i) {
        const std::size_t digits = 1 + random() % 15, places = random() % (digits + 1);
        std::string text;
        for (std::size_t at = 0; at < digits; ++at) {
            if (at == digits - places) text += '.';
            text += static_cast<char>('0' + random() % 10);
        }
        if (random() % 2 == 0) text = "-" + text;
        const auto value = read_nmea_decimal(text, 0);
        REQUIRE(value);
        const bool on_grid = value->form == ValueForm::integer;
        const double read = on_grid ? static_cast<double>(value->integer) : value->real();
        CAPTURE(text);
        REQUIRE(std::bit_cast<std::uint64_t>(read) ==
                std::bit_cast<std::uint64_t>(std::strtod(text.c_str(), nullptr)));
    }
}
