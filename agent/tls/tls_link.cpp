#include "agent/tls/tls_link.hpp"

#include <mbedtls/error.h>
#include <mbedtls/pk.h>
#include <mbedtls/platform.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <ctime>
#include <span>
#include <utility>

#include "agent/tls/tls_certificate.hpp"
#include "agent/tls/tls_support.hpp"

namespace longhaul::agent {
namespace {

constexpr char protocol_name[] = "longhaul/1";
constexpr char enrolment_protocol_name[] = "longhaul-enrol/1";

// Ends with the zero that mbedTLS expects.
constexpr int cipher_suites[] = {
    MBEDTLS_TLS1_3_AES_128_GCM_SHA256,
    MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256,
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    0,
};

// A small image has one version only.
#if defined(MBEDTLS_SSL_PROTO_TLS1_2)
constexpr mbedtls_ssl_protocol_version tls_version_min = MBEDTLS_SSL_VERSION_TLS1_2;
#else
constexpr mbedtls_ssl_protocol_version tls_version_min = MBEDTLS_SSL_VERSION_TLS1_3;
#endif
#if defined(MBEDTLS_SSL_PROTO_TLS1_3)
constexpr mbedtls_ssl_protocol_version tls_version_max = MBEDTLS_SSL_VERSION_TLS1_3;
#else
constexpr mbedtls_ssl_protocol_version tls_version_max = MBEDTLS_SSL_VERSION_TLS1_2;
#endif

bool has_to_wait(int code) {
    return code == MBEDTLS_ERR_SSL_WANT_READ || code == MBEDTLS_ERR_SSL_WANT_WRITE;
}

// Before a kept session: a hash of who speaks to whom, for which alone it is good.
constexpr std::size_t ticket_owner_bytes = 16;
constexpr std::size_t real_ticket_bytes_min = 16;  // a collector may say that it has none for us

std::array<std::byte, ticket_owner_bytes> owner_of(const TlsSettings& settings) {
    const std::array<Sha256, 3> parts{sha256(settings.root_certificate),
                                      sha256(settings.device_certificates),
                                      sha256(as_bytes(settings.server_name))};
    const Sha256 hash = sha256(std::as_bytes(std::span{parts}));
    std::array<std::byte, ticket_owner_bytes> owner;
    std::copy_n(hash.begin(), owner.size(), owner.begin());
    return owner;
}

}  // namespace

struct TlsLink::State {
    mbedtls_ssl_context ssl;
    mbedtls_ssl_config config;
    mbedtls_x509_crt root;
    mbedtls_x509_crt own;
    mbedtls_pk_context key;
    std::array<const char*, 2> protocols{protocol_name, nullptr};
    LinkState link = LinkState::closed;
    const char* error = "";
    bool heard = false;  // something has been read since the handshake
    std::int64_t date_floor_s = 0;
    mbedtls_ssl_session ticket;  // to come back with
    bool has_ticket = false;
    std::array<std::byte, ticket_owner_bytes> ticket_owner{};
    std::array<std::byte, TlsLink::ticket_bytes_max> saved;  // owner, then the session
    std::size_t saved_bytes = 0;
    bool saved_is_new = false;

    State() {
        mbedtls_ssl_session_init(&ticket);
        mbedtls_ssl_init(&ssl);
        mbedtls_ssl_config_init(&config);
        mbedtls_x509_crt_init(&root);
        mbedtls_x509_crt_init(&own);
        mbedtls_pk_init(&key);
    }
    ~State() {
        mbedtls_ssl_session_free(&ticket);
        mbedtls_ssl_free(&ssl);
        mbedtls_ssl_config_free(&config);
        mbedtls_x509_crt_free(&root);
        mbedtls_x509_crt_free(&own);
        mbedtls_pk_free(&key);
    }
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    Status load(const TlsSettings& settings);
    Status configure(const TlsSettings& settings, Link& below);
    void forget_ticket();
    static int judge_dates(void* state, mbedtls_x509_crt* certificate, int depth,
                           std::uint32_t* flags);
};

// mbedTLS has judged by the system's clock. A date that has already been can make a certificate
// valid, but none invalid: should it be wrong, only a collector can mend it.
int TlsLink::State::judge_dates(void* state, mbedtls_x509_crt* certificate, int /*depth*/,
                                std::uint32_t* flags) {
    const std::int64_t floor_s = static_cast<const State*>(state)->date_floor_s;
#if defined(MBEDTLS_HAVE_TIME_DATE)
    const bool valid_then = seconds_of(certificate->valid_from) <= floor_s &&
                            floor_s <= seconds_of(certificate->valid_to);
    constexpr std::uint32_t dates = MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE;
    if (valid_then && floor_s > std::time(nullptr)) *flags &= ~dates;
#else  // mbedTLS has no clock to judge by, and this is the only date there is
    if (seconds_of(certificate->valid_to) < floor_s) *flags |= MBEDTLS_X509_BADCERT_EXPIRED;
#endif
    return 0;
}

Status TlsLink::State::load(const TlsSettings& settings) {
    const auto parse =
        settings.certificates_stay ? mbedtls_x509_crt_parse_der_nocopy : mbedtls_x509_crt_parse;
    const auto reads = [parse](mbedtls_x509_crt& chain, Bytes bytes) {
        return parse(&chain, raw(bytes), bytes.size()) == 0;
    };
    if (!reads(root, settings.root_certificate))
        return Error{ErrorCode::malformed, "the root certificate cannot be read"};
    if (!reads(own, settings.device_certificates))
        return Error{ErrorCode::malformed, "the device's certificate cannot be read"};
    if (!settings.issuer_certificate.empty() && !reads(own, settings.issuer_certificate))
        return Error{ErrorCode::malformed, "the issuer's certificate cannot be read"};
    if (mbedtls_pk_setup_opaque(&key, settings.device_key) != 0)
        return Error{ErrorCode::denied, "the device's key cannot be used"};
    if (mbedtls_pk_check_pair(&own.pk, &key, random_numbers, nullptr) != 0)
        return Error{ErrorCode::denied, "the device's key does not belong to its certificate"};
    return {};
}

Status TlsLink::State::configure(const TlsSettings& settings, Link& below) {
    const bool enrols = settings.for_enrolment;
    if (enrols) protocols[0] = enrolment_protocol_name;
    int code = mbedtls_ssl_config_defaults(
        &config, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);
    mbedtls_ssl_conf_min_tls_version(&config, tls_version_min);
    mbedtls_ssl_conf_max_tls_version(&config, tls_version_max);
    mbedtls_ssl_conf_authmode(&config,
                              enrols ? MBEDTLS_SSL_VERIFY_NONE : MBEDTLS_SSL_VERIFY_REQUIRED);
    mbedtls_ssl_conf_ciphersuites(&config, cipher_suites);
    mbedtls_ssl_conf_ca_chain(&config, &root, nullptr);
    mbedtls_ssl_conf_verify(&config, judge_dates, this);
    mbedtls_ssl_conf_rng(&config, random_numbers, nullptr);
#if defined(MBEDTLS_SSL_PROTO_TLS1_3)
    mbedtls_ssl_conf_tls13_enable_signal_new_session_tickets(
        &config, MBEDTLS_SSL_TLS1_3_SIGNAL_NEW_SESSION_TICKETS_ENABLED);
#endif
#if defined(LH_TLS_FRAGMENT_LENGTH)  // small devices ask for small records
    if (code == 0) code = mbedtls_ssl_conf_max_frag_len(&config, LH_TLS_FRAGMENT_LENGTH);
#endif
    if (code == 0 && !enrols) code = mbedtls_ssl_conf_own_cert(&config, &own, &key);
    if (code == 0) code = mbedtls_ssl_conf_alpn_protocols(&config, protocols.data());
    if (code == 0) code = mbedtls_ssl_setup(&ssl, &config);
    std::array<char, MBEDTLS_SSL_MAX_HOST_NAME_LEN + 1> name{};
    if (settings.server_name.size() >= name.size())
        return Error{ErrorCode::too_large, "the server's name is too long"};
    std::copy(settings.server_name.begin(), settings.server_name.end(), name.begin());
    if (code == 0) code = mbedtls_ssl_set_hostname(&ssl, enrols ? nullptr : name.data());
    mbedtls_ssl_set_bio(&ssl, &below, send_below, receive_below, nullptr);
    return code == 0 ? Status{} : Error{ErrorCode::io, "TLS cannot be set up"};
}

TlsLink::TlsLink(Link& below) : below_{below}, state_{std::make_unique<State>()} {}
TlsLink::~TlsLink() = default;

void TlsLink::set_date_floor(WallUs floor) { state_->date_floor_s = floor.value / 1'000'000; }

Result<std::unique_ptr<TlsLink>> TlsLink::make(const TlsSettings& settings, Link& below) {
    std::unique_ptr<TlsLink> link{new TlsLink{below}};
    if (settings.server_name.empty() && !settings.for_enrolment)
        return Error{ErrorCode::malformed, "no server name"};
    link->state_->ticket_owner = owner_of(settings);
    if (!settings.for_enrolment) LH_TRY(link->state_->load(settings));
    LH_TRY(link->state_->configure(settings, below));
    return link;
}

const char* TlsLink::last_error() const {
    return *state_->error != '\0' ? state_->error : below_.last_error();
}

std::vector<std::vector<std::byte>> TlsLink::peer_certificates() const {
    std::vector<std::vector<std::byte>> all;
    for (const mbedtls_x509_crt* at = mbedtls_ssl_get_peer_cert(&state_->ssl); at != nullptr;
         at = at->next) {
        const auto der = std::as_bytes(std::span{at->raw.p, at->raw.len});
        all.emplace_back(der.begin(), der.end());
    }
    return all;
}

Error TlsLink::fail(int code) {
    State& state = *state_;
    switch (code) {
        case MBEDTLS_ERR_X509_CERT_VERIFY_FAILED:
            state.error = words_for_certificate(mbedtls_ssl_get_verify_result(&state.ssl));
            break;
        case MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE:
            state.error = "the collector refused this device (TLS)";
            break;
        // In TLS 1.3 the device has finished before the collector judges its certificate, and
        // mbedTLS sends the alert under the handshake's keys, which the device has given up by
        // then.
        case MBEDTLS_ERR_SSL_INVALID_MAC:
            state.error = state.heard ? "the connection was damaged on its way"
                                      : "the collector refused this device (TLS)";
            break;
        case MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY:
        case MBEDTLS_ERR_SSL_CONN_EOF:
            state.error = "the collector closed the connection";
            break;
        case MBEDTLS_ERR_SSL_NO_APPLICATION_PROTOCOL:
            state.error = "the other side does not speak longhaul/1";
            break;
        case MBEDTLS_ERR_NET_SEND_FAILED:
        case MBEDTLS_ERR_NET_RECV_FAILED:
            break;  // the link below knows why
        default:
            state.error = "the TLS connection broke";
            break;
    }
    // Should the ticket be the reason, the next attempt does without it.
    if (state.link == LinkState::opening) state.forget_ticket();
    state.link = LinkState::closed;
    below_.close();
    return {ErrorCode::closed, state.error};
}

void TlsLink::State::forget_ticket() {
    mbedtls_ssl_session_free(&ticket);
    mbedtls_ssl_session_init(&ticket);
    has_ticket = false;
}

void TlsLink::use_ticket(Bytes kept) {
    State& state = *state_;
    state.forget_ticket();
    if (kept.size() <= ticket_owner_bytes || kept.size() > ticket_bytes_max ||
        !equal(kept.first(ticket_owner_bytes), state.ticket_owner))
        return;
    const Bytes session = kept.subspan(ticket_owner_bytes);
    if (mbedtls_ssl_session_load(&state.ticket, raw(session), session.size()) != 0)
        return state.forget_ticket();
    state.has_ticket = true;
    std::copy(kept.begin(), kept.end(), state.saved.begin());
    state.saved_bytes = kept.size();
}

Bytes TlsLink::take_ticket() {
    State& state = *state_;
    if (!std::exchange(state.saved_is_new, false)) return {};
    return Bytes{state.saved}.first(state.saved_bytes);
}

void TlsLink::keep_ticket() {
    State& state = *state_;
    state.forget_ticket();
    if (mbedtls_ssl_get_session(&state.ssl, &state.ticket) != 0 ||
        state.ticket.MBEDTLS_PRIVATE(ticket_len) < real_ticket_bytes_min) {
        return state.forget_ticket();
    }
#if defined(MBEDTLS_SSL_KEEP_PEER_CERTIFICATE)
    // TLS 1.2 would keep the collector's certificate with it, which nobody looks at again.
    mbedtls_x509_crt*& certificate = state.ticket.MBEDTLS_PRIVATE(peer_cert);
    if (certificate != nullptr) {
        mbedtls_x509_crt_free(certificate);
        mbedtls_free(certificate);
        certificate = nullptr;
    }
#endif
    state.has_ticket = true;
    std::array<std::byte, ticket_bytes_max> fresh;
    std::copy(state.ticket_owner.begin(), state.ticket_owner.end(), fresh.begin());
    std::size_t size = 0;
    if (mbedtls_ssl_session_save(
            &state.ticket, reinterpret_cast<unsigned char*>(fresh.data()) + ticket_owner_bytes,
            fresh.size() - ticket_owner_bytes, &size) != 0) {
        return;
    }
    size += ticket_owner_bytes;
    if (equal(Bytes{fresh}.first(size), Bytes{state.saved}.first(state.saved_bytes))) return;
    state.saved = fresh;
    state.saved_bytes = size;
    state.saved_is_new = true;
}

Status TlsLink::open(MonotonicMs now) {
    State& state = *state_;
    close();
    state.error = "";
    state.heard = false;
    if (mbedtls_ssl_session_reset(&state.ssl) != 0)
        return Error{ErrorCode::io, "TLS cannot be reset"};
    if (state.has_ticket && mbedtls_ssl_set_session(&state.ssl, &state.ticket) != 0)
        state.forget_ticket();
    LH_TRY(below_.open(now));
    state.link = LinkState::opening;
    return {};
}

LinkState TlsLink::poll(MonotonicMs now) {
    State& state = *state_;
    if (state.link == LinkState::closed) return LinkState::closed;
    const LinkState below = below_.poll(now);
    if (below == LinkState::closed) {
        state.link = LinkState::closed;
    } else if (below == LinkState::open && state.link == LinkState::opening) {
        const int code = mbedtls_ssl_handshake(&state.ssl);
        if (code != 0 && !has_to_wait(code)) {
            static_cast<void>(fail(code));
        } else if (code == 0) {
            // A server without ALPN would go on without having agreed to anything.
            const char* const agreed = mbedtls_ssl_get_alpn_protocol(&state.ssl);
            if (agreed == nullptr || std::strcmp(agreed, state.protocols[0]) != 0) {
                static_cast<void>(fail(MBEDTLS_ERR_SSL_NO_APPLICATION_PROTOCOL));
            } else {
                state.link = LinkState::open;
                // TLS 1.3 brings one later.
                if (mbedtls_ssl_get_version_number(&state.ssl) == MBEDTLS_SSL_VERSION_TLS1_2)
                    keep_ticket();
            }
        }
    }
    return state.link;
}

// What mbedTLS has read from below and not worked on yet, a ticket, it works on in the next call,
// whichever that is. Nothing below would ever wake the caller for it, so it is done at once.
template <class Call>
int TlsLink::past_tickets(Call call) {
    for (;;) {
        const int code = call();
        const bool ticket = code == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET;
        if (ticket) keep_ticket();
        const bool begun =
            code == MBEDTLS_ERR_SSL_WANT_READ && mbedtls_ssl_check_pending(&state_->ssl) != 0;
        if (!ticket && !begun) return code;
    }
}

Result<std::size_t> TlsLink::write(Bytes bytes) {
    if (state_->link != LinkState::open) return ErrorCode::closed;
    const int code =
        past_tickets([&] { return mbedtls_ssl_write(&state_->ssl, raw(bytes), bytes.size()); });
    if (code >= 0) return static_cast<std::size_t>(code);
    if (has_to_wait(code)) return std::size_t{0};
    return fail(code);
}

Result<std::size_t> TlsLink::read(MutableBytes room) {
    if (state_->link != LinkState::open) return ErrorCode::closed;
    const int code = past_tickets([&] {
        return mbedtls_ssl_read(&state_->ssl, reinterpret_cast<unsigned char*>(room.data()),
                                room.size());
    });
    if (code > 0) {
        state_->heard = true;
        return static_cast<std::size_t>(code);
    }
    if (has_to_wait(code)) return std::size_t{0};
    return fail(code == 0 ? MBEDTLS_ERR_SSL_CONN_EOF : code);
}

void TlsLink::close() {
    State& state = *state_;
    // Said if there is room for it at once; the session's own Bye is what counts.
    if (state.link == LinkState::open) static_cast<void>(mbedtls_ssl_close_notify(&state.ssl));
    state.link = LinkState::closed;
    below_.close();
}

}  // namespace longhaul::agent
