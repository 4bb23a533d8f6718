// The heap of mbedTLS and of what is made once at the start: a free list in one arena.
#pragma once

#include <cstddef>

namespace longhaul::agent {

struct HeapUse {
    std::size_t now = 0;
    std::size_t peak = 0;
    std::size_t arena = 0;
    std::size_t refused = 0;  // requests that found no room
};
HeapUse heap_use();

}  // namespace longhaul::agent

extern "C" {
void* lh_calloc(std::size_t count, std::size_t size);
void lh_free(void* pointer);
}
