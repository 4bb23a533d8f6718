// Rows of formats that know nothing of schemas: the mapping says which cell is what.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/sources/byte_arena.hpp"
#include "agent/sources/trace_mapping.hpp"
#include "agent/sources/trace_rows.hpp"

namespace longhaul::agent {

// A line of a recording, cut into the cells that a mapping asks for.
class CellReader {
 public:
    virtual ~CellReader() = default;

    struct Line {
        std::optional<Refusal> refused;
        // One a column asked for; one without data (which is not the same as an empty one, if
        // `empty_is_text`) is not there. Texts live as long as the reader.
        std::span<const std::string_view> cells;
    };
    virtual bool next(Line& line) = 0;  // false: the end
    // An empty cell is an empty text, and not a missing one.
    virtual bool empty_is_text() const = 0;
};

class MappedRows final : public TraceRows {
 public:
    // The cells are those of columns_of(mapping), in that order.
    MappedRows(const TraceMapping& mapping, std::unique_ptr<CellReader> reader);
    static std::vector<std::string> columns_of(const TraceMapping& mapping);

    bool next() override;
    std::span<const std::string_view> device_parts() const override;
    bool read(std::int64_t& time_us, std::span<Value> values) override;

 private:
    std::optional<Value> value_of(const Field& field, std::string_view cell);

    const TraceMapping& mapping_;
    std::unique_ptr<CellReader> reader_;
    TimeFormat time_format_;
    CellReader::Line line_;
    ByteArena arena_;
};

}  // namespace longhaul::agent
