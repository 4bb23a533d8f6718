// Readings of transducers from the NMEA sentence XDR, which instruments of any kind send: the light
// at an optical port, a temperature, a pressure. A sentence has several; each is a sample of the
// schema "transducer". Needs no heap, no input or output and no clock.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "agent/sources/nmea_sentence.hpp"
#include "common/block/schema.hpp"
#include "common/block/value.hpp"

namespace longhaul::agent {

inline constexpr std::size_t transducer_field_count = 4;
extern const Schema transducer_schema;

class XdrReadings {
 public:
    // Takes one line, which stays as it is until the next one. False: it is no sound sentence XDR.
    bool take(std::string_view line);
    // The values of its next reading; empty: there is none left. One whose value is no number is
    // passed over.
    std::span<const Value> next();

 private:
    NmeaSentence sentence_;
    std::size_t at_ = 0;  // of the first field of the next reading
    std::array<Value, transducer_field_count> values_;
};

}  // namespace longhaul::agent
