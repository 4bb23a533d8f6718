// Which columns of a schema stand in the mixed part of codec 3, and how; from the stream's model.
// Specification: docs/spec/codec3.md.
#pragma once

#include <array>
#include <cstdint>

#include "common/block/model.hpp"
#include "common/block/schema.hpp"

namespace longhaul {

struct MixPlan {
    struct Column {
        MixForm form = MixForm::in_place;
        std::uint8_t key = 0;  // a field, 1 the first one; 0: none
        std::uint8_t width = 0;
    };
    static constexpr std::size_t columns_max = limits::schema_fields_max + 1;
    std::array<Column, columns_max> columns;  // time, then the fields
    std::array<bool, columns_max> moved{};
    bool any = false;  // something stands in the mixed part

    MixPlan(const Schema& schema, const Model& model);
};

}  // namespace longhaul
