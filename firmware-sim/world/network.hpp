// All connections of a world. A connection has two ends, and each learns late, or never, that the
// other one is gone: a device whose power failed, a collector that was killed, a half-open link.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "agent/port/link.hpp"
#include "firmware-sim/world/event_log.hpp"
#include "firmware-sim/world/path.hpp"
#include "firmware-sim/world/scheduler.hpp"

namespace longhaul::sim {

using ConnectionId = std::uint64_t;

// The collector's side.
class Listener {
 public:
    virtual bool listens() const = 0;
    virtual void on_connected(ConnectionId id, std::uint32_t device, MonotonicMs now) = 0;
    virtual void on_bytes(ConnectionId id, Bytes bytes, MonotonicMs now) = 0;
    virtual void on_closed(ConnectionId id, MonotonicMs now) = 0;

 protected:
    ~Listener() = default;
};

struct NetworkCounts {
    std::uint64_t refused_connects = 0;  // nobody listened
    std::uint64_t half_opens = 0;        // connections that nobody was told of
    std::uint64_t garbled_writes = 0;
    PathCounts paths;  // all of them together
};

class Network final : public Actor {
 public:
    // What a device's link needs; everything outlives the network.
    struct Port {
        Path path;
        Actor* device = nullptr;
        std::uint64_t wake_tag = 0;
    };

    Network(Scheduler& scheduler, EventLog& log) : scheduler_{scheduler}, log_{log} {}
    void set_listener(Listener& listener) { listener_ = &listener; }
    std::uint32_t add_port(Port port);
    void set_device(std::uint32_t port, Actor& device) { ports_[port].device = &device; }

    // The device's end.
    ConnectionId open(std::uint32_t device, MonotonicMs now);  // 0: refused at once
    agent::LinkState state(ConnectionId id, MonotonicMs now);
    std::size_t write(ConnectionId id, Bytes bytes, MonotonicMs now);
    std::size_t read(ConnectionId id, MutableBytes room, MonotonicMs now);
    void close(ConnectionId id, bool told, MonotonicMs now);  // not told: its power failed
    // Nothing more comes through, and nobody is told.
    void make_half_open(std::uint32_t device, MonotonicMs now);

    // The collector's end.
    void write_down(ConnectionId id, Bytes bytes, MonotonicMs now);
    void close_down(ConnectionId id, MonotonicMs now);

    void on_event(MonotonicMs now, std::uint64_t tag) override;
    std::uint64_t bytes_carried() const;
    NetworkCounts counts() const;
    void count_garbled() { ++counts_.garbled_writes; }

 private:
    struct Chunk {
        MonotonicMs arrives;
        std::vector<std::byte> bytes;
    };
    struct Connection {
        std::uint32_t device = 0;
        MonotonicMs opens_at;
        bool connected = false;  // the collector knows of it
        bool half_open = false;
        bool device_end = true;
        bool collector_end = true;
        std::optional<MonotonicMs> device_told;     // that the other end is gone
        std::optional<MonotonicMs> collector_told;  // when it is
        std::deque<Chunk> up;
        std::deque<Chunk> down;
        std::size_t up_bytes = 0;
    };
    Connection* find(ConnectionId id);
    void wake(const Connection& connection, MonotonicMs at);
    void forget_if_done(ConnectionId id);

    Scheduler& scheduler_;
    EventLog& log_;
    Listener* listener_ = nullptr;
    std::vector<Port> ports_;
    std::map<ConnectionId, Connection> connections_;
    ConnectionId last_ = 0;
    NetworkCounts counts_;
};

// A device's link to the collector.
class WorldLink final : public agent::Link {
 public:
    WorldLink(Network& network, std::uint32_t device) : network_{network}, device_{device} {}

    // What the device's poll() is about to be told; the network runs on the world's clock.
    void at(MonotonicMs world) { world_ = world; }
    void power_cut();
    // From now on some bytes that the device sends are changed.
    void garble(Random random) { garbles_ = random; }

    Status open(MonotonicMs now) override;
    agent::LinkState poll(MonotonicMs now) override;
    Result<std::size_t> write(Bytes bytes) override;
    Result<std::size_t> read(MutableBytes room) override;
    void close() override;
    const char* last_error() const override { return ""; }

 private:
    Network& network_;
    std::uint32_t device_;
    MonotonicMs world_;
    ConnectionId id_ = 0;  // 0: closed
    std::optional<Random> garbles_;
};

}  // namespace longhaul::sim
