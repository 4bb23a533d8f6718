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
    CHECK(refused(site.codes->renew({bus, new_key()}, site.at(now))) == "name");
    REQUIRE(site.registry->allow("acme", {"bus-1"}).ok());
    const PublicKey key = new_key();
    const auto first = site.codes->renew({bus, key}, site.at(now));
    REQUIRE(first.ok());
    CHECK(site.codes->renew({bus, key}, site.at(now)).value().chain == first.value().chain);
    // Another authority has taken the place of the first.
    site.enrolment = site.issue_enrolment();
    REQUIRE(site.registry->add_enrolment_authority("acme", site.enrolment.certificate).ok());
    site.issuers.by_tenant.clear();
    site.issuers.by_tenant.emplace("acme", site.issuer());
    const auto after = site.codes->renew({bus, key}, site.at(now));
    REQUIRE(after.ok());
    CHECK_FALSE(after.value().again);
    REQUIRE(site.registry->revoke("acme", "bus-1").ok());
    CHECK(refused(site.codes->renew({bus, key}, site.at(now))) == "name");
}

TEST_CASE("renewal: in the second half of a life, and another one after a ninetieth of it") {
    EnrolmentSite site;  // certificates of 20 days
    const DeviceName bus{"demo", "acme", "bus-1"};
    const WallUs now = test::wall_now();
    const auto in_days = [now](double days) {
        return WallUs{now.value + static_cast<std::int64_t>(days * test::day_us)};
    };
    REQUIRE(site.registry->allow("acme", {"bus-1"}).ok());
    const PublicKey key = new_key();
    const auto ask = [&](const PublicKey& with, WallUs expires, WallUs when, bool leaves = false) {
        return refused(site.codes->renew({bus, with, expires, leaves}, site.at(when)));
    };
    CHECK(ask(key, in_days(11), now) == "too_soon");
    CHECK(ask(key, in_days(9), now) == "enrolled");
    // It asks again with that key as often as it likes, and with another one after some hours: it
    // has lost the key, and its older certificate ends.
    CHECK(ask(key, in_days(9), in_days(0.1)) == "enrolled");
    CHECK(ask(new_key(), in_days(9), in_days(0.1)) == "too_soon");
    CHECK(ask(new_key(), in_days(9), in_days(0.3)) == "enrolled");
    CHECK(ask(key, in_days(9), in_days(0.4)) == "too_soon");
    // A device of an older authority does not wait, but once it has one of the newer it does.
    REQUIRE(site.registry->allow("acme", {"bus-2"}).ok());
    const DeviceName other{"demo", "acme", "bus-2"};
    CHECK(refused(site.codes->renew({other, key, in_days(19), true}, site.at(now))) == "enrolled");
    CHECK(refused(site.codes->renew({other, new_key(), in_days(19), true}, site.at(now))) ==
          "too_soon");
}

TEST_CASE("enrolment: what was issued before is given again as long as it is of use") {
    EnrolmentSite site;
    const DeviceName bus{"demo", "acme", "bus-1"};
    const PublicKey key = new_key();
    const auto code = add_code(site);  // good for a day
    const WallUs now = test::wall_now();
    const auto days_on = [now](std::int64_t days) {
        return WallUs{now.value + days * test::day_us};
    };
    const auto redeem = [&](WallUs when) {
        return site.codes->redeem(code.id, code.secret, {"bus-1", key}, site.at(when));
    };
    const auto first = redeem(now);
    REQUIRE(first.ok());
    CHECK(redeem(days_on(13)).value().chain == first.value().chain);
    CHECK(refused(redeem(days_on(14))) == "code_expired");
    const auto renewed = site.codes->renew({bus, key, days_on(20)}, site.at(days_on(14)));
    REQUIRE(renewed.ok());
    CHECK_FALSE(renewed.value().again);
    CHECK(renewed.value().chain != first.value().chain);
}

TEST_CASE("enrolment: an authority that the registry does not list any more issues nothing") {
    for (const bool above : {false, true}) {
        CAPTURE(above);
        EnrolmentSite site;
        const auto code = add_code(site);
        REQUIRE(site.registry->allow("acme", {"bus-1"}).ok());
        if (above) {
            REQUIRE(site.registry->rotate_authority("acme", site.root.certificate).ok());
            REQUIRE(site.registry->cut_off_older("acme").value() == 1);
        } else {
            REQUIRE(site.registry->drop_enrolment_authorities("acme").value() == 1);
        }
        const WallUs now = test::wall_now();
        CHECK(refused(site.codes->redeem(code.id, code.secret, {"bus-2", new_key()},
                                         site.at(now))) == "issuer");
        CHECK(refused(site.codes->renew({{"demo", "acme", "bus-1"}, new_key()}, site.at(now))) ==
              "issuer");
    }
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
