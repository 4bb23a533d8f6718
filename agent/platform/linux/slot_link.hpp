// TLS with the credential of the slot that is in use, which may change from one connection to the
// next.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agent/platform/linux/credential_files.hpp"
#include "agent/platform/linux/credentials.hpp"
#include "agent/tls/tls_link.hpp"

namespace longhaul::agent {

class SlotLink final : public Link {
 public:
    // Both outlive it. load() comes before everything else.
    SlotLink(const CredentialFiles& files, Link& below) : files_{files}, below_{below} {}
    Result<void, Message> load();

    void set_date_floor(WallUs floor);
    void use_ticket(Bytes ticket);
    Bytes take_ticket() { return tls_->take_ticket(); }

    Status open(MonotonicMs now) override;
    LinkState poll(MonotonicMs now) override { return tls_->poll(now); }
    Result<std::size_t> write(Bytes bytes) override { return tls_->write(bytes); }
    Result<std::size_t> read(MutableBytes room) override { return tls_->read(room); }
    void close() override { tls_->close(); }
    const char* last_error() const override {
        return error_.empty() ? tls_->last_error() : error_.c_str();
    }

 private:
    const CredentialFiles& files_;
    Link& below_;
    std::unique_ptr<Credentials> credentials_;
    std::unique_ptr<TlsLink> tls_;
    std::uint64_t version_ = 0;  // of the files, as tls_ has them
    std::vector<std::byte> ticket_;
    WallUs floor_;
    std::string error_;
};

}  // namespace longhaul::agent
