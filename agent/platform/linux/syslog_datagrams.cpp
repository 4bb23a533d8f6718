#include "agent/platform/linux/syslog_datagrams.hpp"

#include <arpa/inet.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>

#include "agent/platform/linux/unix_socket.hpp"
#include "common/block/limits.hpp"

namespace longhaul::agent {
namespace {

constexpr unsigned reads_per_pump = 256;
constexpr int receive_bytes = 4 << 20;

union UdpAddress {
    sockaddr any;
    sockaddr_in v4;
    sockaddr_in6 v6;
};

std::optional<UdpAddress> parse_address(const std::string& text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string::npos) return std::nullopt;
    std::uint16_t port = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data() + colon + 1, end, port);
    if (error != std::errc{} || stop != end) return std::nullopt;
    std::string host = text.substr(0, colon);
    UdpAddress address{};
    if (host.starts_with('[') && host.ends_with(']')) {
        host = host.substr(1, host.size() - 2);
        address.v6.sin6_family = AF_INET6;
        address.v6.sin6_port = htons(port);
        if (::inet_pton(AF_INET6, host.c_str(), &address.v6.sin6_addr) == 1) return address;
        return std::nullopt;
    }
    address.v4.sin_family = AF_INET;
    address.v4.sin_port = htons(port);
    if (::inet_pton(AF_INET, host.c_str(), &address.v4.sin_addr) == 1) return address;
    return std::nullopt;
}

// Takes whole datagrams from a socket, whoever owns it.
void read_datagrams(int socket, SyslogQueue& queue, MonotonicMs now) {
    // One more than a line may have, so that a line feed at its end does no harm.
    std::array<char, limits::text_bytes_max + 1> room;
    for (unsigned i = 0; i < reads_per_pump; ++i) {
        const ssize_t count = ::recv(socket, room.data(), room.size(), MSG_TRUNC);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return;
        const auto bytes = static_cast<std::size_t>(count);
        std::string_view line{room.data(), std::min(bytes, room.size())};
        if (bytes <= room.size() && line.ends_with('\n')) line.remove_suffix(1);
        if (bytes > room.size() || line.size() > limits::text_bytes_max) {
            queue.refuse(SyslogRefusal::too_long);
        } else if (queue.full()) {
            queue.lose();
        } else {
            queue.put(line, now);
        }
    }
}

// Datagrams of a UDP socket that the kernel had no room for, since the socket was made.
std::optional<std::uint32_t> dropped_by(int socket) {
    std::array<std::uint32_t, SK_MEMINFO_VARS> facts{};
    socklen_t bytes = sizeof(facts);
    if (::getsockopt(socket, SOL_SOCKET, SO_MEMINFO, facts.data(), &bytes) != 0 ||
        bytes <= SK_MEMINFO_DROPS * sizeof(facts[0])) {
        return std::nullopt;
    }
    return facts[SK_MEMINFO_DROPS];
}

template <class Socket>
class Datagrams final : public SyslogInput {
 public:
    explicit Datagrams(Socket socket) : socket_{std::move(socket)} {}

    void pump(SyslogQueue& queue, MonotonicMs now) override {
        read_datagrams(socket_.number(), queue, now);
        const std::uint32_t dropped = dropped_by(socket_.number()).value_or(dropped_);
        queue.lose(dropped - dropped_);  // the kernel's counter begins anew at its end
        dropped_ = dropped;
    }
    MonotonicMs pump_at() const override { return MonotonicMs::never(); }
    int descriptor() const override { return socket_.number(); }
    const std::string& trouble() const override { return trouble_; }

 private:
    Socket socket_;
    std::uint32_t dropped_ = 0;
    std::string trouble_;
};

}  // namespace

bool valid_udp_address(const std::string& address) { return parse_address(address).has_value(); }

bool is_loopback(const std::string& address) {
    const auto parsed = parse_address(address);
    if (!parsed) return false;
    if (parsed->any.sa_family == AF_INET6) return IN6_IS_ADDR_LOOPBACK(&parsed->v6.sin6_addr);
    constexpr std::uint32_t loopback_net = 127;
    return ntohl(parsed->v4.sin_addr.s_addr) >> 24 == loopback_net;
}

Result<std::unique_ptr<SyslogInput>, Message> bind_syslog_socket(const std::string& path) {
    LH_TRY_ASSIGN(UnixSocket socket, UnixSocket::bind(path, SOCK_DGRAM));
    return std::unique_ptr<SyslogInput>{new Datagrams<UnixSocket>{std::move(socket)}};
}

Result<std::unique_ptr<SyslogInput>, Message> listen_for_syslog(const std::string& address) {
    const auto parsed = parse_address(address);
    if (!parsed) return Message{address + ": is no address and port"};
    const int family = parsed->any.sa_family;
    const socklen_t length = family == AF_INET6 ? sizeof(parsed->v6) : sizeof(parsed->v4);
    Descriptor socket{::socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    if (!socket.open() || ::bind(socket.number(), &parsed->any, length) != 0)
        return Message{address + ": cannot listen for syslog: " + std::strerror(errno)};
    // As much of it as the machine allows; what does not fit is counted as lost.
    ::setsockopt(socket.number(), SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof(receive_bytes));
    return std::unique_ptr<SyslogInput>{new Datagrams<Descriptor>{std::move(socket)}};
}

}  // namespace longhaul::agent
