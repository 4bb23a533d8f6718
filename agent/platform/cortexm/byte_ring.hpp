// Bytes from an interrupt to the main loop.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace longhaul::agent {

class ByteRing {
 public:
    static constexpr std::uint32_t bytes_max = 512;

    bool empty() const { return written_ == read_; }
    bool full() const { return written_ - read_ == bytes_max; }
    void put(std::uint8_t byte) {
        bytes_[written_ % bytes_max] = byte;
        std::atomic_signal_fence(std::memory_order_release);
        written_ = written_ + 1;
    }
    int get() {
        if (written_ == read_) return -1;
        std::atomic_signal_fence(std::memory_order_acquire);
        const int byte = bytes_[read_ % bytes_max];
        read_ = read_ + 1;
        return byte;
    }

 private:
    std::array<std::uint8_t, bytes_max> bytes_{};
    volatile std::uint32_t written_ = 0;
    volatile std::uint32_t read_ = 0;
};

}  // namespace longhaul::agent
