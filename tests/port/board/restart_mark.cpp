#include "tests/port/board/restart_mark.hpp"

#include <array>

#include "common/base/bytes.hpp"
#include "common/base/crc32c.hpp"

namespace longhaul::port {
namespace {

constexpr std::size_t mark_bytes = 256;  // the longest unit of a program
constexpr std::uint32_t magic = 0x4b52'414d;
using Raw = std::array<std::byte, mark_bytes>;

// magic, phase, times, held, failed, left out, CRC-32C of these; the rest is zero.
Raw raw_of(const RestartMark& mark) {
    Raw raw{};
    ByteWriter out{raw};
    for (const std::uint32_t each : {magic, mark.phase, mark.times, mark.counts.held,
                                     mark.counts.failed, mark.counts.left_out})
        out.u32(each);
    out.u32(crc32c(out.written()));
    return raw;
}

}  // namespace

RestartMark read_mark(agent::Flash& flash, std::uint32_t sector) {
    Raw raw;
    if (!flash.read(sector, 0, raw).ok()) return {};
    ByteReader in{raw};
    if (in.u32() != magic) return {};
    RestartMark mark;
    for (std::uint32_t* each :
         {&mark.phase, &mark.times, &mark.counts.held, &mark.counts.failed, &mark.counts.left_out})
        *each = in.u32();
    return raw == raw_of(mark) ? mark : RestartMark{};
}

bool write_mark(agent::Flash& flash, std::uint32_t sector, const RestartMark& mark) {
    const Raw raw = raw_of(mark);
    Raw read;
    return flash.erase(sector).ok() && flash.program(sector, 0, raw).ok() && flash.sync().ok() &&
           flash.read(sector, 0, read).ok() && read == raw;
}

bool remove_mark(agent::Flash& flash, std::uint32_t sector) {
    return flash.erase(sector).ok() && flash.sync().ok() && read_mark(flash, sector).phase == 0;
}

}  // namespace longhaul::port
