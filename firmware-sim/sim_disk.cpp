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
        if (disk_.full_) {
            ++disk_.counts_.no_space;
            add(bytes.first(bytes.size() / 2));
            return ErrorCode::full;
        }
        const SimDisk::Step step = disk_.take_step();
        if (step.applies) add(bytes);
        if (step.is_cut) add(bytes.first(bytes.size() / 2));
        return step.status;
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
        const SimDisk::Step step = disk_.take_step();
        if (step.applies) inode_->truncate(static_cast<std::size_t>(size));
        return step.status;
    }

    Status sync() override { return disk_.sync_file(*inode_); }

 private:
    void add(Bytes bytes) {
        inode_->bytes.insert(inode_->bytes.end(), bytes.begin(), bytes.end());
        inode_->modified = disk_.now_;
    }

    SimDisk& disk_;
    std::shared_ptr<SimDisk::Inode> inode_;
};

void SimDisk::Inode::truncate(std::size_t size) {
    if (size < durable_bytes) {
        const auto at = bytes.begin();
        cut_off.insert(cut_off.begin(), at + static_cast<std::ptrdiff_t>(size),
                       at + static_cast<std::ptrdiff_t>(durable_bytes));
        durable_bytes = size;
    }
    bytes.resize(size);
}

namespace {

std::size_t below(std::mt19937_64& random, std::size_t bound) {
    return static_cast<std::size_t>(random() % bound);
}

}  // namespace

std::vector<std::byte> SimDisk::Inode::after_power_cut(std::mt19937_64* torn, bool holes) const {
    auto kept = bytes;
    if (torn == nullptr || (!cut_off.empty() && (*torn)() % 2 == 0)) {
        kept.resize(durable_bytes);
        kept.insert(kept.end(), cut_off.begin(), cut_off.end());
        return kept;
    }
    kept.resize(durable_bytes + below(*torn, kept.size() - durable_bytes + 1));
    if (holes && kept.size() > durable_bytes) {
        const std::size_t from = durable_bytes + below(*torn, kept.size() - durable_bytes);
        const std::size_t to = from + below(*torn, kept.size() - from + 1);
        std::fill(kept.begin() + static_cast<std::ptrdiff_t>(from),
                  kept.begin() + static_cast<std::ptrdiff_t>(to), std::byte{0});
    }
    return kept;
}

// The call at which the disk fails may still have its effect; what was never synced shows it only
// after a torn power cut.
SimDisk::Step SimDisk::take_step() {
    if (until_short_ <= 1 && short_calls_ != 0) {
        until_short_ = 0;
        --short_calls_;
        ++counts_.no_space;
        return {false, ErrorCode::full, short_cuts_};
    }
    if (until_short_ != 0 && until_short_ != UINT64_MAX) --until_short_;
    if (steps_left_ <= 1) ++counts_.errors;
    if (steps_left_ == 0) return {false, Error{ErrorCode::io, "the simulated disk has failed"}};
    if (--steps_left_ == 0) return {true, Error{ErrorCode::io, "the simulated disk fails now"}};
    ++steps_taken_;
    return {true, {}};
}

Status SimDisk::sync_file(Inode& inode) {
    if (const Step step = take_step(); !step.status.ok()) {
        inode.sync_lost = inode.sync_lost || !step.applies;
        return step.status;
    }
    if (fail_next_sync_) {
        fail_next_sync_ = false;
        ++counts_.sync_errors;
        inode.sync_lost = true;
        return Error{ErrorCode::io, "the simulated sync failed"};
    }
    if (inode.sync_lost) return {};
    inode.durable_bytes = inode.bytes.size();
    inode.cut_off.clear();
    return {};
}

void SimDisk::change_name(std::string_view name, std::shared_ptr<Inode> inode, bool with_next) {
    if (inode == nullptr) {
        visible_.erase(visible_.find(name));
    } else {
        inode->bytes.shrink_to_fit();  // what gets another name is whole
        visible_.insert_or_assign(std::string{name}, inode);
    }
    unsynced_.push_back({std::string{name}, std::move(inode), with_next});
}

void SimDisk::make_durable(const NameChange& change) {
    if (change.inode == nullptr) {
        durable_.erase(change.name);
    } else {
        durable_.insert_or_assign(change.name, change.inode);
    }
}

// Names become durable in the order in which they were changed, as a journalling file system does.
void SimDisk::cut_power(std::mt19937_64* torn, bool holes) {
    std::size_t kept = torn == nullptr ? 0 : below(*torn, unsynced_.size() + 1);
    if (kept != 0 && kept < unsynced_.size() && unsynced_[kept - 1].with_next) ++kept;
    for (std::size_t i = 0; i < kept; ++i) make_durable(unsynced_[i]);
    ++counts_.power_cuts;
    counts_.names_undone += unsynced_.size() - kept;
    unsynced_.clear();

    // Copies: whoever still holds an old file can no longer change the disk.
    std::map<const Inode*, std::shared_ptr<Inode>> fresh;
    for (auto& [name, inode] : durable_) {
        std::shared_ptr<Inode>& copy = fresh[inode.get()];
        if (copy == nullptr) {
            copy = std::make_shared<Inode>();
            copy->bytes = inode->after_power_cut(torn, holes);
            copy->durable_bytes = copy->bytes.size();
            if (copy->bytes.size() < inode->bytes.size()) ++counts_.files_cut;
            copy->modified = inode->modified;
        }
        inode = copy;
    }
    visible_ = durable_;
    steps_left_ = UINT64_MAX;
    steps_taken_ = 0;
    fail_next_sync_ = false;
}

void SimDisk::flip(std::string_view path, std::size_t at, std::byte mask) {
    const auto found = visible_.find(path);
    LH_CHECK(found != visible_.end() && at < found->second->bytes.size());
    found->second->bytes[at] ^= mask;
}

void SimDisk::begin_to_fail(std::string_view path) {
    if (fails_from_path_.empty() || !path.starts_with(fails_from_path_)) return;
    steps_left_ = fails_from_path_steps_;
    fails_from_path_.clear();
}

Result<std::unique_ptr<DiskFile>> SimDisk::create(std::string_view path) {
    if (visible_.contains(path)) return ErrorCode::exists;
    if (!folders_.contains(folder_of(path))) return ErrorCode::not_found;
    if (full_) {
        ++counts_.no_space;
        return ErrorCode::full;
    }
    begin_to_fail(path);
    const Step step = take_step();
    if (!step.applies) return step.status.error();
    auto inode = std::make_shared<Inode>();
    inode->modified = now_;
    change_name(path, inode);
    if (!step.status.ok()) return step.status.error();
    return std::unique_ptr<DiskFile>{new SimFile{*this, inode}};
}

Result<std::unique_ptr<DiskFile>> SimDisk::open(std::string_view path) {
    const auto found = visible_.find(path);
    if (found == visible_.end()) return ErrorCode::not_found;
    return std::unique_ptr<DiskFile>{new SimFile{*this, found->second}};
}

// Folders are durable as soon as they are made, as the contract of make_directories() says.
Status SimDisk::make_directories(std::string_view path) {
    for (std::string_view part = path; !part.empty(); part = folder_of(part)) {
        if (visible_.contains(part)) return Error{ErrorCode::io, "Not a directory"};
    }
    LH_TRY(take_step().status);
    for (std::string_view folder = path; !folder.empty(); folder = folder_of(folder)) {
        folders_.emplace(folder);
    }
    return {};
}

Status SimDisk::sync_directory(std::string_view path) {
    if (!folders_.contains(path)) return ErrorCode::not_found;
    LH_TRY(take_step().status);
    const auto here = [path](const NameChange& change) { return folder_of(change.name) == path; };
    for (const NameChange& change : unsynced_) {
        if (here(change)) make_durable(change);
    }
    std::erase_if(unsynced_, here);
    return {};
}

Result<std::vector<DiskEntry>> SimDisk::list(std::string_view path) {
    if (!folders_.contains(path)) return ErrorCode::not_found;
    std::vector<DiskEntry> entries;
    const auto name_of_last = [](std::string_view full) {
        return std::string{full.substr(full.rfind('/') + 1)};
    };
    const std::string prefix = path.empty() ? std::string{} : std::string{path} + '/';
    for (auto at = visible_.lower_bound(prefix);
         at != visible_.end() && at->first.starts_with(prefix); ++at) {
        if (folder_of(at->first) == path)
            entries.push_back(
                {name_of_last(at->first), at->second->bytes.size(), false, at->second->modified});
    }
    for (auto at = folders_.lower_bound(prefix); at != folders_.end() && at->starts_with(prefix);
         ++at) {
        if (!at->empty() && folder_of(*at) == path)
            entries.push_back({name_of_last(*at), 0, true, {}});
    }
    std::sort(entries.begin(), entries.end(),
              [](const DiskEntry& a, const DiskEntry& b) { return a.name < b.name; });
    return entries;
}

Status SimDisk::link(std::string_view from, std::string_view to) {
    const auto found = visible_.find(from);
    if (found == visible_.end()) return ErrorCode::not_found;
    if (visible_.contains(to)) return ErrorCode::exists;
    begin_to_fail(to);
    const Step step = take_step();
    if (step.applies) change_name(to, found->second);
    return step.status;
}

Status SimDisk::rename(std::string_view from, std::string_view to) {
    const auto found = visible_.find(from);
    if (found == visible_.end()) return ErrorCode::not_found;
    const Step step = take_step();
    if (step.applies) {
        change_name(to, found->second, true);
        change_name(from, nullptr);
    }
    return step.status;
}

Status SimDisk::remove(std::string_view path) {
    if (!visible_.contains(path)) return ErrorCode::not_found;
    const Step step = take_step();
    if (step.applies) change_name(path, nullptr);
    return step.status;
}

}  // namespace longhaul::sim
