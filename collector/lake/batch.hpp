// Rows of one table in memory, column by column, until they are written as a batch file.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/bytes.hpp"

namespace longhaul::collector {

// Types of Delta and Parquet that our tables use.
enum class ColumnType : std::uint8_t {
    string,
    long_integer,   // 64 bits
    short_integer,  // 32 bits
    real,           // double
    decimal_real,   // double of few decimals: repeats, so it is coded by dictionary
    single,         // float
    boolean,
    binary,
    timestamp,  // microseconds, UTC
};
const char* delta_name(ColumnType type);

struct Column {
    std::string name;
    ColumnType type = ColumnType::string;
    std::string kind;  // of a schema's field ("decimal"); empty for the fixed columns
    std::string unit;
    std::string help;
    std::string labels;  // of an enumeration: each ended by a line feed
    int scale = 0;       // of a decimal
    bool operator==(const Column&) const = default;
};

// What a later schema says of a column of the same kind: `known` gets the labels that it lacks and
// the larger scale; all else stays. Labels beyond column_labels_bytes_max are not noted. Whether
// anything was new.
inline constexpr std::size_t column_labels_bytes_max = 16'384;
bool widen(Column& known, const Column& later);

// Which rows of a column have a value. Takes no room before the first one that has none.
class Validity {
 public:
    std::size_t size() const { return size_; }
    bool operator[](std::size_t row) const { return marks_.empty() || marks_[row] != 0; }
    bool all() const { return marks_.empty(); }
    void append(bool valid, std::size_t times = 1) {
        if (times == 0) return;
        if (!valid && marks_.empty()) marks_.assign(size_, 1);
        if (!valid || !marks_.empty()) marks_.insert(marks_.end(), times, valid ? 1 : 0);
        size_ += times;
    }

 private:
    std::vector<std::uint8_t> marks_;  // a row each, 1 or 0; none: all are valid
    std::size_t size_ = 0;
};

// Values of one column. Integers, timestamps and booleans lie in `integers`, double and float bits
// in `reals`, strings and bytes one after the other in `texts` with their ends beside them.
struct ColumnData {
    Validity valid;
    std::vector<std::int64_t> integers;
    std::vector<double> reals;
    std::string texts;
    std::vector<std::size_t> text_ends;

    std::string_view text(std::size_t row) const;
};

class Batch {
 public:
    explicit Batch(std::vector<Column> columns)
        : columns_{std::move(columns)}, data_(columns_.size()) {}

    const std::vector<Column>& columns() const { return columns_; }
    const ColumnData& data(std::size_t column) const { return data_[column]; }
    std::size_t rows() const { return rows_; }
    std::size_t bytes() const { return bytes_; }

    // Columns that came later: the rows so far are null there.
    void add_column(const Column& column);

    // Rows are begun, one or several; the values of a column are put in their order, and those
    // behind the last one that was put are null.
    void begin_rows(std::size_t count) { rows_ += count; }
    void put_integer(std::size_t column, std::int64_t value, std::size_t times = 1);
    void put_real(std::size_t column, double value);
    void put_text(std::size_t column, std::string_view value, std::size_t times = 1);
    void put_null(std::size_t column, std::size_t times = 1);
    void end_rows();
    // Rows of others that have the same columns, in this order. `end_rows` is not needed.
    struct RowPlace {
        const std::vector<ColumnData>* source;
        std::uint32_t row;
    };
    void append_rows(const std::vector<RowPlace>& rows);
    void begin_row() { begin_rows(1); }
    void end_row() { end_rows(); }

    // The rows in the order of two columns: device (text), then event_time (integer), then arrival.
    std::vector<std::uint32_t> order_by(std::size_t text_column, std::size_t time_column) const;
    std::vector<std::uint32_t> arrival_order() const;

 private:
    ColumnData& take_room(std::size_t column, std::size_t times);

    std::vector<Column> columns_;
    std::vector<ColumnData> data_;
    std::size_t rows_ = 0;
    std::size_t bytes_ = 0;
};

}  // namespace longhaul::collector
