// The files around an SQLite spool that SQLite itself knows nothing of: a port, so that tests can
// cut the power here as well.
#pragma once

#include <cstdint>
#include <string>

#include "common/base/bytes.hpp"
#include "common/base/result.hpp"

namespace longhaul::agent {

// Beside the file of a spool: room that is given up when the disk is full.
inline std::string reserve_of(const std::string& path) { return path + ".reserve"; }

// What is done is on the disk when a call returns ok.
class SpoolFiles {
 public:
    virtual const char* vfs() const = 0;  // the one that SQLite works on; nullptr: its own
    virtual bool exists(const std::string& path) = 0;
    virtual Status rename(const std::string& from, const std::string& to) = 0;
    virtual Status remove(const std::string& path) = 0;  // fine if it is not there
    // A file of so many bytes, whatever is in them, that take their room on the disk.
    virtual Status allocate(const std::string& path, std::uint64_t bytes) = 0;
    // Of a spool and its log: only their owner can read them. A spool that is not there is made.
    virtual Status make_private(const std::string& path) = 0;
    // Makes a small file, whole or not at all.
    virtual Status write(const std::string& path, Bytes bytes) = 0;
    // Reads up to room.size() bytes from `offset`; what is there, nothing behind the end. Error
    // corrupt: the medium cannot read them.
    virtual Result<Bytes> read(const std::string& path, std::uint64_t offset,
                               MutableBytes room) = 0;

 protected:
    ~SpoolFiles() = default;
};

class PosixSpoolFiles final : public SpoolFiles {
 public:
    const char* vfs() const override { return nullptr; }
    bool exists(const std::string& path) override;
    Status rename(const std::string& from, const std::string& to) override;
    Status remove(const std::string& path) override;
    Status allocate(const std::string& path, std::uint64_t bytes) override;
    Status make_private(const std::string& path) override;
    Status write(const std::string& path, Bytes bytes) override;
    Result<Bytes> read(const std::string& path, std::uint64_t offset, MutableBytes room) override;
};

}  // namespace longhaul::agent
