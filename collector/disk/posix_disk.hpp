// A folder of the operating system as a Disk.
#pragma once

#include "collector/disk/disk.hpp"

namespace longhaul::collector {

// Keeps the folder open, so that it stays the same one whatever is renamed above it.
class PosixDisk final : public Disk {
 public:
    // Makes the folder and those above it when they are not there, and syncs them.
    static Result<std::unique_ptr<PosixDisk>> open_root(const std::string& path);
    ~PosixDisk() override;

    Result<std::unique_ptr<DiskFile>> create(std::string_view path) override;
    Result<std::unique_ptr<DiskFile>> open(std::string_view path) override;
    Status make_directories(std::string_view path) override;
    Status sync_directory(std::string_view path) override;
    Result<std::vector<DiskEntry>> list(std::string_view path) override;
    Status link(std::string_view from, std::string_view to) override;
    Status rename(std::string_view from, std::string_view to) override;
    Status remove(std::string_view path) override;

 private:
    explicit PosixDisk(int root) : root_{root} {}
    Result<int> open_folder(std::string_view path);

    int root_;
};

}  // namespace longhaul::collector
