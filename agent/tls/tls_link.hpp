// TLS as a link over another link: mbedTLS as a client, TLS 1.2 or 1.3, ECDHE-ECDSA on P-256,
// mutual certificates, one pinned root, ALPN "longhaul/1". The only file pair of the agent's TLS
// that knows mbedTLS.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "agent/port/link.hpp"
#include "common/block/crypto.hpp"

namespace longhaul::agent {

// PEM texts (each ended by a zero byte, as mbedTLS wants it) or DER.
struct TlsSettings {
    Bytes root_certificate;     // the only one that is trusted
    Bytes device_certificates;  // the device's, then its issuer's
    KeyHandle device_key = 0;   // signs the handshake; its bytes are never seen here
    std::string_view server_name;
    Bytes issuer_certificate = {};  // where the device's is DER, which holds one only
    // All certificates are DER, and their bytes outlive the link: it keeps no copies of its own.
    bool certificates_stay = false;
    // No certificate of ours, another protocol, and whoever answers is taken: the caller judges by
    // peer_certificates() before it says anything. Only `for_enrolment` is read then.
    bool for_enrolment = false;
};

class TlsLink final : public Link {
 public:
    // `below` outlives the link. crypto_init() came before.
    static Result<std::unique_ptr<TlsLink>> make(const TlsSettings& settings, Link& below);
    ~TlsLink();
    TlsLink(const TlsLink&) = delete;
    TlsLink& operator=(const TlsLink&) = delete;

    // The last date known. As long as the system's clock is before it, a certificate may be valid
    // on either date.
    void set_date_floor(WallUs floor);

    // A ticket of an earlier run to come back with; what does not fit this device, its root and its
    // server's name is passed over. The link itself uses the newest ticket of this run.
    static constexpr std::size_t ticket_bytes_max = 512;
    void use_ticket(Bytes ticket);
    // The newest ticket, once; empty: there is no new one, or it is too long to be kept. It is as
    // secret as the device's key.
    Bytes take_ticket();

    // What the collector has shown, in its order, DER; once the link is open.
    std::vector<std::vector<std::byte>> peer_certificates() const;

    Status open(MonotonicMs now) override;
    LinkState poll(MonotonicMs now) override;
    // Bytes that were offered and not taken are offered again unchanged, or the link is closed.
    Result<std::size_t> write(Bytes bytes) override;
    Result<std::size_t> read(MutableBytes room) override;
    void close() override;
    const char* last_error() const override;

 private:
    struct State;
    void keep_ticket();
    template <class Call>
    int past_tickets(Call call);
    explicit TlsLink(Link& below);
    Error fail(int code);

    Link& below_;
    std::unique_ptr<State> state_;
};

}  // namespace longhaul::agent
