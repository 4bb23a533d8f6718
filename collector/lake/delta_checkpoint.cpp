#include "collector/lake/delta_checkpoint.hpp"

#include <arrow/api.h>
#include <arrow/io/api.h>
#include <arrow/util/key_value_metadata.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/writer.h>

#include <boost/json.hpp>

#include "collector/lake/delta_schema.hpp"

namespace longhaul::collector {
namespace {

namespace json = boost::json;

constexpr int zstd_level = 1;
constexpr std::int64_t row_group_rows = 1 << 20;
// In the file's footer: key and value as Thrift writes them, one behind the other.
constexpr const char* stamp_key = "longhaul.crc32c";
constexpr std::string_view stamp_mark = "longhaul.crc32c\x18\x08";
constexpr std::string_view stamp_claim = "longhaul checkpoint version ";

std::shared_ptr<arrow::DataType> text_map() { return arrow::map(arrow::utf8(), arrow::utf8()); }

arrow::FieldVector file_fields(bool is_add) {
    const auto date = is_add ? arrow::field("modificationTime", arrow::int64(), false)
                             : arrow::field("deletionTimestamp", arrow::int64());
    arrow::FieldVector fields{arrow::field("path", arrow::utf8(), false)};
    if (is_add) {
        fields.insert(fields.end(), {arrow::field("partitionValues", text_map(), false),
                                     arrow::field("size", arrow::int64(), false), date,
                                     arrow::field("dataChange", arrow::boolean(), false),
                                     arrow::field("stats", arrow::utf8())});
    } else {
        fields.insert(fields.end(), {date, arrow::field("dataChange", arrow::boolean(), false),
                                     arrow::field("extendedFileMetadata", arrow::boolean()),
                                     arrow::field("partitionValues", text_map()),
                                     arrow::field("size", arrow::int64())});
    }
    return fields;
}

std::shared_ptr<arrow::Schema> checkpoint_schema() {
    const auto format = arrow::struct_(
        {arrow::field("provider", arrow::utf8()), arrow::field("options", text_map())});
    return arrow::schema(
        {arrow::field("txn", arrow::struct_({arrow::field("appId", arrow::utf8(), false),
                                             arrow::field("version", arrow::int64(), false),
                                             arrow::field("lastUpdated", arrow::int64())})),
         arrow::field("add", arrow::struct_(file_fields(true))),
         arrow::field("remove", arrow::struct_(file_fields(false))),
         arrow::field(
             "metaData",
             arrow::struct_(
                 {arrow::field("id", arrow::utf8(), false), arrow::field("name", arrow::utf8()),
                  arrow::field("description", arrow::utf8()), arrow::field("format", format, false),
                  arrow::field("schemaString", arrow::utf8(), false),
                  arrow::field("partitionColumns", arrow::list(arrow::utf8()), false),
                  arrow::field("configuration", text_map()),
                  arrow::field("createdTime", arrow::int64())})),
         arrow::field("protocol",
                      arrow::struct_({arrow::field("minReaderVersion", arrow::int32(), false),
                                      arrow::field("minWriterVersion", arrow::int32(), false)}))});
}

// One action a row: of the five columns one is not null. Builders are made from the schema, so
// values are given by the positions of their fields.
class Rows {
 public:
    explicit Rows(const std::shared_ptr<arrow::Schema>& schema) : schema_{schema} {
        for (const auto& field : schema->fields()) {
            std::unique_ptr<arrow::ArrayBuilder> builder;
            failed_ =
                failed_ ||
                !arrow::MakeBuilder(arrow::default_memory_pool(), field->type(), &builder).ok();
            builders_.push_back(std::move(builder));
        }
    }

    // The builder of the action's struct; the others get a null.
    arrow::StructBuilder& begin(std::size_t action) {
        for (std::size_t i = 0; i < builders_.size(); ++i) {
            if (i != action) note(builders_[i]->AppendNull());
        }
        auto& builder = static_cast<arrow::StructBuilder&>(*builders_[action]);
        note(builder.Append());
        ++rows_;
        return builder;
    }
    void put(arrow::ArrayBuilder* builder, std::string_view text) {
        note(static_cast<arrow::StringBuilder*>(builder)->Append(text));
    }
    void put(arrow::ArrayBuilder* builder, std::int64_t value) {
        note(static_cast<arrow::Int64Builder*>(builder)->Append(value));
    }
    void put_short(arrow::ArrayBuilder* builder, std::int32_t value) {
        note(static_cast<arrow::Int32Builder*>(builder)->Append(value));
    }
    void put_flag(arrow::ArrayBuilder* builder, bool value) {
        note(static_cast<arrow::BooleanBuilder*>(builder)->Append(value));
    }
    void put_null(arrow::ArrayBuilder* builder) { note(builder->AppendNull()); }
    void put_map(arrow::ArrayBuilder* builder, const json::object& map) {
        auto* const to = static_cast<arrow::MapBuilder*>(builder);
        note(to->Append());
        for (const auto& member : map) {
            put(to->key_builder(), member.key());
            if (member.value().is_string()) {
                put(to->item_builder(), member.value().get_string());
            } else {
                put_null(to->item_builder());
            }
        }
    }
    void put_list(arrow::ArrayBuilder* builder, const json::array& list) {
        auto* const to = static_cast<arrow::ListBuilder*>(builder);
        note(to->Append());
        for (const json::value& each : list) put(to->value_builder(), each.as_string());
    }
    void put_text_of(arrow::ArrayBuilder* builder, const json::object& object, const char* key) {
        const json::value* const value = object.if_contains(key);
        if (value == nullptr || !value->is_string()) return put_null(builder);
        put(builder, value->get_string());
    }

    std::int64_t count() const { return rows_; }

    arrow::Result<std::shared_ptr<arrow::Table>> finish() {
        if (failed_) return arrow::Status::OutOfMemory("checkpoint");
        arrow::ArrayVector arrays;
        for (const auto& builder : builders_) {
            ARROW_ASSIGN_OR_RAISE(auto array, builder->Finish());
            arrays.push_back(std::move(array));
        }
        return arrow::Table::Make(schema_, arrays, rows_);
    }

 private:
    void note(const arrow::Status& status) { failed_ = failed_ || !status.ok(); }

    std::shared_ptr<arrow::Schema> schema_;
    std::vector<std::unique_ptr<arrow::ArrayBuilder>> builders_;
    std::int64_t rows_ = 0;
    bool failed_ = false;
};

void add_metadata(const std::string& text, Rows& rows) {
    const json::object metadata = json::parse(text).as_object();
    arrow::StructBuilder& to = rows.begin(3);
    int field = 0;
    for (const char* const key : {"id", "name", "description"})
        rows.put_text_of(to.field_builder(field++), metadata, key);
    auto* const format = static_cast<arrow::StructBuilder*>(to.field_builder(field++));
    static_cast<void>(format->Append().ok());
    rows.put(format->field_builder(0), "parquet");
    rows.put_map(format->field_builder(1), {});
    rows.put_text_of(to.field_builder(field++), metadata, "schemaString");
    rows.put_list(to.field_builder(field++), metadata.at("partitionColumns").as_array());
    const json::value* const configuration = metadata.if_contains("configuration");
    rows.put_map(to.field_builder(field++), configuration && configuration->is_object()
                                                ? configuration->get_object()
                                                : json::object{});
    const json::value* const created = metadata.if_contains("createdTime");
    if (created != nullptr && created->is_int64()) {
        rows.put(to.field_builder(field), created->get_int64());
    } else {
        rows.put_null(to.field_builder(field));
    }
}

void add_file(const DataFile& file, Rows& rows) {
    arrow::StructBuilder& to = rows.begin(1);
    rows.put(to.field_builder(0), file.path);
    rows.put_map(to.field_builder(1), {{partition_column, file.receive_date}});
    rows.put(to.field_builder(2), static_cast<std::int64_t>(file.bytes));
    rows.put(to.field_builder(3), file.modified_ms);
    rows.put_flag(to.field_builder(4), false);
    if (file.stats.empty()) return rows.put_null(to.field_builder(5));
    rows.put(to.field_builder(5), file.stats);
}

void add_removed(const std::string& path, const RemovedFile& file, Rows& rows) {
    arrow::StructBuilder& to = rows.begin(2);
    rows.put(to.field_builder(0), path);
    rows.put(to.field_builder(1), file.removed_ms);
    rows.put_flag(to.field_builder(2), false);
    rows.put_flag(to.field_builder(3), true);
    rows.put_map(to.field_builder(4), {{partition_column, file.receive_date}});
    rows.put(to.field_builder(5), static_cast<std::int64_t>(file.bytes));
}

void add_actions(const TableState& state, std::int64_t forget_removed_until_ms, Rows& rows) {
    arrow::StructBuilder& protocol = rows.begin(4);
    rows.put_short(protocol.field_builder(0), delta_reader_version);
    rows.put_short(protocol.field_builder(1), delta_writer_version);
    add_metadata(state.metadata, rows);
    for (const auto& [app, version] : state.txns) {
        arrow::StructBuilder& txn = rows.begin(0);
        rows.put(txn.field_builder(0), app);
        rows.put(txn.field_builder(1), version);
        // Without a date no program lets it expire.
        rows.put_null(txn.field_builder(2));
    }
    for (const auto& [path, file] : state.files) add_file(file, rows);
    for (const auto& [path, file] : state.removed) {
        if (file.removed_ms > forget_removed_until_ms) add_removed(path, file, rows);
    }
}

arrow::Result<std::string> parquet_of(Rows& rows) {
    ARROW_ASSIGN_OR_RAISE(const auto table, rows.finish());
    ARROW_ASSIGN_OR_RAISE(const auto stream, arrow::io::BufferOutputStream::Create());
    parquet::WriterProperties::Builder properties;
    properties.compression(parquet::Compression::ZSTD)->compression_level(zstd_level);
    properties.created_by(std::string{stamp_claim} + LH_VERSION);
    ARROW_ASSIGN_OR_RAISE(const auto writer, parquet::arrow::FileWriter::Open(
                                                 *table->schema(), arrow::default_memory_pool(),
                                                 stream, properties.build()));
    ARROW_RETURN_NOT_OK(writer->WriteTable(*table, row_group_rows));
    ARROW_RETURN_NOT_OK(
        writer->AddKeyValueMetadata(arrow::key_value_metadata({stamp_key}, {"00000000"})));
    ARROW_RETURN_NOT_OK(writer->Close());
    ARROW_ASSIGN_OR_RAISE(const auto buffer, stream->Finish());
    return buffer->ToString();
}

// Another type than expected reads as absent.
std::string text_at(const arrow::StructArray& row, const char* field, std::int64_t at) {
    const auto column = row.GetFieldByName(field);
    if (column == nullptr || column->IsNull(at)) return {};
    if (const auto* text = dynamic_cast<const arrow::StringArray*>(column.get()))
        return text->GetString(at);
    const auto* large = dynamic_cast<const arrow::LargeStringArray*>(column.get());
    return large == nullptr ? std::string{} : large->GetString(at);
}

std::optional<std::int64_t> number_at(const arrow::StructArray& row, const char* field,
                                      std::int64_t at) {
    const auto column = row.GetFieldByName(field);
    if (column == nullptr || column->IsNull(at)) return std::nullopt;
    if (const auto* number = dynamic_cast<const arrow::Int64Array*>(column.get()))
        return number->Value(at);
    const auto* small = dynamic_cast<const arrow::Int32Array*>(column.get());
    if (small == nullptr) return std::nullopt;
    return small->Value(at);
}

json::object map_at(const arrow::StructArray& row, const char* field, std::int64_t at) {
    const auto column = row.GetFieldByName(field);
    const auto* map = dynamic_cast<const arrow::MapArray*>(column.get());
    if (map == nullptr || map->IsNull(at)) return {};
    const auto keys = std::dynamic_pointer_cast<arrow::StringArray>(map->keys());
    const auto items = std::dynamic_pointer_cast<arrow::StringArray>(map->items());
    json::object object;
    if (keys == nullptr || items == nullptr) return object;
    for (std::int64_t i = map->value_offset(at); i < map->value_offset(at + 1); ++i) {
        if (items->IsValid(i)) object[keys->GetString(i)] = items->GetString(i);
    }
    return object;
}

std::string date_at(const arrow::StructArray& row, std::int64_t at) {
    const json::object values = map_at(row, "partitionValues", at);
    const json::value* const date = values.if_contains(partition_column);
    return date == nullptr ? std::string{} : std::string{date->get_string()};
}

json::array list_at(const arrow::StructArray& row, const char* field, std::int64_t at) {
    json::array texts;
    const auto column = row.GetFieldByName(field);
    const auto* list = dynamic_cast<const arrow::ListArray*>(column.get());
    if (list == nullptr || list->IsNull(at)) return texts;
    const auto values = std::dynamic_pointer_cast<arrow::StringArray>(list->values());
    for (std::int64_t i = list->value_offset(at); values && i < list->value_offset(at + 1); ++i)
        texts.emplace_back(values->GetString(i));
    return texts;
}

Error damaged() { return {ErrorCode::corrupt, "a checkpoint of the Delta log cannot be read"}; }

Status take_metadata(const arrow::StructArray& row, std::int64_t at, TableChanges& changes) {
    json::object metadata;
    for (const char* const key : {"id", "name", "description"}) {
        const std::string text = text_at(row, key, at);
        if (!text.empty()) metadata[key] = text;
    }
    metadata["format"] = {{"provider", "parquet"}, {"options", json::object{}}};
    metadata["schemaString"] = text_at(row, "schemaString", at);
    metadata["partitionColumns"] = list_at(row, "partitionColumns", at);
    metadata["configuration"] = map_at(row, "configuration", at);
    if (const auto created = number_at(row, "createdTime", at)) metadata["createdTime"] = *created;
    return gather_metadata(metadata, changes);
}

Status take_action(std::string_view kind, const arrow::StructArray& row, std::int64_t at,
                   TableChanges& changes) {
    if (kind == "protocol") {
        const auto reader = number_at(row, "minReaderVersion", at);
        const auto writer = number_at(row, "minWriterVersion", at);
        return reader && writer ? check_protocol(*reader, *writer) : damaged();
    }
    if (kind == "metaData") return take_metadata(row, at, changes);
    if (kind == "txn") {
        const auto version = number_at(row, "version", at);
        if (!version) return damaged();
        changes.txns[text_at(row, "appId", at)] = *version;
        return {};
    }
    const std::string path = text_at(row, "path", at);
    const std::int64_t bytes = number_at(row, "size", at).value_or(-1);
    if (kind == "remove") {
        changes.removed[path] = {date_at(row, at),
                                 static_cast<std::uint64_t>(std::max<std::int64_t>(bytes, 0)),
                                 number_at(row, "deletionTimestamp", at).value_or(0)};
        return {};
    }
    if (path.empty() || bytes < 0) return damaged();
    DataFile file{
        path, date_at(row, at),          static_cast<std::uint64_t>(bytes),
        0,    text_at(row, "stats", at), number_at(row, "modificationTime", at).value_or(0)};
    file.rows = rows_of_stats(file.stats);
    changes.added[path] = std::move(file);
    return {};
}

arrow::Result<std::shared_ptr<arrow::Table>> table_of(Bytes file, bool with_files) {
    auto buffer = std::make_shared<arrow::Buffer>(
        reinterpret_cast<const std::uint8_t*>(file.data()), static_cast<std::int64_t>(file.size()));
    ARROW_ASSIGN_OR_RAISE(
        auto reader, parquet::arrow::OpenFile(std::make_shared<arrow::io::BufferReader>(buffer),
                                              arrow::default_memory_pool()));
    std::vector<int> leaves;
    const auto& schema = *reader->parquet_reader()->metadata()->schema();
    for (int leaf = 0; leaf < schema.num_columns(); ++leaf) {
        const std::string top = schema.Column(leaf)->path()->ToDotVector().front();
        const bool is_file = top == "add" || top == "remove";
        const bool known = is_file || top == "txn" || top == "metaData" || top == "protocol";
        if (known && (with_files || !is_file)) leaves.push_back(leaf);
    }
    ARROW_ASSIGN_OR_RAISE(const auto table, reader->ReadTable(leaves));
    return table->CombineChunks();
}

}  // namespace

Result<Checkpoint> write_checkpoint(const TableState& state, std::int64_t forget_removed_until_ms) {
    Rows rows{checkpoint_schema()};
    add_actions(state, forget_removed_until_ms, rows);
    auto written = parquet_of(rows);
    if (!written.ok()) return Error{ErrorCode::io, "Arrow cannot write a checkpoint"};
    std::string text = std::move(written).ValueUnsafe();
    stamp(text, stamp_mark);
    const Bytes bytes = as_bytes(text);
    const json::object last{{"version", state.version},
                            {"size", rows.count()},
                            {"sizeInBytes", bytes.size()},
                            {"numOfAddFiles", state.files.size()}};
    return Checkpoint{{bytes.begin(), bytes.end()}, json::serialize(last)};
}

Result<TableState> read_checkpoint(Bytes file, bool with_files) {
    if (!stamp_fits(as_text(file), stamp_mark, stamp_claim)) return damaged();
    const auto read = table_of(file, with_files);
    if (!read.ok()) return damaged();
    const arrow::Table& table = **read;
    TableChanges changes;
    bool has_protocol = false;
    for (int column = 0; column < table.num_columns(); ++column) {
        const std::string& kind = table.field(column)->name();
        for (const auto& chunk : table.column(column)->chunks()) {
            const auto* rows = dynamic_cast<const arrow::StructArray*>(chunk.get());
            if (rows == nullptr) return damaged();
            for (std::int64_t at = 0; at < rows->length(); ++at) {
                if (rows->IsNull(at)) continue;
                has_protocol = has_protocol || kind == "protocol";
                LH_TRY(take_action(kind, *rows, at, changes));
            }
        }
    }
    if (!changes.metadata || !has_protocol) return damaged();
    TableState state;
    apply(std::move(changes), with_files, state);
    return state;
}

}  // namespace longhaul::collector
