// Files in memory for SQLite, on a disk that may lose power, run full, or rot: an sqlite3_vfs.
//
// Of each file it keeps what a process sees and what was there at its last sync. A power cut leaves
// of every sector of 512 bytes that changed since, by a seed, the old, the new, or the beginning of
// the new and the rest of the old; likewise the old or the new length, and of the names that were
// made, renamed or removed since the folder was synced some and others not. A folder is synced when
// SQLite would do so: with the first sync of a new log.
//
// There is no shared memory: SQLite has to be told PRAGMA locking_mode = EXCLUSIVE first.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "common/base/bytes.hpp"
#include "common/base/result.hpp"

struct sqlite3_vfs;  // NOLINT(readability-identifier-naming): SQLite's

namespace longhaul::sim {

class SimVfs {
 public:
    // SQLite knows it by this name as long as it lives; no two of one name.
    explicit SimVfs(std::string name);
    ~SimVfs();
    SimVfs(const SimVfs&) = delete;
    SimVfs& operator=(const SimVfs&) = delete;
    const char* name() const { return name_.c_str(); }

    // Whatever changes or syncs something is a step. The `steps`-th from now on is the one during
    // which power is lost; from then on every call fails.
    void cut_after(std::uint64_t steps) { steps_left_ = steps; }
    bool power_lost() const { return power_lost_; }
    std::uint64_t steps_taken() const { return steps_taken_; }
    // Power comes back; no file may be open any more. Without a cut before, nothing is lost.
    void power_on(std::uint32_t seed);

    // The disk: what is written beyond finds no room.
    void set_bytes_max(std::uint64_t bytes) { bytes_max_ = bytes; }
    std::uint64_t bytes() const;
    // Of them so many are taken by files that nothing is written to; false: there is no room.
    bool set_reserved(std::uint64_t bytes);
    std::uint64_t bytes_written() const { return bytes_written_; }
    std::uint64_t bytes_read() const { return bytes_read_; }

    // What a process does beside SQLite; each is on the disk when it returns.
    bool exists(const std::string& path) const { return names_.contains(path); }
    Status rename(const std::string& from, const std::string& to);
    Status remove(const std::string& path);
    Status write(const std::string& path, Bytes bytes);
    Result<Bytes> read(const std::string& path, std::uint64_t offset, MutableBytes room) const;
    // A byte rots.
    void flip(const std::string& path, std::size_t at, std::byte mask);
    // What lies in these 4096 bytes cannot be read any more.
    void make_unreadable(const std::string& path, std::uint64_t at);
    // What is on the disk, to be put back later.
    using Files = std::map<std::string, std::vector<std::byte>>;
    Files files() const;
    void set_files(const Files& files);

    struct Inode {
        std::vector<std::byte> now;
        std::vector<std::byte> synced;
        bool is_new_log = false;  // its first sync syncs the folder as well
    };

 private:
    friend struct VfsCalls;
    using Names = std::map<std::string, std::shared_ptr<Inode>>;
    struct NameChange {
        std::string name;
        std::shared_ptr<Inode> inode;  // nullptr: the name goes
        bool with_next = false;        // a rename is two of them
    };

    // Whether the power holds for this step; the step in which it fails still has its effect,
    // which was not synced.
    bool take_step();
    static constexpr std::uint64_t unreadable_bytes = 4096;
    bool is_unreadable(const Inode& inode, std::uint64_t offset, std::uint64_t count) const;
    bool has_room_for(const Inode& inode, std::uint64_t end) const;
    void change_name(NameChange change);
    void sync_names();
    std::shared_ptr<Inode> make(const std::string& path);

    std::string name_;
    std::unique_ptr<sqlite3_vfs> vfs_;
    Names names_;
    Names synced_names_;
    std::vector<NameChange> changes_;
    std::mt19937 random_{1};
    std::uint64_t steps_left_ = UINT64_MAX;
    std::uint64_t steps_taken_ = 0;
    std::uint64_t bytes_max_ = UINT64_MAX;
    std::uint64_t reserved_ = 0;
    std::uint64_t bytes_written_ = 0;
    std::uint64_t bytes_read_ = 0;
    std::shared_ptr<Inode> unreadable_;
    std::uint64_t unreadable_at_ = 0;
    bool power_lost_ = false;
};

}  // namespace longhaul::sim
