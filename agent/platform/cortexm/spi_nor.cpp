#include "agent/platform/cortexm/spi_nor.hpp"

#include <algorithm>
#include <array>

#include "agent/platform/cortexm/board.hpp"

namespace longhaul::agent {
namespace {

constexpr std::uint32_t controller_at = 0x40001000;
enum Register : std::uint32_t {
    control = 0x00,
    frame_bits = 0x04,
    status = 0x08,
    received = 0x10,
    to_send = 0x14,
    select = 0x1c
};
constexpr std::uint32_t nothing_received = 1U << 6;
constexpr std::uint32_t enabled_master =
    1U << 0 | 1U << 1 | 1U << 26 | 1U << 29;  // big FIFO, select held
enum Command : std::uint8_t {
    page_program = 0x02,
    read_data = 0x03,
    read_status = 0x05,
    write_enable = 0x06,
    sector_erase = 0xd8
};
constexpr std::size_t head_bytes = 4;
constexpr std::int64_t busy_ms_max = 4000;  // an erase at its worst

volatile std::uint32_t& port(std::uint32_t offset) {
    return *reinterpret_cast<volatile std::uint32_t*>(controller_at + offset);
}

std::uint8_t exchange(std::uint8_t byte) {
    port(to_send) = byte;
    while ((port(status) & nothing_received) != 0) {
    }
    return static_cast<std::uint8_t>(port(received));
}

// One transaction of `bytes`: the flash stays selected for so many.
void begin(std::size_t bytes) {
    port(control) = 0;
    port(frame_bits) = 8;
    port(select) = 1;
    port(control) = enabled_master | static_cast<std::uint32_t>(bytes) << 8;
}

void send_head(Command command, std::uint32_t address) {
    exchange(command);
    for (const unsigned shift : {16U, 8U, 0U})
        exchange(static_cast<std::uint8_t>(address >> shift));
}

void enable_writing() {
    begin(1);
    exchange(write_enable);
}

Status wait_until_done() {
    const MonotonicMs until = board::now() + busy_ms_max;
    for (;;) {
        begin(2);
        exchange(read_status);
        if ((exchange(0) & 1U) == 0) return {};
        if (board::now() > until) return Error{ErrorCode::io, "the flash does not get done"};
    }
}

}  // namespace

Status SpiNor::read(std::uint32_t sector, std::uint32_t offset, MutableBytes room) {
    std::uint32_t address = sector * sector_bytes + offset;
    while (!room.empty()) {
        const std::size_t count = std::min<std::size_t>(room.size(), page_bytes);
        begin(head_bytes + count);
        send_head(read_data, address);
        for (std::byte& each : room.first(count)) each = std::byte{exchange(0)};
        room = room.subspan(count);
        address += static_cast<std::uint32_t>(count);
    }
    return {};
}

// What goes beyond the end of a page would begin again at its start.
Status SpiNor::program(std::uint32_t sector, std::uint32_t offset, Bytes bytes) {
    std::uint32_t address = sector * sector_bytes + offset;
    while (!bytes.empty()) {
        const std::size_t count =
            std::min<std::size_t>(bytes.size(), page_bytes - address % page_bytes);
        enable_writing();
        begin(head_bytes + count);
        send_head(page_program, address);
        for (const std::byte each : bytes.first(count))
            exchange(std::to_integer<std::uint8_t>(each));
        LH_TRY(wait_until_done());
        bytes = bytes.subspan(count);
        address += static_cast<std::uint32_t>(count);
    }
    return {};
}

Status SpiNor::erase(std::uint32_t sector) {
    enable_writing();
    begin(head_bytes);
    send_head(sector_erase, sector * sector_bytes);
    return wait_until_done();
}

}  // namespace longhaul::agent
