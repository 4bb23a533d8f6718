// How large a section may become in codec 0, sample by sample.
#pragma once

#include <cstdint>
#include <span>

#include "common/base/bytes.hpp"
#include "common/block/limits.hpp"
#include "common/block/schema.hpp"
#include "common/block/value.hpp"

namespace longhaul {

// An upper bound of a section's coded size that is kept up to date sample by sample, so that a
// block meets its size limit without encoding again and again. It is the exact size under the delta
// predictor, which the encoder never does worse than.
class SectionBound {
 public:
    // What it remembers of a field.
    struct Column {
        std::int64_t last = 0;
        Bytes last_text;
        bool seen = false;  // an integer, or a text
        bool in_nulls = false;
        bool any_null = false;
        bool any_exception = false;
    };

    // What the bound of a section of this one sample is.
    static std::size_t alone(const Schema& schema, const Sample& sample);

    // One of `columns` for each field; they outlive the bound.
    explicit SectionBound(std::span<Column> columns = {}) : columns_{columns} {}
    // `schema` outlives the bound.
    void begin(const Schema& schema);
    // What the bound would be with this sample.
    std::size_t with(const Sample& sample) const;
    // The sample's texts must stay where they are until begin() is called again.
    void add(const Sample& sample);
    // Bytes of all samples added, section header included.
    std::size_t bytes() const { return bytes_; }

 private:
    static std::size_t head_bytes(const Schema& schema);
    static std::size_t growth(const Field& field, const Column& column, const Value& value);

    const Schema* schema_ = nullptr;
    std::int64_t last_time_ = 0;
    std::size_t bytes_ = 0;
    std::span<Column> columns_;
};

}  // namespace longhaul
