// Attacks the messages of a session and the entries of a block's system stream. The first byte
// chooses the message; what is read and written again must read the same.
#include <vector>

#include "common/block/epoch.hpp"
#include "common/wire/frame.hpp"

using namespace longhaul;

namespace {

using Encoded = std::vector<std::byte>;

template <class Write>
Encoded encoded(std::size_t header_bytes, Write write) {
    Encoded room(frame_bytes_max);
    ByteWriter out{room};
    LH_CHECK(write(out).ok());
    return {room.begin() + static_cast<std::ptrdiff_t>(header_bytes),
            room.begin() + static_cast<std::ptrdiff_t>(out.size())};
}

Encoded body_of(const longhaul_Bye& bye) {
    return encoded(frame_header_bytes,
                   [&](ByteWriter& out) { return write_bye(FrameType::bye, bye, out); });
}
template <class M>
Encoded body_of(const M& message) {
    return encoded(frame_header_bytes,
                   [&](ByteWriter& out) { return write_message(message, out); });
}

// Unknown fields are dropped and repeated ones merged, so it is the second writing that must agree.
template <class M>
void read_and_write(Bytes body) {
    M message;
    if (!parse_message(body, message).ok()) return;
    const Encoded first = body_of(message);
    M again;
    LH_CHECK(parse_message(first, again).ok());
    LH_CHECK(body_of(again) == first);
}

void read_system_entries(Bytes bytes) {
    ByteReader in{bytes};
    while (!in.at_end()) {
        longhaul_SystemEntry entry;
        if (!read_system_entry(in, entry).ok()) return;
        const auto write = [&entry](ByteWriter& out) { return write_system_entry(entry, out); };
        const Encoded first = encoded(0, write);
        ByteReader again{first};
        LH_CHECK(read_system_entry(again, entry).ok());
        LH_CHECK(again.at_end());
        LH_CHECK(encoded(0, write) == first);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const Bytes rest = std::as_bytes(std::span{data + 1, size - 1});
    switch (data[0] % 8) {
        case 0:
            read_and_write<longhaul_Hello>(rest);
            break;
        case 1:
            read_and_write<longhaul_Welcome>(rest);
            break;
        case 2:
            read_and_write<longhaul_Ack>(rest);
            break;
        case 3:
            read_and_write<longhaul_Window>(rest);
            break;
        case 4:
            read_and_write<longhaul_Bye>(rest);
            break;
        case 6:
            read_and_write<longhaul_Enrol>(rest);
            break;
        case 7:
            read_and_write<longhaul_Enrolled>(rest);
            break;
        default:
            read_system_entries(rest);
            break;
    }
    return 0;
}
