// Join codes and what was issued for them, in the registry. docs/spec/enrolment.md.
//
// A use is taken, the device let in and its certificate written down in one transaction, which is
// on disk before anything is answered; who asks again with the same key gets the same certificate.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collector/registry/issuers.hpp"
#include "common/host/sqlite.hpp"
#include "common/wire/join_code.hpp"

namespace longhaul::collector {

// As the registry keeps it.
struct EnrolmentCode {
    JoinCodeId id{};
    Sha256 secret_hash{};
    std::string tenant;
    std::string device{};  // that it is for; empty: any new one
    std::int64_t uses_left = 1;
    WallUs made;
    WallUs expires;
    bool revoked = false;
};

struct EnrolmentRefusal {
    const char* reason;  // a word of docs/spec/enrolment.md
    std::string text;
    std::string tenant{};  // empty: not known, or it was not proven
    std::string device{};
};

struct CertificateWanted {
    std::string device{};  // empty: the one that the code is for
    PublicKey key{};
    std::optional<DeviceName> named{};  // by the request itself
};

struct Enrolled {
    std::string tenant;
    std::string device;
    std::vector<std::byte> chain;
    bool again = false;  // it had been issued before
};

class EnrolmentCodes {
 public:
    // The file of the registry, which is made by others.
    static Result<std::unique_ptr<EnrolmentCodes>> open(const std::string& path);

    Status add(const std::vector<EnrolmentCode>& codes);  // all or none; exists
    Result<std::vector<EnrolmentCode>> list();
    Status revoke(const JoinCodeId& id);  // not_found

    struct Issuing {
        std::string environment;
        const Issuers& issuers;
        int days = 90;
        WallUs now;
    };
    Result<Enrolled, EnrolmentRefusal> redeem(const JoinCodeId& id, const JoinSecret& secret,
                                              const CertificateWanted& wanted,
                                              const Issuing& issuing);
    struct Renewing {
        DeviceName name;
        PublicKey key{};
        WallUs expires{};               // the certificate that the device has now
        bool leaves_authority = false;  // which is an older one of its tenant
    };
    // The next certificate of a device that is allowed: in the second half of the life of the one
    // that it has, or when that is of an older authority; and another one after a ninetieth of
    // that life at the soonest, whatever key it asks with.
    Result<Enrolled, EnrolmentRefusal> renew(const Renewing& renewing, const Issuing& issuing);

 private:
    explicit EnrolmentCodes(SqliteDatabase database) : database_{std::move(database)} {}
    using Outcome = Result<Enrolled, EnrolmentRefusal>;
    Outcome in_transaction(const std::function<Outcome()>& work);
    Outcome redeem_in(const JoinCodeId& id, const JoinSecret& secret,
                      const CertificateWanted& wanted, const Issuing& issuing);
    Outcome renew_in(const Renewing& renewing, const Issuing& issuing);
    Result<const Issuer*> issuer_for(std::string_view tenant, const Issuing& issuing);
    Result<bool> lists(const char* sql, std::string_view tenant, const std::string& authority_pem);
    Result<std::optional<EnrolmentCode>> find(const JoinCodeId& id);
    Result<std::string> state_of(std::string_view tenant, std::string_view device);
    struct Kept {
        std::string device;
        std::vector<std::byte> chain;
        Sha256 key{};
        WallUs issued{};
    };
    Result<std::optional<Kept>> kept_for(const JoinCodeId& id, const Sha256& key);
    Result<std::optional<Kept>> kept_of(const DeviceName& name);
    Status keep(const Enrolled& enrolled, const Sha256& key, const JoinCodeId* code,
                const IssuedChain& chain, WallUs now);
    Status take_use(const JoinCodeId& id);

    SqliteDatabase database_;
};

}  // namespace longhaul::collector
