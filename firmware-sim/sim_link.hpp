// A link in memory: two queues of bytes, and a switch that cuts it.
#pragma once

#include <algorithm>
#include <vector>

#include "agent/port/link.hpp"

namespace longhaul::sim {

class SimLink final : public agent::Link {
 public:
    // The far end: whether somebody listens, what arrived, what is to be delivered.
    bool listening = false;
    std::vector<std::byte> to_collector;
    std::vector<std::byte> to_device;
    std::uint64_t opened = 0;

    void cut() {
        open_ = false;
        to_collector.clear();
        to_device.clear();
    }
    bool is_open() const { return open_; }

    Status open(MonotonicMs) override {
        if (!listening) return ErrorCode::unreachable;
        cut();
        open_ = true;
        ++opened;
        return {};
    }
    agent::LinkState poll(MonotonicMs) override {
        return open_ ? agent::LinkState::open : agent::LinkState::closed;
    }
    Result<std::size_t> write(Bytes bytes) override {
        if (!open_) return ErrorCode::closed;
        to_collector.insert(to_collector.end(), bytes.begin(), bytes.end());
        return bytes.size();
    }
    Result<std::size_t> read(MutableBytes room) override {
        if (!open_) return ErrorCode::closed;
        const std::size_t count = std::min(room.size(), to_device.size());
        const auto end = to_device.begin() + static_cast<std::ptrdiff_t>(count);
        std::copy(to_device.begin(), end, room.begin());
        to_device.erase(to_device.begin(), end);
        return count;
    }
    void close() override { cut(); }
    const char* last_error() const override { return listening ? "" : "nobody listens"; }

 private:
    bool open_ = false;
};

}  // namespace longhaul::sim
