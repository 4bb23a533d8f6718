#include "collector/lake/delta_stats.hpp"

#include <parquet/metadata.h>
#include <parquet/statistics.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <cstdio>
#include <memory>
#include <numeric>

#include "common/base/civil_time.hpp"

namespace longhaul::collector {
namespace {

constexpr std::size_t columns_with_stats = 32;
// Times that the text form can say; a device may claim any.
constexpr std::int64_t year_1_us = -62'135'596'800'000'000;
constexpr std::int64_t year_10000_us = 253'402'300'800'000'000 - 1000;

// Of one column, of each row group.
using Parts = std::vector<std::shared_ptr<parquet::Statistics>>;

Parts parts_of(const parquet::FileMetaData& footer, std::size_t column) {
    Parts parts;
    for (int group = 0; group < footer.num_row_groups(); ++group) {
        const auto chunk = footer.RowGroup(group)->ColumnChunk(static_cast<int>(column));
        parts.push_back(chunk->statistics());
    }
    return parts;
}

template <class Number>
Number owned(Number value) {
    return value;
}
boost::json::string owned(parquet::ByteArray text) {
    return boost::json::string{std::string_view{text}};
}

// The least and the greatest value. None: there is no value, or a part that has some does not tell.
template <class Type>
auto bounds_of(const Parts& parts) {
    using Value = decltype(owned(typename Type::c_type{}));
    std::optional<std::pair<Value, Value>> bounds;
    for (const auto& part : parts) {
        if (part->num_values() == 0) continue;  // nothing but nulls
        if (!part->HasMinMax()) return decltype(bounds){};
        const auto& typed = static_cast<const parquet::TypedStatistics<Type>&>(*part);
        const std::pair<Value, Value> both{owned(typed.min()), owned(typed.max())};
        if (!bounds) bounds = both;
        bounds->first = std::min(bounds->first, both.first);
        bounds->second = std::max(bounds->second, both.second);
    }
    return bounds;
}

struct Bounds {
    boost::json::value minimum;  // null: there are none
    boost::json::value maximum;
};

template <class Type>
Bounds plain_bounds(const Parts& parts) {
    const auto bounds = bounds_of<Type>(parts);
    return bounds ? Bounds{bounds->first, bounds->second} : Bounds{};
}

Bounds time_bounds(const Parts& parts) {
    const auto bounds = bounds_of<parquet::Int64Type>(parts);
    if (!bounds || bounds->first < year_1_us || bounds->second >= year_10000_us) return {};
    // Readers cut to milliseconds, so the maximum is rounded up.
    return {boost::json::string{timestamp_text_ms({bounds->first})},
            boost::json::string{timestamp_text_ms({bounds->second + 999})}};
}

Bounds real_bounds(const Parts& parts) {
    const auto bounds = bounds_of<parquet::DoubleType>(parts);
    if (!bounds || !std::isfinite(bounds->first) || !std::isfinite(bounds->second)) return {};
    return {bounds->first, bounds->second};  // infinity has no place in JSON
}

Bounds column_bounds(ColumnType type, const Parts& parts) {
    switch (type) {
        case ColumnType::timestamp:
            return time_bounds(parts);
        case ColumnType::long_integer:
            return plain_bounds<parquet::Int64Type>(parts);
        case ColumnType::short_integer:
            return plain_bounds<parquet::Int32Type>(parts);
        case ColumnType::real:
        case ColumnType::decimal_real:
            return real_bounds(parts);
        case ColumnType::string:
            return plain_bounds<parquet::ByteArrayType>(parts);
        case ColumnType::single:
        case ColumnType::boolean:
        case ColumnType::binary:
            return {};
    }
    return {};
}

// "2026-11-21T05:58:00.123Z", cut to seconds; Spark writes the zone of its session, "+08:00".
std::optional<WallUs> parse_stats_time(const std::string& text) {
    constexpr std::size_t seconds_length = 19;
    const auto time = parse_utc(text.substr(0, seconds_length));
    const std::size_t zone = text.find_first_of("+-", seconds_length);
    if (!time || zone == std::string::npos) return time;
    int hours = 0;
    int minutes = 0;
    if (std::sscanf(text.c_str() + zone + 1, "%2d:%2d", &hours, &minutes) != 2) return std::nullopt;
    const std::int64_t ahead_us = (hours * 60 + minutes) * std::int64_t{60'000'000};
    return WallUs{time->value + (text[zone] == '+' ? -ahead_us : ahead_us)};
}

}  // namespace

std::optional<WallUs> newest_receive_time(std::string_view stats) {
    boost::system::error_code error;
    const boost::json::value parsed = boost::json::parse(stats, error);
    if (error) return std::nullopt;
    const boost::json::value* const time = parsed.find_pointer("/maxValues/receive_time", error);
    if (time == nullptr || !time->is_string()) return std::nullopt;
    return parse_stats_time(std::string{time->get_string()});
}

std::string delta_stats(const parquet::FileMetaData& footer, const std::vector<Column>& columns,
                        const std::vector<bool>& unordered) {
    boost::json::object minimum;
    boost::json::object maximum;
    boost::json::object nulls;
    for (std::size_t i = 0; i < std::min(columns.size(), columns_with_stats); ++i) {
        const std::string& name = columns[i].name;
        const Parts parts = parts_of(footer, i);
        if (std::ranges::find(parts, nullptr) != parts.end()) continue;
        Bounds bounds = unordered[i] ? Bounds{} : column_bounds(columns[i].type, parts);
        if (!bounds.minimum.is_null()) {
            minimum[name] = std::move(bounds.minimum);
            maximum[name] = std::move(bounds.maximum);
        }
        nulls[name] = std::accumulate(
            parts.begin(), parts.end(), std::int64_t{0},
            [](std::int64_t sum, const auto& part) { return sum + part->null_count(); });
    }
    return boost::json::serialize(boost::json::object{{"numRecords", footer.num_rows()},
                                                      {"minValues", std::move(minimum)},
                                                      {"maxValues", std::move(maximum)},
                                                      {"nullCount", std::move(nulls)}});
}

}  // namespace longhaul::collector
