#include "collector/disk/folder_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

namespace longhaul::collector {

Result<std::unique_ptr<FolderLock>, Message> FolderLock::take(const std::string& folder) {
    const std::string path = folder + "/lock";
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (file < 0) return Message{path + ": cannot open: " + std::strerror(errno)};
    std::unique_ptr<FolderLock> lock{new FolderLock{file}};
    if (::flock(file, LOCK_EX | LOCK_NB) != 0) {
        return Message{folder + ": another collector is using it"};
    }
    return lock;
}

// "3: FLOCK  ADVISORY  WRITE 4711 fd:00:1234 0 EOF" in /proc/locks; the file's number is the last
// of the three that colons separate.
std::optional<int> FolderLock::holder(const std::string& folder) {
    struct stat file{};
    if (::stat((folder + "/lock").c_str(), &file) != 0) return std::nullopt;
    const std::string ending = ":" + std::to_string(file.st_ino);
    std::ifstream locks{"/proc/locks"};
    for (std::string line; std::getline(locks, line);) {
        std::istringstream words{line};
        std::string number;
        std::string kind;
        std::string manner;
        std::string access;
        std::string place;
        int process = 0;
        if (!(words >> number >> kind >> manner >> access >> process >> place)) continue;
        if (kind == "FLOCK" && place.ends_with(ending)) return std::max(process, 0);
    }
    return std::nullopt;
}

FolderLock::~FolderLock() { ::close(file_); }

}  // namespace longhaul::collector
