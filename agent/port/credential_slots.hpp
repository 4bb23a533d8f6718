// Port: the device's two places for a key with its certificate. One holds those that have worked;
// beside them may be newer ones, on their way. X.509 is the platform's business.
// docs/spec/enrolment.md, "Renewal".
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/result.hpp"
#include "common/base/time.hpp"

namespace longhaul::agent {

struct CertificateLife {
    WallUs not_before;
    WallUs not_after;
};

// What has returned ok survives a power cut; what was cut off has not happened, or has as a whole.
class CredentialSlots {
 public:
    // Of the certificate that has worked.
    virtual CertificateLife life() const = 0;
    // Whether a newer certificate waits to be tried.
    virtual bool has_newer() const = 0;
    // What the link uses from its next opening on.
    virtual void use(bool newer) = 0;
    // A request for a certificate of the newer key, which is made and stored if there is none.
    virtual Result<Bytes> request(MutableBytes room) = 0;
    // The answer to it. Refused unless it is of that key, for this device, and from the root.
    virtual Status take(Bytes chain) = 0;
    // The newer ones take the place of the older ones, which are gone then.
    virtual Status settle() = 0;

 protected:
    ~CredentialSlots() = default;
};

}  // namespace longhaul::agent
