// Flash in a file: images of devices' flash, and tests of the flash spool on a real file system.
#pragma once

#include <string>

#include "agent/platform/linux/descriptor.hpp"
#include "agent/port/flash.hpp"
#include "common/base/result.hpp"

namespace longhaul::agent {

class FileFlash final : public Flash {
 public:
    // Without syncs it is as durable as the file system likes: for images that can be made again.
    enum class Syncs : bool { no, yes };
    // Made, and blank, if it is not there; one of another size is refused.
    static Result<FileFlash, Message> open(const std::string& path, const FlashGeometry& geometry,
                                           Syncs syncs = Syncs::yes);

    FlashGeometry geometry() const override { return geometry_; }
    Status read(std::uint32_t sector, std::uint32_t offset, MutableBytes room) override;
    // As flash does it: bits go from 1 to 0 only.
    Status program(std::uint32_t sector, std::uint32_t offset, Bytes bytes) override;
    Status erase(std::uint32_t sector) override;
    Status sync() override;

 private:
    FileFlash(Descriptor file, const FlashGeometry& geometry, Syncs syncs)
        : file_{std::move(file)}, geometry_{geometry}, syncs_{syncs} {}
    Status write_blank(std::uint32_t sector);

    Descriptor file_;
    FlashGeometry geometry_;
    Syncs syncs_;
};

}  // namespace longhaul::agent
