// Many devices at once, as a collector sees them: for tests, proofs and benchmarks of TLS.
//
//   tls_load idle  --count N …   opens N connections, greets on each and keeps them; "ready N",
//   then
//                                until its standard input ends; "alive N" tells how many still are
//   tls_load rate  --count N …   N handshakes one after the other, each greeted; one line of JSON
//   tls_load flood --count N …   handshakes by N connections at once until its input ends
//   tls_load loris --count N …   N connections that send a byte of a handshake a second
//
// The rest of the line: --port P --root F --certificate F --key F [--tls 1.2|1.3] [--fragment 1024]
// [--resume].
#include <arpa/inet.h>
#include <fcntl.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/pk.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "common/base/check.hpp"
#include "common/block/crypto.hpp"
#include "common/wire/frame.hpp"

using namespace longhaul;

namespace {

using Options = std::map<std::string, std::string>;

std::string text_of_file(const std::string& path) {
    std::ifstream file{path};
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

int random_numbers(void*, unsigned char* out, std::size_t size) {
    return random_bytes(std::as_writable_bytes(std::span{out, size})).ok() ? 0 : -1;
}

const unsigned char* raw(const std::string& text) {
    return reinterpret_cast<const unsigned char*>(text.c_str());
}

class Profile {
 public:
    explicit Profile(const Options& options) {
        mbedtls_ssl_config_init(&config_);
        mbedtls_x509_crt_init(&root_);
        mbedtls_x509_crt_init(&own_);
        mbedtls_pk_init(&key_);
        const std::string root = text_of_file(options.at("--root"));
        const std::string own = text_of_file(options.at("--certificate"));
        const std::string key = text_of_file(options.at("--key"));
        LH_CHECK(mbedtls_ssl_config_defaults(&config_, MBEDTLS_SSL_IS_CLIENT,
                                             MBEDTLS_SSL_TRANSPORT_STREAM,
                                             MBEDTLS_SSL_PRESET_DEFAULT) == 0);
        LH_CHECK(mbedtls_x509_crt_parse(&root_, raw(root), root.size() + 1) == 0);
        LH_CHECK(mbedtls_x509_crt_parse(&own_, raw(own), own.size() + 1) == 0);
        LH_CHECK(mbedtls_pk_parse_key(&key_, raw(key), key.size() + 1, nullptr, 0, random_numbers,
                                      nullptr) == 0);
        mbedtls_ssl_conf_ca_chain(&config_, &root_, nullptr);
        mbedtls_ssl_conf_rng(&config_, random_numbers, nullptr);
        LH_CHECK(mbedtls_ssl_conf_own_cert(&config_, &own_, &key_) == 0);
        LH_CHECK(mbedtls_ssl_conf_alpn_protocols(&config_, protocols_.data()) == 0);
        mbedtls_ssl_conf_tls13_enable_signal_new_session_tickets(
            &config_, MBEDTLS_SSL_TLS1_3_SIGNAL_NEW_SESSION_TICKETS_ENABLED);
        if (options.contains("--tls")) {
            const auto version = options.at("--tls") == "1.2" ? MBEDTLS_SSL_VERSION_TLS1_2
                                                              : MBEDTLS_SSL_VERSION_TLS1_3;
            mbedtls_ssl_conf_min_tls_version(&config_, version);
            mbedtls_ssl_conf_max_tls_version(&config_, version);
        }
        if (options.contains("--fragment")) {
            LH_CHECK(options.at("--fragment") == "1024");
            LH_CHECK(mbedtls_ssl_conf_max_frag_len(&config_, MBEDTLS_SSL_MAX_FRAG_LEN_1024) == 0);
        }
    }
    mbedtls_ssl_config& config() { return config_; }

 private:
    mbedtls_ssl_config config_;
    mbedtls_x509_crt root_;
    mbedtls_x509_crt own_;
    mbedtls_pk_context key_;
    std::array<const char*, 2> protocols_{"longhaul/1", nullptr};
};

sockaddr_in address_of(unsigned long port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

int connect_plain(unsigned long port) {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = address_of(port);
    if (socket < 0 ||
        ::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
        std::perror("tls_load: connect");
        std::exit(1);
    }
    const int on = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    ::fcntl(socket, F_SETFL, ::fcntl(socket, F_GETFL) | O_NONBLOCK);
    return socket;
}

std::vector<std::byte> hello() {
    longhaul_Hello message = longhaul_Hello_init_zero;
    message.protocol = protocol_version;
    message.incarnation = 7;
    std::vector<std::byte> frame(512);
    ByteWriter out{frame};
    LH_CHECK(write_message(message, out).ok());
    frame.resize(out.size());
    return frame;
}

// One device; nothing of it waits.
class Device {
 public:
    Device(Profile& profile, unsigned long port) : socket_{connect_plain(port)} {
        mbedtls_ssl_init(&ssl_);
        LH_CHECK(mbedtls_ssl_setup(&ssl_, &profile.config()) == 0);
        LH_CHECK(mbedtls_ssl_set_hostname(&ssl_, "localhost") == 0);
        mbedtls_ssl_set_bio(&ssl_, this, &send, &receive, nullptr);
    }
    ~Device() {
        mbedtls_ssl_free(&ssl_);
        ::close(socket_);
    }
    Device(const Device&) = delete;
    Device& operator=(const Device&) = delete;

    int socket() const { return socket_; }
    void resume(const mbedtls_ssl_session& session) {
        LH_CHECK(mbedtls_ssl_set_session(&ssl_, &session) == 0);
    }
    // 1: welcomed, 0: it waits, -1: it has ended.
    int work(mbedtls_ssl_session* ticket = nullptr) {
        if (!greeted_) {
            const int result = mbedtls_ssl_handshake(&ssl_);
            if (result != 0) return waits(result) ? 0 : -1;
            handshake_sent_ = sent_;
            handshake_received_ = received_;
            if (ticket != nullptr) keep(*ticket);
            const std::vector<std::byte> frame = hello();
            const int written = mbedtls_ssl_write(
                &ssl_, reinterpret_cast<const unsigned char*>(frame.data()), frame.size());
            LH_CHECK(written == static_cast<int>(frame.size()));
            greeted_ = true;
        }
        std::array<unsigned char, 512> answer;
        for (;;) {
            const int got = mbedtls_ssl_read(&ssl_, answer.data(), answer.size());
            if (got == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET) {
                if (ticket != nullptr) keep(*ticket);
                continue;
            }
            if (got > 0) return 1;
            return waits(got) ? 0 : -1;
        }
    }
    std::uint64_t handshake_sent() const { return handshake_sent_; }
    std::uint64_t handshake_received() const { return handshake_received_; }

 private:
    static bool waits(int result) {
        return result == MBEDTLS_ERR_SSL_WANT_READ || result == MBEDTLS_ERR_SSL_WANT_WRITE;
    }
    void keep(mbedtls_ssl_session& ticket) {
        mbedtls_ssl_session_free(&ticket);
        mbedtls_ssl_session_init(&ticket);
        static_cast<void>(mbedtls_ssl_get_session(&ssl_, &ticket));
    }
    static int send(void* self, const unsigned char* bytes, std::size_t count) {
        auto& device = *static_cast<Device*>(self);
        const ssize_t sent = ::send(device.socket_, bytes, count, MSG_NOSIGNAL);
        if (sent < 0)
            return errno == EAGAIN ? MBEDTLS_ERR_SSL_WANT_WRITE : MBEDTLS_ERR_NET_SEND_FAILED;
        device.sent_ += static_cast<std::uint64_t>(sent);
        return static_cast<int>(sent);
    }
    static int receive(void* self, unsigned char* bytes, std::size_t room) {
        auto& device = *static_cast<Device*>(self);
        const ssize_t got = ::recv(device.socket_, bytes, room, 0);
        if (got < 0)
            return errno == EAGAIN ? MBEDTLS_ERR_SSL_WANT_READ : MBEDTLS_ERR_NET_RECV_FAILED;
        device.received_ += static_cast<std::uint64_t>(got);
        return static_cast<int>(got);
    }

    int socket_;
    mbedtls_ssl_context ssl_;
    bool greeted_ = false;
    std::uint64_t sent_ = 0;
    std::uint64_t received_ = 0;
    std::uint64_t handshake_sent_ = 0;
    std::uint64_t handshake_received_ = 0;
};

bool input_ended(int wait_ms) {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    if (::poll(&input, 1, wait_ms) <= 0) return false;
    std::array<char, 64> ignored;
    return ::read(STDIN_FILENO, ignored.data(), ignored.size()) <= 0;
}

int until_welcomed(Device& device, mbedtls_ssl_session* ticket = nullptr) {
    for (;;) {
        const int state = device.work(ticket);
        if (state != 0) return state;
        pollfd ready{device.socket(), POLLIN, 0};
        if (::poll(&ready, 1, 30'000) <= 0) return -1;
    }
}

int idle(const Options& options, unsigned long port, std::size_t count) {
    Profile profile{options};
    std::vector<std::unique_ptr<Device>> devices;
    for (std::size_t i = 0; i < count; ++i) {
        devices.push_back(std::make_unique<Device>(profile, port));
        if (until_welcomed(*devices.back()) != 1) {
            std::fprintf(stderr, "tls_load: device %zu was not welcomed\n", i);
            return 1;
        }
    }
    std::printf("ready %zu\n", devices.size());
    std::fflush(stdout);
    while (!input_ended(1000)) {
    }
    std::size_t alive = 0;
    for (const auto& device : devices) alive += device->work() == 0 ? 1 : 0;
    std::printf("alive %zu\n", alive);
    return 0;
}

int rate(const Options& options, unsigned long port, std::size_t count) {
    Profile profile{options};
    const bool resume = options.contains("--resume");
    mbedtls_ssl_session ticket;
    mbedtls_ssl_session_init(&ticket);
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
    const auto begin = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < count; ++i) {
        Device device{profile, port};
        if (resume && i > 0) device.resume(ticket);
        if (until_welcomed(device, resume ? &ticket : nullptr) != 1) {
            std::fprintf(stderr, "tls_load: handshake %zu failed\n", i);
            return 1;
        }
        sent = device.handshake_sent();
        received = device.handshake_received();
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    mbedtls_ssl_session_free(&ticket);
    std::printf("{\"handshakes\": %zu, \"seconds\": %.3f, \"sent\": %llu, \"received\": %llu}\n",
                count, took.count(), static_cast<unsigned long long>(sent),
                static_cast<unsigned long long>(received));
    return 0;
}

int flood(const Options& options, unsigned long port, std::size_t count) {
    Profile profile{options};
    std::vector<std::unique_ptr<Device>> devices(count);
    std::vector<pollfd> ready(count);
    std::uint64_t welcomed = 0;
    std::uint64_t ended = 0;
    std::printf("ready %zu\n", count);
    std::fflush(stdout);
    while (!input_ended(0)) {
        for (std::size_t i = 0; i < count; ++i) {
            if (!devices[i]) devices[i] = std::make_unique<Device>(profile, port);
            const int state = devices[i]->work();
            welcomed += state > 0 ? 1 : 0;
            ended += state < 0 ? 1 : 0;
            if (state != 0) devices[i].reset();
            ready[i] = {devices[i] ? devices[i]->socket() : -1, POLLIN, 0};
        }
        ::poll(ready.data(), ready.size(), 10);
    }
    std::printf("{\"welcomed\": %llu, \"ended\": %llu}\n",
                static_cast<unsigned long long>(welcomed), static_cast<unsigned long long>(ended));
    return 0;
}

// The first bytes of a ClientHello that never ends.
int loris(unsigned long port, std::size_t count) {
    constexpr std::array<unsigned char, 9> beginning{0x16, 3, 1, 0x0f, 0xff, 1, 0, 0x0f, 0xfb};
    std::vector<int> sockets(count, -1);
    std::uint64_t again = 0;
    bool told = false;
    for (std::size_t round = 0; !input_ended(round == 0 ? 0 : 1000); ++round) {
        for (int& socket : sockets) {
            const unsigned char byte = 0;
            if (socket >= 0 && ::send(socket, &byte, 1, MSG_NOSIGNAL) == 1) continue;
            if (socket >= 0) {
                ::close(socket);
                ++again;
            }
            socket = connect_plain(port);
            static_cast<void>(::send(socket, beginning.data(), beginning.size(), MSG_NOSIGNAL));
        }
        if (!told) std::printf("ready %zu\n", count);
        std::fflush(stdout);
        told = true;
    }
    std::printf("{\"again\": %llu}\n", static_cast<unsigned long long>(again));
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    for (int i = 2; i < argc; ++i) {
        const std::string name = argv[i];
        const bool flag = name == "--resume";
        options[name] = flag || i + 1 >= argc ? "" : argv[++i];
    }
    const std::string what = argc > 1 ? argv[1] : "";
    if (!options.contains("--port") || !options.contains("--count") || !crypto_init().ok()) {
        std::fprintf(stderr, "usage: see the head of tests/support/tls_load.cpp\n");
        return 64;
    }
    const unsigned long port = std::stoul(options.at("--port"));
    const std::size_t count = std::stoul(options.at("--count"));
    if (what == "idle") return idle(options, port, count);
    if (what == "rate") return rate(options, port, count);
    if (what == "flood") return flood(options, port, count);
    if (what == "loris") return loris(port, count);
    return 64;
}
