#include "agent/platform/linux/spool_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "agent/platform/linux/descriptor.hpp"

namespace longhaul::agent {
namespace {

constexpr mode_t owner_only = 0600;

Error file_error() {
    if (errno == ENOSPC || errno == EDQUOT) return {ErrorCode::full, "no space left on the disk"};
    if (errno == ENOENT) return ErrorCode::not_found;
    return {ErrorCode::io, "a file of the spool cannot be changed"};
}

// Names are part of the folder.
Status sync_folder_of(const std::string& path) {
    std::filesystem::path folder = std::filesystem::path{path}.parent_path();
    if (folder.empty()) folder = ".";
    const Descriptor opened{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!opened.open() || ::fsync(opened.number()) != 0) return file_error();
    return {};
}

}  // namespace

bool PosixSpoolFiles::exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

Status PosixSpoolFiles::rename(const std::string& from, const std::string& to) {
    if (std::rename(from.c_str(), to.c_str()) != 0) return file_error();
    return sync_folder_of(to);
}

Status PosixSpoolFiles::remove(const std::string& path) {
    if (::unlink(path.c_str()) != 0) return errno == ENOENT ? Status{} : Status{file_error()};
    return sync_folder_of(path);
}

Status PosixSpoolFiles::allocate(const std::string& path, std::uint64_t bytes) {
    const Descriptor file{::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, owner_only)};
    if (!file.open()) return file_error();
    errno = ::posix_fallocate(file.number(), 0, static_cast<off_t>(bytes));
    if (errno != 0 || ::ftruncate(file.number(), static_cast<off_t>(bytes)) != 0)
        return file_error();
    return {};
}

// By name: SQLite's locks on a file go when its process closes that file anywhere.
Status PosixSpoolFiles::make_private(const std::string& path) {
    if (!exists(path)) {
        const Descriptor made{::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, owner_only)};
        return {};  // if it cannot be made, SQLite says why
    }
    for (const std::string& file : {path, path + "-wal"}) {
        struct stat facts{};
        if (::stat(file.c_str(), &facts) != 0 || (facts.st_mode & 077) == 0) continue;
        if (::chmod(file.c_str(), owner_only) != 0) return file_error();
    }
    return {};
}

Status PosixSpoolFiles::write(const std::string& path, Bytes bytes) {
    const std::string beside = path + ".new";
    {
        const Descriptor file{
            ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, owner_only)};
        if (!file.open()) return file_error();
        if (::write(file.number(), bytes.data(), bytes.size()) !=
            static_cast<ssize_t>(bytes.size()))
            return file_error();
        if (::fsync(file.number()) != 0) return file_error();
    }
    return rename(beside, path);
}

Result<Bytes> PosixSpoolFiles::read(const std::string& path, std::uint64_t offset,
                                    MutableBytes room) {
    const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (!file.open()) return file_error();
    std::size_t got = 0;
    while (got < room.size()) {
        const ssize_t count = ::pread(file.number(), room.data() + got, room.size() - got,
                                      static_cast<off_t>(offset + got));
        if (count < 0) return Error{ErrorCode::corrupt, "the medium cannot read the spool"};
        if (count == 0) break;
        got += static_cast<std::size_t>(count);
    }
    return Bytes{room.first(got)};
}

}  // namespace longhaul::agent
