#include "agent/platform/cortexm/heap.hpp"

#include <array>
#include <cstdint>
#include <cstring>
#include <new>

#include "common/base/check.hpp"

namespace {

// Free and used pieces lie behind each other; neighbours that are free are joined when room is
// looked for. A few dozen pieces live at once.
struct Piece {
    std::uint32_t bytes;  // with this head
    std::uint32_t used;
};
constexpr std::size_t head_bytes = sizeof(Piece);

alignas(8) std::array<std::byte, LH_HEAP_BYTES> arena;
bool ready = false;
longhaul::agent::HeapUse use{0, 0, LH_HEAP_BYTES, 0};

Piece* piece_at(std::size_t at) { return reinterpret_cast<Piece*>(arena.data() + at); }

void join_free(std::size_t at) {
    Piece& piece = *piece_at(at);
    while (at + piece.bytes < arena.size() && piece_at(at + piece.bytes)->used == 0)
        piece.bytes += piece_at(at + piece.bytes)->bytes;
}

void* take(std::size_t wanted) {
    if (!ready) *piece_at(0) = {LH_HEAP_BYTES, 0};
    ready = true;
    const std::size_t bytes = (wanted + head_bytes + 7) / 8 * 8;
    for (std::size_t at = 0; at < arena.size(); at += piece_at(at)->bytes) {
        Piece& piece = *piece_at(at);
        if (piece.used != 0) continue;
        join_free(at);
        if (piece.bytes < bytes) continue;
        if (piece.bytes - bytes >= 2 * head_bytes) {
            *piece_at(at + bytes) = {static_cast<std::uint32_t>(piece.bytes - bytes), 0};
            piece.bytes = static_cast<std::uint32_t>(bytes);
        }
        piece.used = 1;
        use.now += piece.bytes;
        if (use.now > use.peak) use.peak = use.now;
        return &piece + 1;
    }
    ++use.refused;
    return nullptr;
}

}  // namespace

extern "C" {

void* lh_calloc(std::size_t count, std::size_t size) {
    if (size != 0 && count > LH_HEAP_BYTES / size) return nullptr;
    void* const room = take(count * size);
    if (room != nullptr) std::memset(room, 0, count * size);
    return room;
}

void lh_free(void* pointer) {
    if (pointer == nullptr) return;
    Piece& piece = static_cast<Piece*>(pointer)[-1];
    LH_CHECK(piece.used == 1);
    piece.used = 0;
    use.now -= piece.bytes;
}
}

void* operator new(std::size_t size) {
    void* const room = lh_calloc(1, size);
    LH_CHECK(room != nullptr);
    return room;
}
void operator delete(void* pointer) noexcept { lh_free(pointer); }
void operator delete(void* pointer, std::size_t) noexcept { lh_free(pointer); }

namespace longhaul::agent {
HeapUse heap_use() { return use; }
}  // namespace longhaul::agent
