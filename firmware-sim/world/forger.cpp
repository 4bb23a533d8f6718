#include "firmware-sim/world/forger.hpp"

#include <algorithm>

namespace longhaul::sim {
namespace {

constexpr std::size_t bomb_plain_bytes = 8 << 20;  // of zeros
constexpr std::size_t bomb_bytes_max = 1024;

}  // namespace

std::optional<std::size_t> Forger::compress(Bytes plain, Bytes dictionary, MutableBytes room) {
    const auto honest = sound_.compress(plain, dictionary, room);
    if (!honest || *honest < 3) return honest;
    enum { bomb, lies, short_by_one, swapped, ways };
    switch (forged_++ % ways) {
        case bomb:
            return put_bomb(room);
        case lies:  // about how much it holds
            room[1] ^= std::byte{0x55};
            return honest;
        case short_by_one:
            return *honest - 1;
        default:  // something else that is sound
            return sound_.compress(plain.first(plain.size() / 2), dictionary, room);
    }
}

// A little that becomes a thousand times what a section may hold.
std::optional<std::size_t> Forger::put_bomb(MutableBytes room) {
    if (bomb_.empty()) {
        bomb_.resize(bomb_bytes_max);
        const std::vector<std::byte> zeros(bomb_plain_bytes);
        bomb_.resize(sound_.compress(zeros, {}, bomb_).value_or(0));
    }
    if (bomb_.empty() || bomb_.size() > room.size()) return std::nullopt;
    std::copy(bomb_.begin(), bomb_.end(), room.begin());
    return bomb_.size();
}

}  // namespace longhaul::sim
