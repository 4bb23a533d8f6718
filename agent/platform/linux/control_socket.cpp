#include "agent/platform/linux/control_socket.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "agent/sources/put_line.hpp"

namespace longhaul::agent {
namespace {

constexpr std::size_t read_bytes = 16 * 1024;

}  // namespace

struct ControlSocket::Client {
    struct Request {
        std::uint64_t ticket = 0;
        std::optional<std::string> answer;
    };
    Descriptor socket;
    LineSplitter lines{put_line_bytes_max};
    std::string received;          // read, not yet cut into lines
    std::deque<Request> requests;  // whose answers have not gone into `unsent`
    std::string unsent;
    MonotonicMs active_at;
    bool ended = false;  // it sends nothing more
    bool broken = false;

    bool may_ask() const {
        return requests.size() < unanswered_max && unsent.size() < unsent_bytes_max;
    }
    bool done() const {
        return broken || (ended && received.empty() && requests.empty() && unsent.empty());
    }
};

Result<std::unique_ptr<ControlSocket>, Message> ControlSocket::open(const std::string& path,
                                                                    ControlRequests& requests) {
    LH_TRY_ASSIGN(UnixSocket socket, UnixSocket::bind(path, SOCK_STREAM));
    return std::unique_ptr<ControlSocket>{new ControlSocket{std::move(socket), requests}};
}

ControlSocket::ControlSocket(UnixSocket socket, ControlRequests& requests)
    : socket_{std::move(socket)}, requests_{requests} {}
ControlSocket::~ControlSocket() = default;

void ControlSocket::pump(MonotonicMs now) {
    if (!stopping_) accept(now);
    for (std::size_t i = 0; i < clients_.size(); ++i) {
        Client& client = *clients_[i];
        send(client);
        if (!stopping_) read(client, now);
    }
    std::erase_if(clients_, [](const auto& client) { return client->done(); });
}

void ControlSocket::accept(MonotonicMs now) {
    for (full_ = false;;) {
        if (clients_.size() == clients_max && !make_room(now)) {
            full_ = true;
            return;
        }
        Descriptor socket{
            ::accept4(socket_.number(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
        if (!socket.open()) {
            full_ = errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS;
            return;
        }
        auto client = std::make_unique<Client>();
        client->socket = std::move(socket);
        client->active_at = now;
        clients_.push_back(std::move(client));
    }
}

bool ControlSocket::make_room(MonotonicMs now) {
    const auto silent =
        std::min_element(clients_.begin(), clients_.end(),
                         [](const auto& a, const auto& b) { return a->active_at < b->active_at; });
    if (now - (*silent)->active_at < idle_ms_min) return false;
    clients_.erase(silent);
    return true;
}

void ControlSocket::read(Client& client, MonotonicMs now) {
    std::size_t lines_left = lines_per_pump;
    for (unsigned reads = 0; reads <= reads_per_pump; ++reads) {
        std::string_view bytes = client.received;
        while (lines_left != 0 && client.may_ask()) {
            const std::optional<Line> line = client.lines.next(bytes);
            if (!line) break;
            take(client, *line, now);
            --lines_left;
        }
        client.received.erase(0, client.received.size() - bytes.size());
        if (!client.received.empty() || client.ended || client.broken) return;
        if (lines_left == 0 || reads == reads_per_pump) return;
        std::array<char, read_bytes> room;
        const ssize_t count = ::recv(client.socket.number(), room.data(), room.size(), 0);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
        client.broken = count < 0;
        client.ended = count <= 0;
        if (count == 0) {
            if (const std::optional<Line> line = client.lines.rest()) take(client, *line, now);
        }
        if (count <= 0) return;
        client.active_at = now;
        client.received.assign(room.data(), static_cast<std::size_t>(count));
    }
}

void ControlSocket::take(Client& client, const Line& line, MonotonicMs now) {
    const std::uint64_t ticket = next_ticket_++;
    client.requests.push_back({ticket, std::nullopt});
    if (line.too_long) {
        return answer(ticket, "error bad the line has more than " +
                                  std::to_string(put_line_bytes_max) + " bytes");
    }
    requests_.request(ticket, line.text, now);
}

void ControlSocket::answer(std::uint64_t ticket, const std::string& text) {
    for (const auto& client : clients_) {
        std::deque<Client::Request>& requests = client->requests;
        const auto found = std::lower_bound(
            requests.begin(), requests.end(), ticket,
            [](const Client::Request& request, std::uint64_t of) { return request.ticket < of; });
        if (found == requests.end() || found->ticket != ticket) continue;
        found->answer = text;
        std::replace(found->answer->begin(), found->answer->end(), '\n', ' ');
        *found->answer += '\n';
        for (; !requests.empty() && requests.front().answer; requests.pop_front())
            client->unsent += *requests.front().answer;
        return send(*client);
    }
}

void ControlSocket::send(Client& client) {
    while (!client.unsent.empty() && !client.broken) {
        const ssize_t count = ::send(client.socket.number(), client.unsent.data(),
                                     client.unsent.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
        if (count < 0) {
            client.broken = true;
        } else {
            client.unsent.erase(0, static_cast<std::size_t>(count));
        }
    }
}

MonotonicMs ControlSocket::pump_at(MonotonicMs now) const {
    constexpr std::int64_t crowded_ms = 1000;
    const bool backlog = std::any_of(clients_.begin(), clients_.end(), [](const auto& client) {
        return !client->received.empty() && client->may_ask();
    });
    if (stopping_) return MonotonicMs::never();
    if (backlog) return now;
    return full_ ? now + crowded_ms : MonotonicMs::never();
}

void ControlSocket::watch(std::vector<pollfd>& watched) const {
    if (!stopping_ && !full_) watched.push_back({socket_.number(), POLLIN, 0});
    for (const auto& client : clients_) {
        const bool reads = !stopping_ && !client->ended && client->may_ask();
        const int events = (reads ? POLLIN : 0) | (client->unsent.empty() ? 0 : POLLOUT);
        if (events != 0)
            watched.push_back({client->socket.number(), static_cast<short>(events), 0});
    }
}

}  // namespace longhaul::agent
