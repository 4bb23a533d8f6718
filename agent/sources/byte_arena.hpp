// Keeps bytes that values point to, until it goes. Many small texts cost one allocation.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "common/base/bytes.hpp"

namespace longhaul::agent {

class ByteArena {
 public:
    // Memory is taken in pieces of at least so many bytes.
    explicit ByteArena(std::size_t chunk_bytes_min = 64 << 10)
        : chunk_bytes_min_{chunk_bytes_min} {}

    // Room that does not move; what the caller puts there stays.
    std::span<std::byte> room(std::size_t bytes) {
        if (free_.size() < bytes) {
            const std::size_t chunk_bytes = std::max(bytes, chunk_bytes_min_);
            chunks_.push_back(std::make_unique_for_overwrite<std::byte[]>(chunk_bytes));
            free_ = {chunks_.back().get(), chunk_bytes};
        }
        const std::span<std::byte> given = free_.first(bytes);
        free_ = free_.subspan(bytes);
        return given;
    }
    Bytes keep(Bytes bytes) {
        const std::span<std::byte> copy = room(bytes.size());
        std::copy(bytes.begin(), bytes.end(), copy.begin());
        return copy;
    }
    std::string_view keep(std::string_view text) { return as_text(keep(as_bytes(text))); }

 private:
    std::size_t chunk_bytes_min_;
    std::vector<std::unique_ptr<std::byte[]>> chunks_;
    std::span<std::byte> free_;
};

}  // namespace longhaul::agent
