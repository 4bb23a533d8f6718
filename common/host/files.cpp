#include "common/host/files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

namespace longhaul {
namespace {

std::string reason() { return std::strerror(errno); }

}  // namespace

Result<std::string, Message> read_text_file(const std::string& path) {
    errno = 0;
    std::ifstream file{path, std::ios::binary};
    std::ostringstream text;
    if (file) text << file.rdbuf();
    if (!file && !(file.eof() && !file.bad())) return Message{path + ": cannot be read: " + reason()};
    return std::move(text).str();
}

Result<std::string, Message> read_private_file(const std::string& path) {
    struct stat info {};
    if (::stat(path.c_str(), &info) == 0 && (info.st_mode & 077) != 0) {
        return Message{path + ": others may read or write this secret; run: chmod 600 " + path};
    }
    return read_text_file(path);
}

Result<void, Message> write_new_file(const std::string& path, std::string_view text, unsigned mode) {
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (file < 0) {
        return Message{path + ": cannot be made: " + reason() +
                       (errno == EEXIST ? "; remove it first if it is not needed any more" : "")};
    }
    const bool written = ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                         ::fsync(file) == 0;
    const std::string why = reason();
    ::close(file);
    if (!written) return Message{path + ": cannot be written: " + why};
    return {};
}

}  // namespace longhaul
