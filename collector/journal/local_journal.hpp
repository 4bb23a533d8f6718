// The journal in segment files on one disk, with group commit. Specification: docs/spec/journal.md.
//
// Any thread appends, asks for due() and durable_end(), and reads; one thread steps and flushes.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "collector/disk/disk.hpp"
#include "collector/journal/journal_meta.hpp"

namespace longhaul::collector {

struct LocalJournalSettings {
    Uuid uuid_if_new{};             // of a journal that is made now
    std::uint64_t salt_if_new = 0;  // random, see journal_meta.hpp
    Shard shards_if_new = 1;
    std::size_t group_bytes_max = 1 << 20;
    std::int64_t group_ms_max = 2;
    std::uint64_t segment_bytes_max = 64 << 20;
};

class LocalJournal final : public Journal {
 public:
    // Opens the journal in the disk's root, or makes one there. What a crash left unfinished at the
    // end of a shard is trimmed; everything else is synced before it counts as durable.
    static Result<std::unique_ptr<LocalJournal>> open(Disk& disk,
                                                      const LocalJournalSettings& settings);
    // For tools: a journal that nobody appends to through this object. Nothing is changed on disk.
    static Result<std::unique_ptr<LocalJournal>> open_to_read(Disk& disk);

    const JournalId& id() const override { return meta_.id; }
    Shard shards() const override { return static_cast<Shard>(shards_.size()); }
    Result<Offset> append(Shard shard, const JournalEntry& entry, MonotonicMs now) override;
    MonotonicMs due() const override;
    Status step(MonotonicMs now) override;
    Status flush() override;
    Offset durable_end(Shard shard) const override { return shards_[shard]->durable_end.load(); }
    Result<Offset> begin(Shard shard) const override;
    Status cut(Shard shard, Offset below) override;
    Result<std::unique_ptr<JournalReader>> read(Shard shard, Offset from) override;

    // What the recovery at open() trimmed, for the log.
    std::uint64_t trimmed_bytes() const { return trimmed_bytes_; }

 private:
    struct ShardState {
        std::vector<std::byte> group;  // appended to, by any thread
        Offset end = 0;                // of everything appended
        // Of the thread that flushes:
        std::unique_ptr<DiskFile> file;  // of the newest segment
        std::uint64_t file_bytes = 0;    // entries in it
        std::vector<std::byte> writing;  // the group before, until it is durable
        std::atomic<Offset> durable_end{0};
    };

    LocalJournal(Disk& disk, const LocalJournalSettings& settings)
        : disk_{disk}, settings_{settings} {}
    Status load_or_make_meta(bool may_make);
    Status make();
    Status recover(Shard shard, bool may_change);
    Status go_on_with(ShardState& state, const std::string& path, Bytes whole);
    Status take_groups();
    Status begin_segment(Shard shard);
    Status write_group(Shard shard);

    Disk& disk_;
    LocalJournalSettings settings_;
    JournalMeta meta_;
    std::vector<std::unique_ptr<ShardState>> shards_;
    std::uint64_t trimmed_bytes_ = 0;

    mutable std::mutex mutex_;  // of what follows, and of `group` and `end` of each shard
    std::size_t group_bytes_ = 0;
    MonotonicMs group_due_ = MonotonicMs::never();
    bool poisoned_ = false;
};

}  // namespace longhaul::collector
