#include "collector/disk/posix_disk.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

namespace longhaul::collector {
namespace {

// Static text, unlike strerror's.
const char* text_of(int number) {
    const char* text = ::strerrordesc_np(number);
    return text == nullptr ? "the operating system reported an unknown error" : text;
}

Error error_of(int number) {
    switch (number) {
        case ENOENT:
            return {ErrorCode::not_found, "no such file"};
        case EEXIST:
            return {ErrorCode::exists, "file is there already"};
        case ENOSPC:
        case EDQUOT:
            return {ErrorCode::full, "no space left on the disk"};
        case EACCES:
        case EPERM:
            return {ErrorCode::denied, "no permission"};
        case EROFS:
            return {ErrorCode::denied, "the disk is read-only"};
        default:
            return {ErrorCode::io, text_of(number)};
    }
}

Status status_of(int result) { return result == 0 ? Status{} : error_of(errno); }

class PosixFile final : public DiskFile {
 public:
    explicit PosixFile(int file) : file_{file} {}
    ~PosixFile() override { ::close(file_); }
    PosixFile(const PosixFile&) = delete;
    PosixFile& operator=(const PosixFile&) = delete;

    Status append(Bytes bytes) override {
        while (!bytes.empty()) {
            const ssize_t written = ::write(file_, bytes.data(), bytes.size());
            if (written < 0 && errno == EINTR) continue;
            if (written < 0) return error_of(errno);
            bytes = bytes.subspan(static_cast<std::size_t>(written));
        }
        return {};
    }

    Result<std::size_t> read_at(std::uint64_t offset, MutableBytes room) override {
        std::size_t done = 0;
        while (done < room.size()) {
            const ssize_t got = ::pread(file_, room.data() + done, room.size() - done,
                                        static_cast<off_t>(offset + done));
            if (got < 0 && errno == EINTR) continue;
            if (got < 0) return error_of(errno);
            if (got == 0) break;
            done += static_cast<std::size_t>(got);
        }
        return done;
    }

    Result<std::uint64_t> size() override {
        struct stat info{};
        if (::fstat(file_, &info) != 0) return error_of(errno);
        return static_cast<std::uint64_t>(info.st_size);
    }

    Status truncate(std::uint64_t size) override {
        return status_of(::ftruncate(file_, static_cast<off_t>(size)));
    }

    Status sync() override { return status_of(::fdatasync(file_)); }

 private:
    int file_;
};

// The folders of `path` that are not there yet, each durable in the one above it: what is synced
// below a name that a power cut takes away is lost too.
Status make_root(const std::string& path) {
    std::filesystem::path made;
    for (const auto& part : std::filesystem::absolute(path).lexically_normal()) {
        const std::filesystem::path above = made;
        made /= part;
        if (::mkdir(made.c_str(), 0755) != 0) {
            if (errno == EEXIST) continue;
            return error_of(errno);
        }
        const int folder = ::open(above.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (folder < 0) return error_of(errno);
        const Status synced = status_of(::fsync(folder));
        ::close(folder);
        LH_TRY(synced);
    }
    return {};
}

std::string text(std::string_view path) {
    return path.empty() ? std::string{"."} : std::string{path};
}

}  // namespace

Result<std::unique_ptr<PosixDisk>> PosixDisk::open_root(const std::string& path) {
    LH_TRY(make_root(path));
    const int root = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root < 0) return error_of(errno);
    return std::unique_ptr<PosixDisk>{new PosixDisk{root}};
}

PosixDisk::~PosixDisk() { ::close(root_); }

Result<std::unique_ptr<DiskFile>> PosixDisk::create(std::string_view path) {
    const int file =
        ::openat(root_, text(path).c_str(), O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0640);
    if (file < 0) return error_of(errno);
    return std::unique_ptr<DiskFile>{new PosixFile{file}};
}

Result<std::unique_ptr<DiskFile>> PosixDisk::open(std::string_view path) {
    int file = ::openat(root_, text(path).c_str(), O_RDWR | O_APPEND | O_CLOEXEC);
    // Tools may look at a journal or lake that they may not change.
    if (file < 0 && (errno == EACCES || errno == EROFS)) {
        file = ::openat(root_, text(path).c_str(), O_RDONLY | O_CLOEXEC);
    }
    if (file < 0) return error_of(errno);
    return std::unique_ptr<DiskFile>{new PosixFile{file}};
}

Result<int> PosixDisk::open_folder(std::string_view path) {
    const int folder = ::openat(root_, text(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) return error_of(errno);
    return folder;
}

Status PosixDisk::make_directories(std::string_view path) {
    for (std::size_t end = path.find('/');; end = path.find('/', end + 1)) {
        const std::string_view part = path.substr(0, end);
        if (::mkdirat(root_, text(part).c_str(), 0750) == 0) {
            LH_TRY(sync_directory(folder_of(part)));
        } else if (errno != EEXIST) {
            return error_of(errno);
        }
        if (end == std::string_view::npos) break;
    }
    LH_TRY_ASSIGN(const int folder, open_folder(path));  // what exists may be a file
    ::close(folder);
    return {};
}

Status PosixDisk::sync_directory(std::string_view path) {
    LH_TRY_ASSIGN(const int folder, open_folder(path));
    const Status status = status_of(::fsync(folder));
    ::close(folder);
    return status;
}

Result<std::vector<DiskEntry>> PosixDisk::list(std::string_view path) {
    LH_TRY_ASSIGN(const int folder, open_folder(path));
    DIR* stream = ::fdopendir(folder);
    if (stream == nullptr) {
        const Error error = error_of(errno);
        ::close(folder);
        return error;
    }
    std::vector<DiskEntry> entries;
    int failed = 0;
    for (;;) {
        errno = 0;
        const dirent* entry = ::readdir(stream);
        if (entry == nullptr) {
            failed = errno;
            break;
        }
        const std::string name = entry->d_name;
        if (name == "." || name == "..") continue;
        struct stat info{};
        if (::fstatat(folder, name.c_str(), &info, 0) == 0) {
            const std::int64_t modified_us =
                std::int64_t{info.st_mtim.tv_sec} * 1'000'000 + info.st_mtim.tv_nsec / 1000;
            entries.push_back({name,
                               static_cast<std::uint64_t>(info.st_size),
                               S_ISDIR(info.st_mode),
                               {modified_us}});
        } else if (errno != ENOENT) {  // removed meanwhile
            failed = errno;
            break;
        }
    }
    ::closedir(stream);
    // A list with a file missing would be worse than none.
    if (failed != 0) return error_of(failed);
    std::sort(entries.begin(), entries.end(),
              [](const DiskEntry& a, const DiskEntry& b) { return a.name < b.name; });
    return entries;
}

Status PosixDisk::link(std::string_view from, std::string_view to) {
    return status_of(::linkat(root_, text(from).c_str(), root_, text(to).c_str(), 0));
}

Status PosixDisk::rename(std::string_view from, std::string_view to) {
    return status_of(::renameat(root_, text(from).c_str(), root_, text(to).c_str()));
}

Status PosixDisk::remove(std::string_view path) {
    return status_of(::unlinkat(root_, text(path).c_str(), 0));
}

}  // namespace longhaul::collector
