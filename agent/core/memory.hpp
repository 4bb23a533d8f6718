// The memory that the caller gives to an agent, dealt out once when its parts are built.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <span>

#include "common/base/bytes.hpp"
#include "common/base/check.hpp"

namespace longhaul::agent {

class Memory {
 public:
    explicit Memory(MutableBytes room) : room_{room} {}

    // `count` default-made objects. Their destructors never run, so they may not need one.
    template <class T>
    std::span<T> take(std::size_t count) {
        static_assert(std::is_trivially_destructible_v<T>);
        void* place = room_.data();
        std::size_t left = room_.size();
        LH_CHECK(std::align(alignof(T), count * sizeof(T), place, left) != nullptr);
        T* const first = static_cast<T*>(place);
        std::uninitialized_value_construct_n(first, count);
        room_ = room_.subspan(room_.size() - left + count * sizeof(T));
        return {first, count};
    }

    // The most that take<T>(count) can use up.
    template <class T>
    static constexpr std::size_t bytes_for(std::size_t count) {
        return count * sizeof(T) + alignof(T) - 1;
    }

 private:
    MutableBytes room_;
};

}  // namespace longhaul::agent
