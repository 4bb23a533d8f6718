#include "collector/lake/batch.hpp"

#include <algorithm>
#include <map>
#include <numeric>

#include "common/base/check.hpp"

namespace longhaul::collector {

const char* delta_name(ColumnType type) {
    switch (type) {
        case ColumnType::string:
            return "string";
        case ColumnType::long_integer:
            return "long";
        case ColumnType::short_integer:
            return "integer";
        case ColumnType::real:
        case ColumnType::decimal_real:
            return "double";
        case ColumnType::single:
            return "float";
        case ColumnType::boolean:
            return "boolean";
        case ColumnType::binary:
            return "binary";
        case ColumnType::timestamp:
            return "timestamp";
    }
    return "string";
}

bool widen(Column& known, const Column& later) {
    if (known.kind != later.kind) return false;
    bool wider = later.scale > known.scale;
    if (wider) known.scale = later.scale;
    for (std::string_view rest = later.labels; !rest.empty();) {
        const std::string label{rest.substr(0, rest.find('\n'))};
        rest.remove_prefix(label.size() + 1);
        const bool there = ("\n" + known.labels).find("\n" + label + "\n") != std::string::npos;
        if (there || known.labels.size() + label.size() >= column_labels_bytes_max) continue;
        known.labels += label + "\n";
        wider = true;
    }
    return wider;
}

std::string_view ColumnData::text(std::size_t row) const {
    const std::size_t begin = row == 0 ? 0 : text_ends[row - 1];
    return std::string_view{texts}.substr(begin, text_ends[row] - begin);
}

void Batch::add_column(const Column& column) {
    columns_.push_back(column);
    data_.emplace_back();
    put_null(columns_.size() - 1, rows_);
}

// There has to be that much left of the rows that were begun.
ColumnData& Batch::take_room(std::size_t column, std::size_t times) {
    ColumnData& data = data_[column];
    LH_CHECK(times <= rows_ - data.valid.size());
    return data;
}

void Batch::put_integer(std::size_t column, std::int64_t value, std::size_t times) {
    ColumnData& data = take_room(column, times);
    if (times == 1) {
        data.integers.push_back(value);
    } else {
        data.integers.insert(data.integers.end(), times, value);
    }
    data.valid.append(true, times);
    bytes_ += times * sizeof(value);
}

void Batch::put_real(std::size_t column, double value) {
    ColumnData& data = take_room(column, 1);
    data.reals.push_back(value);
    data.valid.append(true);
    bytes_ += sizeof(value);
}

void Batch::put_text(std::size_t column, std::string_view value, std::size_t times) {
    ColumnData& data = take_room(column, times);
    for (std::size_t i = 0; i < times; ++i) {
        data.texts.append(value);
        data.text_ends.push_back(data.texts.size());
    }
    data.valid.append(true, times);
    bytes_ += times * (value.size() + sizeof(std::size_t));
}

void Batch::put_null(std::size_t column, std::size_t times) {
    ColumnData& data = take_room(column, times);
    data.valid.append(false, times);
    switch (columns_[column].type) {
        case ColumnType::string:
        case ColumnType::binary:
            data.text_ends.insert(data.text_ends.end(), times, data.texts.size());
            break;
        case ColumnType::real:
        case ColumnType::decimal_real:
        case ColumnType::single:
            data.reals.insert(data.reals.end(), times, 0);
            break;
        default:
            data.integers.insert(data.integers.end(), times, 0);
    }
}

void Batch::end_rows() {
    for (std::size_t column = 0; column < columns_.size(); ++column)
        put_null(column, rows_ - data_[column].valid.size());
}

void Batch::append_rows(const std::vector<RowPlace>& rows) {
    rows_ += rows.size();
    for (std::size_t column = 0; column < columns_.size(); ++column) {
        ColumnData& to = data_[column];
        std::size_t texts = to.texts.size();
        const auto each = [&](auto put) {
            for (const RowPlace& place : rows) {
                const ColumnData& from = (*place.source)[column];
                to.valid.append(from.valid[place.row]);
                put(from, place.row);
            }
        };
        switch (columns_[column].type) {
            case ColumnType::string:
            case ColumnType::binary:
                each([&to](const ColumnData& from, std::uint32_t row) {
                    to.texts += from.text(row);
                    to.text_ends.push_back(to.texts.size());
                });
                texts = to.texts.size() - texts;
                bytes_ += texts + rows.size() * sizeof(std::size_t);
                break;
            case ColumnType::real:
            case ColumnType::decimal_real:
            case ColumnType::single:
                each([&to](const ColumnData& from, std::uint32_t row) {
                    to.reals.push_back(from.reals[row]);
                });
                bytes_ += rows.size() * sizeof(double);
                break;
            default:
                each([&to](const ColumnData& from, std::uint32_t row) {
                    to.integers.push_back(from.integers[row]);
                });
                bytes_ += rows.size() * sizeof(std::int64_t);
        }
    }
}

std::vector<std::uint32_t> Batch::arrival_order() const {
    std::vector<std::uint32_t> order(rows_);
    std::iota(order.begin(), order.end(), 0);
    return order;
}

// Devices come in runs, and a device's rows mostly in the order of their times: texts are compared
// once a run, and few rows are sorted.
std::vector<std::uint32_t> Batch::order_by(std::size_t text_column, std::size_t time_column) const {
    const ColumnData& texts = data_[text_column];
    const auto earlier = [&times = data_[time_column].integers](std::uint32_t a, std::uint32_t b) {
        return times[a] < times[b];
    };
    std::map<std::string_view, std::vector<std::uint32_t>> by_text;
    auto run = by_text.end();
    for (std::uint32_t row = 0; row < rows_; ++row) {
        const std::string_view text = texts.text(row);
        if (run == by_text.end() || run->first != text) run = by_text.try_emplace(text).first;
        run->second.push_back(row);
    }
    std::vector<std::uint32_t> order;
    order.reserve(rows_);
    for (auto& [text, rows] : by_text) {
        if (!std::is_sorted(rows.begin(), rows.end(), earlier))
            std::stable_sort(rows.begin(), rows.end(), earlier);
        order.insert(order.end(), rows.begin(), rows.end());
    }
    return order;
}

}  // namespace longhaul::collector
