#include "agent/platform/linux/tcp_link.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

using namespace longhaul;
using namespace longhaul::agent;

namespace {

// A socket on loopback that listens on a port of its own.
class Listener {
 public:
    Listener() : socket_{::socket(AF_INET, SOCK_STREAM, 0)} {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof(address);
        REQUIRE(::bind(socket_, reinterpret_cast<sockaddr*>(&address), size) == 0);
        REQUIRE(::listen(socket_, 4) == 0);
        REQUIRE(::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
        port_ = ntohs(address.sin_port);
    }
    ~Listener() { close(); }
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;
    void close() {
        if (socket_ >= 0) ::close(socket_);
        socket_ = -1;
    }
    int accept() { return ::accept(socket_, nullptr, nullptr); }
    std::string address(const std::string& host = "127.0.0.1") const {
        return host + ":" + std::to_string(port_);
    }

 private:
    int socket_;
    int port_ = 0;
};

// Waits for the socket as the shell does, with a bound.
LinkState settle(TcpLink& link) {
    for (int i = 0; i < 100; ++i) {
        const LinkState state = link.poll({});
        if (state != LinkState::opening) return state;
        pollfd ready{link.descriptor(), POLLOUT, 0};
        ::poll(&ready, 1, 100);
    }
    return LinkState::opening;
}

}  // namespace

TEST_CASE("tcp: connects, moves bytes both ways, counts them, and sees the end") {
    Listener listener;
    TcpLink link{listener.address()};
    REQUIRE(link.open({}).ok());
    CHECK(link.wants_write());
    REQUIRE(settle(link) == LinkState::open);
    CHECK_FALSE(link.wants_write());
    const int far = listener.accept();
    REQUIRE(far >= 0);

    std::array<std::byte, 64> room;
    CHECK(link.read(room).value() == 0);
    REQUIRE(link.write(as_bytes("hello")).value() == 5);
    std::array<char, 64> got{};
    CHECK(::recv(far, got.data(), got.size(), 0) == 5);
    REQUIRE(::send(far, "yes", 3, 0) == 3);
    pollfd ready{link.descriptor(), POLLIN, 0};
    REQUIRE(::poll(&ready, 1, 5000) == 1);
    CHECK(as_text(Bytes{room}.first(link.read(room).value())) == "yes");
    CHECK(link.wire_bytes() == 8);

    ::close(far);
    ready = {link.descriptor(), POLLIN, 0};
    REQUIRE(::poll(&ready, 1, 5000) == 1);
    CHECK_FALSE(link.read(room).ok());
    CHECK(link.poll({}) == LinkState::closed);
    CHECK(std::string{link.last_error()} == "the collector closed the connection");
    CHECK(link.descriptor() == -1);
}

TEST_CASE("tcp: a full socket takes nothing and asks to be told when it can") {
    Listener listener;
    TcpLink link{listener.address()};
    REQUIRE(link.open({}).ok());
    REQUIRE(settle(link) == LinkState::open);
    const int far = listener.accept();
    const std::vector<std::byte> much(1 << 20);
    for (int i = 0; i < 64 && !link.wants_write(); ++i) REQUIRE(link.write(much).ok());
    CHECK(link.wants_write());
    CHECK(link.write(much).value() == 0);
    ::close(far);
}

TEST_CASE("tcp: nobody listens") {
    std::string address;
    {
        const Listener gone;
        address = gone.address();
    }
    TcpLink link{address};
    const Status opened = link.open({});
    if (opened.ok()) CHECK(settle(link) == LinkState::closed);
    CHECK(std::string{link.last_error()} == "connection refused");
    SECTION("it may be tried again") {
        CHECK(link.poll({}) == LinkState::closed);
        static_cast<void>(link.open({}));
        CHECK(settle(link) == LinkState::closed);
    }
}

TEST_CASE("tcp: a name with several addresses is reached when one of them answers") {
    const Listener listener;  // on the older protocol only; the name may have the newer one as well
    TcpLink link{listener.address("localhost")};
    bool reached = false;
    for (int attempt = 0; attempt < 8 && !reached; ++attempt) {
        reached = link.open({}).ok() && settle(link) == LinkState::open;
    }
    CHECK(reached);
}

TEST_CASE("tcp: addresses") {
    CHECK(TcpLink::valid_address("127.0.0.1:7600"));
    CHECK(TcpLink::valid_address("[::1]:7600"));
    CHECK(TcpLink::valid_address("collector.example.com:1"));
    for (const char* const text : {"", ":", "a:", ":1", "a:b", "a:65536", "a:123456", "a"}) {
        CAPTURE(text);
        CHECK_FALSE(TcpLink::valid_address(text));
    }
}
