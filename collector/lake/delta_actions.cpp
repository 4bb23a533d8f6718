#include "collector/lake/delta_actions.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "collector/lake/delta_schema.hpp"
#include "collector/lake/file_names.hpp"
#include "common/base/crc32c.hpp"

namespace longhaul::collector {
namespace {

namespace json = boost::json;

constexpr std::size_t stamp_digits = 8;

std::string text_of(const json::object& object, std::string_view key) {
    const json::value* value = object.if_contains(key);
    return value != nullptr && value->is_string() ? std::string{value->get_string()}
                                                  : std::string{};
}

std::int64_t number_of(const json::object& object, std::string_view key) {
    const json::value* value = object.if_contains(key);
    return value != nullptr && value->is_int64() ? value->get_int64() : 0;
}

std::string partition_of(const json::object& action) {
    const json::value* values = action.if_contains("partitionValues");
    return values && values->is_object() ? text_of(values->get_object(), partition_column)
                                         : std::string{};
}

void gather_add(const json::object& add, TableChanges& changes) {
    DataFile file;
    file.path = text_of(add, "path");
    file.bytes = add.at("size").to_number<std::uint64_t>();
    file.stats = text_of(add, "stats");
    file.rows = rows_of_stats(file.stats);
    file.modified_ms = number_of(add, "modificationTime");
    file.receive_date = partition_of(add);
    changes.removed.erase(file.path);
    const std::string path = file.path;
    changes.added.insert_or_assign(path, std::move(file));
}

void gather_remove(const json::object& remove, TableChanges& changes) {
    const std::string path = text_of(remove, "path");
    changes.added.erase(path);
    changes.removed.insert_or_assign(
        path,
        RemovedFile{partition_of(remove), static_cast<std::uint64_t>(number_of(remove, "size")),
                    number_of(remove, "deletionTimestamp")});
}

Status gather_action(const json::object& action, TableChanges& changes) {
    for (const auto& member : action) {
        const std::string_view kind{member.key()};
        if (!member.value().is_object()) continue;
        const json::object& body = member.value().get_object();
        if (kind == "protocol") {
            LH_TRY(check_protocol(body.at("minReaderVersion").to_number<std::int64_t>(),
                                  body.at("minWriterVersion").to_number<std::int64_t>()));
        }
        if (kind == "metaData") LH_TRY(gather_metadata(body, changes));
        if (kind == "txn")
            changes.txns[text_of(body, "appId")] = body.at("version").to_number<std::int64_t>();
        if (kind == "add") gather_add(body, changes);
        if (kind == "remove") gather_remove(body, changes);
    }
    return {};
}

// Whether the table has this column, with all of its labels and decimal places.
bool has_column(const std::vector<Column>& columns, const Column& wanted) {
    return std::any_of(columns.begin(), columns.end(), [&wanted](Column column) {
        return column.name == wanted.name &&
               delta_name(column.type) == std::string_view{delta_name(wanted.type)} &&
               !widen(column, wanted);
    });
}

// The metaData of a new table; its schema is still empty.
std::string first_metadata(const TableCommit& commit, const std::string& table_name) {
    json::object metadata{{"id", commit.table_id_if_new}, {"name", table_name}};
    if (!commit.description_if_new.empty()) metadata["description"] = commit.description_if_new;
    metadata["format"] = {{"provider", "parquet"}, {"options", json::object{}}};
    metadata["schemaString"] = "";
    metadata["partitionColumns"] = json::array{partition_column};
    // Only we know which checkpoints have been read back, so nobody else may cut the log.
    metadata["configuration"] = {{"delta.enableExpiredLogCleanup", "false"}};
    metadata["createdTime"] = commit.now.value / 1000;
    return json::serialize(metadata);
}

// The metaData that the table needs for this commit; empty when it has every column.
Result<std::string> metadata_for(const TableCommit& commit, const TableState& state,
                                 const std::string& table_name) {
    const bool has_all =
        std::all_of(commit.columns.begin(), commit.columns.end(),
                    [&state](const Column& wanted) { return has_column(state.columns, wanted); });
    if (has_all) return std::string{};
    // A copy of what is there, so that properties that others have set stay.
    json::object metadata =
        json::parse(state.version < 0 ? first_metadata(commit, table_name) : state.metadata)
            .as_object();
    LH_TRY_ASSIGN(metadata["schemaString"],
                  schema_with(text_of(metadata, "schemaString"), commit.columns));
    return json::serialize(metadata);
}

json::object commit_info(const TableCommit& commit) {
    std::uint64_t rows = 0;
    for (const DataFile& file : commit.files) rows += file.rows;
    json::object info{{"timestamp", commit.now.value / 1000}, {"operation", commit.operation}};
    if (commit.operation == std::string_view{"WRITE"}) {
        const char* const mode = commit.removed.empty() ? "Append" : "Overwrite";
        info["operationParameters"] = {{"mode", mode}, {"partitionBy", "[\"receive_date\"]"}};
        info["operationMetrics"] = {{"numFiles", std::to_string(commit.files.size())},
                                    {"numOutputRows", std::to_string(rows)}};
    } else {
        info["operationParameters"] = {{"predicate", "[]"}};
        info["operationMetrics"] = {{"numAddedFiles", std::to_string(commit.files.size())},
                                    {"numRemovedFiles", std::to_string(commit.removed.size())}};
    }
    info["engineInfo"] = "Longhaul/" LH_VERSION;
    info["txnId"] = commit.commit_id;
    info["isBlindAppend"] = commit.removed.empty();
    info["checkedBy"] = "longhaulCrc32c";
    info["longhaulCrc32c"] = std::string(stamp_digits, '0');
    return info;
}

json::object remove_action(const std::string& path, const DataFile& file,
                           const TableCommit& commit) {
    return {
        {"path", path},
        {"deletionTimestamp", commit.now.value / 1000},
        // Also when the same rows are added again: of others that compact at the same time, some
        // (deltalake 1.6.6) pass over a removal without it, and would add the rows once more.
        {"dataChange", true},
        {"extendedFileMetadata", true},
        {"partitionValues", {{partition_column, file.receive_date}}},
        {"size", file.bytes}};
}

std::string stamp_of(std::string_view text, std::size_t at) {
    std::uint32_t crc = crc32c(as_bytes(text.substr(0, at)));
    crc = crc32c(as_bytes(std::string(stamp_digits, '0')), crc);
    crc = crc32c(as_bytes(text.substr(at + stamp_digits)), crc);
    constexpr std::string_view digits = "0123456789abcdef";
    std::string stamp;
    for (int shift = 28; shift >= 0; shift -= 4) stamp += digits[crc >> shift & 15];
    return stamp;
}

}  // namespace

DataFile data_file(const std::string& receive_date, std::string_view stem, WrittenFile written) {
    DataFile file;
    file.path = data_file_path(receive_date, stem, written.content);
    file.receive_date = receive_date;
    file.bytes = written.bytes;
    file.rows = written.rows;
    file.stats = std::move(written.stats);
    return file;
}

std::int64_t TableState::txn(const std::string& app) const {
    const auto found = txns.find(app);
    return found == txns.end() ? -1 : found->second;
}

void apply(TableChanges&& changes, bool with_files, TableState& state) {
    if (changes.metadata) {
        state.metadata = std::move(*changes.metadata);
        state.columns = std::move(changes.columns);
    }
    for (auto& [app, version] : changes.txns) state.txns[app] = version;
    if (!with_files) return;
    for (auto& [path, file] : changes.added) {
        state.removed.erase(path);
        state.files[path] = std::move(file);
    }
    for (auto& [path, file] : changes.removed) {
        state.files.erase(path);
        state.removed[path] = std::move(file);
    }
}

Result<TableChanges> read_commit(Bytes bytes) {
    std::string_view rest = as_text(bytes);
    if (!stamp_fits(rest, commit_stamp_mark, commit_stamp_claim)) {
        return Error{ErrorCode::corrupt,
                     "a commit of the Delta log is not what was written: its checksum differs"};
    }
    TableChanges changes;
    // Boost.JSON throws on text that is no Delta action; here that is damage, not our fault.
    try {
        while (!rest.empty()) {
            const std::size_t end = std::min(rest.find('\n'), rest.size());
            if (end != 0)
                LH_TRY(gather_action(json::parse(rest.substr(0, end)).as_object(), changes));
            rest.remove_prefix(std::min(end + 1, rest.size()));
        }
    } catch (const std::exception&) {
        return Error{ErrorCode::corrupt, "a commit of the Delta log cannot be read"};
    }
    return changes;
}

Status check_protocol(std::int64_t reader, std::int64_t writer) {
    if (reader > delta_reader_version || writer > delta_writer_version) {
        return Error{ErrorCode::unsupported,
                     "the table was raised to a Delta protocol that this version does not write"};
    }
    return {};
}

Status gather_metadata(const json::object& metadata, TableChanges& changes) {
    const json::value* partitions = metadata.if_contains("partitionColumns");
    if (partitions == nullptr || *partitions != json::value(json::array{partition_column})) {
        return Error{ErrorCode::unsupported, "the table is not partitioned by receive_date"};
    }
    LH_TRY_ASSIGN(changes.columns, columns_of_schema(text_of(metadata, "schemaString")));
    changes.metadata = json::serialize(metadata);
    return {};
}

std::uint64_t rows_of_stats(std::string_view stats) {
    boost::system::error_code error;
    const json::value parsed = json::parse(stats, error);
    if (error || !parsed.is_object()) return 0;
    return static_cast<std::uint64_t>(number_of(parsed.get_object(), "numRecords"));
}

Result<std::string> commit_text(const TableCommit& commit, const TableState& state,
                                const std::string& table_name) {
    const std::int64_t now_ms = commit.now.value / 1000;
    LH_TRY_ASSIGN(const std::string metadata, metadata_for(commit, state, table_name));
    std::string text;
    const auto line = [&text](std::string_view kind, json::object body) {
        text += json::serialize(json::object{{kind, std::move(body)}});
        text += '\n';
    };
    line("commitInfo", commit_info(commit));
    if (state.version < 0) {
        line("protocol", {{"minReaderVersion", delta_reader_version},
                          {"minWriterVersion", delta_writer_version}});
    }
    if (!metadata.empty()) text += "{\"metaData\":" + metadata + "}\n";
    for (const auto& [app, version] : commit.txns) {
        line("txn", {{"appId", app}, {"version", version}, {"lastUpdated", now_ms}});
    }
    for (const std::string& path : commit.removed)
        line("remove", remove_action(path, state.files.at(path), commit));
    for (const DataFile& file : commit.files) {
        line("add", {{"path", file.path},
                     {"partitionValues", {{partition_column, file.receive_date}}},
                     {"size", file.bytes},
                     {"modificationTime", now_ms},
                     {"dataChange", commit.new_data},
                     {"stats", file.stats}});
    }
    stamp(text, commit_stamp_mark);
    return text;
}

void stamp(std::string& text, std::string_view mark) {
    const std::size_t found = text.find(mark);
    LH_CHECK(found != std::string::npos);
    const std::size_t at = found + mark.size();
    LH_CHECK(at + stamp_digits <= text.size());
    text.replace(at, stamp_digits, stamp_of(text, at));
}

bool stamp_fits(std::string_view text, std::string_view mark, std::string_view claim) {
    const std::size_t found = text.find(mark);
    const bool claimed = text.find(claim) != std::string_view::npos;
    if (found == std::string_view::npos) return !claimed;
    const std::size_t at = found + mark.size();
    return claimed && at + stamp_digits <= text.size() &&
           text.substr(at, stamp_digits) == stamp_of(text, at);
}

}  // namespace longhaul::collector
