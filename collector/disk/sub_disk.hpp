// A folder of a disk as a disk of its own, for what is made there before it takes its place.
#pragma once

#include "collector/disk/disk.hpp"

namespace longhaul::collector {

class SubDisk final : public Disk {
 public:
    // The disk outlives it. The folder has to be there.
    SubDisk(Disk& disk, std::string folder) : disk_{disk}, folder_{std::move(folder)} {}

    Result<std::unique_ptr<DiskFile>> create(std::string_view path) override {
        return disk_.create(at(path));
    }
    Result<std::unique_ptr<DiskFile>> open(std::string_view path) override {
        return disk_.open(at(path));
    }
    Status make_directories(std::string_view path) override {
        return disk_.make_directories(at(path));
    }
    Status sync_directory(std::string_view path) override { return disk_.sync_directory(at(path)); }
    Result<std::vector<DiskEntry>> list(std::string_view path) override {
        return disk_.list(at(path));
    }
    Status link(std::string_view from, std::string_view to) override {
        return disk_.link(at(from), at(to));
    }
    Status rename(std::string_view from, std::string_view to) override {
        return disk_.rename(at(from), at(to));
    }
    Status remove(std::string_view path) override { return disk_.remove(at(path)); }

 private:
    std::string at(std::string_view path) const {
        return path.empty() ? folder_ : folder_ + "/" + std::string{path};
    }

    Disk& disk_;
    std::string folder_;
};

}  // namespace longhaul::collector
