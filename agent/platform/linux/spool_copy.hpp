// A spool looked at: a private copy of its file, so that whatever is done to it changes nothing.
#pragma once

#include <memory>
#include <string>

#include "agent/core/spool.hpp"
#include "agent/platform/linux/linux_ports.hpp"
#include "agent/platform/linux/sqlite_spool.hpp"

namespace longhaul::agent {

class SpoolCopy {
 public:
    // Copies to the folder for temporary files and opens the copy. The agent must not be running.
    static Result<std::unique_ptr<SpoolCopy>, Message> make(const std::string& path);
    ~SpoolCopy();
    SpoolCopy(const SpoolCopy&) = delete;
    SpoolCopy& operator=(const SpoolCopy&) = delete;

    Spool& spool() { return *spool_; }
    const char* kind() const { return "SQLite"; }
    // The file could not be read as it is: what was taken over from it is in the copy.
    bool damaged() const { return !spool_->set_aside().empty(); }

 private:
    SpoolCopy() = default;
    Result<void, Message> copy(const std::string& path);

    std::string folder_;
    LinuxEntropy entropy_;
    std::unique_ptr<SqliteSpool> spool_;
};

}  // namespace longhaul::agent
