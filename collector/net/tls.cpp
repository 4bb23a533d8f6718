#include "collector/net/tls.hpp"

#include <mbedtls/error.h>
#include <mbedtls/pk.h>
#include <mbedtls/platform.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>
extern "C" {  // the header forgets it
#include <mbedtls/psa_util.h>
}
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <exception>
#include <optional>

#include "collector/net/clock.hpp"

namespace longhaul::collector {
namespace {

constexpr std::array ciphersuites{MBEDTLS_TLS1_3_AES_128_GCM_SHA256,
                                  MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256,
                                  MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
                                  MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, 0};
constexpr std::array<std::uint16_t, 2> groups{MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1,
                                              MBEDTLS_SSL_IANA_TLS_GROUP_NONE};
constexpr std::array<std::uint16_t, 2> signatures{MBEDTLS_TLS1_3_SIG_ECDSA_SECP256R1_SHA256,
                                                  MBEDTLS_TLS1_3_SIG_NONE};

std::string text_of(int error) {
    std::array<char, 160> text{};
    mbedtls_strerror(error, text.data(), text.size());
    return text.data();
}

const unsigned char* raw(const std::string& pem) {
    return reinterpret_cast<const unsigned char*>(pem.c_str());
}

// For callbacks: they are called by C, and no exception may pass through that.
template <auto Callback, class... Arguments>
int without_exception(Arguments... arguments) {
    try {
        return Callback(arguments...);
    } catch (const std::exception&) {
        return MBEDTLS_ERR_SSL_ALLOC_FAILED;
    }
}

bool only_later() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

}  // namespace

struct TlsContext::Body {
    mbedtls_ssl_config config;
    mbedtls_x509_crt certificate;
    mbedtls_x509_crt authorities;
    mbedtls_pk_context key;
    std::shared_ptr<Tickets> tickets;
    std::array<const char*, 2> protocols{alpn_protocol, nullptr};

    Body() {
        mbedtls_ssl_config_init(&config);
        mbedtls_x509_crt_init(&certificate);
        mbedtls_x509_crt_init(&authorities);
        mbedtls_pk_init(&key);
    }
    ~Body() {
        mbedtls_ssl_config_free(&config);
        mbedtls_x509_crt_free(&certificate);
        mbedtls_x509_crt_free(&authorities);
        mbedtls_pk_free(&key);
    }
    Body(const Body&) = delete;
    Body& operator=(const Body&) = delete;

    Result<void, Message> load(const TlsSettings& settings);
    int configure(bool for_enrolment);
    static int write_ticket(void* tickets, const mbedtls_ssl_session* session, unsigned char* start,
                            const unsigned char* end, std::size_t* size, std::uint32_t* lifetime_s);
    static int parse_ticket(void* tickets, mbedtls_ssl_session* session, unsigned char* bytes,
                            std::size_t size);
};

Result<void, Message> TlsContext::Body::load(const TlsSettings& settings) {
    int error = mbedtls_x509_crt_parse(&certificate, raw(settings.certificate_pem),
                                       settings.certificate_pem.size() + 1);
    if (error != 0) return Message{"the server's certificate cannot be read: " + text_of(error)};
    error = mbedtls_pk_parse_key(&key, raw(settings.key_pem), settings.key_pem.size() + 1, nullptr,
                                 0, mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE);
    if (error != 0) return Message{"the server's key cannot be read: " + text_of(error)};
    error = mbedtls_pk_check_pair(&certificate.pk, &key, mbedtls_psa_get_random,
                                  MBEDTLS_PSA_RANDOM_STATE);
    if (error != 0) return Message{"the server's key does not belong to its certificate"};
    for (const std::string& pem : settings.authorities_pem) {
        error = mbedtls_x509_crt_parse(&authorities, raw(pem), pem.size() + 1);
        if (error != 0) return Message{"a tenant's certificate cannot be read: " + text_of(error)};
    }
    return {};
}

int TlsContext::Body::configure(bool for_enrolment) {
    if (for_enrolment) protocols[0] = alpn_protocol_of_enrolment;
    const int error = mbedtls_ssl_config_defaults(
        &config, MBEDTLS_SSL_IS_SERVER, MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);
    if (error != 0) return error;
    mbedtls_ssl_conf_min_tls_version(&config, MBEDTLS_SSL_VERSION_TLS1_2);
    mbedtls_ssl_conf_max_tls_version(&config, MBEDTLS_SSL_VERSION_TLS1_3);
    mbedtls_ssl_conf_ciphersuites(&config, ciphersuites.data());
    mbedtls_ssl_conf_groups(&config, groups.data());
    mbedtls_ssl_conf_sig_algs(&config, signatures.data());
    mbedtls_ssl_conf_rng(&config, mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE);
    mbedtls_ssl_conf_authmode(
        &config, for_enrolment ? MBEDTLS_SSL_VERIFY_NONE : MBEDTLS_SSL_VERIFY_REQUIRED);
    mbedtls_ssl_conf_ca_chain(&config, &authorities, nullptr);
    // Devices know who issued their certificate; a list of all tenants would only tell strangers.
    mbedtls_ssl_conf_cert_req_ca_list(&config, MBEDTLS_SSL_CERT_REQ_CA_LIST_DISABLED);
    if (tickets) {
        mbedtls_ssl_conf_session_tickets_cb(&config, &without_exception<&Body::write_ticket>,
                                            &without_exception<&Body::parse_ticket>, tickets.get());
    }
    // Answers are short; so TLS 1.2 keeps a small buffer for them while a connection waits.
    int given = mbedtls_ssl_conf_max_frag_len(&config, MBEDTLS_SSL_MAX_FRAG_LEN_512);
    if (given == 0) given = mbedtls_ssl_conf_own_cert(&config, &certificate, &key);
    if (given != 0) return given;
    return mbedtls_ssl_conf_alpn_protocols(&config, protocols.data());
}

TlsContext::TlsContext(std::unique_ptr<Body> body) : body_{std::move(body)} {}
TlsContext::~TlsContext() = default;

Result<std::unique_ptr<TlsContext>, Message> TlsContext::make(const TlsSettings& settings) {
    auto body = std::make_unique<Body>();
    body->tickets = settings.tickets;
    LH_TRY(body->load(settings));
    if (const int error = body->configure(settings.for_enrolment); error != 0) {
        return Message{"TLS cannot be configured: " + text_of(error)};
    }
    return std::unique_ptr<TlsContext>{new TlsContext{std::move(body)}};
}

struct TlsStream::Body {
    mbedtls_ssl_context ssl;
    int socket = -1;
    WireBytes wire;
    int error = 0;
    bool resumed = false;
    // Only until the handshake's end.
    struct Peer {
        std::optional<Sha256> authority;
        WallUs chain_expires{INT64_MAX};  // the first one of it to do so
        Result<PeerIdentity> identity = Error{ErrorCode::denied, "no certificate"};
    };
    std::unique_ptr<Peer> peer = std::make_unique<Peer>();

    Body() { mbedtls_ssl_init(&ssl); }
    ~Body() { mbedtls_ssl_free(&ssl); }
    Body(const Body&) = delete;
    Body& operator=(const Body&) = delete;

    Result<TlsWant> wanted(int result);
    bool ticket_taken() const;
    void let_go_of_certificate();
    static int send(void* context, const unsigned char* bytes, std::size_t count);
    static int receive(void* context, unsigned char* bytes, std::size_t room);
    // Called for every certificate of the chain, the trusted authority first, the device's last.
    static int note_certificate(void* context, mbedtls_x509_crt* certificate, int depth,
                                std::uint32_t* flags);
};

namespace {

// The callbacks for tickets are told the configuration and not the connection. None of our calls
// waits, so the ticket is that of the connection that this thread is at work on.
thread_local TlsStream::Body* at_work = nullptr;

struct AtWork {
    explicit AtWork(TlsStream::Body& body) { at_work = &body; }
    ~AtWork() { at_work = nullptr; }
    AtWork(const AtWork&) = delete;
    AtWork& operator=(const AtWork&) = delete;
};

Bytes der_of(const mbedtls_x509_crt& certificate) {
    return {reinterpret_cast<const std::byte*>(certificate.raw.p), certificate.raw.len};
}

Result<PeerIdentity> identity_of(const mbedtls_x509_crt& certificate, const Sha256& authority,
                                 WallUs expires) {
    LH_TRY_ASSIGN(const Certificate parsed, Certificate::parse_der(der_of(certificate)));
    LH_TRY_ASSIGN(DeviceName name, parsed.device_name());
    return PeerIdentity{std::move(name), authority, expires};
}

}  // namespace

// A device that will not be let in gets a ticket, too, for TLS 1.3 cannot do without; it opens
// nothing.
int TlsContext::Body::write_ticket(void* tickets, const mbedtls_ssl_session* session,
                                   unsigned char* start, const unsigned char* end,
                                   std::size_t* size, std::uint32_t* lifetime_s) {
    if (end - start < 1) return MBEDTLS_ERR_SSL_BUFFER_TOO_SMALL;
    *size = 1;
    *start = 0;
    *lifetime_s = 0;
    const Result<PeerIdentity>& peer = at_work->peer->identity;
    if (!peer.ok()) return 0;
    // TLS 1.2 would put the whole certificate into it; what we need of that we add ourselves.
    mbedtls_ssl_session without_certificate = *session;
    without_certificate.MBEDTLS_PRIVATE(peer_cert) = nullptr;
    std::array<std::byte, ticket_bytes_max> state;
    std::size_t state_bytes = 0;
    if (mbedtls_ssl_session_save(&without_certificate,
                                 reinterpret_cast<unsigned char*>(state.data()), state.size(),
                                 &state_bytes) != 0) {
        return 0;
    }
    const WallUs now = wall_now();
    const auto room =
        std::as_writable_bytes(std::span{start, static_cast<std::size_t>(end - start)});
    const auto sealed = static_cast<Tickets*>(tickets)->seal(
        peer.value(), Bytes{state}.first(state_bytes), now, room);
    if (!sealed.ok()) return 0;
    *size = sealed.value();
    const std::int64_t left_s = (peer.value().expires.value - now.value) / 1'000'000;
    *lifetime_s = static_cast<std::uint32_t>(
        std::clamp<std::int64_t>(left_s, 0, std::int64_t{ticket_lifetime_s_max}));
    return 0;
}

int TlsContext::Body::parse_ticket(void* tickets, mbedtls_ssl_session* session,
                                   unsigned char* bytes, std::size_t size) {
    auto opened =
        static_cast<Tickets*>(tickets)->open(std::as_bytes(std::span{bytes, size}), wall_now());
    if (!opened.ok()) {
        return opened.error().code == ErrorCode::denied ? MBEDTLS_ERR_SSL_SESSION_TICKET_EXPIRED
                                                        : MBEDTLS_ERR_SSL_INVALID_MAC;
    }
    const std::vector<std::byte>& state = opened.value().session;
    const int error = mbedtls_ssl_session_load(
        session, reinterpret_cast<const unsigned char*>(state.data()), state.size());
    if (error != 0) return error;
    // A session of TLS 1.3 holds no secret that TLS 1.2 could go on from: it would take zeros for
    // one, and whoever has seen the ticket on the wire knows those.
    if (session->MBEDTLS_PRIVATE(tls_version) != mbedtls_ssl_get_version_number(&at_work->ssl))
        return MBEDTLS_ERR_SSL_SESSION_TICKET_EXPIRED;
    at_work->peer->identity = std::move(opened.value().who);
    at_work->resumed = true;
    return 0;
}

int TlsStream::Body::send(void* context, const unsigned char* bytes, std::size_t count) {
    auto& body = *static_cast<Body*>(context);
    const ssize_t sent = ::send(body.socket, bytes, count, MSG_NOSIGNAL);
    if (sent < 0) return only_later() ? MBEDTLS_ERR_SSL_WANT_WRITE : MBEDTLS_ERR_SSL_CONN_EOF;
    body.wire.sent += static_cast<std::uint64_t>(sent);
    return static_cast<int>(sent);
}

int TlsStream::Body::receive(void* context, unsigned char* bytes, std::size_t room) {
    auto& body = *static_cast<Body*>(context);
    const ssize_t got = ::recv(body.socket, bytes, room, 0);
    if (got < 0) return only_later() ? MBEDTLS_ERR_SSL_WANT_READ : MBEDTLS_ERR_SSL_CONN_EOF;
    body.wire.received += static_cast<std::uint64_t>(got);
    return static_cast<int>(got);
}

int TlsStream::Body::note_certificate(void* context, mbedtls_x509_crt* certificate, int depth,
                                      std::uint32_t*) {
    auto& body = *static_cast<Body*>(context);
    auto& [authority, chain_expires, identity] = *body.peer;
    chain_expires = std::min(chain_expires, not_after_of(*certificate));
    // What counts is who issued the device's certificate itself, whoever stands above that.
    if (depth > 0) authority = sha256(der_of(*certificate));
    // A ticket whose handshake went on in full after all counts for nothing.
    if (depth == 0) {
        body.resumed = false;
        identity = identity_of(*certificate, authority.value_or(Sha256{}), chain_expires);
    }
    return 0;
}

TlsStream::TlsStream(std::unique_ptr<Body> body) : body_{std::move(body)} {}
TlsStream::~TlsStream() = default;

Result<std::unique_ptr<TlsStream>> TlsStream::make(const TlsContext& context, int socket) {
    auto body = std::make_unique<Body>();
    if (mbedtls_ssl_setup(&body->ssl, &context.body_->config) != 0) {
        return Error{ErrorCode::full, "no memory for a TLS connection"};
    }
    body->socket = socket;
    mbedtls_ssl_set_bio(&body->ssl, body.get(), &Body::send, &Body::receive, nullptr);
    mbedtls_ssl_set_verify(&body->ssl, &without_exception<&Body::note_certificate>, body.get());
    return std::unique_ptr<TlsStream>{new TlsStream{std::move(body)}};
}

Result<TlsWant> TlsStream::Body::wanted(int result) {
    if (result >= 0) return TlsWant::nothing;
    if (result == MBEDTLS_ERR_SSL_WANT_READ) return TlsWant::read;
    if (result == MBEDTLS_ERR_SSL_WANT_WRITE) return TlsWant::write;
    error = result;
    const bool ended =
        result == MBEDTLS_ERR_SSL_CONN_EOF || result == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY;
    return Error{ended ? ErrorCode::closed : ErrorCode::denied, "TLS"};
}

Result<TlsWant> TlsStream::read_hello() {
    const AtWork scope{*body_};
    const auto& state = body_->ssl.MBEDTLS_PRIVATE(state);
    while (state == MBEDTLS_SSL_HELLO_REQUEST || state == MBEDTLS_SSL_CLIENT_HELLO) {
        const int result = mbedtls_ssl_handshake_step(&body_->ssl);
        if (result != 0) return body_->wanted(result);
    }
    body_->resumed = body_->resumed && body_->ticket_taken();
    return TlsWant::nothing;
}

// Of a ticket that we could open, TLS 1.3 judges the age, and whether who shows it knows its secret
// and has not just seen it on the wire; only after that it takes the secret over.
bool TlsStream::Body::ticket_taken() const {
    return mbedtls_ssl_get_version_number(&ssl) == MBEDTLS_SSL_VERSION_TLS1_2 ||
           ssl.MBEDTLS_PRIVATE(session_negotiate)->MBEDTLS_PRIVATE(resumption_key_len) != 0;
}

// TLS 1.3 sends its ticket at the end.
Result<TlsWant> TlsStream::handshake() {
    const AtWork scope{*body_};
    const int result = mbedtls_ssl_handshake(&body_->ssl);
    if (result == 0) body_->let_go_of_certificate();
    return body_->wanted(result);
}

// Kept for nobody, two kilobytes a connection.
void TlsStream::Body::let_go_of_certificate() {
    mbedtls_ssl_session* const session = ssl.MBEDTLS_PRIVATE(session);
    if (session == nullptr) return;
    mbedtls_x509_crt*& certificate = session->MBEDTLS_PRIVATE(peer_cert);
    if (certificate == nullptr) return;
    mbedtls_x509_crt_free(certificate);
    mbedtls_free(certificate);
    certificate = nullptr;
}

Result<TlsProgress> TlsStream::read(MutableBytes room) {
    const int result =
        mbedtls_ssl_read(&body_->ssl, reinterpret_cast<unsigned char*>(room.data()), room.size());
    if (result == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY) return TlsProgress{};
    LH_TRY_ASSIGN(const TlsWant want, body_->wanted(result));
    return TlsProgress{result > 0 ? static_cast<std::size_t>(result) : 0, want};
}

Result<TlsProgress> TlsStream::write(Bytes bytes) {
    const int result = mbedtls_ssl_write(
        &body_->ssl, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
    LH_TRY_ASSIGN(const TlsWant want, body_->wanted(result));
    return TlsProgress{result > 0 ? static_cast<std::size_t>(result) : 0, want};
}

void TlsStream::close_notify() { mbedtls_ssl_close_notify(&body_->ssl); }

Result<PeerIdentity> TlsStream::take_peer() {
    const std::unique_ptr<Body::Peer> peer = std::move(body_->peer);
    LH_CHECK(peer);
    return std::move(peer->identity);
}

bool TlsStream::resumed() const { return body_->resumed; }

bool TlsStream::resumed_cheaply() const {
    return body_->resumed &&
           mbedtls_ssl_get_version_number(&body_->ssl) == MBEDTLS_SSL_VERSION_TLS1_2;
}

bool TlsStream::agreed_on_protocol() const {
    return mbedtls_ssl_get_alpn_protocol(&body_->ssl) != nullptr;
}

std::string TlsStream::version() const { return mbedtls_ssl_get_version(&body_->ssl); }

std::string TlsStream::last_error() const {
    const std::uint32_t flags = mbedtls_ssl_get_verify_result(&body_->ssl);
    if (flags != 0 && flags != UINT32_MAX) {
        std::array<char, 256> text{};
        mbedtls_x509_crt_verify_info(text.data(), text.size(), "", flags);
        std::string reason{text.data()};
        while (!reason.empty() && reason.back() == '\n') reason.pop_back();
        for (char& c : reason) c = c == '\n' ? ';' : c;
        return reason;
    }
    return text_of(body_->error);
}

WireBytes& TlsStream::wire() { return body_->wire; }

}  // namespace longhaul::collector
