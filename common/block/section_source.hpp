// Where an encoder gets the samples of a section from, column by column, however they are stored.
#pragma once

#include <cstdint>
#include <span>

#include "common/block/value.hpp"

namespace longhaul {

// An encoder may ask for the same column again. Values must fit their field: integer for integer,
// decimal, boolean and enumeration; real for floats and off-grid decimals; text for text and bytes;
// null only when the field is nullable.
class SectionSource {
 public:
    virtual void read_times(std::span<std::int64_t> times) = 0;  // as many as there are samples
    virtual void begin_column(std::size_t field) = 0;
    // The next value of that column; called as often as there are samples. A text stays where it is
    // until the section is encoded.
    virtual Value next() = 0;

 protected:
    ~SectionSource() = default;
};

}  // namespace longhaul
