#include "collector/disk/disk.hpp"

namespace longhaul::collector {

std::string_view folder_of(std::string_view path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string_view::npos ? std::string_view{} : path.substr(0, slash);
}

Result<std::vector<std::byte>> read_file(Disk& disk, std::string_view path) {
    LH_TRY_ASSIGN(const auto file, disk.open(path));
    LH_TRY_ASSIGN(const std::uint64_t size, file->size());
    std::vector<std::byte> bytes(static_cast<std::size_t>(size));
    LH_TRY_ASSIGN(const std::size_t read, file->read_at(0, bytes));
    if (read != bytes.size()) return Error{ErrorCode::io, "file shrank while it was read"};
    return bytes;
}

Status write_synced(Disk& disk, std::string_view path, Bytes bytes) {
    LH_TRY_ASSIGN(const auto file, disk.create(path));
    LH_TRY(file->append(bytes));
    return file->sync();
}

Status replace_file(Disk& disk, std::string_view path, Bytes bytes) {
    const std::string temporary = std::string{path} + ".new";
    if (const Status removed = disk.remove(temporary);
        !removed.ok() && removed.error().code != ErrorCode::not_found) {
        return removed;
    }
    if (const Status written = write_synced(disk, temporary, bytes); !written.ok()) {
        (void)disk.remove(temporary).ok();  // half a file would only make a full disk fuller
        return written;
    }
    LH_TRY(disk.rename(temporary, path));
    return disk.sync_directory(folder_of(path));
}

}  // namespace longhaul::collector
