// A disk in memory that may lose power: the one that the journal and the lake are tested on.
//
// It keeps two pictures. The visible one is what a running process sees. The durable one is what a
// power cut leaves: of each file the bytes of its last sync, of each folder the names of its last
// sync. A torn power cut leaves, by a seed, some of what came after, too.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "collector/disk/disk.hpp"

namespace longhaul::sim {

// What a disk did that no sound one with power does.
struct DiskCounts {
    std::uint64_t errors = 0;       // calls that failed
    std::uint64_t sync_errors = 0;  // syncs whose bytes are lost at the next power cut
    std::uint64_t no_space = 0;     // calls that found no room
    std::uint64_t power_cuts = 0;
    std::uint64_t files_cut = 0;     // that lost bytes in a power cut
    std::uint64_t names_undone = 0;  // made, changed or removed, and a power cut undid it
};

class SimDisk final : public collector::Disk {
 public:
    struct Inode {
        std::vector<std::byte> bytes;
        std::size_t durable_bytes = 0;   // of `bytes`, from the front
        std::vector<std::byte> cut_off;  // behind those: synced once, cut off and not synced again
        bool sync_lost = false;  // a sync failed: what it should have kept, no later one will keep
        WallUs modified{};

        void truncate(std::size_t size);
        std::vector<std::byte> after_power_cut(std::mt19937_64* torn, bool holes) const;
    };

    // Every call that changes something counts; from the `steps`-th on all of them fail.
    void fail_after(std::uint64_t steps) { steps_left_ = steps; }
    bool failed() const { return steps_left_ == 0; }
    // The same, counted from the next file that is created or linked with a path that begins so.
    void fail_after(std::uint64_t steps, std::string_view from_path) {
        fails_from_path_ = from_path;
        fails_from_path_steps_ = steps;
    }
    std::uint64_t steps_taken() const { return steps_taken_; }
    // The disk is full from the `steps`-th of those calls on, for `calls` of them: they have no
    // effect but, if the write is `cut`, that half of what is appended lands. What a sync fails to
    // keep then, no later one keeps.
    void run_short(std::uint64_t steps, std::uint64_t calls, bool cut) {
        until_short_ = steps;
        short_calls_ = calls;
        short_cuts_ = cut;
    }
    bool ran_short() const { return until_short_ == 0; }
    // The next sync of a file fails, and what it should have kept is lost at the next power cut.
    void fail_next_sync() { fail_next_sync_ = true; }
    // Full: no file is made, and of what is appended half finds room.
    void set_full(bool full) { full_ = full; }

    const DiskCounts& counts() const { return counts_; }

    // Power is cut and comes back: only the durable picture is left. With `torn`, some of the
    // changes of names that were never synced are kept, the first ones, and of each file some of
    // the bytes that were never synced; with `holes` these have zeros in them.
    void cut_power(std::mt19937_64* torn = nullptr, bool holes = false);

    // The clock that files are dated by.
    void set_time(WallUs now) { now_ = now; }

    // Changes one byte of a file, in both pictures.
    void flip(std::string_view path, std::size_t at, std::byte mask);

    Result<std::unique_ptr<collector::DiskFile>> create(std::string_view path) override;
    Result<std::unique_ptr<collector::DiskFile>> open(std::string_view path) override;
    Status make_directories(std::string_view path) override;
    Status sync_directory(std::string_view path) override;
    Result<std::vector<collector::DiskEntry>> list(std::string_view path) override;
    Status link(std::string_view from, std::string_view to) override;
    Status rename(std::string_view from, std::string_view to) override;
    Status remove(std::string_view path) override;

 private:
    friend class SimFile;
    using Names = std::map<std::string, std::shared_ptr<Inode>, std::less<>>;

    // One call that changes something: whether it has its effect, and what it answers.
    struct Step {
        bool applies;
        Status status;
        bool is_cut = false;  // of what is appended half lands
    };
    struct NameChange {
        std::string name;
        std::shared_ptr<Inode> inode;  // nullptr: the name is gone
        bool with_next;                // a rename is two changes, never one of them
    };
    void begin_to_fail(std::string_view path);
    Step take_step();
    Status sync_file(Inode& inode);
    void change_name(std::string_view name, std::shared_ptr<Inode> inode, bool with_next = false);
    void make_durable(const NameChange& change);

    Names visible_;
    Names durable_;
    std::vector<NameChange> unsynced_;  // from durable_ to visible_, in order
    std::set<std::string, std::less<>> folders_{""};
    std::uint64_t steps_left_ = UINT64_MAX;
    std::uint64_t steps_taken_ = 0;
    std::uint64_t until_short_ = UINT64_MAX;
    std::uint64_t short_calls_ = 0;
    bool short_cuts_ = false;
    bool fail_next_sync_ = false;
    bool full_ = false;
    std::string fails_from_path_;  // empty: no
    std::uint64_t fails_from_path_steps_ = 0;
    WallUs now_{};
    DiskCounts counts_;
};

}  // namespace longhaul::sim
