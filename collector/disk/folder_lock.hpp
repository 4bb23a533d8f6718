// Keeps two collectors off one journal: a lock that the operating system takes back when the
// process ends, however it does.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "common/base/result.hpp"

namespace longhaul::collector {

class FolderLock {
 public:
    static Result<std::unique_ptr<FolderLock>, Message> take(const std::string& folder);
    ~FolderLock();
    // Who has taken it, as far as the operating system tells: a process id, 0 when that is not
    // told; absent: nobody. Takes nothing itself.
    static std::optional<int> holder(const std::string& folder);
    FolderLock(const FolderLock&) = delete;
    FolderLock& operator=(const FolderLock&) = delete;

 private:
    explicit FolderLock(int file) : file_{file} {}
    int file_;
};

}  // namespace longhaul::collector
