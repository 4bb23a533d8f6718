// A disk in memory that may lose power: the one that the journal and the lake are tested on.
//
// It keeps two pictures. The visible one is what a running process sees. The durable one is what a
// power cut leaves: of each file the bytes of its last sync (and, with a seed, part of what came
// after), of each folder the names of its last sync.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>

#include "collector/disk/disk.hpp"

namespace longhaul::sim {

class SimDisk final : public collector::Disk {
 public:
    struct Inode {
        std::vector<std::byte> bytes;
        std::size_t durable_bytes = 0;  // of `bytes`, from the front
    };

    // Every call that changes something counts; from the `steps`-th on all of them fail.
    void fail_after(std::uint64_t steps) { steps_left_ = steps; }
    bool failed() const { return steps_left_ == 0; }
    std::uint64_t steps_taken() const { return steps_taken_; }
    // The next sync fails, and what it should have kept is lost at the next power cut.
    void fail_next_sync() { fail_next_sync_ = true; }

    // Power is cut and comes back: only the durable picture is left. With `torn`, each file keeps a
    // random part of the bytes that were written and never synced.
    void cut_power(std::mt19937_64* torn = nullptr);

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

    Status step();
    Status sync_file(Inode& inode);

    Names visible_;
    Names durable_;
    std::set<std::string, std::less<>> folders_{""};
    std::uint64_t steps_left_ = UINT64_MAX;
    std::uint64_t steps_taken_ = 0;
    bool fail_next_sync_ = false;
};

}  // namespace longhaul::sim
