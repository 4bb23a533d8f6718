#include "common/block/section_bound.hpp"

#include <algorithm>

#include "common/base/wrapping.hpp"

namespace longhaul {

std::size_t SectionBound::head_bytes(const Schema& schema) {
    return limits::section_header_bytes_max + 1 +
           schema.fields.size();  // and the heads of all columns
}

std::size_t SectionBound::alone(const Schema& schema, const Sample& sample) {
    LH_CHECK(sample.values.size() == schema.fields.size());
    std::size_t bytes = head_bytes(schema) + varint_size(zigzag(sample.time));
    for (std::size_t i = 0; i < sample.values.size(); ++i)
        bytes += growth(schema.fields[i], {}, sample.values[i]);
    return bytes;
}

void SectionBound::begin(const Schema& schema) {
    LH_CHECK(columns_.size() == schema.fields.size());
    schema_ = &schema;
    last_time_ = 0;
    bytes_ = head_bytes(schema);
    std::fill(columns_.begin(), columns_.end(), Column{});
}

// Runs and gaps are below 256, so two bytes hold each.
std::size_t SectionBound::growth(const Field& field, const Column& column, const Value& value) {
    constexpr std::size_t run_bytes = 2;
    switch (value.form) {
        case ValueForm::null:
            return (column.in_nulls ? 0 : 2 * run_bytes) + (column.any_null ? 0 : run_bytes);
        case ValueForm::integer:
            return varint_size(zigzag(column.seen ? wrapping_subtract(value.integer, column.last)
                                                  : value.integer));
        case ValueForm::real:
            if (field.kind == FieldKind::float32) return 4;
            if (field.kind == FieldKind::float64) return 8;
            return run_bytes + 8 + (column.any_exception ? 0 : run_bytes);
        case ValueForm::text:
            if (column.seen && equal(value.text, column.last_text)) return 1;
            return varint_size(value.text.size() + 1) + value.text.size();
    }
    return 0;
}

std::size_t SectionBound::with(const Sample& sample) const {
    LH_CHECK(sample.values.size() == schema_->fields.size());
    std::size_t bytes = bytes_ + varint_size(zigzag(wrapping_subtract(sample.time, last_time_)));
    for (std::size_t i = 0; i < sample.values.size(); ++i) {
        bytes += growth(schema_->fields[i], columns_[i], sample.values[i]);
    }
    return bytes;
}

void SectionBound::add(const Sample& sample) {
    bytes_ = with(sample);
    last_time_ = sample.time;
    for (std::size_t i = 0; i < sample.values.size(); ++i) {
        const Value& value = sample.values[i];
        Column& column = columns_[i];
        column.in_nulls = value.form == ValueForm::null;
        column.any_null = column.any_null || column.in_nulls;
        column.any_exception = column.any_exception || value.form == ValueForm::real;
        if (value.form == ValueForm::integer) column.last = value.integer;
        if (value.form == ValueForm::text) column.last_text = value.text;
        column.seen =
            column.seen || value.form == ValueForm::integer || value.form == ValueForm::text;
    }
}

}  // namespace longhaul
