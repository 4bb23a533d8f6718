// A TLS client that never waits, for programs that are many devices at once; tls_client.hpp is the
// simple one, for tests that talk to a collector step by step.
#pragma once

#include <mbedtls/pk.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "common/base/bytes.hpp"

namespace longhaul::test {

// PEM files of the device, and what it asks for.
struct LoadFiles {
    std::string root;
    std::string certificate;
    std::string key;
};
struct LoadWishes {
    std::string version;     // "1.2", "1.3"; empty: whatever comes about
    bool fragments = false;  // of 1,024 bytes
};

// Shared by the connections of one device, and outlives them.
class LoadProfile {
 public:
    LoadProfile(const LoadFiles& files, const LoadWishes& wishes);
    ~LoadProfile();
    LoadProfile(const LoadProfile&) = delete;
    LoadProfile& operator=(const LoadProfile&) = delete;

    mbedtls_ssl_config& config() { return config_; }

 private:
    mbedtls_ssl_config config_;
    mbedtls_x509_crt root_;
    mbedtls_x509_crt own_;
    mbedtls_pk_context key_;
    std::array<const char*, 2> protocols_{"longhaul/1", nullptr};
};

// Connected, and from then on nothing of it waits. Ends the program when nobody listens.
int connect_loopback(unsigned long port);

class LoadClient {
 public:
    LoadClient(LoadProfile& profile, unsigned long port);
    ~LoadClient();
    LoadClient(const LoadClient&) = delete;
    LoadClient& operator=(const LoadClient&) = delete;

    enum class State { waits, done, ended };

    int socket() const { return socket_; }
    void resume(const mbedtls_ssl_session& session);
    State handshake();
    // How many bytes were taken or put into `room`, at most all; 0: it waits. Nothing: it has
    // ended.
    std::optional<std::size_t> write(Bytes bytes);
    // A ticket that comes meanwhile goes to `ticket`, if there is one.
    std::optional<std::size_t> read(MutableBytes room, mbedtls_ssl_session* ticket = nullptr);
    void keep_session(mbedtls_ssl_session& ticket);
    // Of the socket.
    std::uint64_t sent() const { return sent_; }
    std::uint64_t received() const { return received_; }

 private:
    static int send(void* self, const unsigned char* bytes, std::size_t count);
    static int receive(void* self, unsigned char* bytes, std::size_t room);

    int socket_;
    mbedtls_ssl_context ssl_;
    std::uint64_t sent_ = 0;
    std::uint64_t received_ = 0;
};

}  // namespace longhaul::test
