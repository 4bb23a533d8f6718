#include "firmware-sim/sim_disk.hpp"

#include <algorithm>

namespace longhaul::sim {

using collector::DiskEntry;
using collector::DiskFile;
using collector::folder_of;

class SimFile final : public DiskFile {
 public:
    SimFile(SimDisk& disk, std::shared_ptr<SimDisk::Inode> inode)
        : disk_{disk}, inode_{std::move(inode)} {}

    Status append(Bytes bytes) override {
        LH_TRY(disk_.step());
        inode_->bytes.insert(inode_->bytes.end(), bytes.begin(), bytes.end());
        return {};
    }

    Result<std::size_t> read_at(std::uint64_t offset, MutableBytes room) override {
        const std::size_t size = inode_->bytes.size();
        if (offset >= size) return std::size_t{0};
        const std::size_t count = std::min(room.size(), size - static_cast<std::size_t>(offset));
        std::copy_n(inode_->bytes.begin() + static_cast<std::ptrdiff_t>(offset), count,
                    room.begin());
        return count;
    }

    Result<std::uint64_t> size() override { return std::uint64_t{inode_->bytes.size()}; }

    Status truncate(std::uint64_t size) override {
        LH_TRY(disk_.step());
        inode_->bytes.resize(static_cast<std::size_t>(size));
        inode_->durable_bytes = std::min(inode_->durable_bytes, inode_->bytes.size());
        return {};
    }

    Status sync() override { return disk_.sync_file(*inode_); }

 private:
    SimDisk& disk_;
    std::shared_ptr<SimDisk::Inode> inode_;
};

Status SimDisk::step() {
    if (steps_left_ == 0) return Error{ErrorCode::io, "the simulated disk has failed"};
    if (--steps_left_ == 0) return Error{ErrorCode::io, "the simulated disk fails now"};
    ++steps_taken_;
    return {};
}

Status SimDisk::sync_file(Inode& inode) {
    LH_TRY(step());
    if (fail_next_sync_) {
        fail_next_sync_ = false;
        return Error{ErrorCode::io, "the simulated sync failed"};
    }
    inode.durable_bytes = inode.bytes.size();
    return {};
}

void SimDisk::cut_power(std::mt19937_64* torn) {
    visible_ = durable_;
    for (auto& [name, inode] : visible_) {
        std::size_t kept = inode->durable_bytes;
        if (torn != nullptr) kept += (*torn)() % (inode->bytes.size() - kept + 1);
        // A copy: whoever still holds the old file can no longer change the disk.
        auto fresh = std::make_shared<Inode>();
        fresh->bytes.assign(inode->bytes.begin(),
                            inode->bytes.begin() + static_cast<std::ptrdiff_t>(kept));
        fresh->durable_bytes = kept;
        inode = fresh;
    }
    durable_ = visible_;
    steps_left_ = UINT64_MAX;
    steps_taken_ = 0;
    fail_next_sync_ = false;
}

void SimDisk::flip(std::string_view path, std::size_t at, std::byte mask) {
    const auto found = visible_.find(path);
    LH_CHECK(found != visible_.end() && at < found->second->bytes.size());
    found->second->bytes[at] ^= mask;
}

Result<std::unique_ptr<DiskFile>> SimDisk::create(std::string_view path) {
    if (visible_.contains(path)) return ErrorCode::exists;
    if (!folders_.contains(folder_of(path))) return ErrorCode::not_found;
    LH_TRY(step());
    auto inode = std::make_shared<Inode>();
    visible_.emplace(path, inode);
    return std::unique_ptr<DiskFile>{new SimFile{*this, inode}};
}

Result<std::unique_ptr<DiskFile>> SimDisk::open(std::string_view path) {
    const auto found = visible_.find(path);
    if (found == visible_.end()) return ErrorCode::not_found;
    return std::unique_ptr<DiskFile>{new SimFile{*this, found->second}};
}

// Folders are durable as soon as they are made, as the contract of make_directories() says.
Status SimDisk::make_directories(std::string_view path) {
    LH_TRY(step());
    for (std::string_view folder = path; !folder.empty(); folder = folder_of(folder)) {
        folders_.emplace(folder);
    }
    return {};
}

Status SimDisk::sync_directory(std::string_view path) {
    if (!folders_.contains(path)) return ErrorCode::not_found;
    LH_TRY(step());
    std::erase_if(durable_, [path](const auto& entry) { return folder_of(entry.first) == path; });
    for (const auto& entry : visible_) {
        if (folder_of(entry.first) == path) durable_.insert(entry);
    }
    return {};
}

Result<std::vector<DiskEntry>> SimDisk::list(std::string_view path) {
    if (!folders_.contains(path)) return ErrorCode::not_found;
    std::vector<DiskEntry> entries;
    const auto name_of_last = [](std::string_view full) {
        return std::string{full.substr(full.rfind('/') + 1)};
    };
    for (const auto& [name, inode] : visible_) {
        if (folder_of(name) == path)
            entries.push_back({name_of_last(name), inode->bytes.size(), false});
    }
    for (const std::string& folder : folders_) {
        if (!folder.empty() && folder_of(folder) == path)
            entries.push_back({name_of_last(folder), 0, true});
    }
    std::sort(entries.begin(), entries.end(),
              [](const DiskEntry& a, const DiskEntry& b) { return a.name < b.name; });
    return entries;
}

Status SimDisk::link(std::string_view from, std::string_view to) {
    const auto found = visible_.find(from);
    if (found == visible_.end()) return ErrorCode::not_found;
    if (visible_.contains(to)) return ErrorCode::exists;
    LH_TRY(step());
    visible_.emplace(to, found->second);
    return {};
}

Status SimDisk::rename(std::string_view from, std::string_view to) {
    const auto found = visible_.find(from);
    if (found == visible_.end()) return ErrorCode::not_found;
    LH_TRY(step());
    visible_.insert_or_assign(std::string{to}, found->second);
    visible_.erase(visible_.find(from));
    return {};
}

Status SimDisk::remove(std::string_view path) {
    const auto found = visible_.find(path);
    if (found == visible_.end()) return ErrorCode::not_found;
    LH_TRY(step());
    visible_.erase(found);
    return {};
}

}  // namespace longhaul::sim
