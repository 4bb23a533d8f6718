#include "collector/lake/delta_log.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <cstdio>

namespace longhaul::collector {
namespace {

namespace json = boost::json;

constexpr int reader_version = 1;
constexpr int writer_version = 2;
constexpr std::string_view partition_column = "receive_date";
// Others may commit between our look and our put; more often than this in a row is a fault.
constexpr int commit_tries_max = 100;

std::string commit_path(const std::string& folder, std::int64_t version) {
    char name[32];
    std::snprintf(name, sizeof(name), "%020lld.json", static_cast<long long>(version));
    return folder + "/_delta_log/" + name;
}

json::object field_json(std::string_view name, std::string_view type, json::object metadata) {
    return {{"name", name}, {"type", type}, {"nullable", true}, {"metadata", std::move(metadata)}};
}

// The table's schema as the text that a metaData action carries.
std::string schema_text(const std::vector<Column>& columns) {
    json::array fields;
    for (const Column& column : columns) {
        json::object metadata;
        if (!column.kind.empty()) metadata["longhaul.kind"] = column.kind;
        if (!column.unit.empty()) metadata["longhaul.unit"] = column.unit;
        if (!column.help.empty()) metadata["comment"] = column.help;
        fields.push_back(field_json(column.name, delta_name(column.type), std::move(metadata)));
    }
    fields.push_back(field_json(partition_column, "date", {}));
    return json::serialize(json::object{{"type", "struct"}, {"fields", std::move(fields)}});
}

ColumnType column_type(std::string_view delta, std::string_view kind) {
    if (delta == "long") return ColumnType::long_integer;
    if (delta == "integer") return ColumnType::short_integer;
    if (delta == "double") return kind == "decimal" ? ColumnType::decimal_real : ColumnType::real;
    if (delta == "float") return ColumnType::single;
    if (delta == "boolean") return ColumnType::boolean;
    if (delta == "binary") return ColumnType::binary;
    if (delta == "timestamp") return ColumnType::timestamp;
    return ColumnType::string;
}

std::string text_of(const json::object& object, std::string_view key) {
    const json::value* value = object.if_contains(key);
    return value != nullptr && value->is_string() ? std::string{value->get_string()} : std::string{};
}

std::vector<Column> columns_of(std::string_view text) {
    std::vector<Column> columns;
    const json::value schema = json::parse(text);
    for (const json::value& entry : schema.at("fields").as_array()) {
        const json::object& field = entry.as_object();
        Column column;
        column.name = text_of(field, "name");
        if (column.name == partition_column) continue;
        if (const json::value* metadata = field.if_contains("metadata"); metadata && metadata->is_object()) {
            column.kind = text_of(metadata->get_object(), "longhaul.kind");
            column.unit = text_of(metadata->get_object(), "longhaul.unit");
            column.help = text_of(metadata->get_object(), "comment");
        }
        column.type = column_type(text_of(field, "type"), column.kind);
        columns.push_back(std::move(column));
    }
    return columns;
}

void apply_add(const json::object& add, TableState& state) {
    DataFile file;
    file.path = text_of(add, "path");
    file.bytes = add.at("size").to_number<std::uint64_t>();
    file.stats = text_of(add, "stats");
    if (const json::value* values = add.if_contains("partitionValues"); values && values->is_object()) {
        file.receive_date = text_of(values->get_object(), partition_column);
    }
    state.files[file.path] = std::move(file);
}

Status apply_protocol(const json::object& protocol) {
    if (protocol.at("minReaderVersion").to_number<int>() > reader_version ||
        protocol.at("minWriterVersion").to_number<int>() > writer_version) {
        return Error{ErrorCode::unsupported, "the table was raised to a Delta protocol that this version does not write"};
    }
    return {};
}

Status apply_action(const json::object& action, TableState& state) {
    for (const auto& member : action) {
        const std::string_view kind{member.key()};
        if (!member.value().is_object()) continue;
        const json::object& body = member.value().get_object();
        if (kind == "protocol") LH_TRY(apply_protocol(body));
        if (kind == "metaData") {
            state.id = text_of(body, "id");
            state.columns = columns_of(text_of(body, "schemaString"));
        }
        if (kind == "txn") state.txns[text_of(body, "appId")] = body.at("version").to_number<std::int64_t>();
        if (kind == "add") apply_add(body, state);
        if (kind == "remove") state.files.erase(text_of(body, "path"));
    }
    return {};
}

}  // namespace

std::int64_t TableState::txn(const std::string& app) const {
    const auto found = txns.find(app);
    return found == txns.end() ? -1 : found->second;
}

Status DeltaTable::apply(Bytes commit_file) {
    TableState next = state_;
    std::string_view rest = as_text(commit_file);
    // Boost.JSON throws on text that is no Delta action; here that is damage, not our fault.
    try {
        while (!rest.empty()) {
            const std::size_t end = std::min(rest.find('\n'), rest.size());
            if (end != 0) LH_TRY(apply_action(json::parse(rest.substr(0, end)).as_object(), next));
            rest.remove_prefix(std::min(end + 1, rest.size()));
        }
    } catch (const std::exception&) {
        return Error{ErrorCode::corrupt, "a commit of the Delta log cannot be read"};
    }
    ++next.version;
    state_ = std::move(next);
    return {};
}

Status DeltaTable::refresh() {
    for (;;) {
        const auto bytes = store_.read(commit_path(folder_, state_.version + 1));
        if (!bytes.ok() && bytes.error().code == ErrorCode::not_found) return {};
        if (!bytes.ok()) return bytes.error();
        LH_TRY(apply(bytes.value()));
    }
}

std::string DeltaTable::commit_text(const TableCommit& commit) const {
    const std::int64_t now_ms = commit.now.value / 1000;
    std::string text;
    const auto line = [&text](std::string_view kind, json::object body) {
        text += json::serialize(json::object{{kind, std::move(body)}});
        text += '\n';
    };
    line("commitInfo", {{"timestamp", now_ms},
                        {"operation", "WRITE"},
                        {"operationParameters", {{"mode", "Append"}, {"partitionBy", "[\"receive_date\"]"}}},
                        {"engineInfo", "Longhaul/0.1.0"},
                        {"txnId", commit.commit_id},
                        {"isBlindAppend", true}});
    if (state_.version < 0) {
        line("protocol", {{"minReaderVersion", reader_version}, {"minWriterVersion", writer_version}});
    }
    if (!commit.new_columns.empty()) {
        line("metaData", {{"id", state_.version < 0 ? commit.table_id_if_new : state_.id},
                          {"name", folder_.substr(folder_.rfind('/') + 1)},
                          {"format", {{"provider", "parquet"}, {"options", json::object{}}}},
                          {"schemaString", schema_text(commit.new_columns)},
                          {"partitionColumns", {partition_column}},
                          {"configuration", json::object{}},
                          {"createdTime", now_ms}});
    }
    for (const auto& [app, version] : commit.txns) {
        line("txn", {{"appId", app}, {"version", version}, {"lastUpdated", now_ms}});
    }
    for (const DataFile& file : commit.files) {
        line("add", {{"path", file.path},
                     {"partitionValues", {{partition_column, file.receive_date}}},
                     {"size", file.bytes},
                     {"modificationTime", now_ms},
                     {"dataChange", true},
                     {"stats", file.stats}});
    }
    return text;
}

Status DeltaTable::commit(const TableCommit& commit) {
    const std::map<std::string, std::int64_t> before = state_.txns;
    for (int tries = 0; tries < commit_tries_max; ++tries) {
        bool done = !commit.txns.empty();
        for (const auto& [app, version] : commit.txns) {
            const std::int64_t now = state_.txn(app);
            const auto was = before.find(app);
            done = done && now == version;
            if (now != version && now != (was == before.end() ? -1 : was->second)) {
                return Error{ErrorCode::denied, "another writer has committed rows of this journal"};
            }
        }
        if (done) return {};
        const Status put = store_.put_if_absent(commit_path(folder_, state_.version + 1), as_bytes(commit_text(commit)));
        if (!put.ok() && put.error().code != ErrorCode::exists) return put;
        LH_TRY(refresh());
        if (put.ok()) return {};
    }
    return Error{ErrorCode::io, "the table is committed to by others without end"};
}

}  // namespace longhaul::collector
