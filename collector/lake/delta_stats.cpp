// Statistics of a data file, in the JSON that engines prune with (Delta protocol, "Per-file
// Statistics").
#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <cstdio>
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
        if (!data.valid[row]) continue;
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
    if (!data.valid.all())
        result.nulls = std::count_if(rows.begin(), rows.end(),
                                     [&data](std::uint32_t row) { return !data.valid[row]; });
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

// Numbers by value, texts byte by byte; both are of one column.
bool is_less(const boost::json::value& a, const boost::json::value& b) {
    if (a.is_string()) return a.get_string() < b.get_string();
    if (a.is_int64() && b.is_int64()) return a.get_int64() < b.get_int64();
    return a.to_number<double>() < b.to_number<double>();
}

// A column without bounds in a part has none at all, unless the part has nothing but nulls there.
class StatsSum {
 public:
    void add(const boost::json::object& part) {
        const std::int64_t rows = part.at("numRecords").as_int64();
        rows_ += rows;
        for (const auto& member : part.at("nullCount").as_object()) {
            const std::string name{member.key()};
            Sum& sum = columns_.try_emplace(name).first->second;
            if (sum.nulls < 0) order_.push_back(name);
            sum.nulls = std::max<std::int64_t>(sum.nulls, 0) + member.value().as_int64();
            if (member.value().as_int64() == rows) continue;
            widen(part.at("minValues").as_object().if_contains(name), true, sum);
            widen(part.at("maxValues").as_object().if_contains(name), false, sum);
        }
    }
    std::string text() const {
        boost::json::object minimum;
        boost::json::object maximum;
        boost::json::object nulls;
        for (const std::string& name : order_) {
            const Sum& sum = columns_.at(name);
            nulls[name] = sum.nulls;
            if (sum.unknown || sum.minimum.is_null()) continue;
            minimum[name] = sum.minimum;
            maximum[name] = sum.maximum;
        }
        return boost::json::serialize(boost::json::object{{"numRecords", rows_},
                                                          {"minValues", std::move(minimum)},
                                                          {"maxValues", std::move(maximum)},
                                                          {"nullCount", std::move(nulls)}});
    }

 private:
    struct Sum {
        boost::json::value minimum;
        boost::json::value maximum;
        std::int64_t nulls = -1;
        bool unknown = false;
    };

    static void widen(const boost::json::value* bound, bool lower, Sum& sum) {
        sum.unknown = sum.unknown || bound == nullptr;
        if (bound == nullptr) return;
        boost::json::value& known = lower ? sum.minimum : sum.maximum;
        if (known.is_null() || (lower ? is_less(*bound, known) : is_less(known, *bound)))
            known = *bound;
    }

    std::int64_t rows_ = 0;
    std::vector<std::string> order_;
    std::map<std::string, Sum> columns_;
};

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

std::string merged_stats(const std::vector<std::string>& parts) {
    if (parts.size() == 1) return parts[0];
    StatsSum sum;
    for (const std::string& part : parts) sum.add(boost::json::parse(part).as_object());
    return sum.text();
}

std::optional<WallUs> newest_receive_time(std::string_view stats) {
    boost::system::error_code error;
    const boost::json::value parsed = boost::json::parse(stats, error);
    if (error) return std::nullopt;
    const boost::json::value* const time = parsed.find_pointer("/maxValues/receive_time", error);
    if (time == nullptr || !time->is_string()) return std::nullopt;
    return parse_stats_time(std::string{time->get_string()});
}

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
