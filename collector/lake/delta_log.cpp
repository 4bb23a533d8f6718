#include "collector/lake/delta_log.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>

#include "collector/lake/delta_checkpoint.hpp"

namespace longhaul::collector {
namespace {

// Others may commit between our look and our put; more often than this in a row is a fault.
constexpr int commit_tries_max = 100;
constexpr std::size_t version_digits = 20;
constexpr std::string_view commit_ending = ".json";
constexpr std::string_view checkpoint_ending = ".checkpoint.parquet";

std::string log_name(std::int64_t version, std::string_view ending) {
    char digits[32];
    std::snprintf(digits, sizeof(digits), "%020lld", static_cast<long long>(version));
    return digits + std::string{ending};
}

std::int64_t version_of(std::string_view name, std::string_view ending) {
    if (name.size() != version_digits + ending.size() || !name.ends_with(ending)) return -1;
    std::int64_t version = -1;
    const auto [end, error] = std::from_chars(name.data(), name.data() + version_digits, version);
    // The next one has to be a number, too.
    const bool whole = error == std::errc{} && end == name.data() + version_digits;
    return whole && version < INT64_MAX ? version : -1;
}

bool is_gone(const Error& error) { return error.code == ErrorCode::not_found; }

}  // namespace

std::string commit_name(std::int64_t version) { return log_name(version, commit_ending); }
std::string checkpoint_name(std::int64_t version) { return log_name(version, checkpoint_ending); }
std::int64_t commit_version(std::string_view name) { return version_of(name, commit_ending); }
std::int64_t checkpoint_version(std::string_view name) {
    return version_of(name, checkpoint_ending);
}

// Only files in the table's own folder are ours to read: a log that others write too must not name
// any other.
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

Result<std::vector<std::byte>> DeltaTable::read(const DataFile& file) {
    faulty_ = file.path;
    LH_TRY_ASSIGN(const std::string path, decoded_path(file.path));
    auto content = store_.read(folder_ + "/" + path);
    if (!content.ok() && is_gone(content.error())) {
        return Error{ErrorCode::corrupt, "a file that the Delta log lists is missing"};
    }
    if (content.ok() && content.value().size() != file.bytes) {
        return Error{ErrorCode::corrupt, "a file has another size than the Delta log says"};
    }
    return content;
}

Status DeltaTable::refresh() {
    if (!begun_) LH_TRY(begin());
    for (;;) {
        faulty_ = "_delta_log/" + commit_name(state_.version + 1);
        const auto bytes = store_.read(folder_ + "/" + faulty_);
        if (!bytes.ok() && is_gone(bytes.error())) {
            if (!checked_) {
                LH_TRY_ASSIGN(checked_, is_whole());
            }
            if (!checked_) continue;  // somebody has committed since
            faulty_.clear();
            return {};
        }
        if (!bytes.ok()) return bytes.error();
        LH_TRY_ASSIGN(TableChanges changes, read_commit(bytes.value()));
        apply(std::move(changes), keep_ == Keep::everything, state_);
        ++state_.version;
    }
}

// From the newest checkpoint that is whole; without one from nothing.
Status DeltaTable::begin() {
    LH_TRY_ASSIGN(const std::vector<std::string> names, store_.list(log_folder()));
    damaged_checkpoints_.clear();
    for (auto name = names.rbegin(); name != names.rend(); ++name) {
        const std::int64_t version = checkpoint_version(*name);
        if (version < 0) continue;
        faulty_ = "_delta_log/" + *name;
        const auto bytes = store_.read(folder_ + "/" + faulty_);
        if (!bytes.ok() && !is_gone(bytes.error())) return bytes.error();
        auto state = bytes.ok() ? read_checkpoint(bytes.value(), keep_ == Keep::everything)
                                : Result<TableState>{ErrorCode::corrupt};
        if (!state.ok() && state.error().code != ErrorCode::corrupt) return state.error();
        if (!state.ok()) {
            damaged_checkpoints_.push_back(*name);
            continue;
        }
        state_ = std::move(state).value();
        state_.version = checkpoint_ = version;
        break;
    }
    begun_ = true;
    return {};
}

// Whether what was read is all of the log: a gap must not be taken for its end, nor a log without
// its beginning, of which every checkpoint is damaged, for a new table.
Result<bool> DeltaTable::is_whole() {
    LH_TRY_ASSIGN(const std::vector<std::string> names, store_.list(log_folder()));
    std::int64_t newest = -1;
    bool has_next = false;
    for (const std::string& name : names) {
        newest = std::max(newest, commit_version(name));
        has_next = has_next || commit_version(name) == state_.version + 1;
    }
    if (has_next) return false;
    if (state_.version < 0 && !names.empty()) {
        begun_ = false;
        if (damaged_checkpoints_.empty()) {
            return Error{ErrorCode::unsupported,
                         "the table's log begins neither at version 0 nor with a checkpoint that "
                         "this version reads"};
        }
        faulty_ = "_delta_log/" + damaged_checkpoints_.front();
        return Error{ErrorCode::corrupt,
                     "the table's log does not begin at version 0, and every checkpoint is "
                     "damaged"};
    }
    if (newest > state_.version)
        return Error{ErrorCode::corrupt, "a commit in the middle of the Delta log is missing"};
    return true;
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
    if (!commit.txns.empty() && done) return true;
    const auto is_there = [this](const auto& path) { return state_.files.contains(path); };
    const bool has_files =
        std::all_of(commit.files.begin(), commit.files.end(),
                    [&is_there](const DataFile& file) { return is_there(file.path); });
    const bool has_all = std::all_of(commit.removed.begin(), commit.removed.end(), is_there);
    const bool has_none = std::none_of(commit.removed.begin(), commit.removed.end(), is_there);
    // Files' names tell their content: what has taken the place of these is what was to.
    if (commit.txns.empty() && !commit.files.empty() && has_files && has_none) return true;
    if (!has_all)
        return Error{ErrorCode::out_of_order, "another program has removed one of the files"};
    return commit.txns.empty() && has_files && commit.removed.empty();
}

Status DeltaTable::commit(const TableCommit& commit, const Allows& allows) {
    LH_CHECK(!commit.txns.empty() || keep_ == Keep::everything);
    const Txns before = commit.txns_before.value_or(state_.txns);
    const std::string name = folder_.substr(folder_.rfind('/') + 1);
    for (int tries = 0; tries < commit_tries_max; ++tries) {
        LH_TRY_ASSIGN(const bool follows, is_at_end());
        if (!follows) LH_TRY(read_again());
        if (allows) LH_TRY(allows(state_));
        LH_TRY_ASSIGN(const bool done, is_done(commit, before));
        if (done) return {};
        LH_TRY_ASSIGN(const std::string text, commit_text(commit, state_, name));
        const std::int64_t version = state_.version + 1;
        faulty_ = "_delta_log/" + commit_name(version);
        const Status put = store_.put_if_absent(folder_ + "/" + faulty_, as_bytes(text));
        if (!put.ok() && put.error().code != ErrorCode::exists) return put;
        if (put.ok()) {
            LH_TRY_ASSIGN(const bool is_next, confirm(version));
            if (!is_next) LH_TRY(read_again());
            if (!is_next) continue;
        }
        LH_TRY(refresh());
        if (put.ok()) return {};
    }
    return Error{ErrorCode::io, "the table is committed to by others without end"};
}

// A table that this writer had nothing for, while others committed to it and the log was cut below
// their checkpoints, goes on where they are.
Result<bool> DeltaTable::is_at_end() {
    return state_.version < 0 ? Result<bool>{true} : has_commit(state_.version);
}

Status DeltaTable::read_again() {
    begun_ = checked_ = false;
    state_ = {};
    checkpoint_ = -1;
    return refresh();
}

// The same once more, behind the put: the log may have been cut in between. Logs are cut from their
// beginning, commit by commit: as long as the one before is there, the name was free because nobody
// had used it. If not, the commit lies where nobody reads, and is deleted with the next cut.
Result<bool> DeltaTable::confirm(std::int64_t version) {
    return version == 0 ? is_first() : has_commit(version - 1);
}

Result<bool> DeltaTable::has_commit(std::int64_t version) {
    const auto bytes = store_.read(log_folder() + "/" + commit_name(version));
    if (!bytes.ok() && !is_gone(bytes.error())) return bytes.error();
    return bytes.ok();
}

Result<bool> DeltaTable::is_first() {
    LH_TRY_ASSIGN(const std::vector<std::string> names, store_.list(log_folder()));
    return std::none_of(names.begin(), names.end(), [](const std::string& name) {
        return checkpoint_version(name) > 0 || commit_version(name) > 1;
    });
}

Status DeltaTable::write_checkpoint(std::int64_t forget_removed_until_ms) {
    LH_CHECK(keep_ == Keep::everything && state_.version >= 0);
    LH_TRY_ASSIGN(const Checkpoint made,
                  collector::write_checkpoint(state_, forget_removed_until_ms));
    faulty_ = "_delta_log/" + checkpoint_name(state_.version);
    LH_TRY(store_.replace(folder_ + "/" + faulty_, made.file));
    LH_TRY_ASSIGN(const auto there, store_.read(folder_ + "/" + faulty_));
    LH_TRY_ASSIGN(const TableState read_back, read_checkpoint(there, true));
    const bool same = read_back.txns == state_.txns && read_back.columns == state_.columns &&
                      read_back.files == state_.files;
    if (!same) {
        LH_TRY(store_.remove(folder_ + "/" + faulty_));
        return Error{ErrorCode::corrupt, "a checkpoint does not say what the Delta log says"};
    }
    LH_TRY(store_.replace(log_folder() + "/_last_checkpoint", as_bytes(made.last_checkpoint)));
    checkpoint_ = state_.version;
    return {};
}

}  // namespace longhaul::collector
