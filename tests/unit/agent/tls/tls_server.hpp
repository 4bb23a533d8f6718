// A link of the agent and a real mbedTLS server that it speaks to, over two queues of bytes.
#pragma once

#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>

#include <catch2/catch_test_macros.hpp>
#include <cstring>
#include <deque>
#include <string>
#include <vector>

#include "agent/tls/tls_link.hpp"
#include "tests/unit/agent/pki.hpp"

namespace longhaul::test {

using namespace longhaul::agent;

// A queue a direction; the far end has its own pair of functions.
class MemoryLink final : public Link {
 public:
    std::deque<unsigned char> up, down;
    bool far_closed = false;
    std::size_t write_max = SIZE_MAX;

    Status open(MonotonicMs) override {
        if (refuse) return ErrorCode::unreachable;
        open_ = true;
        up.clear();
        down.clear();
        far_closed = false;
        return {};
    }
    LinkState poll(MonotonicMs) override { return open_ ? LinkState::open : LinkState::closed; }
    Result<std::size_t> write(Bytes bytes) override {
        if (!open_) return ErrorCode::closed;
        // Every second call finds the buffer full.
        blocked_ = !blocked_ && !never_full;
        if (blocked_) return std::size_t{0};
        const std::size_t count = std::min(bytes.size(), write_max);
        for (const std::byte byte : bytes.first(count))
            up.push_back(static_cast<unsigned char>(byte));
        return count;
    }
    Result<std::size_t> read(MutableBytes room) override {
        if (!open_ || (down.empty() && far_closed)) return ErrorCode::closed;
        std::size_t count = 0;
        for (; count < room.size() && !down.empty(); ++count) {
            room[count] = static_cast<std::byte>(down.front());
            down.pop_front();
        }
        return count;
    }
    void close() override { open_ = false; }
    const char* last_error() const override { return "the memory link says so"; }
    bool refuse = false;
    bool never_full = false;

 private:
    bool open_ = false;
    bool blocked_ = false;
};

// Certificates that every case starts from.
struct Pki {
    Key root_key, other_key, server_key, device_key;
    std::string root = issue(root_key, root_key, {.subject = "CN=root", .authority = true});
    std::string other_root = issue(
        other_key, other_key, {.subject = "CN=other", .issuer = "CN=other", .authority = true});
    std::string device = issue(device_key, root_key, {.subject = "CN=device"});
    std::string other_device =
        issue(device_key, other_key, {.subject = "CN=device", .issuer = "CN=other"});
};
inline Pki& pki() {
    static Pki made;
    return made;
}

struct ServerSettings {
    Wanted certificate{.subject = "CN=collector", .dns = "localhost"};
    bool other_issuer = false;
    const char* alpn = "longhaul/1";
    mbedtls_ssl_protocol_version version = MBEDTLS_SSL_VERSION_TLS1_3;
    bool takes_tickets = true;
};

// A ticket is the session itself behind a mark: what a collector would never do.
inline int write_ticket(void*, const mbedtls_ssl_session* session, unsigned char* start,
                        const unsigned char* end, std::size_t* size, std::uint32_t* lifetime_s) {
    *lifetime_s = 3600;
    *start = 't';
    mbedtls_ssl_session without_certificate = *session;
    without_certificate.MBEDTLS_PRIVATE(peer_cert) = nullptr;
    const int result = mbedtls_ssl_session_save(&without_certificate, start + 1,
                                                static_cast<std::size_t>(end - start) - 1, size);
    *size += 1;
    return result;
}

struct TicketUse {
    bool takes = true;
    int shown = 0;
    int taken = 0;
};

inline int parse_ticket(void* context, mbedtls_ssl_session* session, unsigned char* bytes,
                        std::size_t size) {
    auto& use = *static_cast<TicketUse*>(context);
    ++use.shown;
    if (!use.takes) return MBEDTLS_ERR_SSL_SESSION_TICKET_EXPIRED;
    ++use.taken;
    return mbedtls_ssl_session_load(session, bytes + 1, size - 1);
}

class Server {
 public:
    Server(MemoryLink& link, const ServerSettings& settings) : protocols_{settings.alpn, nullptr} {
        mbedtls_ssl_init(&ssl);
        mbedtls_ssl_config_init(&config_);
        mbedtls_x509_crt_init(&own_);
        mbedtls_x509_crt_init(&root_);
        Key& issuer = settings.other_issuer ? pki().other_key : pki().root_key;
        const std::string pem = issue(pki().server_key, issuer, settings.certificate);
        LH_CHECK(mbedtls_x509_crt_parse(&own_, reinterpret_cast<const unsigned char*>(pem.c_str()),
                                        pem.size() + 1) == 0);
        LH_CHECK(mbedtls_x509_crt_parse(&root_,
                                        reinterpret_cast<const unsigned char*>(pki().root.c_str()),
                                        pki().root.size() + 1) == 0);
        LH_CHECK(mbedtls_ssl_config_defaults(&config_, MBEDTLS_SSL_IS_SERVER,
                                             MBEDTLS_SSL_TRANSPORT_STREAM,
                                             MBEDTLS_SSL_PRESET_DEFAULT) == 0);
        mbedtls_ssl_conf_min_tls_version(&config_, settings.version);
        mbedtls_ssl_conf_max_tls_version(&config_, settings.version);
        mbedtls_ssl_conf_rng(&config_, random_numbers, nullptr);
        mbedtls_ssl_conf_authmode(&config_, MBEDTLS_SSL_VERIFY_REQUIRED);
        mbedtls_ssl_conf_ca_chain(&config_, &root_, nullptr);
        LH_CHECK(mbedtls_ssl_conf_own_cert(&config_, &own_, &pki().server_key.pk) == 0);
        if (settings.alpn != nullptr)
            LH_CHECK(mbedtls_ssl_conf_alpn_protocols(&config_, protocols_) == 0);
        tickets.takes = settings.takes_tickets;
        mbedtls_ssl_conf_session_tickets_cb(&config_, write_ticket, parse_ticket, &tickets);
        LH_CHECK(mbedtls_ssl_setup(&ssl, &config_) == 0);
        mbedtls_ssl_set_bio(&ssl, &link, send, receive, nullptr);
    }
    ~Server() {
        mbedtls_ssl_free(&ssl);
        mbedtls_ssl_config_free(&config_);
        mbedtls_x509_crt_free(&own_);
        mbedtls_x509_crt_free(&root_);
    }
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    mbedtls_ssl_context ssl;
    TicketUse tickets;

 private:
    static int send(void* context, const unsigned char* bytes, std::size_t size) {
        auto& link = *static_cast<MemoryLink*>(context);
        link.down.insert(link.down.end(), bytes, bytes + size);
        return static_cast<int>(size);
    }
    static int receive(void* context, unsigned char* bytes, std::size_t size) {
        auto& link = *static_cast<MemoryLink*>(context);
        std::size_t count = 0;
        for (; count < size && !link.up.empty(); ++count) {
            bytes[count] = link.up.front();
            link.up.pop_front();
        }
        return count == 0 ? MBEDTLS_ERR_SSL_WANT_READ : static_cast<int>(count);
    }
    const char* protocols_[2];
    mbedtls_ssl_config config_;
    mbedtls_x509_crt own_;
    mbedtls_x509_crt root_;
};

inline Bytes pem_bytes(const std::string& pem) {
    return std::as_bytes(std::span{pem.c_str(), pem.size() + 1});
}

inline PrivateKey bytes_of(Key& key) {
    PrivateKey bytes;
    std::size_t size = 0;
    LH_CHECK(mbedtls_ecp_write_key_ext(mbedtls_pk_ec(key.pk), &size,
                                       reinterpret_cast<unsigned char*>(bytes.bytes.data()),
                                       bytes.bytes.size()) == 0);
    return bytes;
}

inline KeyHandle device_key_handle() {
    static const KeyHandle handle = keep_signing_key(bytes_of(pki().device_key)).value();
    return handle;
}

inline std::unique_ptr<TlsLink> make_link(Link& below, const std::string& device = pki().device,
                                          std::string_view server_name = "localhost") {
    auto link = TlsLink::make(
        {pem_bytes(pki().root), pem_bytes(device), device_key_handle(), server_name}, below);
    REQUIRE(link.ok());
    return std::move(link).value();
}

// Lets both sides work until the device is open or closed, and the server has finished or given up.
inline LinkState shake_hands(TlsLink& link, Server& server) {
    REQUIRE(link.open({}).ok());
    LinkState state = LinkState::opening;
    int far = MBEDTLS_ERR_SSL_WANT_READ;
    for (int i = 0; i < 200; ++i) {
        if (state != LinkState::closed) state = link.poll({});
        if (far == MBEDTLS_ERR_SSL_WANT_READ || far == MBEDTLS_ERR_SSL_WANT_WRITE)
            far = mbedtls_ssl_handshake(&server.ssl);
        // A refusal may arrive after the device thinks that all is well (TLS 1.3).
        std::array<std::byte, 16> room;
        if (state == LinkState::open && !link.read(room).ok()) state = LinkState::closed;
    }
    return state;
}

}  // namespace longhaul::test
