// Which whole numbers a field of a kind may hold, whatever codec brings them.
#pragma once

#include <cstdint>

#include "common/block/schema.hpp"

namespace longhaul {

struct Domain {
    std::int64_t minimum = INT64_MIN;
    std::int64_t maximum = INT64_MAX;
    bool has(std::int64_t value) const { return value >= minimum && value <= maximum; }
};

inline Domain domain_of(const Field& field) {
    constexpr std::int64_t decimal_magnitude_max = std::int64_t{1} << 53;
    switch (field.kind) {
        case FieldKind::boolean:
            return {0, 1};
        case FieldKind::enumeration:
            return {0, static_cast<std::int64_t>(field.label_count()) - 1};
        case FieldKind::decimal:
            return {1 - decimal_magnitude_max, decimal_magnitude_max - 1};
        default:
            return {};
    }
}

}  // namespace longhaul
