#include "tools/longhaul/lake_samples.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <optional>
#include <tuple>

#include "collector/lake/delta_log.hpp"
#include "collector/lake/parquet_file.hpp"
#include "collector/writer/table_columns.hpp"

namespace longhaul::tools {
namespace {

using collector::Column;
using collector::ColumnData;
using collector::ColumnType;
using collector::DeltaTable;

const std::vector<Column>& order_columns() {
    static const std::vector<Column> columns{
        {"device", ColumnType::string, {}, {}, {}, {}},
        {"incarnation", ColumnType::long_integer, {}, {}, {}, {}},
        {"epoch", ColumnType::long_integer, {}, {}, {}, {}},
        {"seq", ColumnType::long_integer, {}, {}, {}, {}},
        {"row", ColumnType::short_integer, {}, {}, {}, {}},
        {"event_time", ColumnType::timestamp, {}, {}, {}, {}}};
    return columns;
}

std::int64_t label_index(std::string_view labels, std::string_view label) {
    std::int64_t index = 0;
    for (std::size_t at = 0; at < labels.size(); ++index) {
        const std::size_t end = std::min(labels.find('\n', at), labels.size());
        if (labels.substr(at, end - at) == label) return index;
        at = end + 1;
    }
    return -1;
}

// A number of a grid was divided when it was written; what does not come back so was never on it.
Value decimal_value(const Field& field, double real) {
    double scale = 1;
    for (int i = 0; i < field.scale; ++i) scale *= 10;
    const double number = std::nearbyint(real * scale);
    constexpr double grid = 9007199254740992.0;
    const bool zero = number == 0 && std::signbit(real);
    if (std::abs(number) < grid && number / scale == real && !zero)
        return Value::of_integer(static_cast<std::int64_t>(number));
    return Value::of_real(real);
}

// None: the row is of another schema of this name, with other labels or without this field.
std::optional<Value> value_of(const Field& field, const ColumnData& data, std::size_t row) {
    if (!data.valid[row]) return field.nullable ? std::optional{Value{}} : std::nullopt;
    switch (field.kind) {
        case FieldKind::integer:
        case FieldKind::boolean:
            return Value::of_integer(data.integers[row]);
        case FieldKind::enumeration: {
            const std::int64_t index = label_index(field.labels, data.text(row));
            return index < 0 ? std::nullopt : std::optional{Value::of_integer(index)};
        }
        case FieldKind::decimal:
            return decimal_value(field, data.reals[row]);
        case FieldKind::float32:
            return Value::of_float32(std::bit_cast<float>(
                static_cast<std::uint32_t>(std::bit_cast<std::uint64_t>(data.reals[row]))));
        case FieldKind::float64:
            return Value::of_real(data.reals[row]);
        case FieldKind::text:
        case FieldKind::bytes:
            return Value::of_text(as_bytes(data.text(row)));
    }
    return {};
}

}  // namespace

struct LakeSamples::Row {
    std::tuple<std::int64_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t> order;
    std::vector<Value> values;
};

void LakeSamples::take(const Schema& schema, std::vector<ColumnData> data, Rows& rows) {
    files_.push_back(std::make_unique<std::vector<ColumnData>>(std::move(data)));
    const std::vector<ColumnData>& columns = *files_.back();
    const std::size_t fixed = order_columns().size();
    for (std::size_t i = 0; i < columns[0].valid.size(); ++i) {
        Row row;
        // As the device sampled them: by boot, then by time.
        row.order = {columns[1].integers[i], columns[2].integers[i], columns[5].integers[i],
                     columns[3].integers[i], columns[4].integers[i]};
        for (std::size_t field = 0; field < schema.fields.size(); ++field) {
            const auto value = value_of(schema.fields[field], columns[fixed + field], i);
            if (!value) break;
            row.values.push_back(*value);
        }
        if (row.values.size() < schema.fields.size()) continue;
        rows[std::string{columns[0].text(i)}].push_back(std::move(row));
    }
}

void LakeSamples::sort(const Schema& schema, Rows& rows) {
    for (auto& [name, device] : rows) {
        std::sort(device.begin(), device.end(),
                  [](const Row& a, const Row& b) { return a.order < b.order; });
        Device& sorted = devices_.emplace_back();
        for (const Row& row : device) {
            // A device's own clock counts ticks; where they begin says nothing.
            sorted.times.push_back(std::get<2>(row.order) / std::int64_t{schema.tick_us});
            sorted.values.insert(sorted.values.end(), row.values.begin(), row.values.end());
        }
    }
}

std::vector<SampleRun> LakeSamples::devices() const {
    std::vector<SampleRun> runs;
    for (const Device& device : devices_) runs.push_back({device.times, device.values});
    return runs;
}

Result<std::unique_ptr<LakeSamples>, Message> LakeSamples::read(collector::ObjectStore& store,
                                                                const std::string& folder,
                                                                const Schema& schema) {
    const auto about = [&folder](const Error& error) {
        return Message{folder + ": " + to_string(error)};
    };
    DeltaTable table{store, folder};
    if (const Status read = table.refresh(); !read.ok()) return about(read.error());
    std::vector<Column> columns = order_columns();
    std::vector<std::size_t> taken;
    for (const Field& field : schema.fields) {
        const auto& known = table.state().columns;
        const auto place = collector::place_of(collector::column_of(field), known, taken);
        if (!place.position) return Message{folder + ": the table has no column " + place.name};
        taken.push_back(*place.position);
        columns.push_back(known[*place.position]);
    }
    std::unique_ptr<LakeSamples> samples{new LakeSamples};
    Rows rows;
    for (const auto& [path, file] : table.state().files) {
        const auto content = table.read(file);
        if (!content.ok()) return about(content.error());
        auto data = collector::read_columns(content.value(), columns);
        if (!data.ok()) return about(data.error());
        samples->take(schema, std::move(data).value(), rows);
    }
    samples->sort(schema, rows);
    return samples;
}

}  // namespace longhaul::tools
