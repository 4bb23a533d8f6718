#include "agent/platform/linux/tcp_link.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

namespace longhaul::agent {
namespace {

constexpr int unanswered_ms_max =
    30'000;  // sent bytes without an acknowledgement break the connection

struct HostAndPort {
    std::string host;
    std::string port;
};

HostAndPort split(const std::string& address) {
    const std::size_t colon = address.rfind(':');
    if (colon == std::string::npos) return {};
    std::string host = address.substr(0, colon);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
        host = host.substr(1, host.size() - 2);
    }
    return {host, address.substr(colon + 1)};
}

// The addresses of a name in turn, one an attempt: some of them may lead nowhere for ever.
const addrinfo& address_for(const addrinfo* found, std::size_t attempt) {
    std::size_t count = 1;
    for (const addrinfo* each = found->ai_next; each != nullptr; each = each->ai_next) ++count;
    const addrinfo* chosen = found;
    for (std::size_t i = attempt % count; i > 0; --i) chosen = chosen->ai_next;
    return *chosen;
}

void set_option(int socket, int level, int name, int value) {
    // Only manners depend on these options.
    static_cast<void>(::setsockopt(socket, level, name, &value, sizeof(value)));
}

const char* words_for(int number) {
    switch (number) {
        case ECONNREFUSED:
            return "connection refused";
        case ECONNRESET:
        case EPIPE:
            return "the connection was reset";
        case ETIMEDOUT:
            return "the other side does not answer";
        case ENETUNREACH:
        case EHOSTUNREACH:
            return "no route to the collector";
        case EMFILE:
        case ENFILE:
            return "too many open files";
        default:
            return "the network reported an error";
    }
}

}  // namespace

bool TcpLink::valid_address(const std::string& address) {
    const HostAndPort parts = split(address);
    const bool digits = parts.port.find_first_not_of("0123456789") == std::string::npos;
    return !parts.host.empty() && !parts.port.empty() && parts.port.size() <= 5 && digits &&
           std::stoi(parts.port) <= 65535;
}

Error TcpLink::fail(int number) {
    error_ = words_for(number);
    close();
    return {number == ECONNREFUSED ? ErrorCode::unreachable : ErrorCode::closed, error_};
}

Status TcpLink::open(MonotonicMs) {
    close();
    error_ = "";
    const HostAndPort parts = split(address_);
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV;
    addrinfo* found = nullptr;
    if (::getaddrinfo(parts.host.c_str(), parts.port.c_str(), &hints, &found) != 0) {
        error_ = "the collector's name cannot be resolved";
        return Error{ErrorCode::unreachable, error_};
    }
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner{found, ::freeaddrinfo};
    const addrinfo& chosen = address_for(found, attempts_++);
    socket_ = ::socket(chosen.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (socket_ < 0) return fail(errno);
    set_option(socket_, IPPROTO_TCP, TCP_NODELAY, 1);
    set_option(socket_, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(socket_, IPPROTO_TCP, TCP_USER_TIMEOUT, unanswered_ms_max);
    if (::connect(socket_, chosen.ai_addr, chosen.ai_addrlen) != 0 && errno != EINPROGRESS) {
        return fail(errno);
    }
    state_ = LinkState::opening;
    return {};
}

LinkState TcpLink::poll(MonotonicMs) {
    if (state_ != LinkState::opening) return state_;
    pollfd ready{socket_, POLLOUT, 0};
    if (::poll(&ready, 1, 0) <= 0) return state_;
    int number = 0;
    socklen_t size = sizeof(number);
    if (::getsockopt(socket_, SOL_SOCKET, SO_ERROR, &number, &size) != 0) number = errno;
    if (number != 0) {
        static_cast<void>(fail(number));
        return LinkState::closed;
    }
    state_ = LinkState::open;
    return state_;
}

Result<std::size_t> TcpLink::write(Bytes bytes) {
    if (state_ != LinkState::open) return ErrorCode::closed;
    const ssize_t count = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    write_blocked_ = count < 0 && (errno == EAGAIN || errno == EINTR);
    if (write_blocked_) return std::size_t{0};
    if (count < 0) return fail(errno);
    wire_bytes_ += static_cast<std::uint64_t>(count);
    write_blocked_ = static_cast<std::size_t>(count) < bytes.size();
    return static_cast<std::size_t>(count);
}

Result<std::size_t> TcpLink::read(MutableBytes room) {
    if (state_ != LinkState::open) return ErrorCode::closed;
    const ssize_t count = ::recv(socket_, room.data(), room.size(), 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return std::size_t{0};
    if (count < 0) return fail(errno);
    if (count == 0 && !room.empty()) {
        close();
        error_ = "the collector closed the connection";
        return Error{ErrorCode::closed, error_};
    }
    wire_bytes_ += static_cast<std::uint64_t>(count);
    return static_cast<std::size_t>(count);
}

void TcpLink::close() {
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
    state_ = LinkState::closed;
    write_blocked_ = false;
}

}  // namespace longhaul::agent
