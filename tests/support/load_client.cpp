#include "tests/support/load_client.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <mbedtls/net_sockets.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "common/base/check.hpp"
#include "common/block/crypto.hpp"

namespace longhaul::test {
namespace {

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

bool waits(int result) {
    return result == MBEDTLS_ERR_SSL_WANT_READ || result == MBEDTLS_ERR_SSL_WANT_WRITE;
}

}  // namespace

LoadProfile::LoadProfile(const LoadFiles& files, const LoadWishes& wishes) {
    mbedtls_ssl_config_init(&config_);
    mbedtls_x509_crt_init(&root_);
    mbedtls_x509_crt_init(&own_);
    mbedtls_pk_init(&key_);
    const std::string root = text_of_file(files.root);
    const std::string own = text_of_file(files.certificate);
    const std::string key = text_of_file(files.key);
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
    if (!wishes.version.empty()) {
        const auto version =
            wishes.version == "1.2" ? MBEDTLS_SSL_VERSION_TLS1_2 : MBEDTLS_SSL_VERSION_TLS1_3;
        mbedtls_ssl_conf_min_tls_version(&config_, version);
        mbedtls_ssl_conf_max_tls_version(&config_, version);
    }
    if (wishes.fragments)
        LH_CHECK(mbedtls_ssl_conf_max_frag_len(&config_, MBEDTLS_SSL_MAX_FRAG_LEN_1024) == 0);
}

LoadProfile::~LoadProfile() {
    mbedtls_ssl_config_free(&config_);
    mbedtls_x509_crt_free(&root_);
    mbedtls_x509_crt_free(&own_);
    mbedtls_pk_free(&key_);
}

int connect_loopback(unsigned long port) {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (socket < 0 ||
        ::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
        std::perror("connect to the collector");
        std::exit(1);
    }
    const int on = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    ::fcntl(socket, F_SETFL, ::fcntl(socket, F_GETFL) | O_NONBLOCK);
    return socket;
}

LoadClient::LoadClient(LoadProfile& profile, unsigned long port) : socket_{connect_loopback(port)} {
    mbedtls_ssl_init(&ssl_);
    LH_CHECK(mbedtls_ssl_setup(&ssl_, &profile.config()) == 0);
    LH_CHECK(mbedtls_ssl_set_hostname(&ssl_, "localhost") == 0);
    mbedtls_ssl_set_bio(&ssl_, this, &send, &receive, nullptr);
}

LoadClient::~LoadClient() {
    mbedtls_ssl_free(&ssl_);
    ::close(socket_);
}

void LoadClient::resume(const mbedtls_ssl_session& session) {
    LH_CHECK(mbedtls_ssl_set_session(&ssl_, &session) == 0);
}

LoadClient::State LoadClient::handshake() {
    const int result = mbedtls_ssl_handshake(&ssl_);
    if (result == 0) return State::done;
    return waits(result) ? State::waits : State::ended;
}

std::optional<std::size_t> LoadClient::write(Bytes bytes) {
    const int written = mbedtls_ssl_write(
        &ssl_, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
    if (written >= 0) return static_cast<std::size_t>(written);
    return waits(written) ? std::optional<std::size_t>{0} : std::nullopt;
}

std::optional<std::size_t> LoadClient::read(MutableBytes room, mbedtls_ssl_session* ticket) {
    for (;;) {
        const int got =
            mbedtls_ssl_read(&ssl_, reinterpret_cast<unsigned char*>(room.data()), room.size());
        if (got == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET) {
            if (ticket != nullptr) keep_session(*ticket);
            continue;
        }
        if (got > 0) return static_cast<std::size_t>(got);
        return waits(got) ? std::optional<std::size_t>{0} : std::nullopt;
    }
}

void LoadClient::keep_session(mbedtls_ssl_session& ticket) {
    mbedtls_ssl_session_free(&ticket);
    mbedtls_ssl_session_init(&ticket);
    static_cast<void>(mbedtls_ssl_get_session(&ssl_, &ticket));
}

int LoadClient::send(void* self, const unsigned char* bytes, std::size_t count) {
    auto& client = *static_cast<LoadClient*>(self);
    const ssize_t sent = ::send(client.socket_, bytes, count, MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN ? MBEDTLS_ERR_SSL_WANT_WRITE : MBEDTLS_ERR_NET_SEND_FAILED;
    client.sent_ += static_cast<std::uint64_t>(sent);
    return static_cast<int>(sent);
}

int LoadClient::receive(void* self, unsigned char* bytes, std::size_t room) {
    auto& client = *static_cast<LoadClient*>(self);
    const ssize_t got = ::recv(client.socket_, bytes, room, 0);
    if (got < 0) return errno == EAGAIN ? MBEDTLS_ERR_SSL_WANT_READ : MBEDTLS_ERR_NET_RECV_FAILED;
    client.received_ += static_cast<std::uint64_t>(got);
    return static_cast<int>(got);
}

}  // namespace longhaul::test
