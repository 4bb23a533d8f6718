// TLS 1.2 and 1.3 by mbedTLS, as the collector's side of a connection: certificates on both sides,
// and nothing that waits. The only file pair of the collector that knows mbedTLS's TLS.
//
// A TlsStream reads and writes a non-blocking socket and says what it lacks to go on; who owns the
// socket waits for that. So an idle connection holds no buffer of the operating system's or of ours
// in between.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "collector/journal/connection_cost.hpp"
#include "collector/net/ticket.hpp"
#include "common/base/bytes.hpp"
#include "common/base/result.hpp"

namespace longhaul::collector {

inline constexpr const char* alpn_protocol = "longhaul/1";
inline constexpr const char* alpn_protocol_of_enrolment = "longhaul-enrol/1";

struct TlsSettings {
    std::string certificate_pem;  // the server's, and its chain
    std::string key_pem;
    std::vector<std::string> authorities_pem;  // any of them may have issued a device's certificate
    std::shared_ptr<Tickets> tickets{};        // nullptr: nobody resumes
    bool for_enrolment = false;  // devices show no certificate, and ask for another protocol
};

// What all connections share, in any thread. Outlives its streams; read-only once it is made.
class TlsContext {
 public:
    static Result<std::unique_ptr<TlsContext>, Message> make(const TlsSettings& settings);
    ~TlsContext();
    TlsContext(const TlsContext&) = delete;
    TlsContext& operator=(const TlsContext&) = delete;

 private:
    friend class TlsStream;
    struct Body;
    explicit TlsContext(std::unique_ptr<Body> body);
    std::unique_ptr<Body> body_;
};

enum class TlsWant { nothing, read, write };

// How far a call came. With want == nothing and bytes == 0 a read found the end of the stream.
struct TlsProgress {
    std::size_t bytes = 0;
    TlsWant want = TlsWant::nothing;
};

class TlsStream {
 public:
    struct Body;
    // The socket is non-blocking, stays the caller's, and outlives the stream.
    static Result<std::unique_ptr<TlsStream>> make(const TlsContext& context, int socket);
    ~TlsStream();
    TlsStream(const TlsStream&) = delete;
    TlsStream& operator=(const TlsStream&) = delete;

    // The cheap beginning of a handshake, after which resumed() says whether the rest is cheap,
    // too.
    Result<TlsWant> read_hello();
    // Until it wants nothing more. Error denied: the peer failed the handshake; see last_error().
    Result<TlsWant> handshake();
    Result<TlsProgress> read(MutableBytes room);
    Result<TlsProgress> write(Bytes bytes);
    // Tells the peer that nothing more comes; as far as the socket takes it now.
    void close_notify();

    // Once, after the handshake. Error: the certificate names no device.
    Result<PeerIdentity> take_peer();
    bool resumed() const;
    // Without public-key cryptography, in some 40 µs: TLS 1.2 alone.
    bool resumed_cheaply() const;
    bool agreed_on_protocol() const;  // by ALPN
    std::string version() const;      // "TLSv1.3"

    // The sentence for the log after an error.
    std::string last_error() const;
    // Through the socket since somebody last took it, the handshake included.
    WireBytes& wire();

 private:
    friend class TlsContext;  // whose callbacks for tickets are about one stream
    explicit TlsStream(std::unique_ptr<Body> body);
    std::unique_ptr<Body> body_;
};

}  // namespace longhaul::collector
