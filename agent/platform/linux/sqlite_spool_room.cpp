// A disk that is full before the spool is: room that was kept back is given up, so that SQLite can
// write at all, and from then on the spool keeps a little less than it has, so that pages become
// free in its own file. Its policy says what goes, as ever.
#include <algorithm>
#include <array>
#include <set>

#include "agent/platform/linux/sqlite_spool.hpp"

namespace longhaul::agent {
namespace {

// What the log may hold, and the largest append behind it, twice: there, and in the file it goes
// to; a spool that is smaller than that cannot grow by more than itself.
constexpr std::uint64_t reserve_bytes_max = 1 << 20;
constexpr std::uint64_t reserve_bytes_min = 64 << 10;
constexpr std::uint64_t reserve_bytes_least = 16 << 10;  // on a disk that has no more
constexpr std::uint64_t shrink_part = 16;
constexpr std::uint64_t page_bytes = 4096;
constexpr std::uint64_t pages_in_log_max = 128;
constexpr std::uint32_t appends_between_looks = 64;

std::uint64_t reserve_bytes(const SpoolPolicy& policy) {
    return std::clamp(policy.bytes_max, reserve_bytes_min, reserve_bytes_max);
}

}  // namespace

std::uint64_t SqliteSpool::bytes_kept() const { return kept_.all_waiting() + kept_.bytes_durable; }

std::uint64_t SqliteSpool::bytes_free_in_file() {
    const auto pages = tables_.database().integer("PRAGMA freelist_count");
    return pages.ok() ? static_cast<std::uint64_t>(pages.value()) * page_bytes : 0;
}

// If not all of it can be had, then the largest half, quarter and so on. That is more than what is
// left to the log, so what the log has finds room in the file when the reserve is given up.
void SqliteSpool::take_reserve() {
    reserve_held_ = 0;
    appends_without_reserve_ = 0;
    for (std::uint64_t bytes = reserve_bytes(policy_); bytes >= reserve_bytes_least; bytes /= 2) {
        if (!files_->allocate(reserve_of(path_), bytes).ok()) continue;
        reserve_held_ = bytes;
        return;
    }
    static_cast<void>(files_->remove(reserve_of(path_)).ok());
}

void SqliteSpool::keep_reserve() {
    take_reserve();
    if (reserve_held_ == reserve_bytes(policy_)) return;
    const std::uint64_t fits = bytes_kept() + bytes_free_in_file() + reserve_held_ / 2;
    bound_.bytes_max = std::min(bound_.bytes_max, fits);
}

// An emptied log leaves its room to the next one. Where the file has free pages, it was the log
// that had no room.
void SqliteSpool::shrink_to_disk() {
    if (files_->remove(reserve_of(path_)).ok()) reserve_held_ = 0;
    empty_log();
    const std::uint64_t part = bytes_kept() / shrink_part;
    if (bytes_free_in_file() >= std::min(part / 2, reserve_bytes_min)) return;
    bound_.bytes_max = std::min(bound_.bytes_max, bytes_kept() - part);
    if (kept_.bytes_durable == 0 || bytes_kept() <= bound_.bytes_max) return;
    // What is to be written may need a page and drop nothing itself.
    static_cast<void>(try_transact(Durability::now, [&] { return remove_durable_for(0); }).ok());
    empty_log();
}

void SqliteSpool::empty_log() {
    static_cast<void>(checkpoint("PRAGMA wal_checkpoint(TRUNCATE)").ok());
}

// Counted before, for then the log is whole.
Status SqliteSpool::checkpoint(const char* pragma) {
    const std::uint64_t pages = pages_in_log();
    const Status copied = tables_.database().execute(pragma);
    if (!copied.ok()) return copied;
    pages_copied_ += pages;
    pages_logged_ = tables_.database().pages_written();
    return {};
}

// What finds no room in the file, or on the medium, stays in the log for now.
Status SqliteSpool::checkpoint_when_due() {
    if (tables_.database().pages_written() - pages_logged_ < pages_in_log_max) return {};
    const Status copied = checkpoint("PRAGMA wal_checkpoint(PASSIVE)");
    if (!copied.ok()) static_cast<void>(seen(copied.error()));
    return {};
}

// A page that is there several times is copied once.
std::uint64_t SqliteSpool::pages_in_log() {
    constexpr std::uint64_t log_head_bytes = 32;
    constexpr std::uint64_t frame_head_bytes = 24;
    std::set<std::uint32_t> pages;
    const std::uint64_t frames = tables_.database().pages_written() - pages_logged_;
    for (std::uint64_t i = 0; i < frames; ++i) {
        std::array<std::byte, 4> page{};
        const auto read = files_->read(path_ + "-wal",
                                       log_head_bytes + i * (frame_head_bytes + page_bytes), page);
        if (read.ok() && read.value().size() == page.size()) pages.insert(ByteReader{page}.u32());
    }
    return pages.size();
}

void SqliteSpool::look_for_room_at_times() {
    if (++appends_without_reserve_ >= appends_between_looks) look_for_room();
}

// Twice the reserve has to fit: what would be used up at once is no room.
void SqliteSpool::look_for_room() {
    const std::uint64_t wanted = reserve_bytes(policy_);
    if (reserve_held_ == wanted && bound_.bytes_max == policy_.bytes_max) return;
    appends_without_reserve_ = 0;
    const std::string reserve = reserve_of(path_);
    if (files_->allocate(reserve, 2 * wanted).ok()) {
        bound_ = policy_;
        take_reserve();
    } else {
        const bool kept = reserve_held_ != 0 && files_->allocate(reserve, reserve_held_).ok();
        if (!kept && files_->remove(reserve).ok()) reserve_held_ = 0;
    }
}

}  // namespace longhaul::agent
