// A registry with a tenant and its enrolment authority, as `longhaul tenant enrolment` makes them.
#pragma once

#include "collector/registry/enrolment_codes.hpp"
#include "collector/registry/registry.hpp"
#include "tests/support/pki.hpp"
#include "tests/support/temporary_folder.hpp"

namespace longhaul::test {

inline constexpr std::int64_t day_us = 86'400'000'000;

struct EnrolmentSite {
    Issued root = issue_authority("root");
    Issued tenant = issue_authority("acme authority", &root);
    Issued enrolment = issue_enrolment();
    std::string sealing = issue_sealing();
    TemporaryFolder folder;
    std::unique_ptr<collector::Registry> registry;
    std::unique_ptr<collector::EnrolmentCodes> codes;
    collector::Issuers issuers;

    EnrolmentSite() {
        const std::string path = folder.path() + "/registry.db";
        registry = collector::Registry::open(path).value();
        LH_CHECK(registry->add_tenant({"acme", tenant.certificate}).ok());
        codes = collector::EnrolmentCodes::open(path).value();
        LH_CHECK(registry->add_enrolment_authority("acme", enrolment.certificate).ok());
        issuers.root_pem = root.certificate;
        issuers.by_tenant.emplace("acme", issuer());
    }
    collector::Issuer issuer() const {
        return collector::Issuer::make(enrolment.key, enrolment.certificate + tenant.certificate,
                                       sealing, "acme")
            .value();
    }
    Issued issue_enrolment() const {
        collector::CertificateRequest request;
        request.subject = "acme enrolment";
        request.authority = true;
        request.path_length = 0;
        return issue(request, &tenant, 3000);
    }
    std::string issue_sealing() const {
        collector::CertificateRequest request;
        request.subject = "acme sealing key";
        request.key_agreement = true;
        return issue(request, &tenant, 3000).certificate;
    }
    collector::EnrolmentCodes::Issuing at(WallUs now) const { return {"demo", issuers, 20, now}; }
};

struct MadeCode {
    JoinCodeId id{};
    JoinSecret secret{};
};

inline MadeCode add_code(EnrolmentSite& site, const std::string& device = {}, int uses = 1,
                         const std::string& tenant = "acme") {
    MadeCode made;
    LH_CHECK(random_bytes(made.id).ok() && random_bytes(made.secret).ok());
    const WallUs now = wall_now();
    LH_CHECK(
        site.codes
            ->add({{made.id, sha256(made.secret), tenant, device, uses, now, {now.value + day_us}}})
            .ok());
    return made;
}

}  // namespace longhaul::test
