// How a device asks for certificates, and what it takes: the requests that it writes, the chains
// that it gets, the collector that it enrols with.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.hpp"
#include "common/base/time.hpp"
#include "common/block/crypto.hpp"

namespace longhaul::agent {

using Der = std::vector<std::byte>;

// A new private key of P-256 as PEM.
Result<std::string> make_private_key();
// PKCS#10, DER. `uri` empty: it names nobody.
Result<Der> make_signing_request(std::string_view key_pem, const std::string& uri);

struct TakenChain {
    std::string pem;  // the device's certificate and those above it but for the root
    // Of the sealing key that came behind them, PEM; empty: none did.
    std::string sealing_pem{};
    WallUs not_before;
    WallUs not_after;
};
// DER certificates one behind the other: the first is of this key and for exactly this URI, and the
// chain ends in the root. Behind it may be the certificate of a sealing key, issued by the
// authority right below the root. No dates are looked at: a device's clock may be wrong. The error
// says what is not so.
Result<TakenChain> take_chain(Bytes chain, std::string_view key_pem, const std::string& uri,
                              Bytes root);
// The certificate alone was issued by the authority of `chain_pem` that the root has issued. PEM.
Result<std::string> take_sealing(Bytes sealing, std::string_view chain_pem, Bytes root);

// Of the first certificate.
struct CertificateDates {
    WallUs not_before;
    WallUs not_after;
};
Result<Der> first_certificate(std::string_view certificates_pem);
Result<CertificateDates> dates_of(std::string_view certificates_pem);
bool key_fits(std::string_view key_pem, std::string_view certificates_pem);

// Who answers at an enrolment's address: the last certificate is the root.
struct EnrolmentServer {
    std::string name;
    Der root;
    std::string root_pem;
};
// Its chain is sound and not expired. Whether it is the right one its fingerprint says.
Result<EnrolmentServer> enrolment_server(const std::vector<Der>& chain);

}  // namespace longhaul::agent
