#include "firmware-sim/world/network.hpp"

#include <algorithm>

namespace longhaul::sim {
namespace {

// What a TLS handshake takes, there, back and there.
constexpr std::size_t hello_bytes = 500;
constexpr std::size_t server_bytes = 1500;
constexpr std::size_t finish_bytes = 1000;
constexpr std::size_t close_bytes = 40;
constexpr std::size_t in_flight_bytes_max = 64 * 1024;

}  // namespace

std::uint32_t Network::add_port(Port port) {
    ports_.push_back(std::move(port));
    return static_cast<std::uint32_t>(ports_.size() - 1);
}

Network::Connection* Network::find(ConnectionId id) {
    const auto found = connections_.find(id);
    return found == connections_.end() ? nullptr : &found->second;
}

void Network::wake(const Connection& connection, MonotonicMs at) {
    const Port& port = ports_[connection.device];
    scheduler_.at(at, *port.device, port.wake_tag);
}

void Network::forget_if_done(ConnectionId id) {
    const Connection* const connection = find(id);
    if (connection != nullptr && !connection->device_end && !connection->collector_end)
        connections_.erase(id);
}

ConnectionId Network::open(std::uint32_t device, MonotonicMs now) {
    Path& path = ports_[device].path;
    if (!listener_->listens() && !path.is_out(now)) {
        ++counts_.refused_connects;
        return 0;
    }
    const MonotonicMs said = path.carry(Path::Way::up, hello_bytes, now);
    const MonotonicMs answered = path.carry(Path::Way::down, server_bytes, said);
    const ConnectionId id = ++last_;
    Connection& connection = connections_[id];
    connection.device = device;
    connection.opens_at = path.carry(Path::Way::up, finish_bytes, answered);
    connection.collector_end = false;
    wake(connection, connection.opens_at);
    log_.add(now, device, Happening::link_opening, static_cast<std::int64_t>(id),
             connection.opens_at.value);
    return id;
}

agent::LinkState Network::state(ConnectionId id, MonotonicMs now) {
    Connection* const connection = find(id);
    if (connection == nullptr) return agent::LinkState::closed;
    if (connection->device_told && *connection->device_told <= now) return agent::LinkState::closed;
    if (now < connection->opens_at) return agent::LinkState::opening;
    if (!connection->connected) {
        if (!listener_->listens()) {
            ++counts_.refused_connects;
            return agent::LinkState::closed;
        }
        connection->connected = connection->collector_end = true;
        listener_->on_connected(id, connection->device, now);
    }
    return agent::LinkState::open;
}

std::size_t Network::write(ConnectionId id, Bytes bytes, MonotonicMs now) {
    Connection& connection = *find(id);
    const std::size_t room = in_flight_bytes_max - connection.up_bytes;
    const Bytes taken = bytes.first(std::min(bytes.size(), room));
    if (taken.empty()) return 0;
    connection.up_bytes += taken.size();
    if (connection.half_open) return taken.size();
    const MonotonicMs arrives =
        ports_[connection.device].path.carry(Path::Way::up, taken.size(), now);
    connection.up.push_back({arrives, {taken.begin(), taken.end()}});
    scheduler_.at(arrives, *this, id);
    log_.add(now, connection.device, Happening::sent, static_cast<std::int64_t>(id),
             static_cast<std::int64_t>(taken.size()));
    return taken.size();
}

std::size_t Network::read(ConnectionId id, MutableBytes room, MonotonicMs now) {
    Connection& connection = *find(id);
    std::size_t count = 0;
    while (count < room.size() && !connection.down.empty() &&
           connection.down.front().arrives <= now) {
        std::vector<std::byte>& bytes = connection.down.front().bytes;
        const std::size_t some = std::min(bytes.size(), room.size() - count);
        std::copy_n(bytes.begin(), some, room.begin() + static_cast<std::ptrdiff_t>(count));
        bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(some));
        if (bytes.empty()) connection.down.pop_front();
        count += some;
    }
    return count;
}

void Network::close(ConnectionId id, bool told, MonotonicMs now) {
    Connection* const connection = find(id);
    if (connection == nullptr) return;
    connection->device_end = false;
    connection->down.clear();
    log_.add(now, connection->device, Happening::link_closed, static_cast<std::int64_t>(id), 1);
    // What is on its way still arrives, and then the end of the stream.
    if (told && connection->collector_end && !connection->half_open) {
        connection->collector_told =
            ports_[connection->device].path.carry(Path::Way::up, close_bytes, now);
        scheduler_.at(*connection->collector_told, *this, id);
    } else {
        connection->up.clear();
    }
    forget_if_done(id);
}

void Network::make_half_open(std::uint32_t device, MonotonicMs now) {
    for (auto& [id, connection] : connections_) {
        if (connection.device != device || !connection.connected) continue;
        if (!connection.half_open) ++counts_.half_opens;
        connection.half_open = true;
        connection.up.clear();
        connection.down.clear();
        connection.collector_told.reset();
        log_.add(now, device, Happening::half_open, static_cast<std::int64_t>(id));
    }
}

void Network::write_down(ConnectionId id, Bytes bytes, MonotonicMs now) {
    Connection* const connection = find(id);
    if (connection == nullptr || connection->half_open || !connection->device_end) return;
    const MonotonicMs arrives =
        ports_[connection->device].path.carry(Path::Way::down, bytes.size(), now);
    connection->down.push_back({arrives, {bytes.begin(), bytes.end()}});
    wake(*connection, arrives);
}

void Network::close_down(ConnectionId id, MonotonicMs now) {
    Connection* const connection = find(id);
    if (connection == nullptr) return;
    connection->collector_end = false;
    connection->up.clear();
    log_.add(now, connection->device, Happening::link_closed, static_cast<std::int64_t>(id), 0);
    if (connection->device_end && !connection->half_open) {
        connection->device_told =
            ports_[connection->device].path.carry(Path::Way::down, close_bytes, now);
        wake(*connection, *connection->device_told);
    }
    forget_if_done(id);
}

// What has arrived at the collector is handed over.
void Network::on_event(MonotonicMs now, std::uint64_t tag) {
    const ConnectionId id = tag;
    for (Connection* connection = find(id); connection != nullptr; connection = find(id)) {
        if (connection->up.empty() || connection->up.front().arrives > now) break;
        const std::vector<std::byte> bytes = std::move(connection->up.front().bytes);
        connection->up.pop_front();
        connection->up_bytes -= bytes.size();
        log_.add(now, connection->device, Happening::delivered, static_cast<std::int64_t>(id),
                 static_cast<std::int64_t>(bytes.size()));
        const bool was_full = connection->up_bytes + bytes.size() == in_flight_bytes_max;
        if (was_full && connection->device_end) wake(*connection, now);
        if (connection->collector_end) listener_->on_bytes(id, bytes, now);
    }
    Connection* const connection = find(id);
    if (connection == nullptr || !connection->collector_told || *connection->collector_told > now)
        return;
    connection->collector_end = false;
    listener_->on_closed(id, now);
    forget_if_done(id);
}

std::uint64_t Network::bytes_carried() const {
    std::uint64_t bytes = 0;
    for (const Port& port : ports_) bytes += port.path.bytes_carried();
    return bytes;
}

NetworkCounts Network::counts() const {
    NetworkCounts sum = counts_;
    for (const Port& port : ports_) {
        const PathCounts& each = port.path.counts();
        sum.paths.lost_packets += each.lost_packets;
        sum.paths.duplicated_packets += each.duplicated_packets;
        sum.paths.held_behind += each.held_behind;
        sum.paths.outage_waits += each.outage_waits;
        sum.paths.budget_waits += each.budget_waits;
    }
    return sum;
}

void WorldLink::power_cut() {
    network_.close(id_, false, world_);
    id_ = 0;
}

Status WorldLink::open(MonotonicMs) {
    id_ = network_.open(device_, world_);
    return id_ == 0 ? Status{ErrorCode::unreachable} : Status{};
}

agent::LinkState WorldLink::poll(MonotonicMs) { return network_.state(id_, world_); }

Result<std::size_t> WorldLink::write(Bytes bytes) {
    if (network_.state(id_, world_) != agent::LinkState::open) return ErrorCode::closed;
    if (!garbles_ || bytes.empty() || !garbles_->one_in(4))
        return network_.write(id_, bytes, world_);
    std::vector<std::byte> changed{bytes.begin(), bytes.end()};
    network_.count_garbled();
    changed[garbles_->below(changed.size())] ^= static_cast<std::byte>(1 + garbles_->below(255));
    return network_.write(id_, changed, world_);
}

Result<std::size_t> WorldLink::read(MutableBytes room) {
    if (network_.state(id_, world_) != agent::LinkState::open) return ErrorCode::closed;
    return network_.read(id_, room, world_);
}

void WorldLink::close() {
    network_.close(id_, true, world_);
    id_ = 0;
}

}  // namespace longhaul::sim
