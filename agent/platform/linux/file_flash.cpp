#include "agent/platform/linux/file_flash.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace longhaul::agent {
namespace {

off_t place_of(const FlashGeometry& geometry, std::uint32_t sector, std::uint32_t offset) {
    return off_t{sector} * geometry.sector_bytes + offset;
}

Status write_all(int file, Bytes bytes, off_t at) {
    while (!bytes.empty()) {
        const ssize_t count = ::pwrite(file, bytes.data(), bytes.size(), at);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return Error{ErrorCode::io, "the flash image cannot be written"};
        bytes = bytes.subspan(static_cast<std::size_t>(count));
        at += count;
    }
    return {};
}

}  // namespace

Result<FileFlash, Message> FileFlash::open(const std::string& path, const FlashGeometry& geometry,
                                           Syncs syncs) {
    Descriptor file{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
    struct stat info{};
    if (!file.open() || ::fstat(file.number(), &info) != 0)
        return Message{path + ": " + std::strerror(errno)};
    FileFlash flash{std::move(file), geometry, syncs};
    const off_t size = place_of(geometry, geometry.sectors, 0);
    if (info.st_size == size) return flash;
    if (info.st_size != 0)
        return Message{path + ": not an image of a flash of " + std::to_string(size) + " bytes"};
    for (std::uint32_t sector = 0; sector < geometry.sectors; ++sector)
        if (!flash.write_blank(sector).ok()) return Message{path + ": " + std::strerror(errno)};
    if (!flash.sync().ok()) return Message{path + ": " + std::strerror(errno)};
    return flash;
}

Status FileFlash::read(std::uint32_t sector, std::uint32_t offset, MutableBytes room) {
    off_t at = place_of(geometry_, sector, offset);
    while (!room.empty()) {
        const ssize_t count = ::pread(file_.number(), room.data(), room.size(), at);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return Error{ErrorCode::io, "the flash image cannot be read"};
        room = room.subspan(static_cast<std::size_t>(count));
        at += count;
    }
    return {};
}

Status FileFlash::program(std::uint32_t sector, std::uint32_t offset, Bytes bytes) {
    std::array<std::byte, 256> chunk;
    while (!bytes.empty()) {
        const MutableBytes piece = MutableBytes{chunk}.first(std::min(bytes.size(), chunk.size()));
        LH_TRY(read(sector, offset, piece));
        for (std::size_t i = 0; i < piece.size(); ++i) piece[i] &= bytes[i];
        LH_TRY(write_all(file_.number(), piece, place_of(geometry_, sector, offset)));
        offset += static_cast<std::uint32_t>(piece.size());
        bytes = bytes.subspan(piece.size());
    }
    return {};
}

Status FileFlash::write_blank(std::uint32_t sector) {
    constexpr std::uint32_t blank_bytes = 4096;
    std::array<std::byte, blank_bytes> blank;
    blank.fill(std::byte{0xff});
    for (std::uint32_t at = 0; at < geometry_.sector_bytes; at += blank_bytes) {
        const std::size_t count = std::min<std::size_t>(blank.size(), geometry_.sector_bytes - at);
        LH_TRY(
            write_all(file_.number(), Bytes{blank}.first(count), place_of(geometry_, sector, at)));
    }
    return {};
}

Status FileFlash::erase(std::uint32_t sector) { return write_blank(sector); }

Status FileFlash::sync() {
    if (syncs_ == Syncs::no || ::fdatasync(file_.number()) == 0) return {};
    return Error{ErrorCode::io, "the flash image cannot be synced"};
}

}  // namespace longhaul::agent
