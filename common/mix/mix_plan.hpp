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
    bool fits = true;  // the schema has all columns that the model speaks of

    MixPlan(const Schema& schema, const Model& model);

    // Calls take(column) for each one in the mixed part, in its order, until one fails.
    template <class Take>
    Status for_each(const Schema& schema, Take take) const {
        for (const bool from_time : {false, true}) {
            for (std::size_t i = 1; i <= schema.fields.size(); ++i) {
                const bool there = moved[i] || is_literal(schema.fields[i - 1].kind);
                if (there && is_from_time(columns[i].form) == from_time) LH_TRY(take(i));
            }
            if (!from_time && moved[0]) LH_TRY(take(0));
        }
        return {};
    }
};

// What a moved number stands for: the one coded is `number` less this, modulo 2^64.
std::int64_t mix_base(MixForm form, std::int64_t before, std::int64_t time);

}  // namespace longhaul
