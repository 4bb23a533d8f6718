// A device's end of a TLS connection for tests: blocking, over a socket of the loopback interface.
#pragma once

#include <string>
#include <vector>

#include "common/base/bytes.hpp"
#include "common/wire/frame.hpp"

namespace longhaul::test {

struct TlsClientSettings {
    unsigned short port = 0;
    std::string root_pem;
    std::string certificate_pem;  // empty: none is shown
    std::string key_pem;
    const char* protocol = "longhaul/1";  // ALPN; nullptr: none is asked for
    bool tls_1_2 = false;
    std::vector<unsigned char> session{};  // of TlsClient::session(); empty: a full handshake
    // The ticket of a TLS 1.3 session is shown as one of TLS 1.2, as an eavesdropper would.
    bool downgrade_session = false;
    // Its ticket is shown with an age that it does not have, as who copied it would.
    bool misdate_session = false;
};

class TlsClient {
 public:
    // Connects and shakes hands; ok() tells whether that worked. Nothing takes longer than ten
    // seconds.
    explicit TlsClient(const TlsClientSettings& settings);
    ~TlsClient();
    TlsClient(const TlsClient&) = delete;
    TlsClient& operator=(const TlsClient&) = delete;

    bool ok() const { return ok_; }
    bool write(Bytes bytes);
    // What is needed to resume: with TLS 1.3 only after a frame was read.
    std::vector<unsigned char> session() const;
    // The next frame; false when the connection ends before one is whole.
    bool read_frame(FrameType& type, std::vector<std::byte>& body);

 private:
    bool read_exactly(MutableBytes room);
    void resume(const TlsClientSettings& settings);
    void keep_session();

    struct Body;
    Body* body_;
    bool ok_ = false;
    std::vector<unsigned char> session_;
};

// A socket connected to the port, with a deadline on both directions.
int connect_to(unsigned short port);

}  // namespace longhaul::test
