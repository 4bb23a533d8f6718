// The Unix socket by which programs talk to a running agent: lines in, one line back for each, in
// their order. Bounded: clients, the length of a line, lines without an answer.
#pragma once

#include <poll.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/platform/linux/unix_socket.hpp"
#include "agent/sources/line_splitter.hpp"
#include "common/base/time.hpp"

namespace longhaul::agent {

// Who makes answers; may call ControlSocket::answer() at once or later.
class ControlRequests {
 public:
    virtual void request(std::uint64_t ticket, std::string_view line, MonotonicMs now) = 0;

 protected:
    ~ControlRequests() = default;
};

class ControlSocket {
 public:
    static constexpr std::size_t clients_max = 32;
    static constexpr std::size_t unanswered_max = 256;  // of one client
    static constexpr std::size_t unsent_bytes_max = 64 * 1024;
    // Of one client in a pump: one that never pauses does not keep the agent from its work.
    static constexpr std::size_t lines_per_pump = unanswered_max;
    static constexpr unsigned reads_per_pump = 4;
    // When there are too many clients, one that has been silent this long makes room.
    static constexpr std::int64_t idle_ms_min = 10'000;

    // `requests` outlives the socket.
    static Result<std::unique_ptr<ControlSocket>, Message> open(const std::string& path,
                                                                ControlRequests& requests);
    ~ControlSocket();
    ControlSocket(const ControlSocket&) = delete;
    ControlSocket& operator=(const ControlSocket&) = delete;

    void pump(MonotonicMs now);
    void watch(std::vector<pollfd>& watched) const;
    // A ticket whose client is gone is passed over. Line ends in the text become spaces.
    void answer(std::uint64_t ticket, const std::string& text);
    // When pump() has something to do although no descriptor is ready.
    MonotonicMs pump_at(MonotonicMs now) const;
    // No more clients and lines; answers that are due are sent yet.
    void stop() { stopping_ = true; }

 private:
    struct Client;
    ControlSocket(UnixSocket socket, ControlRequests& requests);
    void accept(MonotonicMs now);
    bool make_room(MonotonicMs now);
    void read(Client& client, MonotonicMs now);
    void take(Client& client, const Line& line, MonotonicMs now);
    static void send(Client& client);

    UnixSocket socket_;
    ControlRequests& requests_;
    std::vector<std::unique_ptr<Client>> clients_;
    std::uint64_t next_ticket_ = 1;
    bool full_ = false;
    bool stopping_ = false;
};

}  // namespace longhaul::agent
