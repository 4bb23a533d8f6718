// mbedTLS alone: handshakes of a client and a server over two buffers in memory, without sockets,
// sessions or a registry. What a collector's handshakes are measured against.
//
//   tls_loop SERVER_CRT SERVER_KEY AUTHORITY_CRT ROOT_CRT DEVICE_CRT DEVICE_KEY
//
// One line of JSON for each version and kind: processor seconds of the server's half, a handshake.
#include <mbedtls/pk.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <deque>
#include <fstream>
#include <sstream>
#include <string>

#include "common/base/check.hpp"
#include "common/block/crypto.hpp"

using namespace longhaul;

namespace {

using Queue = std::deque<unsigned char>;

struct Ends {
    Queue* from;
    Queue* to;
};

int random_numbers(void*, unsigned char* out, std::size_t size) {
    return random_bytes(std::as_writable_bytes(std::span{out, size})).ok() ? 0 : -1;
}

int send(void* context, const unsigned char* bytes, std::size_t size) {
    Queue& to = *static_cast<Ends*>(context)->to;
    to.insert(to.end(), bytes, bytes + size);
    return static_cast<int>(size);
}

int receive(void* context, unsigned char* bytes, std::size_t size) {
    Queue& from = *static_cast<Ends*>(context)->from;
    const std::size_t count = std::min(size, from.size());
    if (count == 0) return MBEDTLS_ERR_SSL_WANT_READ;
    std::copy_n(from.begin(), count, bytes);
    from.erase(from.begin(), from.begin() + static_cast<std::ptrdiff_t>(count));
    return static_cast<int>(count);
}

// The cheapest ticket there can be: the session as it is.
int write_ticket(void*, const mbedtls_ssl_session* session, unsigned char* start,
                 const unsigned char* end, std::size_t* size, std::uint32_t* lifetime_s) {
    *lifetime_s = 3600;
    mbedtls_ssl_session without_certificate = *session;
    without_certificate.MBEDTLS_PRIVATE(peer_cert) = nullptr;
    return mbedtls_ssl_session_save(&without_certificate, start,
                                    static_cast<std::size_t>(end - start), size);
}

int parse_ticket(void*, mbedtls_ssl_session* session, unsigned char* bytes, std::size_t size) {
    return mbedtls_ssl_session_load(session, bytes, size);
}

struct Side {
    mbedtls_ssl_config config;
    mbedtls_x509_crt own;
    mbedtls_x509_crt trusted;
    mbedtls_pk_context key;

    Side(int endpoint, mbedtls_ssl_protocol_version version, const char* own_path,
         const char* key_path, const char* trusted_path) {
        mbedtls_ssl_config_init(&config);
        mbedtls_x509_crt_init(&own);
        mbedtls_x509_crt_init(&trusted);
        mbedtls_pk_init(&key);
        const auto parse = [](mbedtls_x509_crt& into, const std::string& pem) {
            return mbedtls_x509_crt_parse(
                &into, reinterpret_cast<const unsigned char*>(pem.c_str()), pem.size() + 1);
        };
        const std::string key_pem = read(key_path);
        LH_CHECK(parse(own, read(own_path)) == 0 && parse(trusted, read(trusted_path)) == 0);
        LH_CHECK(mbedtls_pk_parse_key(&key, reinterpret_cast<const unsigned char*>(key_pem.c_str()),
                                      key_pem.size() + 1, nullptr, 0, random_numbers,
                                      nullptr) == 0);
        LH_CHECK(mbedtls_ssl_config_defaults(&config, endpoint, MBEDTLS_SSL_TRANSPORT_STREAM,
                                             MBEDTLS_SSL_PRESET_DEFAULT) == 0);
        mbedtls_ssl_conf_min_tls_version(&config, version);
        mbedtls_ssl_conf_max_tls_version(&config, version);
        mbedtls_ssl_conf_rng(&config, random_numbers, nullptr);
        mbedtls_ssl_conf_authmode(&config, MBEDTLS_SSL_VERIFY_REQUIRED);
        mbedtls_ssl_conf_ca_chain(&config, &trusted, nullptr);
        mbedtls_ssl_conf_cert_req_ca_list(&config, MBEDTLS_SSL_CERT_REQ_CA_LIST_DISABLED);
        LH_CHECK(mbedtls_ssl_conf_own_cert(&config, &own, &key) == 0);
        mbedtls_ssl_conf_session_tickets_cb(&config, write_ticket, parse_ticket, nullptr);
        mbedtls_ssl_conf_tls13_enable_signal_new_session_tickets(
            &config, MBEDTLS_SSL_TLS1_3_SIGNAL_NEW_SESSION_TICKETS_ENABLED);
    }
    static std::string read(const char* path) {
        std::ifstream file{path};
        std::stringstream text;
        text << file.rdbuf();
        return text.str();
    }
};

double processor_s() {
    timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

// One handshake; returns the server's processor seconds.
double shake_hands(Side& server, Side& client, mbedtls_ssl_session& ticket, bool resume) {
    Queue up;
    Queue down;
    Ends server_ends{&up, &down};
    Ends client_ends{&down, &up};
    mbedtls_ssl_context near;
    mbedtls_ssl_context far;
    mbedtls_ssl_init(&near);
    mbedtls_ssl_init(&far);
    LH_CHECK(mbedtls_ssl_setup(&near, &client.config) == 0);
    LH_CHECK(mbedtls_ssl_set_hostname(&near, "localhost") == 0);
    if (resume) LH_CHECK(mbedtls_ssl_set_session(&near, &ticket) == 0);
    mbedtls_ssl_set_bio(&near, &client_ends, send, receive, nullptr);
    double spent = -processor_s();
    LH_CHECK(mbedtls_ssl_setup(&far, &server.config) == 0);
    mbedtls_ssl_set_bio(&far, &server_ends, send, receive, nullptr);
    spent += processor_s();
    int near_state = MBEDTLS_ERR_SSL_WANT_READ;
    int far_state = MBEDTLS_ERR_SSL_WANT_READ;
    for (int i = 0; i < 20 && (near_state != 0 || far_state != 0); ++i) {
        if (near_state != 0) near_state = mbedtls_ssl_handshake(&near);
        spent -= processor_s();
        if (far_state != 0) far_state = mbedtls_ssl_handshake(&far);
        spent += processor_s();
    }
    LH_CHECK(near_state == 0 && far_state == 0);
    std::array<unsigned char, 16> room;
    for (int i = 0; i < 3; ++i) mbedtls_ssl_read(&near, room.data(), room.size());
    mbedtls_ssl_session_free(&ticket);
    mbedtls_ssl_session_init(&ticket);
    LH_CHECK(mbedtls_ssl_get_session(&near, &ticket) == 0);
    spent -= processor_s();
    mbedtls_ssl_free(&far);
    spent += processor_s();
    mbedtls_ssl_free(&near);
    return spent;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 7 || !crypto_init().ok()) return 64;
    for (const auto version : {MBEDTLS_SSL_VERSION_TLS1_2, MBEDTLS_SSL_VERSION_TLS1_3}) {
        Side server{MBEDTLS_SSL_IS_SERVER, version, argv[1], argv[2], argv[3]};
        Side client{MBEDTLS_SSL_IS_CLIENT, version, argv[5], argv[6], argv[4]};
        mbedtls_ssl_session ticket;
        mbedtls_ssl_session_init(&ticket);
        for (const bool resume : {false, true}) {
            shake_hands(server, client, ticket, false);
            const int count = resume ? 1000 : 200;
            double spent = 0;
            for (int i = 0; i < count; ++i) spent += shake_hands(server, client, ticket, resume);
            std::printf("{\"tls\": \"%s\", \"resumed\": %s, \"seconds\": %.9f}\n",
                        version == MBEDTLS_SSL_VERSION_TLS1_2 ? "1.2" : "1.3",
                        resume ? "true" : "false", spent / count);
        }
        mbedtls_ssl_session_free(&ticket);
    }
    return 0;
}
