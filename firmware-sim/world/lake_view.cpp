#include "firmware-sim/world/lake_view.hpp"

#include <bit>
#include <cmath>
#include <cstdlib>

#include "collector/lake/delta_log.hpp"
#include "collector/lake/parquet_file.hpp"
#include "collector/lake/parquet_stream.hpp"
#include "collector/writer/table_columns.hpp"

namespace longhaul::sim {
namespace {

using namespace longhaul::collector;

std::string folder_of_table(std::string_view tenant, std::string_view name) {
    return std::string{tenant} + "/" + std::string{name};
}

Message trouble(const std::string& folder, const Error& error) {
    return {"table " + folder + " cannot be read: " + to_string(error)};
}

// The content of each file of a table.
Result<void, Message> for_each_file(ObjectStore& lake, const std::string& folder,
                                    const std::function<Status(Bytes)>& take) {
    DeltaTable table{lake, folder};
    if (const Status read = table.refresh(); !read.ok()) return trouble(folder, read.error());
    if (!table.damaged_checkpoints().empty())
        return Message{folder + ": " + table.damaged_checkpoints().front() + " is damaged"};
    for (const auto& [path, file] : table.state().files) {
        const auto content = table.read(file);
        if (!content.ok()) return trouble(folder, content.error());
        if (const Status taken = take(content.value()); !taken.ok())
            return trouble(folder, taken.error());
    }
    return {};
}

// What has to be in a column of doubles, or of floats by their bits.
double expected_real(const Field& field, const Value& value) {
    if (value.form == ValueForm::real) return value.real();
    return static_cast<double>(value.integer) / std::pow(10.0, field.scale);
}

bool is_equal(const Field& field, const Value& value, const ColumnData& data, std::size_t row) {
    const bool valid = data.valid[row];
    if (value.form == ValueForm::null) return !valid;
    if (!valid) return false;
    switch (field.kind) {
        case FieldKind::integer:
        case FieldKind::boolean:
            return data.integers[row] == value.integer;
        case FieldKind::decimal:
        case FieldKind::float32:
        case FieldKind::float64:
            return std::bit_cast<std::uint64_t>(data.reals[row]) ==
                   std::bit_cast<std::uint64_t>(expected_real(field, value));
        case FieldKind::enumeration:
            return data.text(row) == field.label(static_cast<std::size_t>(value.integer));
        case FieldKind::text:
        case FieldKind::bytes:
            break;
    }
    const Bytes found = as_bytes(data.text(row));
    return std::equal(found.begin(), found.end(), value.text.begin(), value.text.end());
}

std::string compare(const Schema& schema, const std::vector<ColumnData>& data, std::size_t row,
                    const SampleValues& made) {
    for (std::size_t i = 0; i < schema.fields.size(); ++i) {
        if (is_equal(schema.fields[i], made.values[i], data[data_columns + i], row)) continue;
        return "its field " + std::string{schema.fields[i].name} + " has another value";
    }
    return {};
}

BlockName name_at(const std::vector<ColumnData>& data, std::size_t row) {
    const auto number = [&](std::size_t column) {
        return static_cast<std::uint32_t>(data[column].integers[row]);
    };
    return {{number(column_incarnation)}, {number(column_epoch)}, {number(column_seq)}};
}

void take_rows(const Schema& schema, const std::vector<ColumnData>& data, const TakeRow& take) {
    const std::size_t rows = data[column_device].valid.size();
    for (std::size_t row = 0; row < rows; ++row) {
        LakeRow taken;
        taken.device = data[column_device].text(row);
        taken.stream = data[column_stream].text(row);
        taken.name = name_at(data, row);
        taken.row = data[column_row].integers[row];
        taken.event_time_us = data[column_event_time].integers[row];
        if (data[column_time_error].valid[row])
            taken.time_error_us = data[column_time_error].integers[row];
        taken.sample = data[data_columns].valid[row] ? data[data_columns].integers[row] : -1;
        take(taken, [&schema, &data, row](const SampleValues& made) {
            return compare(schema, data, row, made);
        });
    }
}

std::uint32_t number_in(const std::string& text) {
    return static_cast<std::uint32_t>(std::strtoul(text.c_str(), nullptr, 10));
}

}  // namespace

// Piece by piece: a merged file of a large fleet, read whole, would be larger than the fleet.
Result<void, Message> read_rows(ObjectStore& lake, std::string_view tenant, const Schema& schema,
                                const TakeRow& take) {
    std::vector<Column> columns = fixed_columns();
    for (const Field& field : schema.fields) columns.push_back(column_of(field));
    return for_each_file(lake, folder_of_table(tenant, schema.name), [&](Bytes content) -> Status {
        LH_TRY_ASSIGN(const auto reader, ParquetReader::open(content, columns));
        for (;;) {
            LH_TRY_ASSIGN(const std::vector<ColumnData> data, reader->next());
            if (data.empty()) return {};
            take_rows(schema, data, take);
        }
    });
}

Result<std::vector<LakeLoss>, Message> read_losses(ObjectStore& lake, std::string_view tenant) {
    const std::vector<std::string> columns{"device",     "incarnation", "epoch", "first_seq",
                                           "last_epoch", "last_seq",    "reason"};
    std::vector<LakeLoss> losses;
    LH_TRY(for_each_file(lake, folder_of_table(tenant, "_losses"), [&](Bytes content) {
        return read_text_rows(content, columns, [&](const std::vector<std::string>& row) {
            LakeLoss loss{row[0], number_in(row[1]), number_in(row[2]), {}, number_in(row[4]), {},
                          row[6]};
            if (!row[3].empty()) loss.first = BlockSeq{number_in(row[3])};
            if (!row[5].empty()) loss.last = BlockSeq{number_in(row[5])};
            if (loss.last_epoch == 0) loss.last_epoch = loss.epoch;
            losses.push_back(std::move(loss));
        });
    }));
    return losses;
}

Result<std::vector<LakeRefusal>, Message> read_refusals(ObjectStore& lake,
                                                        std::string_view tenant) {
    const std::vector<std::string> columns{"device", "incarnation", "epoch", "seq", "reason"};
    std::vector<LakeRefusal> refusals;
    LH_TRY(for_each_file(lake, folder_of_table(tenant, "_quarantine"), [&](Bytes content) {
        return read_text_rows(content, columns, [&](const std::vector<std::string>& row) {
            refusals.push_back(
                {row[0], {{number_in(row[1])}, {number_in(row[2])}, {number_in(row[3])}}, row[4]});
        });
    }));
    return refusals;
}

Result<std::vector<LakeCost>, Message> read_costs(ObjectStore& lake, std::string_view tenant) {
    const std::vector<std::string> columns{"device", "connected_ms", "wire_received_bytes",
                                           "wire_sent_bytes"};
    const auto count_in = [](const std::string& text) {
        return std::uint64_t{std::strtoull(text.c_str(), nullptr, 10)};
    };
    std::vector<LakeCost> costs;
    LH_TRY(for_each_file(lake, folder_of_table(tenant, "_usage"), [&](Bytes content) {
        return read_text_rows(content, columns, [&](const std::vector<std::string>& row) {
            costs.push_back(
                {row[0], {count_in(row[1]), {count_in(row[2]), count_in(row[3])}, false}});
        });
    }));
    return costs;
}

}  // namespace longhaul::sim
