#include "common/host/files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace longhaul {
namespace {

// Closes a descriptor when it goes out of scope.
class Descriptor {
 public:
    explicit Descriptor(int number) : number_{number} {}
    ~Descriptor() {
        if (number_ >= 0) ::close(number_);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;

    bool ok() const { return number_ >= 0; }
    int number() const { return number_; }

 private:
    int number_;
};

Message problem(const std::string& path, const char* what) {
    return {path + ": " + what + ": " + std::strerror(errno)};
}

Result<std::vector<std::byte>, Message> read_all(const std::string& path, bool secret,
                                                 std::size_t bytes_max = small_file_bytes_max) {
    const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (!file.ok()) return problem(path, "cannot open");
    struct stat facts{};
    if (::fstat(file.number(), &facts) != 0) return problem(path, "cannot read");
    if (!S_ISREG(facts.st_mode)) return Message{path + ": is not a file"};
    if (secret && (facts.st_mode & 077) != 0) {
        return Message{path + ": is a secret that others may read; chmod 600 " + path};
    }
    if (static_cast<std::size_t>(facts.st_size) > bytes_max) {
        return Message{path + ": is larger than " + std::to_string(bytes_max >> 20) + " MiB"};
    }
    std::vector<std::byte> bytes(static_cast<std::size_t>(facts.st_size));
    std::size_t got = 0;
    while (got < bytes.size()) {
        const ssize_t count = ::read(file.number(), bytes.data() + got, bytes.size() - got);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return problem(path, "cannot read");
        if (count == 0) break;
        got += static_cast<std::size_t>(count);
    }
    bytes.resize(got);
    return bytes;
}

Result<void, Message> write_all(const std::string& path, Bytes bytes, unsigned mode, bool sync) {
    LH_TRY_ASSIGN(NewFile file, NewFile::make(path, mode));
    LH_TRY(file.append(bytes));
    return sync ? file.sync() : Result<void, Message>{};
}

}  // namespace

Result<NewFile, Message> NewFile::make(const std::string& path, unsigned mode) {
    const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (descriptor < 0) return problem(path, "cannot make");
    NewFile file{path, descriptor};
    if (::fchmod(descriptor, mode) != 0) return problem(path, "cannot set the mode");
    return file;
}

NewFile::~NewFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

Result<void, Message> NewFile::append(Bytes bytes) {
    while (!bytes.empty()) {
        const ssize_t count = ::write(descriptor_, bytes.data(), bytes.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return problem(path_, "cannot write");
        bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
    return {};
}

Result<void, Message> NewFile::sync() {
    if (::fsync(descriptor_) != 0) return problem(path_, "cannot sync");
    return {};
}

Result<std::vector<std::byte>, Message> read_file(const std::string& path) {
    return read_all(path, false);
}

Result<std::string, Message> read_text_file(const std::string& path, std::size_t bytes_max) {
    LH_TRY_ASSIGN(const std::vector<std::byte> bytes, read_all(path, false, bytes_max));
    return std::string{as_text(bytes)};
}

Result<std::vector<std::byte>, Message> read_private_file(const std::string& path) {
    return read_all(path, true);
}

Result<void, Message> write_new_file(const std::string& path, Bytes bytes, unsigned mode) {
    return write_all(path, bytes, mode, false);
}

Result<void, Message> copy_file(const std::string& from, const std::string& to, unsigned mode) {
    const Descriptor file{::open(from.c_str(), O_RDONLY | O_CLOEXEC)};
    if (!file.ok()) return problem(from, "cannot open");
    LH_TRY_ASSIGN(NewFile copy, NewFile::make(to, mode));
    std::array<std::byte, 65'536> piece;
    for (;;) {
        const ssize_t count = ::read(file.number(), piece.data(), piece.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return problem(from, "cannot read");
        if (count == 0) return {};
        LH_TRY(copy.append(Bytes{piece}.first(static_cast<std::size_t>(count))));
    }
}

Result<void, Message> replace_file(const std::string& path, Bytes bytes, unsigned mode) {
    const std::string beside = path + ".new";
    ::unlink(beside.c_str());  // of an attempt that was cut short
    LH_TRY(write_all(beside, bytes, mode, true));
    if (::rename(beside.c_str(), path.c_str()) != 0) return problem(path, "cannot replace");
    return {};
}

Result<void, Message> make_folders(const std::string& path, unsigned mode) {
    std::error_code error;
    const bool made = std::filesystem::create_directories(path, error);
    if (error) return Message{path + ": cannot make the folder: " + error.message()};
    if (made && ::chmod(path.c_str(), mode) != 0) return problem(path, "cannot set the mode");
    return {};
}

Result<bool, Message> is_there(const std::string& path) {
    std::error_code error;
    const bool there = std::filesystem::exists(path, error);
    if (error) return Message{path + ": " + error.message()};
    return there;
}

bool is_folder(const std::string& path) {
    std::error_code error;
    return std::filesystem::is_directory(path, error);
}

Result<std::vector<std::string>, Message> paths_in(const std::string& folder) {
    std::error_code error;
    std::vector<std::string> paths;
    // A range-based loop would throw where this one notes an error.
    for (std::filesystem::directory_iterator at{folder, error}, end; !error && at != end;
         at.increment(error))
        paths.push_back(at->path().string());
    if (error) return Message{folder + ": " + error.message()};
    return paths;
}

Result<void, Message> sync_file_system(const std::string& path) {
    const Descriptor folder{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (!folder.ok()) return problem(path, "cannot open");
    if (::syncfs(folder.number()) != 0) return problem(path, "cannot sync");
    return {};
}

}  // namespace longhaul
