// A spool looked at: a private copy of its file, so that whatever is done to it changes nothing.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/flash_spool.hpp"
#include "agent/platform/linux/file_flash.hpp"
#include "agent/platform/linux/linux_ports.hpp"
#include "agent/platform/linux/sqlite_spool.hpp"

namespace longhaul::agent {

class SpoolCopy {
 public:
    // Copies a spool's SQLite file, or the image of a device's flash, to the folder for temporary
    // files and opens the copy. No agent may be running on it.
    static Result<std::unique_ptr<SpoolCopy>, Message> make(const std::string& path);
    ~SpoolCopy();
    SpoolCopy(const SpoolCopy&) = delete;
    SpoolCopy& operator=(const SpoolCopy&) = delete;

    Spool& spool() { return sqlite_ != nullptr ? static_cast<Spool&>(*sqlite_) : *flash_; }
    const char* kind() const { return sqlite_ != nullptr ? "SQLite" : "flash"; }
    // The file could not be read as it is: what was taken over from it is in the copy.
    bool damaged() const { return sqlite_ != nullptr && !sqlite_->set_aside().empty(); }

 private:
    SpoolCopy() = default;
    Result<void, Message> copy(const std::string& path);
    Result<void, Message> open_sqlite(const std::string& path);
    Result<void, Message> open_flash(const std::string& path, const FlashGeometry& geometry);

    std::string folder_;
    LinuxEntropy entropy_;
    std::unique_ptr<SqliteSpool> sqlite_;  // this one, or the three below
    std::optional<FileFlash> image_;
    std::vector<std::byte> memory_;
    std::unique_ptr<FlashSpool> flash_;
};

}  // namespace longhaul::agent
