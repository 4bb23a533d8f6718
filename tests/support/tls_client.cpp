#include "tests/support/tls_client.hpp"

#include <arpa/inet.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/pk.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>

#include "common/base/check.hpp"
#include "common/block/crypto.hpp"

namespace longhaul::test {
namespace {

constexpr int deadline_s = 10;

int random_numbers(void*, unsigned char* out, std::size_t size) {
    return random_bytes(std::as_writable_bytes(std::span{out, size})).ok() ? 0 : -1;
}

const unsigned char* raw(const std::string& pem) {
    return reinterpret_cast<const unsigned char*>(pem.c_str());
}

int send_some(void* socket, const unsigned char* bytes, std::size_t count) {
    const ssize_t sent = ::send(*static_cast<int*>(socket), bytes, count, MSG_NOSIGNAL);
    return sent < 0 ? MBEDTLS_ERR_SSL_CONN_EOF : static_cast<int>(sent);
}

int receive_some(void* socket, unsigned char* bytes, std::size_t room) {
    const ssize_t got = ::recv(*static_cast<int*>(socket), bytes, room, 0);
    return got < 0 ? MBEDTLS_ERR_SSL_CONN_EOF : static_cast<int>(got);
}

}  // namespace

int connect_to(unsigned short port) {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    LH_CHECK(socket >= 0);
    const timeval deadline{deadline_s, 0};
    ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof(deadline));
    ::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &deadline, sizeof(deadline));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    LH_CHECK(::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
    return socket;
}

struct TlsClient::Body {
    mbedtls_ssl_context ssl;
    mbedtls_ssl_config config;
    mbedtls_x509_crt root;
    mbedtls_x509_crt certificate;
    mbedtls_pk_context key;
    std::array<const char*, 2> protocols{};
    int socket = -1;
};

TlsClient::TlsClient(const TlsClientSettings& settings) : body_{new Body} {
    Body& body = *body_;
    mbedtls_ssl_init(&body.ssl);
    mbedtls_ssl_config_init(&body.config);
    mbedtls_x509_crt_init(&body.root);
    mbedtls_x509_crt_init(&body.certificate);
    mbedtls_pk_init(&body.key);
    body.socket = connect_to(settings.port);

    LH_CHECK(mbedtls_ssl_config_defaults(&body.config, MBEDTLS_SSL_IS_CLIENT,
                                         MBEDTLS_SSL_TRANSPORT_STREAM,
                                         MBEDTLS_SSL_PRESET_DEFAULT) == 0);
    LH_CHECK(mbedtls_x509_crt_parse(&body.root, raw(settings.root_pem),
                                    settings.root_pem.size() + 1) == 0);
    mbedtls_ssl_conf_ca_chain(&body.config, &body.root, nullptr);
    mbedtls_ssl_conf_rng(&body.config, random_numbers, nullptr);
    mbedtls_ssl_conf_tls13_enable_signal_new_session_tickets(
        &body.config, MBEDTLS_SSL_TLS1_3_SIGNAL_NEW_SESSION_TICKETS_ENABLED);
    if (settings.tls_1_2)
        mbedtls_ssl_conf_max_tls_version(&body.config, MBEDTLS_SSL_VERSION_TLS1_2);
    if (!settings.certificate_pem.empty()) {
        LH_CHECK(mbedtls_x509_crt_parse(&body.certificate, raw(settings.certificate_pem),
                                        settings.certificate_pem.size() + 1) == 0);
        LH_CHECK(mbedtls_pk_parse_key(&body.key, raw(settings.key_pem), settings.key_pem.size() + 1,
                                      nullptr, 0, random_numbers, nullptr) == 0);
        LH_CHECK(mbedtls_ssl_conf_own_cert(&body.config, &body.certificate, &body.key) == 0);
    }
    body.protocols[0] = settings.protocol;
    if (settings.protocol != nullptr) {
        LH_CHECK(mbedtls_ssl_conf_alpn_protocols(&body.config, body.protocols.data()) == 0);
    }
    LH_CHECK(mbedtls_ssl_setup(&body.ssl, &body.config) == 0);
    LH_CHECK(mbedtls_ssl_set_hostname(&body.ssl, "localhost") == 0);
    mbedtls_ssl_set_bio(&body.ssl, &body.socket, send_some, receive_some, nullptr);
    if (!settings.session.empty()) resume(settings);
    ok_ = mbedtls_ssl_handshake(&body.ssl) == 0;
    if (ok_ && mbedtls_ssl_get_version_number(&body.ssl) == MBEDTLS_SSL_VERSION_TLS1_2)
        keep_session();
}

void TlsClient::resume(const TlsClientSettings& settings) {
    mbedtls_ssl_session session;
    mbedtls_ssl_session_init(&session);
    LH_CHECK(mbedtls_ssl_session_load(&session, settings.session.data(), settings.session.size()) ==
             0);
    if (settings.downgrade_session) {
        session.MBEDTLS_PRIVATE(tls_version) = MBEDTLS_SSL_VERSION_TLS1_2;
        session.MBEDTLS_PRIVATE(id_len) = 32;
    }
    if (settings.misdate_session) session.MBEDTLS_PRIVATE(ticket_age_add) += 3'600'000;
    LH_CHECK(mbedtls_ssl_set_session(&body_->ssl, &session) == 0);
    mbedtls_ssl_session_free(&session);
}

void TlsClient::keep_session() {
    mbedtls_ssl_session session;
    mbedtls_ssl_session_init(&session);
    session_.resize(4096);
    std::size_t size = 0;
    if (mbedtls_ssl_get_session(&body_->ssl, &session) != 0 ||
        mbedtls_ssl_session_save(&session, session_.data(), session_.size(), &size) != 0) {
        size = 0;
    }
    session_.resize(size);
    mbedtls_ssl_session_free(&session);
}

std::vector<unsigned char> TlsClient::session() const { return session_; }

TlsClient::~TlsClient() {
    ::close(body_->socket);
    mbedtls_ssl_free(&body_->ssl);
    mbedtls_ssl_config_free(&body_->config);
    mbedtls_x509_crt_free(&body_->root);
    mbedtls_x509_crt_free(&body_->certificate);
    mbedtls_pk_free(&body_->key);
    delete body_;
}

bool TlsClient::write(Bytes bytes) {
    while (!bytes.empty()) {
        const int sent = mbedtls_ssl_write(
            &body_->ssl, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
        if (sent <= 0) return false;
        bytes = bytes.subspan(static_cast<std::size_t>(sent));
    }
    return true;
}

bool TlsClient::read_exactly(MutableBytes room) {
    while (!room.empty()) {
        const int got = mbedtls_ssl_read(&body_->ssl, reinterpret_cast<unsigned char*>(room.data()),
                                         room.size());
        if (got == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET) {
            keep_session();
            continue;
        }
        if (got == MBEDTLS_ERR_SSL_WANT_READ) continue;  // it has read something of its own
        if (got <= 0) return false;
        room = room.subspan(static_cast<std::size_t>(got));
    }
    return true;
}

bool TlsClient::read_frame(FrameType& type, std::vector<std::byte>& body) {
    std::array<std::byte, frame_header_bytes> header;
    if (!read_exactly(header)) return false;
    ByteReader reader{header};
    type = static_cast<FrameType>(reader.u8());
    body.resize(reader.u24());
    return read_exactly(body);
}

}  // namespace longhaul::test
