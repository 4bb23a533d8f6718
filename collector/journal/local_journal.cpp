#include "collector/journal/local_journal.hpp"

#include <algorithm>

#include "collector/journal/journal_swap.hpp"
#include "collector/journal/local_reader.hpp"
#include "collector/journal/segment.hpp"

namespace longhaul::collector {
namespace {

// What comes during a sync makes larger groups than are wanted; room for rarer ones is given back.
constexpr std::size_t keep_groups = 4;

const Error poisoned{ErrorCode::closed, "the journal takes nothing after a failed write"};

// Where the last whole entry of a segment ends; what lies behind it was never acknowledged.
std::size_t end_of_entries(Bytes bytes, const SegmentHeader& header) {
    std::size_t end = segment_header_bytes;
    for (std::size_t at = end; at < bytes.size();) {
        const Bytes rest = bytes.subspan(at);
        const EntryPlace place{header.salt, header.base + at - segment_header_bytes};
        const auto parsed = parse_entry(rest, place);
        at += parsed.ok() ? parsed.value().bytes : skip_to_entry(rest, place);
        if (parsed.ok()) end = at;
    }
    return end;
}

}  // namespace

Result<std::unique_ptr<LocalJournal>> LocalJournal::open(Disk& disk,
                                                         const LocalJournalSettings& settings) {
    std::unique_ptr<LocalJournal> journal{new LocalJournal{disk, settings}};
    LH_TRY(journal->load_or_make_meta(true));
    for (Shard shard = 0; shard < journal->shards(); ++shard) LH_TRY(journal->recover(shard, true));
    return journal;
}

Result<std::unique_ptr<LocalJournal>> LocalJournal::open_to_read(Disk& disk) {
    std::unique_ptr<LocalJournal> journal{new LocalJournal{disk, {}}};
    LH_TRY(journal->load_or_make_meta(false));
    for (Shard shard = 0; shard < journal->shards(); ++shard)
        LH_TRY(journal->recover(shard, false));
    journal->poisoned_ = true;  // append() is closed
    return journal;
}

Status LocalJournal::load_or_make_meta(bool may_make) {
    LH_TRY_ASSIGN(const auto between_two, begun_swap(disk_));
    if (between_two)
        return Error{ErrorCode::malformed,
                     "an adoption was interrupted; `longhaul adopt` finishes it"};
    auto bytes = read_file(disk_, journal_meta_path);
    if (!bytes.ok() && bytes.error().code == ErrorCode::not_found && may_make) {
        LH_TRY(make());
        bytes = read_file(disk_, journal_meta_path);
    }
    if (!bytes.ok()) return bytes.error();
    LH_TRY_ASSIGN(meta_, parse_journal_meta(bytes.value()));
    for (Shard shard = 0; shard < meta_.shards; ++shard) {
        shards_.push_back(std::make_unique<ShardState>());
    }
    return {};
}

// The folders first, so that a journal with a journal.meta is a whole one.
Status LocalJournal::make() {
    const JournalMeta meta{
        {settings_.uuid_if_new, 0}, settings_.shards_if_new, settings_.salt_if_new};
    for (Shard shard = 0; shard < shards_max; ++shard) {
        const auto bases = segment_bases(disk_, shard);
        if (!bases.ok() && bases.error().code == ErrorCode::not_found) continue;
        if (!bases.ok()) return bases.error();
        if (!bases.value().empty()) {
            return Error{ErrorCode::malformed,
                         "journal.meta is gone, its segments are still there"};
        }
    }
    for (Shard shard = 0; shard < meta.shards; ++shard)
        LH_TRY(disk_.make_directories(shard_folder(shard)));
    return replace_file(disk_, journal_meta_path, write_journal_meta(meta));
}

Status LocalJournal::recover(Shard shard, bool may_change) {
    ShardState& state = *shards_[shard];
    LH_TRY_ASSIGN(std::vector<Offset> bases, segment_bases(disk_, shard));
    for (; !bases.empty(); bases.pop_back()) {
        const SegmentHeader header{shard, bases.back(), meta_.salt};
        const std::string path = segment_path(shard, header.base);
        LH_TRY_ASSIGN(const std::vector<std::byte> bytes, read_file(disk_, path));
        const Status sound = check_segment_header(bytes, header);
        if (!sound.ok() && sound.error().code != ErrorCode::corrupt) return sound;
        const std::size_t end = end_of_entries(bytes, header);
        state.end = header.base + end - segment_header_bytes;
        if (sound.ok() || end != segment_header_bytes) {
            state.file_bytes = end - segment_header_bytes;
            trimmed_bytes_ += bytes.size() - end;
            if (may_change) LH_TRY(go_on_with(state, path, Bytes{bytes}.first(end)));
            break;
        }
        // A crash while the segment was made; nothing was in it.
        trimmed_bytes_ += bytes.size();
        if (may_change) LH_TRY(disk_.remove(path));
    }
    if (may_change) LH_TRY(disk_.sync_directory(shard_folder(shard)));
    state.durable_end = state.end;
    return {};
}

// What is read from here on counts as durable. The process before may have died between its write
// and its sync, or of a sync that failed; then the operating system may hold bytes that it takes
// for written and never writes, so a sync of the old file would prove nothing.
Status LocalJournal::go_on_with(ShardState& state, const std::string& path, Bytes whole) {
    LH_TRY(replace_file(disk_, path, whole));
    LH_TRY_ASSIGN(state.file, disk_.open(path));
    return {};
}

Result<Offset> LocalJournal::append(Shard shard, const JournalEntry& entry, MonotonicMs now) {
    LH_CHECK(shard < shards());
    const std::lock_guard lock{mutex_};
    if (poisoned_) return poisoned;
    ShardState& state = *shards_[shard];
    const std::size_t before = state.group.size();
    LH_TRY(add_entry(entry, {meta_.salt, state.end}, state.group));
    const std::size_t added = state.group.size() - before;
    if (group_bytes_ == 0) group_due_ = now + settings_.group_ms_max;
    group_bytes_ += added;
    if (group_bytes_ >= settings_.group_bytes_max) group_due_ = std::min(group_due_, now);
    state.end += added;
    return state.end;
}

MonotonicMs LocalJournal::due() const {
    const std::lock_guard lock{mutex_};
    return group_due_;
}

Status LocalJournal::step(MonotonicMs now) {
    if (now >= due()) return flush();
    const std::lock_guard lock{mutex_};
    return poisoned_ ? Status{poisoned} : Status{};
}

Status LocalJournal::flush() {
    LH_TRY(take_groups());
    for (Shard shard = 0; shard < shards(); ++shard) {
        const Status status = write_group(shard);
        if (status.ok()) continue;
        const std::lock_guard lock{mutex_};
        poisoned_ = true;  // what the disk holds is unknown now; only a new start finds out
        return status;
    }
    return {};
}

// What is appended from here on belongs to the next groups.
Status LocalJournal::take_groups() {
    const std::lock_guard lock{mutex_};
    if (poisoned_) return poisoned;
    for (const auto& state : shards_) state->writing.swap(state->group);
    group_bytes_ = 0;
    group_due_ = MonotonicMs::never();
    return {};
}

// The header is synced with the first group.
Status LocalJournal::begin_segment(Shard shard) {
    ShardState& state = *shards_[shard];
    const Offset base = state.durable_end;
    LH_TRY_ASSIGN(state.file, disk_.create(segment_path(shard, base)));
    state.file_bytes = 0;
    LH_TRY(state.file->append(write_segment_header({shard, base, meta_.salt})));
    return disk_.sync_directory(shard_folder(shard));
}

Status LocalJournal::write_group(Shard shard) {
    ShardState& state = *shards_[shard];
    if (state.writing.empty()) return {};
    if (state.file == nullptr || state.file_bytes >= settings_.segment_bytes_max)
        LH_TRY(begin_segment(shard));
    LH_TRY(state.file->append(state.writing));
    LH_TRY(state.file->sync());
    state.file_bytes += state.writing.size();
    state.durable_end += state.writing.size();
    state.writing.clear();
    if (state.writing.capacity() > keep_groups * settings_.group_bytes_max)
        state.writing = std::vector<std::byte>{};
    return {};
}

Result<Offset> LocalJournal::begin(Shard shard) const {
    LH_TRY_ASSIGN(const std::vector<Offset> bases, segment_bases(disk_, shard));
    return bases.empty() ? durable_end(shard) : bases.front();
}

// Whole segments, each only when the next one has an entry that is durable: a shard never loses
// the segment that says where its offsets go on. From the oldest, so that no hole is left.
Status LocalJournal::cut(Shard shard, Offset below) {
    LH_CHECK(below <= durable_end(shard));
    LH_TRY_ASSIGN(const std::vector<Offset> bases, segment_bases(disk_, shard));
    bool removed = false;
    for (std::size_t i = 0; i + 1 < bases.size() && bases[i + 1] < below; ++i) {
        LH_TRY(disk_.remove(segment_path(shard, bases[i])));
        removed = true;
    }
    return removed ? disk_.sync_directory(shard_folder(shard)) : Status{};
}

Result<std::unique_ptr<JournalReader>> LocalJournal::read(Shard shard, Offset from) {
    LH_CHECK(shard < shards());
    return std::unique_ptr<JournalReader>{
        new LocalReader{disk_, shards_[shard]->durable_end, shard, meta_.salt, from}};
}

}  // namespace longhaul::collector
