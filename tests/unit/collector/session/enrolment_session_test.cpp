// Enrolment and renewal as the collector's half of a conversation.
#include <catch2/catch_test_macros.hpp>
#include <cstring>

#include "collector/session/renewals.hpp"
#include "tests/support/enrolment_site.hpp"
#include "tests/support/signing_request.hpp"
#include "tests/unit/collector/session/talk.hpp"

using namespace longhaul;
using namespace longhaul::collector;

namespace {

struct Desk {
    Desk() { desk.issuers.by_tenant.emplace("acme", site.issuer()); }

    Stored enrol_frame(const test::MadeCode& code, const std::string& device,
                       const std::vector<std::byte>& request) {
        longhaul_Enrol enrol = longhaul_Enrol_init_zero;
        std::memcpy(enrol.code, code.id.data(), code.id.size());
        std::memcpy(enrol.secret, code.secret.data(), code.secret.size());
        device.copy(enrol.device, sizeof(enrol.device) - 1);
        enrol.request.size = static_cast<pb_size_t>(request.size());
        std::memcpy(enrol.request.bytes, request.data(), request.size());
        Stored bytes(frame_header_bytes + longhaul_Enrol_size);
        ByteWriter out{bytes};
        REQUIRE(write_message(enrol, out).ok());
        bytes.resize(out.size());
        return bytes;
    }
    // What is answered, in pieces of so many bytes.
    std::string refused(Bytes bytes, std::size_t piece) {
        EnrolmentSession session{desk, *site.codes};
        for (; !bytes.empty(); bytes = bytes.subspan(std::min(piece, bytes.size())))
            session.on_bytes(bytes.first(std::min(piece, bytes.size())), test::wall_now());
        if (session.answer().empty()) return "waits";
        const bool bye = session.answer()[0] == static_cast<std::byte>(FrameType::collector_bye);
        REQUIRE(bye == session.refusal().has_value());
        return bye ? session.refusal()->reason : "enrolled";
    }

    test::EnrolmentSite site;
    EnrolmentDesk desk{"demo", {}, 20, ":7600"};
};

}  // namespace

TEST_CASE("enrolment session: one Enrol is answered, however it is cut") {
    Desk desk;
    const std::string key = generate_key().value();
    const auto request = test::signing_request(key, "");
    for (const std::size_t piece : {1UL, 7UL, 4000UL}) {
        const auto code = test::add_code(desk.site);
        const std::string name = "bus-" + std::to_string(piece);
        CHECK(desk.refused(desk.enrol_frame(code, name, request), piece) == "enrolled");
        CHECK(desk.refused(desk.enrol_frame(code, name, request), piece) == "enrolled");
        const auto other = test::signing_request(generate_key().value(), "");
        CHECK(desk.refused(desk.enrol_frame(code, name, other), piece) == "code_used");
    }
}

TEST_CASE("enrolment session: everything else is refused with its reason") {
    Desk desk;
    const auto code = test::add_code(desk.site);
    const auto request = test::signing_request(generate_key().value(), "");
    const Stored sound = desk.enrol_frame(code, "bus-1", request);
    CHECK(desk.refused(Bytes{sound}.first(sound.size() - 1), 100) == "waits");
    CHECK(desk.refused(as_bytes("GET / HTTP/1.1\r\n\r\n"), 100) == "protocol");
    CHECK(desk.refused(frame(FrameType::hello, {}), 100) == "protocol");
    CHECK(desk.refused(frame(FrameType::enrol, as_bytes("\xff\xff")), 100) == "protocol");
    CHECK(desk.refused(Stored(frame_bytes_max, std::byte{9}), 100) == "protocol");
    CHECK(desk.refused(frame(FrameType::block, Stored(16'000)), 5000) == "protocol");
    auto forged = request;
    forged.back() ^= std::byte{1};
    CHECK(desk.refused(desk.enrol_frame(code, "bus-1", forged), 100) == "request");
    const auto foreign =
        test::signing_request(generate_key().value(), "longhaul://demo/rival/bus-1");
    CHECK(desk.refused(desk.enrol_frame(code, "bus-1", foreign), 100) == "name");
    CHECK(desk.refused(desk.enrol_frame(code, "\xc3\xa4", request), 100) == "name");
    CHECK(desk.refused(sound, 100) == "enrolled");
}

TEST_CASE("session: a certificate is renewed once, for the session's own device and no other") {
    Desk desk;
    REQUIRE(desk.site.registry->allow("acme", {"bus-1"}).ok());
    std::vector<std::string> told;
    const std::string registry = desk.site.folder.path() + "/registry.db";
    Renewals renewals{EnrolmentCodes::open(registry).value(),
                      std::shared_ptr<const EnrolmentDesk>{std::shared_ptr<void>{}, &desk.desk},
                      [&told](const DeviceName&, const std::string& why) { told.push_back(why); }};
    const auto with = [&renewals](SessionSettings& settings) { settings.renewals = &renewals; };
    const auto own = test::signing_request(generate_key().value(), device_uri(bus));

    Talk talk{with};
    talk.hear_hello();
    CHECK(talk.said<longhaul_Welcome>(FrameType::welcome).renewal);
    talk.hear(FrameType::renew, own);
    CHECK(talk.count(FrameType::renewed) == 1);
    CHECK(told == std::vector<std::string>{""});
    talk.hear(FrameType::renew, own);
    CHECK(talk.closed);
    Talk once_more{with};
    once_more.hear_hello();
    once_more.hear(FrameType::renew, own);
    CHECK(once_more.count(FrameType::renewed) == 1);
    CHECK(told == std::vector<std::string>{""});  // is told once

    for (const auto& request :
         {test::signing_request(generate_key().value(), "longhaul://demo/acme/bus-2"),
          test::signing_request(generate_key().value(), "longhaul://demo/rival/bus-1"),
          test::signing_request(generate_key().value(), ""), std::vector<std::byte>(20)}) {
        Talk other{with};
        other.hear_hello();
        other.hear(FrameType::renew, request);
        CHECK(other.closed);
        CHECK(other.bye().starts_with("renewal: "));
    }

    REQUIRE(desk.site.registry->revoke("acme", "bus-1").ok());
    const MonotonicMs later{10'000};
    CHECK(renewals.renew({bus}, own, test::wall_now(), later).value().empty());
    CHECK(told.back() == "name: the device is not allowed");
    for (int i = 0; i < 20; ++i) CHECK(renewals.renew({bus}, own, test::wall_now(), later).ok());
    CHECK(told.back() == "too many at once, it may ask again");
    // Another tenant has its own.
    const DeviceName rival{"demo", "rival", "bus-1"};
    const auto theirs = test::signing_request(generate_key().value(), device_uri(rival));
    CHECK(renewals.renew({rival}, theirs, test::wall_now(), later).ok());
    CHECK(told.back() == "name: the device is not allowed");

    Talk without;
    without.hear_hello();
    CHECK_FALSE(without.said<longhaul_Welcome>(FrameType::welcome).renewal);
    without.hear(FrameType::renew, own);
    CHECK(without.closed);
}

TEST_CASE("session: a device of an older authority is renewed at once, if it can be") {
    Desk desk;
    REQUIRE(desk.site.registry->allow("acme", {"bus-1"}).ok());
    Renewals renewals{EnrolmentCodes::open(desk.site.folder.path() + "/registry.db").value(),
                      std::shared_ptr<const EnrolmentDesk>{std::shared_ptr<void>{}, &desk.desk},
                      [](const DeviceName&, const std::string& why) { CHECK(why.empty()); }};
    const auto own = test::signing_request(generate_key().value(), device_uri(bus));
    const auto leaving = [&renewals](SessionSettings& settings) {
        settings.renewals = &renewals;
        settings.leaves_authority = true;
    };
    for (const bool can : {false, true}) {
        Talk old{leaving};
        longhaul_Hello hello = longhaul_Hello_init_zero;
        hello.protocol = protocol_version;
        hello.incarnation = 7;
        hello.boot = 9;
        hello.rotation = can;
        old.hear_hello(hello);
        const auto welcome = old.said<longhaul_Welcome>(FrameType::welcome);
        CHECK(welcome.renewal == can);
        CHECK(welcome.renew_now == can);
        CHECK(old.session().life() == DeviceLife{{7}, 9});
    }
    const auto body = renewals.renew({bus, {}, true}, own, test::wall_now(), {20'000}).value();
    const Issuer issuer = desk.site.issuer();
    const Bytes sealing = issuer.sealing();
    REQUIRE(body.size() > sealing.size() + issuer.above().size());
    CHECK(equal(Bytes{body}.last(sealing.size()), sealing));
    CHECK(
        equal(Bytes{body}.last(sealing.size() + issuer.above().size()).first(issuer.above().size()),
              issuer.above()));
}
