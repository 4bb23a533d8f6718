// A disk that is full before the spool is: room that was kept back is given up, so that SQLite can
// write at all, and from then on the spool keeps a little less than it has, so that pages become
// free in its own file. Its policy says what goes, as ever.
#include <algorithm>

#include "agent/platform/linux/sqlite_spool.hpp"

namespace longhaul::agent {
namespace {

// SQLite's log with the largest append behind it, twice: there, and in the file it goes to.
constexpr std::uint64_t reserve_bytes_max = 1 << 20;
constexpr std::uint64_t reserve_bytes_min = 64 << 10;
constexpr std::uint64_t shrink_part = 16;
constexpr std::uint64_t page_bytes = 4096;
constexpr std::uint32_t appends_between_looks = 64;

std::string reserve_of(const std::string& path) { return path + ".reserve"; }

std::uint64_t reserve_bytes(const SpoolPolicy& policy) {
    return std::clamp(policy.bytes_max / 16, reserve_bytes_min, reserve_bytes_max);
}

}  // namespace

void SqliteSpool::keep_reserve() {
    reserve_held_ = files_->allocate(reserve_of(path_), reserve_bytes(policy_)).ok();
    appends_without_reserve_ = 0;
}

void SqliteSpool::shrink_to_disk() {
    if (files_->remove(reserve_of(path_)).ok()) reserve_held_ = false;
    // What does not get into the file now stays in the log. Where the file has free pages, it was
    // the log that had no room.
    SqliteDatabase& database = tables_.database();
    static_cast<void>(database.execute("PRAGMA wal_checkpoint(TRUNCATE)").ok());
    const auto free_pages = database.integer("PRAGMA freelist_count");
    const std::uint64_t kept = memory_.all_waiting() + memory_.bytes_durable;
    const std::uint64_t part = kept / shrink_part;
    if (free_pages.ok() && static_cast<std::uint64_t>(free_pages.value()) * page_bytes >= part)
        return;
    bound_.bytes_max = std::min(bound_.bytes_max, kept - part);
}

// Twice the reserve has to fit: what would be used up at once is no room.
void SqliteSpool::look_for_room() {
    if (reserve_held_ || ++appends_without_reserve_ < appends_between_looks) return;
    appends_without_reserve_ = 0;
    const bool room = files_->allocate(reserve_of(path_), 2 * reserve_bytes(policy_)).ok();
    if (!room) return static_cast<void>(files_->remove(reserve_of(path_)).ok());
    keep_reserve();
    if (reserve_held_) bound_ = policy_;
}

}  // namespace longhaul::agent
