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
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/base/check.hpp"
#include "common/block/crypto.hpp"
#include "common/wire/frame.hpp"
#include "tests/support/load_client.hpp"

using namespace longhaul;
using longhaul::test::connect_loopback;
using longhaul::test::LoadClient;
using longhaul::test::LoadProfile;

namespace {

using Options = std::map<std::string, std::string>;

test::LoadFiles files_of(const Options& options) {
    return {options.at("--root"), options.at("--certificate"), options.at("--key")};
}

test::LoadWishes wishes_of(const Options& options) {
    const auto version = options.find("--tls");
    return {version == options.end() ? "" : version->second, options.contains("--fragment")};
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

// One device, which greets; nothing of it waits.
class Device {
 public:
    Device(LoadProfile& profile, unsigned long port) : client_{profile, port} {}

    int socket() const { return client_.socket(); }
    void resume(const mbedtls_ssl_session& session) { client_.resume(session); }
    // 1: welcomed, 0: it waits, -1: it has ended.
    int work(mbedtls_ssl_session* ticket = nullptr) {
        if (!greeted_) {
            const LoadClient::State state = client_.handshake();
            if (state != LoadClient::State::done) return state == LoadClient::State::waits ? 0 : -1;
            handshake_sent_ = client_.sent();
            handshake_received_ = client_.received();
            if (ticket != nullptr) client_.keep_session(*ticket);
            const std::vector<std::byte> frame = hello();
            LH_CHECK(client_.write(frame) == frame.size());
            greeted_ = true;
        }
        std::array<std::byte, 512> answer;
        const auto got = client_.read(answer, ticket);
        if (!got) return -1;
        return *got > 0 ? 1 : 0;
    }
    std::uint64_t handshake_sent() const { return handshake_sent_; }
    std::uint64_t handshake_received() const { return handshake_received_; }

 private:
    LoadClient client_;
    bool greeted_ = false;
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
    LoadProfile profile{files_of(options), wishes_of(options)};
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
    for (const auto& device : devices) alive += device->work() == 0 ? 1U : 0U;
    std::printf("alive %zu\n", alive);
    return 0;
}

int rate(const Options& options, unsigned long port, std::size_t count) {
    LoadProfile profile{files_of(options), wishes_of(options)};
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
    LoadProfile profile{files_of(options), wishes_of(options)};
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
            ended += state < 0 ? 1U : 0U;
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
            socket = connect_loopback(port);
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
