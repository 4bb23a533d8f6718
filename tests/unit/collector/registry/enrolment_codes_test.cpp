#include "collector/registry/enrolment_codes.hpp"

#include <catch2/catch_test_macros.hpp>

#include "collector/registry/signing_request.hpp"
#include "tests/support/enrolment_site.hpp"
#include "tests/support/signing_request.hpp"

using namespace longhaul;
using namespace longhaul::collector;
using test::add_code;
using test::EnrolmentSite;

namespace {

PublicKey new_key() {
    return public_key_of(private_key_of(generate_key().value()).value()).value();
}

std::string refused(const Result<Enrolled, EnrolmentRefusal>& outcome) {
    return outcome.ok() ? "enrolled" : outcome.error().reason;
}

}  // namespace

TEST_CASE("enrolment: a code gives one device a certificate of its key, and lets it in") {
    EnrolmentSite site;
    const auto code = add_code(site);
    const PublicKey key = new_key();
    const WallUs now = test::wall_now();
    const auto outcome = site.codes->redeem(code.id, code.secret, {"bus-1", key}, site.at(now));
    REQUIRE(outcome.ok());
    CHECK(outcome.value().device == "bus-1");
    CHECK(site.registry->find("acme", "bus-1").value() == DeviceState::allowed);

    const std::size_t above = site.issuers.find("acme")->above().size();
    const auto& chain = outcome.value().chain;
    const auto own = Certificate::parse_der(Bytes{chain}.first(chain.size() - above));
    REQUIRE(own.ok());
    CHECK(own.value().device_name().value() == DeviceName{"demo", "acme", "bus-1"});
    CHECK(own.value().public_key().value() == key);
    CHECK(own.value()
              .issued_by(Certificate::parse(as_bytes(site.enrolment.certificate)).value())
              .ok());
    CHECK_FALSE(
        own.value().issued_by(Certificate::parse(as_bytes(site.tenant.certificate)).value()).ok());
    CHECK(own.value().not_after().value / 1'000'000 == (now.value + 20 * test::day_us) / 1'000'000);
    CHECK(site.registry->expiry("acme", "bus-1").value() == own.value().not_after());
}

TEST_CASE("enrolment: the same key gets the same certificate, any other one is refused") {
    EnrolmentSite site;
    const auto code = add_code(site);
    const PublicKey key = new_key();
    const WallUs now = test::wall_now();
    const WallUs later{now.value + 2 * test::day_us};
    const auto first = site.codes->redeem(code.id, code.secret, {"bus-1", key}, site.at(now));
    REQUIRE(first.ok());
    // Also when it has expired since, and whatever name is left out.
    const auto again = site.codes->redeem(code.id, code.secret, {"", key}, site.at(later));
    REQUIRE(again.ok());
    CHECK(again.value().again);
    CHECK(again.value().chain == first.value().chain);
    CHECK(refused(site.codes->redeem(code.id, code.secret, {"bus-2", key}, site.at(now))) ==
          "name");
    CHECK(refused(site.codes->redeem(code.id, code.secret, {"bus-1", new_key()}, site.at(now))) ==
          "code_used");
    CHECK(refused(site.codes->redeem(code.id, code.secret, {"bus-2", new_key()}, site.at(now))) ==
          "code_used");
    CHECK(site.registry->find("acme", "bus-2").value() == DeviceState::unknown);
    REQUIRE(site.registry->revoke("acme", "bus-1").ok());
    CHECK(refused(site.codes->redeem(code.id, code.secret, {"bus-1", key}, site.at(now))) ==
          "name");
}

TEST_CASE("enrolment: a refusal names its reason and takes no use") {
    EnrolmentSite site;
    const auto bound = add_code(site, "bus-7");
    const auto open = add_code(site);
    const auto gone = add_code(site);
    const WallUs now = test::wall_now();
    const WallUs late{now.value + 2 * test::day_us};
    REQUIRE(site.registry->allow("acme", {"known"}).ok());
    REQUIRE(site.codes->revoke(gone.id).ok());
    JoinSecret wrong = open.secret;
    wrong[0] ^= std::byte{1};
    const DeviceName other{"demo", "rival", "bus-1"};
    const auto ask = [&](const test::MadeCode& code, const CertificateWanted& wanted, WallUs when) {
        return refused(site.codes->redeem(code.id, code.secret, wanted, site.at(when)));
    };
    CHECK(ask({open.id, wrong}, {"bus-1", new_key()}, now) == "code");
    CHECK(ask({{}, open.secret}, {"bus-1", new_key()}, now) == "code");
    CHECK(ask(gone, {"bus-1", new_key()}, now) == "code_revoked");
    CHECK(ask(open, {"bus-1", new_key()}, late) == "code_expired");
    CHECK(ask(open, {"known", new_key()}, now) == "name");
    CHECK(ask(open, {"", new_key()}, now) == "name");
    CHECK(ask(open, {"../etc", new_key()}, now) == "name");
    CHECK(ask(open, {"bus-1", new_key(), other}, now) == "name");
    CHECK(ask(bound, {"bus-8", new_key()}, now) == "name");
    const auto listed = site.codes->list();
    REQUIRE(listed.ok());
    for (const EnrolmentCode& code : listed.value()) CHECK(code.uses_left == 1);
    CHECK(ask(bound, {"", new_key()}, now) == "enrolled");
    CHECK(ask(open, {"bus-1", new_key(), DeviceName{"demo", "acme", "bus-1"}}, now) == "enrolled");
    CHECK(site.codes->revoke({}).error() == ErrorCode::not_found);
}

TEST_CASE("enrolment: without an authority nothing is issued, and an expired one ends it") {
    EnrolmentSite site;
    const auto code = add_code(site);
    const WallUs now = test::wall_now();
    const Issuers none;
    CHECK(refused(site.codes->redeem(code.id, code.secret, {"bus-1", new_key()},
                                     {"demo", none, 90, now})) == "issuer");
    const WallUs end{now.value + 29 * test::day_us};  // the tenant's authority has 30 days
    const auto chain = site.issuer().issue({"demo", "acme", "x"}, new_key(), 90, now);
    REQUIRE(chain.ok());
    CHECK(chain.value().expires.value <= now.value + 30 * test::day_us);
    CHECK_FALSE(site.issuer()
                    .issue({"demo", "acme", "x"}, new_key(), 90, {end.value + 2 * test::day_us})
                    .ok());
}

TEST_CASE("renewal: an allowed device gets the next certificate, once for each key") {
    EnrolmentSite site;
    const DeviceName bus{"demo", "acme", "bus-1"};
    const WallUs now = test::wall_now();
    CHECK(refused(site.codes->renew(bus, new_key(), site.at(now))) == "name");
    REQUIRE(site.registry->allow("acme", {"bus-1"}).ok());
    const PublicKey key = new_key();
    const auto first = site.codes->renew(bus, key, site.at(now));
    REQUIRE(first.ok());
    CHECK(site.codes->renew(bus, key, site.at(now)).value().chain == first.value().chain);
    CHECK(site.codes->renew(bus, new_key(), site.at(now)).value().chain != first.value().chain);
    // Another authority has taken the place of the first.
    const auto before = site.codes->renew(bus, key, site.at(now));
    REQUIRE(before.ok());
    site.enrolment = site.issue_enrolment();
    site.issuers.by_tenant.clear();
    site.issuers.by_tenant.emplace("acme", site.issuer());
    const auto after = site.codes->renew(bus, key, site.at(now));
    REQUIRE(after.ok());
    CHECK_FALSE(after.value().again);
    REQUIRE(site.registry->revoke("acme", "bus-1").ok());
    CHECK(refused(site.codes->renew(bus, key, site.at(now))) == "name");
}

TEST_CASE("signing request: the key has signed it, and its URI is a device's or absent") {
    const std::string key = generate_key().value();
    const auto point = public_key_of(private_key_of(key).value()).value();
    const auto plain = parse_signing_request(test::signing_request(key, ""));
    REQUIRE(plain.ok());
    CHECK(plain.value().key == point);
    CHECK_FALSE(plain.value().name);
    const auto named =
        parse_signing_request(test::signing_request(key, "longhaul://demo/acme/bus-1"));
    REQUIRE(named.ok());
    CHECK(named.value().name == DeviceName{"demo", "acme", "bus-1"});
    CHECK_FALSE(parse_signing_request(test::signing_request(key, "https://x")).ok());
    CHECK_FALSE(parse_signing_request({}).ok());

    const auto sound = test::signing_request(key, "");
    for (std::size_t at = 0; at < sound.size(); ++at) {
        CAPTURE(at);
        auto bytes = sound;
        bytes[at] ^= std::byte{1};
        const auto parsed = parse_signing_request(bytes);
        CHECK_FALSE(parsed.ok());
    }
}
