// A sum over rows that does not depend on their order: two sets of rows with the same sum hold the
// same values as often. Against faults, not against an attacker.
#pragma once

#include <cstdint>
#include <vector>

#include "collector/lake/batch.hpp"

namespace longhaul::collector {

// Whether each NaN counts by its bits, or all are the same value: other programs write one of their
// own for any.
enum class Nans : std::uint8_t { by_bits, all_same };

// A hash of each row, over all columns, by their place.
std::vector<std::uint64_t> row_hashes(const std::vector<Column>& columns,
                                      const std::vector<ColumnData>& data, Nans nans);

struct RowSum {
    std::uint64_t rows = 0;
    std::uint64_t low = 0;  // of 128 bits of hash for each row
    std::uint64_t high = 0;
    bool operator==(const RowSum&) const = default;

    // All columns count, by their place: `columns` are the same for both sets.
    void add(const std::vector<Column>& columns, const std::vector<ColumnData>& data);
};

}  // namespace longhaul::collector
