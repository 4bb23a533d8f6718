// The enrolment authorities that a collector issues devices' certificates with: one at most for a
// tenant, below the tenant's own authority, which is elsewhere. docs/spec/enrolment.md.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "collector/registry/certificate.hpp"

namespace longhaul::collector {

struct IssuedChain {
    std::vector<std::byte> der;  // the device's certificate, then those above it but for the root
    WallUs expires;
};

class Issuer {
 public:
    // `chain_pem`: the authority's certificate, then the tenant's. The message says what does not
    // belong together; `where` is its file.
    static Result<Issuer, Message> make(std::string key_pem, const std::string& chain_pem,
                                        const std::string& sealing_pem, const std::string& where);

    // Ends with the authority, if that comes first.
    Result<IssuedChain> issue(const DeviceName& name, const PublicKey& key, int days,
                              WallUs now) const;
    const std::string& certificate_pem() const { return certificate_pem_; }
    const std::string& tenant_pem() const { return tenant_pem_; }  // of the authority above it
    Bytes above() const { return above_; }      // the end of each chain that it issues
    Bytes sealing() const { return sealing_; }  // certificate of the tenant's sealing key, DER

 private:
    std::string key_pem_;
    std::string certificate_pem_;
    std::string tenant_pem_;
    std::vector<std::byte> above_;
    std::vector<std::byte> sealing_;
    WallUs expires_;
};

struct Issuers {
    std::map<std::string, Issuer, std::less<>> by_tenant;
    std::string root_pem;  // empty: there is no folder, so no enrolment

    const Issuer* find(std::string_view tenant) const {
        const auto found = by_tenant.find(tenant);
        return found == by_tenant.end() ? nullptr : &found->second;
    }
    // None when the folder is not there.
    static Result<Issuers, Message> load(const std::string& folder);
};

// The certificates of a text, one after the other.
std::vector<std::string> certificates_in(std::string_view pem);

}  // namespace longhaul::collector
