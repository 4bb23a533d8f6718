#include "collector/lake/delta_log.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <cstdio>
#include <optional>

#include "collector/lake/delta_schema.hpp"

namespace longhaul::collector {
namespace {

namespace json = boost::json;

constexpr int reader_version = 1;
constexpr int writer_version = 2;
// Others may commit between our look and our put; more often than this in a row is a fault.
constexpr int commit_tries_max = 100;

std::string commit_path(const std::string& folder, std::int64_t version) {
    char name[32];
    std::snprintf(name, sizeof(name), "%020lld.json", static_cast<long long>(version));
    return folder + "/_delta_log/" + name;
}

std::string text_of(const json::object& object, std::string_view key) {
    const json::value* value = object.if_contains(key);
    return value != nullptr && value->is_string() ? std::string{value->get_string()}
                                                  : std::string{};
}

// What one commit changes, gathered first, so that a commit that cannot be read changes nothing.
struct CommitChanges {
    std::optional<std::string> metadata;
    std::vector<Column> columns;  // with metadata
    Txns txns;
    std::map<std::string, std::optional<DataFile>> files;  // nullopt: removed
};

void gather_add(const json::object& add, CommitChanges& changes) {
    DataFile file;
    file.path = text_of(add, "path");
    file.bytes = add.at("size").to_number<std::uint64_t>();
    file.stats = text_of(add, "stats");
    if (const json::value* values = add.if_contains("partitionValues");
        values && values->is_object()) {
        file.receive_date = text_of(values->get_object(), partition_column);
    }
    std::optional<DataFile>& place = changes.files[file.path];
    place = std::move(file);
}

Status check_protocol(const json::object& protocol) {
    if (protocol.at("minReaderVersion").to_number<int>() > reader_version ||
        protocol.at("minWriterVersion").to_number<int>() > writer_version) {
        return Error{ErrorCode::unsupported,
                     "the table was raised to a Delta protocol that this version does not write"};
    }
    return {};
}

Status gather_metadata(const json::object& metadata, CommitChanges& changes) {
    const json::value* partitions = metadata.if_contains("partitionColumns");
    if (partitions == nullptr || *partitions != json::value(json::array{partition_column})) {
        return Error{ErrorCode::unsupported, "the table is not partitioned by receive_date"};
    }
    LH_TRY_ASSIGN(changes.columns, columns_of_schema(text_of(metadata, "schemaString")));
    changes.metadata = json::serialize(metadata);
    return {};
}

Status gather_action(const json::object& action, CommitChanges& changes) {
    for (const auto& member : action) {
        const std::string_view kind{member.key()};
        if (!member.value().is_object()) continue;
        const json::object& body = member.value().get_object();
        if (kind == "protocol") LH_TRY(check_protocol(body));
        if (kind == "metaData") LH_TRY(gather_metadata(body, changes));
        if (kind == "txn")
            changes.txns[text_of(body, "appId")] = body.at("version").to_number<std::int64_t>();
        if (kind == "add") gather_add(body, changes);
        if (kind == "remove") changes.files[text_of(body, "path")] = std::nullopt;
    }
    return {};
}

void apply(CommitChanges&& changes, TableState& state) {
    if (changes.metadata) {
        state.metadata = std::move(*changes.metadata);
        state.columns = std::move(changes.columns);
    }
    for (auto& [app, version] : changes.txns) state.txns[app] = version;
    for (auto& [path, file] : changes.files) {
        if (file) {
            state.files[path] = std::move(*file);
        } else {
            state.files.erase(path);
        }
    }
}

// The path of an `add` is a percent-encoded URI. Only files in the table's own folder are ours to
// read: a log that others write too must not name any other.
Result<std::string> decoded_path(std::string_view path) {
    const Error outside{ErrorCode::unsupported,
                        "the Delta log lists a file that does not lie in the table's folder"};
    std::string decoded;
    for (std::size_t i = 0; i < path.size(); ++i) {
        unsigned value = static_cast<unsigned char>(path[i]);
        if (path[i] == '%') {
            const char* const digits = path.data() + i + 1;
            if (path.size() - i < 3 ||
                std::from_chars(digits, digits + 2, value, 16).ptr != digits + 2 || value == 0)
                return Error{ErrorCode::corrupt, "a path in the Delta log"};
            i += 2;
        }
        decoded += static_cast<char>(value);
    }
    if (path.find(':') != std::string_view::npos || decoded.starts_with('/')) return outside;
    if (("/" + decoded + "/").find("/../") != std::string::npos) return outside;
    return decoded;
}

// The version whose commit has this name in the log's folder; -1: it is none.
std::int64_t version_of(std::string_view name) {
    constexpr std::size_t digits = 20;
    if (name.size() != digits + 5 || !name.ends_with(".json")) return -1;
    std::int64_t version = -1;
    const auto [end, error] = std::from_chars(name.data(), name.data() + digits, version);
    return error == std::errc{} && end == name.data() + digits ? version : -1;
}

// Whether the table has this column, with all of its labels and decimal places.
bool has_column(const std::vector<Column>& columns, const Column& wanted) {
    return std::any_of(columns.begin(), columns.end(), [&wanted](Column column) {
        return column.name == wanted.name &&
               delta_name(column.type) == std::string_view{delta_name(wanted.type)} &&
               !widen(column, wanted);
    });
}

}  // namespace

std::int64_t TableState::txn(const std::string& app) const {
    const auto found = txns.find(app);
    return found == txns.end() ? -1 : found->second;
}

Status DeltaTable::apply(Bytes commit_file) {
    CommitChanges changes;
    std::string_view rest = as_text(commit_file);
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
    collector::apply(std::move(changes), state_);
    ++state_.version;
    return {};
}

Result<std::vector<std::byte>> DeltaTable::read(const DataFile& file) {
    LH_TRY_ASSIGN(const std::string path, decoded_path(file.path));
    auto content = store_.read(folder_ + "/" + path);
    if (!content.ok() && content.error().code == ErrorCode::not_found) {
        return Error{ErrorCode::corrupt, "a file that the Delta log lists is missing"};
    }
    if (content.ok() && content.value().size() != file.bytes) {
        return Error{ErrorCode::corrupt, "a file has another size than the Delta log says"};
    }
    return content;
}

Status DeltaTable::refresh() {
    for (;;) {
        const auto bytes = store_.read(commit_path(folder_, state_.version + 1));
        if (!bytes.ok() && bytes.error().code == ErrorCode::not_found) {
            if (checked_) return {};
            LH_TRY_ASSIGN(checked_, is_whole());
            if (checked_) return {};
            continue;  // somebody has committed since
        }
        if (!bytes.ok()) return bytes.error();
        LH_TRY(apply(bytes.value()));
    }
}

// Whether what was read is all of the log: a gap must not be taken for its end, nor a log without
// its first commit, which another program has cut down to a checkpoint, for a new table.
Result<bool> DeltaTable::is_whole() {
    LH_TRY_ASSIGN(const std::vector<std::string> names, store_.list(folder_ + "/_delta_log"));
    std::int64_t newest = -1;
    bool has_next = false;
    for (const std::string& name : names) {
        newest = std::max(newest, version_of(name));
        has_next = has_next || version_of(name) == state_.version + 1;
    }
    if (has_next) return false;
    if (state_.version < 0 && !names.empty()) {
        return Error{
            ErrorCode::unsupported,
            "the table's log does not begin at version 0, and this version reads no checkpoints"};
    }
    if (newest > state_.version)
        return Error{ErrorCode::corrupt, "a commit in the middle of the Delta log is missing"};
    return true;
}

// The metaData of a new table; its schema is still empty.
std::string DeltaTable::first_metadata(const TableCommit& commit) const {
    json::object metadata{{"id", commit.table_id_if_new},
                          {"name", folder_.substr(folder_.rfind('/') + 1)}};
    if (!commit.description_if_new.empty()) metadata["description"] = commit.description_if_new;
    metadata["format"] = {{"provider", "parquet"}, {"options", json::object{}}};
    metadata["schemaString"] = "";
    metadata["partitionColumns"] = json::array{partition_column};
    // We read the log from its beginning, so nobody may cut it down to a checkpoint.
    metadata["configuration"] = {{"delta.enableExpiredLogCleanup", "false"}};
    metadata["createdTime"] = commit.now.value / 1000;
    return json::serialize(metadata);
}

// The metaData that the table needs for this commit; empty when it has every column.
Result<std::string> DeltaTable::metadata_for(const TableCommit& commit) const {
    const bool has_all =
        std::all_of(commit.columns.begin(), commit.columns.end(),
                    [this](const Column& wanted) { return has_column(state_.columns, wanted); });
    if (has_all) return std::string{};
    // A copy of what is there, so that properties that others have set stay.
    json::object metadata =
        json::parse(state_.version < 0 ? first_metadata(commit) : state_.metadata).as_object();
    LH_TRY_ASSIGN(metadata["schemaString"],
                  schema_with(text_of(metadata, "schemaString"), commit.columns));
    return json::serialize(metadata);
}

Result<std::string> DeltaTable::commit_text(const TableCommit& commit) const {
    const std::int64_t now_ms = commit.now.value / 1000;
    LH_TRY_ASSIGN(const std::string metadata, metadata_for(commit));
    std::string text;
    const auto line = [&text](std::string_view kind, json::object body) {
        text += json::serialize(json::object{{kind, std::move(body)}});
        text += '\n';
    };
    std::uint64_t rows = 0;
    for (const DataFile& file : commit.files) rows += file.rows;
    line("commitInfo",
         {{"timestamp", now_ms},
          {"operation", "WRITE"},
          {"operationParameters", {{"mode", "Append"}, {"partitionBy", "[\"receive_date\"]"}}},
          {"operationMetrics",
           {{"numFiles", std::to_string(commit.files.size())},
            {"numOutputRows", std::to_string(rows)}}},
          {"engineInfo", "Longhaul/" LH_VERSION},
          {"txnId", commit.commit_id},
          {"isBlindAppend", true}});
    if (state_.version < 0) {
        line("protocol",
             {{"minReaderVersion", reader_version}, {"minWriterVersion", writer_version}});
    }
    if (!metadata.empty()) text += "{\"metaData\":" + metadata + "}\n";
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

// Whether the commit is in the log already. Error denied: somebody else has moved one of its txns.
Result<bool> DeltaTable::is_done(const TableCommit& commit, const Txns& before) const {
    bool done = true;
    bool moved = false;
    for (const auto& [app, version] : commit.txns) {
        const auto was = before.find(app);
        done = done && state_.txn(app) == version;
        moved = moved || state_.txn(app) != (was == before.end() ? -1 : was->second);
    }
    if (moved && !done)
        return Error{ErrorCode::denied, "another writer has committed rows of this journal"};
    return done;
}

Status DeltaTable::commit(const TableCommit& commit) {
    LH_CHECK(!commit.txns.empty());
    const Txns before = state_.txns;
    for (int tries = 0; tries < commit_tries_max; ++tries) {
        LH_TRY_ASSIGN(const bool done, is_done(commit, before));
        if (done) return {};
        LH_TRY_ASSIGN(const std::string text, commit_text(commit));
        const Status put =
            store_.put_if_absent(commit_path(folder_, state_.version + 1), as_bytes(text));
        if (!put.ok() && put.error().code != ErrorCode::exists) return put;
        LH_TRY(refresh());
        if (put.ok()) return {};
    }
    return Error{ErrorCode::io, "the table is committed to by others without end"};
}

}  // namespace longhaul::collector
