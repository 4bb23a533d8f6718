// Session tickets: what a collector has to know of a device to let it resume, sealed for itself.
// Specification: docs/spec/frames.md.
//
//  0  u8   version = 1
//  1  u32  generation of the key: days since 1970
//  5  12   nonce
// 17       AES-128-GCM of the content, then the tag; bytes 0 … 4 are the associated data
//
// The content names the device as its certificate did, so that a resumption is judged like a full
// handshake. Knows nothing of TLS: `session` is whatever the TLS library wants to have again.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "collector/registry/certificate.hpp"
#include "collector/registry/ticket_keys.hpp"

namespace longhaul::collector {

// Who is at the other end, by its certificate: of this handshake or of the one that earned the
// ticket.
struct PeerIdentity {
    DeviceName name;
    Sha256 authority{};  // of the certificate that issued the device's
    WallUs expires;      // its certificate, or one of the authorities above it before that
};

inline constexpr std::size_t ticket_bytes_max = 400;  // a device keeps it in its spool

class Tickets {
 public:
    struct Opened {
        PeerIdentity who;
        std::vector<std::byte> session;
    };

    // The keys to open with; the newest one seals. Any thread.
    void use(std::vector<TicketKey> keys);

    // Returns the bytes written. Error full: no room, not_found: no key for this day.
    Result<std::size_t> seal(const PeerIdentity& who, Bytes session, WallUs now,
                             MutableBytes out) const;
    // denied: its key is rotated out or the certificate has expired; corrupt, malformed: no ticket
    // of ours.
    Result<Opened> open(Bytes ticket, WallUs now) const;

 private:
    std::shared_ptr<const std::vector<TicketKey>> keys() const;

    mutable std::mutex mutex_;
    std::shared_ptr<const std::vector<TicketKey>> keys_ =
        std::make_shared<const std::vector<TicketKey>>();
};

// Of the content alone, for the fuzzer: what is sealed is what we wrote, unless a key has leaked.
Result<Tickets::Opened> parse_ticket_content(Bytes content);

}  // namespace longhaul::collector
