#include "agent/platform/linux/flash_image.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <numeric>
#include <string_view>

namespace longhaul::agent {
namespace {

constexpr std::uint64_t sector_bytes_min = 4096;
constexpr std::uint64_t sectors_min = 16;
constexpr std::string_view erase_mark = "LHSE";
constexpr std::string_view sector_header = "LHSC";

class Image {
 public:
    explicit Image(const std::string& path)
        : descriptor_{::open(path.c_str(), O_RDONLY | O_CLOEXEC)} {
        const off_t end = descriptor_ < 0 ? -1 : ::lseek(descriptor_, 0, SEEK_END);
        char first = 0;  // a folder has an end, too
        if (end > 0 && ::pread(descriptor_, &first, 1, 0) == 1)
            bytes_ = static_cast<std::uint64_t>(end);
    }
    Image(const Image&) = delete;
    Image& operator=(const Image&) = delete;
    ~Image() {
        if (descriptor_ >= 0) ::close(descriptor_);
    }
    std::uint64_t bytes() const { return bytes_; }
    bool has(std::string_view word, std::uint64_t at) const {
        char found[4] = {};
        return ::pread(descriptor_, found, sizeof(found), static_cast<off_t>(at)) ==
                   sizeof(found) &&
               std::string_view{found, sizeof(found)} == word;
    }

 private:
    int descriptor_;
    std::uint64_t bytes_ = 0;
};

}  // namespace

std::optional<FlashGeometry> geometry_of_image(const std::string& path) {
    const Image image{path};
    std::uint64_t sector_bytes = 0;  // what divides the places of all marks
    std::uint64_t unit = 0;
    for (std::uint64_t at = 0; at < image.bytes(); at += sector_bytes_min) {
        if (!image.has(erase_mark, at)) continue;
        sector_bytes = std::gcd(sector_bytes, at);
        for (std::uint64_t next = 16; unit == 0 && next <= 256; next *= 2)
            if (image.has(sector_header, at + next)) unit = next;
    }
    if (sector_bytes == 0 || unit == 0 || image.bytes() % sector_bytes != 0 ||
        image.bytes() / sector_bytes < sectors_min)
        return {};
    return FlashGeometry{static_cast<std::uint32_t>(sector_bytes),
                         static_cast<std::uint32_t>(image.bytes() / sector_bytes),
                         unit == 16 ? 1 : static_cast<std::uint32_t>(unit)};
}

}  // namespace longhaul::agent
