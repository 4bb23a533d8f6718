// Statistics of a data file, in the JSON that engines prune with (Delta protocol, "Per-file
// Statistics").
#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <optional>

#include "collector/lake/delta_log.hpp"
#include "common/base/civil_time.hpp"

namespace longhaul::collector {
namespace {

constexpr std::size_t columns_with_stats = 32;
// Times that the text form can say; a device may claim any.
constexpr std::int64_t year_1_us = -62'135'596'800'000'000;
constexpr std::int64_t year_10000_us = 253'402'300'800'000'000 - 1000;

struct Bounds {
    boost::json::value minimum;
    boost::json::value maximum;
    std::int64_t nulls = 0;
};

using Rows = std::vector<std::uint32_t>;

template <class Get>
auto bounds_of(const ColumnData& data, const Rows& rows, Get get) {
    std::optional<std::pair<decltype(get(0)), decltype(get(0))>> bounds;
    for (const std::uint32_t row : rows) {
        if (data.valid[row] == 0) continue;
        const auto value = get(row);
        if (!bounds) {
            bounds.emplace(value, value);
        } else {
            if (value < bounds->first) bounds->first = value;
            if (bounds->second < value) bounds->second = value;
        }
    }
    return bounds;
}

Bounds column_bounds(const Column& column, const ColumnData& data, const Rows& rows) {
    Bounds result;
    result.nulls = std::count_if(rows.begin(), rows.end(),
                                 [&data](std::uint32_t row) { return data.valid[row] == 0; });
    const auto integer = [&data](std::size_t row) { return data.integers[row]; };
    switch (column.type) {
        case ColumnType::timestamp:
            if (const auto bounds = bounds_of(data, rows, integer);
                bounds && bounds->first >= year_1_us && bounds->second < year_10000_us) {
                result.minimum = timestamp_text_ms({bounds->first});
                // Readers cut to milliseconds, so the maximum is rounded up.
                result.maximum = timestamp_text_ms({bounds->second + 999});
            }
            break;
        case ColumnType::long_integer:
        case ColumnType::short_integer:
            if (const auto bounds = bounds_of(data, rows, integer)) {
                result.minimum = bounds->first;
                result.maximum = bounds->second;
            }
            break;
        case ColumnType::real:
        case ColumnType::decimal_real: {
            const bool finite = std::all_of(rows.begin(), rows.end(), [&data](std::uint32_t row) {
                return std::isfinite(data.reals[row]);
            });
            const auto bounds =
                bounds_of(data, rows, [&data](std::size_t row) { return data.reals[row]; });
            if (finite && bounds) {  // NaN and infinity have no place in JSON
                result.minimum = bounds->first;
                result.maximum = bounds->second;
            }
            break;
        }
        case ColumnType::string:
            if (const auto bounds =
                    bounds_of(data, rows, [&data](std::size_t row) { return data.text(row); })) {
                result.minimum = boost::json::string{bounds->first};
                result.maximum = boost::json::string{bounds->second};
            }
            break;
        default:
            break;
    }
    return result;
}

}  // namespace

std::string delta_stats(const Batch& batch, const std::vector<std::uint32_t>& rows) {
    boost::json::object minimum;
    boost::json::object maximum;
    boost::json::object nulls;
    for (std::size_t i = 0; i < std::min(batch.columns().size(), columns_with_stats); ++i) {
        const std::string& name = batch.columns()[i].name;
        const Bounds bounds = column_bounds(batch.columns()[i], batch.data(i), rows);
        if (!bounds.minimum.is_null()) {
            minimum[name] = bounds.minimum;
            maximum[name] = bounds.maximum;
        }
        nulls[name] = bounds.nulls;
    }
    return boost::json::serialize(boost::json::object{{"numRecords", rows.size()},
                                                      {"minValues", std::move(minimum)},
                                                      {"maxValues", std::move(maximum)},
                                                      {"nullCount", std::move(nulls)}});
}

}  // namespace longhaul::collector
