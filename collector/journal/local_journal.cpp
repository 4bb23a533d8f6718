#include "collector/journal/local_journal.hpp"

#include <algorithm>

#include "collector/journal/segment.hpp"
#include "common/base/crc32c.hpp"

namespace longhaul::collector {
namespace {

constexpr std::string_view meta_path = "journal.meta";
constexpr std::string_view meta_magic = "LHJM";
constexpr std::uint32_t meta_version = 1;
constexpr std::size_t meta_bytes = 36;
constexpr Shard shards_max = 4096;
constexpr std::size_t read_ahead_bytes = 256 * 1024;

struct Meta {
    JournalId id;
    Shard shards = 0;
};

std::vector<std::byte> write_meta(const Meta& meta) {
    std::vector<std::byte> bytes(meta_bytes);
    ByteWriter out{bytes};
    out.text(meta_magic);
    out.u32(meta_version);
    out.bytes(meta.id.uuid);
    out.u32(meta.id.resend);
    out.u32(meta.shards);
    out.u32(crc32c(out.written()));
    return bytes;
}

Result<Meta> parse_meta(Bytes bytes) {
    ByteReader in{bytes};
    if (in.text(meta_magic.size()) != meta_magic)
        return Error{ErrorCode::malformed, "journal.meta"};
    if (in.u32() != meta_version) return Error{ErrorCode::unsupported, "version of journal.meta"};
    Meta meta;
    const Bytes uuid = in.bytes(meta.id.uuid.size());
    meta.id.resend = in.u32();
    meta.shards = in.u32();
    const std::uint32_t crc = in.u32();
    if (!in.at_end()) return Error{ErrorCode::malformed, "journal.meta"};
    if (crc != crc32c(bytes.first(meta_bytes - 4)))
        return Error{ErrorCode::corrupt, "journal.meta"};
    if (meta.shards == 0 || meta.shards > shards_max)
        return Error{ErrorCode::malformed, "shards of the journal"};
    std::copy(uuid.begin(), uuid.end(), meta.id.uuid.begin());
    return meta;
}

// The base offsets of a shard's segments, in order.
Result<std::vector<Offset>> segment_bases(Disk& disk, Shard shard) {
    LH_TRY_ASSIGN(const auto entries, disk.list(shard_folder(shard)));
    std::vector<Offset> bases;
    for (const DiskEntry& entry : entries) {
        if (const auto base = base_of_name(entry.name); base.ok()) bases.push_back(base.value());
    }
    return bases;
}

// Where the last whole entry of a segment ends; what lies behind it was never acknowledged.
std::size_t end_of_entries(Bytes bytes) {
    std::size_t end = segment_header_bytes;
    for (std::size_t at = end; at < bytes.size();) {
        const auto parsed = parse_entry(bytes.subspan(at));
        at += parsed.ok() ? parsed.value().bytes : skip_to_entry(bytes.subspan(at));
        if (parsed.ok()) end = at;
    }
    return end;
}

class LocalReader final : public JournalReader {
 public:
    LocalReader(Disk& disk, const LocalJournal& journal, Shard shard, Offset from)
        : disk_{disk}, journal_{journal}, shard_{shard}, offset_{from} {}

    Offset offset() const override { return offset_; }

    Result<ReadEntry> next() override {
        const Offset durable_end = journal_.durable_end(shard_);
        if (offset_ >= durable_end) return ErrorCode::not_found;
        auto parsed = parse_entry(buffered());
        if (!parsed.ok()) {
            LH_TRY(fill(durable_end));
            parsed = parse_entry(buffered());
        }
        if (!parsed.ok()) {
            // Damaged: the next call begins at the next whole entry of this segment, or at its end.
            offset_ += skip_to_entry(buffered());
            return Error{ErrorCode::corrupt, "journal entry"};
        }
        const ReadEntry result{parsed.value().entry, offset_, offset_ + parsed.value().bytes};
        offset_ = result.end;
        return result;
    }

 private:
    Bytes buffered() const {
        if (offset_ < buffer_offset_ || offset_ > buffer_offset_ + buffer_.size()) return {};
        return Bytes{buffer_}.subspan(static_cast<std::size_t>(offset_ - buffer_offset_));
    }

    // Reads from offset_ on: at least one whole entry, never over the segment's or the durable end.
    Status fill(Offset durable_end) {
        if (file_ == nullptr || offset_ >= segment_end_) LH_TRY(open_segment());
        const Offset end = std::min(durable_end, segment_end_);
        const std::size_t want =
            static_cast<std::size_t>(std::min<Offset>(read_ahead_bytes, end - offset_));
        buffer_.resize(want);
        buffer_offset_ = offset_;
        LH_TRY_ASSIGN(const std::size_t got,
                      file_->read_at(segment_header_bytes + offset_ - segment_base_, buffer_));
        buffer_.resize(got);
        return got == 0 ? Error{ErrorCode::io,
                                "a journal segment is shorter than the next one's name says"}
                        : Status{};
    }

    Status open_segment() {
        LH_TRY_ASSIGN(const std::vector<Offset> bases, segment_bases(disk_, shard_));
        const auto after = std::upper_bound(bases.begin(), bases.end(), offset_);
        if (after == bases.begin())
            return Error{ErrorCode::not_found, "this part of the journal is gone"};
        segment_base_ = *(after - 1);
        segment_end_ = after == bases.end() ? UINT64_MAX : *after;
        LH_TRY_ASSIGN(file_, disk_.open(segment_path(shard_, segment_base_)));
        std::array<std::byte, segment_header_bytes> header{};
        LH_TRY_ASSIGN(const std::size_t got, file_->read_at(0, header));
        return check_segment_header(Bytes{header}.first(got), shard_, segment_base_);
    }

    Disk& disk_;
    const LocalJournal& journal_;
    Shard shard_;
    Offset offset_;
    std::unique_ptr<DiskFile> file_;
    Offset segment_base_ = 0;
    Offset segment_end_ = 0;
    std::vector<std::byte> buffer_;
    Offset buffer_offset_ = 0;
};

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
    auto bytes = read_file(disk_, meta_path);
    if (!bytes.ok() && bytes.error().code == ErrorCode::not_found && may_make) {
        const Meta meta{{settings_.uuid_if_new, 0}, settings_.shards_if_new};
        for (Shard shard = 0; shard < meta.shards; ++shard)
            LH_TRY(disk_.make_directories(shard_folder(shard)));
        LH_TRY(replace_file(disk_, meta_path, write_meta(meta)));
        bytes = read_file(disk_, meta_path);
    }
    if (!bytes.ok()) return bytes.error();
    LH_TRY_ASSIGN(const Meta meta, parse_meta(bytes.value()));
    id_ = meta.id;
    for (Shard shard = 0; shard < meta.shards; ++shard)
        shards_.push_back(std::make_unique<ShardState>());
    return {};
}

Status LocalJournal::recover(Shard shard, bool may_change) {
    ShardState& state = *shards_[shard];
    LH_TRY_ASSIGN(std::vector<Offset> bases, segment_bases(disk_, shard));
    // A crash while a segment was made leaves one without a whole header; nothing was in it.
    while (!bases.empty()) {
        const std::string path = segment_path(shard, bases.back());
        LH_TRY_ASSIGN(const std::vector<std::byte> bytes, read_file(disk_, path));
        if (bytes.size() < segment_header_bytes) {
            if (may_change) LH_TRY(disk_.remove(path));
            bases.pop_back();
            continue;
        }
        LH_TRY(check_segment_header(bytes, shard, bases.back()));
        const std::size_t end = end_of_entries(bytes);
        state.file_bytes = end - segment_header_bytes;
        state.end = bases.back() + state.file_bytes;
        trimmed_bytes_ += bytes.size() - end;
        if (may_change) {
            LH_TRY_ASSIGN(state.file, disk_.open(path));
            if (end != bytes.size()) LH_TRY(state.file->truncate(end));
            LH_TRY(state.file->sync());
            LH_TRY(disk_.sync_directory(shard_folder(shard)));
        }
        break;
    }
    state.durable_end = state.end;
    return {};
}

Result<Offset> LocalJournal::append(Shard shard, const JournalEntry& entry, MonotonicMs now) {
    if (poisoned_)
        return Error{ErrorCode::closed, "the journal takes nothing after a failed write"};
    ShardState& state = *shards_[shard];
    const std::size_t before = state.group.size();
    LH_TRY(add_entry(entry, state.group));
    const std::size_t added = state.group.size() - before;
    if (group_bytes_ == 0) group_due_ = now + settings_.group_ms_max;
    group_bytes_ += added;
    state.end += added;
    return state.end;
}

Result<MonotonicMs> LocalJournal::step(MonotonicMs now) {
    if (group_bytes_ != 0 && (group_bytes_ >= settings_.group_bytes_max || now >= group_due_))
        LH_TRY(flush());
    return group_due_;
}

Status LocalJournal::flush() {
    if (poisoned_)
        return Error{ErrorCode::closed, "the journal takes nothing after a failed write"};
    for (Shard shard = 0; shard < shards(); ++shard) {
        const Status status = write_group(shard);
        if (!status.ok()) {
            poisoned_ = true;  // what the disk holds is unknown now; only a new start finds out
            return status;
        }
    }
    group_bytes_ = 0;
    group_due_ = MonotonicMs::never();
    return {};
}

Status LocalJournal::begin_segment(Shard shard) {
    ShardState& state = *shards_[shard];
    const Offset base = state.end - state.group.size();
    LH_TRY_ASSIGN(state.file, disk_.create(segment_path(shard, base)));
    state.file_bytes = 0;
    LH_TRY(state.file->append(make_segment_header(shard, base)));
    LH_TRY(state.file->sync());
    return disk_.sync_directory(shard_folder(shard));
}

Status LocalJournal::write_group(Shard shard) {
    ShardState& state = *shards_[shard];
    if (state.group.empty()) return {};
    if (state.file == nullptr || state.file_bytes >= settings_.segment_bytes_max)
        LH_TRY(begin_segment(shard));
    LH_TRY(state.file->append(state.group));
    LH_TRY(state.file->sync());
    state.file_bytes += state.group.size();
    state.group.clear();
    state.durable_end = state.end;
    return {};
}

Result<std::unique_ptr<JournalReader>> LocalJournal::read(Shard shard, Offset from) {
    LH_CHECK(shard < shards());
    return std::unique_ptr<JournalReader>{new LocalReader{disk_, *this, shard, from}};
}

}  // namespace longhaul::collector
