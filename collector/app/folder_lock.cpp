#include "collector/app/folder_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

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

FolderLock::~FolderLock() { ::close(file_); }

}  // namespace longhaul::collector
