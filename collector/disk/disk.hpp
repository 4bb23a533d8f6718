// Port: files that can be made to last. The journal and the local lake rest on nothing else, so the
// simulator can run them on a disk that forgets, tears and refuses.
//
// Paths are relative to the disk's root, separated by '/'. What the callers rely on:
// - bytes of a file are durable after sync(); before it any part of them may be lost in a crash;
// - a name (create, link, rename, remove) is durable after sync_directory() of its folder;
// - after a failed sync nothing may be assumed about the file any more.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/bytes.hpp"
#include "common/base/result.hpp"
#include "common/base/time.hpp"

namespace longhaul::collector {

class DiskFile {
 public:
    virtual ~DiskFile() = default;
    // Appends all of it, or fails (full, io).
    virtual Status append(Bytes bytes) = 0;
    // Reads up to room.size() bytes at `offset`; fewer only at the end of the file.
    virtual Result<std::size_t> read_at(std::uint64_t offset, MutableBytes room) = 0;
    virtual Result<std::uint64_t> size() = 0;
    virtual Status truncate(std::uint64_t size) = 0;
    virtual Status sync() = 0;
};

struct DiskEntry {
    std::string name;
    std::uint64_t bytes = 0;
    bool directory = false;
    WallUs modified{};  // when its bytes were written last
};

class Disk {
 public:
    virtual ~Disk() = default;
    virtual Result<std::unique_ptr<DiskFile>> create(std::string_view path) = 0;  // exists
    virtual Result<std::unique_ptr<DiskFile>> open(std::string_view path) = 0;    // not_found
    virtual Status make_directories(std::string_view path) = 0;  // and syncs those that it made
    virtual Status sync_directory(std::string_view path) = 0;
    virtual Result<std::vector<DiskEntry>> list(std::string_view path) = 0;  // sorted by name
    // A second name for a file; exists when `to` is there already. The put-if-absent of a local
    // disk.
    virtual Status link(std::string_view from, std::string_view to) = 0;
    virtual Status rename(std::string_view from, std::string_view to) = 0;
    virtual Status remove(std::string_view path) = 0;
};

// "a/b/c" -> "a/b"; "" for a name in the root.
std::string_view folder_of(std::string_view path);

// Whole small files.
Result<std::vector<std::byte>> read_file(Disk& disk, std::string_view path);
// A new file with these bytes, synced; its name is not yet. Error exists: nothing was written.
Status write_synced(Disk& disk, std::string_view path, Bytes bytes);
// Writes, syncs, renames over `path`, syncs the folder: afterwards the old or the new file is
// there.
Status replace_file(Disk& disk, std::string_view path, Bytes bytes);

}  // namespace longhaul::collector
