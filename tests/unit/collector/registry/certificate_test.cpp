#include "collector/registry/certificate.hpp"

#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

#include "tests/support/pki.hpp"

using namespace longhaul;
using namespace longhaul::collector;
using test::Issued;

namespace {

const DeviceName bus{"demo", "acme", "bus-1"};

Certificate parsed(const std::string& pem) {
    auto certificate = Certificate::parse(as_bytes(pem));
    REQUIRE(certificate.ok());
    return std::move(certificate).value();
}

// An epoch signed with `key`, carrying `certificate`.
std::vector<std::byte> signed_epoch(const std::string& key, const std::string& certificate) {
    const auto record = as_bytes("what the device says");
    const Certificate own = parsed(certificate);
    const auto signature = sign(private_key_of(key).value(), record);
    REQUIRE(signature.ok());
    std::vector<std::byte> bytes(signed_epoch_bytes_max);
    ByteWriter out{bytes};
    write_signed_epoch({record, signature.value(), own.der()}, out);
    bytes.resize(out.size());
    return bytes;
}

Status verified(Bytes bytes, const DeviceName& name, const Issued& authority) {
    const auto epoch = parse_signed_epoch(bytes);
    REQUIRE(epoch.ok());
    return verify_signed_epoch(epoch.value(), name, parsed(authority.certificate));
}

}  // namespace

TEST_CASE("certificate: a device is named by a URI of exactly three parts") {
    CHECK(parse_device_uri("longhaul://demo/acme/bus-1").value() == bus);
    CHECK(device_uri(bus) == "longhaul://demo/acme/bus-1");
    const std::string longest(limits::name_bytes_max, 'x');
    CHECK(parse_device_uri("longhaul://a/b/" + longest).ok());
    const std::string wrong[] = {"",
                                 "longhaul://",
                                 "longhaul://demo/acme",
                                 "longhaul://demo/acme/",
                                 "longhaul:///acme/bus-1",
                                 "longhaul://demo//bus-1",
                                 "longhaul://demo/acme/bus-1/",
                                 "longhaul://demo/acme/bus-1/x",
                                 "longhaul://demo/acme/Bus-1",
                                 "longhaul://demo/acme/bus_1",
                                 "longhaul://demo/acme/bus 1",
                                 "longhaul://demo/acme/bus\n1",
                                 "longhaul://demo/acme/..",
                                 "https://demo/acme/bus-1",
                                 "Longhaul://demo/acme/bus-1",
                                 " longhaul://demo/acme/bus-1",
                                 std::string{"longhaul://demo/acme/bus-1\0", 27},
                                 "longhaul://a/b/" + longest + "x"};
    for (const std::string& uri : wrong) {
        CAPTURE(uri);
        CHECK(parse_device_uri(uri).error().code == ErrorCode::denied);
    }
}

TEST_CASE("certificate: what is issued says who it is, whose key it holds and how long") {
    const Issued authority = test::issue_authority("acme authority");
    const Issued device = test::issue_device(authority, bus, 90);
    const Certificate certificate = parsed(device.certificate);
    CHECK(certificate.device_name().value() == bus);
    CHECK(certificate.subject() == "CN=bus-1");
    CHECK(certificate.public_key().value() ==
          public_key_of(private_key_of(device.key).value()).value());
    const std::int64_t days = 86'400'000'000;
    const std::int64_t now = test::wall_now().value;
    CHECK(certificate.not_before().value <= now);
    CHECK(certificate.not_after().value > now + 89 * days);
    CHECK(certificate.not_after().value < now + 91 * days);
    CHECK(Certificate::parse(certificate.der()).value().device_name().value() == bus);
}

TEST_CASE("certificate: a date is written and read to the second, also far away") {
    const std::int64_t seconds[] = {1'000'000'000, 1'709'164'800 /* 29 February */, 2'524'608'000,
                                    4'102'444'799};
    for (const std::int64_t moment : seconds) {
        CAPTURE(moment);
        const Issued made = [&] {
            CertificateRequest request{.subject = "x"};
            Issued issued{generate_key().value(), {}};
            request.subject_key_pem = request.issuer_key_pem = issued.key;
            request.days = 0;
            request.now = {moment * 1'000'000};
            issued.certificate = issue_certificate(request).value();
            return issued;
        }();
        const Certificate certificate = parsed(made.certificate);
        CHECK(certificate.not_after().value == moment * 1'000'000);
        CHECK(certificate.not_before().value == (moment - 3600) * 1'000'000);
    }
}

TEST_CASE("certificate: one without a device's URI names no device") {
    const Issued authority = test::issue_authority("acme authority");
    const Issued server = test::issue({.subject = "server", .dns = "localhost"}, &authority);
    CHECK(parsed(server.certificate).device_name().error().code == ErrorCode::denied);
    const Issued web = test::issue({.subject = "x", .uri = "https://demo/acme/bus-1"}, &authority);
    CHECK(parsed(web.certificate).device_name().error().code == ErrorCode::denied);
    CHECK_FALSE(parsed(authority.certificate).device_name().ok());
}

TEST_CASE("certificate: one with several URIs names no device, whichever they are") {
    const Issued authority = test::issue_authority("acme authority");
    const std::string one = "longhaul://a/b/c";
    const std::string other = "longhaul://a/b/d";
    const std::string web = "https://a/b/c/de";
    const std::vector<std::string> lists[] = {
        {one, other}, {one, other, one}, {one, web, other}, {web, one}, {one, one}};
    for (const auto& uris : lists) {
        CAPTURE(uris);
        // They take the place of one long URI, each after its tag and length.
        const std::string room(uris.size() * (one.size() + 2) - 2, 'x');
        std::string several;
        for (const std::string& uri : uris)
            several += std::string{'\x86', static_cast<char>(uri.size())} + uri;
        const Issued issued = test::issue({.subject = "x", .uri = room}, &authority);
        const Certificate certificate = parsed(issued.certificate);
        std::string der{as_text(certificate.der())};
        const std::size_t at = der.find(room);
        REQUIRE(at != std::string::npos);
        der.replace(at - 2, several.size(), several);
        const auto forged = Certificate::parse_der(as_bytes(der));
        REQUIRE(forged.ok());
        CHECK_FALSE(forged.value().device_name().ok());
    }
}

TEST_CASE("certificate: only the authority that signed it has issued it") {
    const Issued root = test::issue_authority("root");
    const Issued acme = test::issue_authority("acme authority", &root);
    const Issued rival = test::issue_authority("acme authority", &root);  // of the same name
    const Issued device = test::issue_device(acme, bus);
    const Certificate certificate = parsed(device.certificate);
    CHECK(certificate.issued_by(parsed(acme.certificate)).ok());
    CHECK(certificate.issued_by(parsed(rival.certificate)).error().code == ErrorCode::denied);
    CHECK_FALSE(certificate.issued_by(parsed(root.certificate)).ok());
    // Through its own chain it goes back to the root, and an authority is itself, not its chain.
    CHECK(parsed(device.certificate + acme.certificate).issued_by(parsed(root.certificate)).ok());
    const Certificate rival_and_acme = parsed(rival.certificate + acme.certificate);
    CHECK_FALSE(certificate.issued_by(rival_and_acme).ok());
}

TEST_CASE("certificate: a device's certificate issues no others") {
    const Issued acme = test::issue_authority("acme authority");
    const Issued device = test::issue_device(acme, bus);
    const Issued forged = test::issue_device(device, {"demo", "acme", "bus-2"});
    CHECK_FALSE(parsed(forged.certificate).issued_by(parsed(acme.certificate)).ok());
    CHECK_FALSE(
        parsed(forged.certificate + device.certificate).issued_by(parsed(acme.certificate)).ok());
    CHECK_FALSE(parsed(forged.certificate).issued_by(parsed(device.certificate)).ok());
}

TEST_CASE("certificate: dates do not matter for what was signed long ago") {
    const Issued acme = test::issue_authority("acme authority");
    const Issued device = test::issue_device(acme, bus, -10);
    CHECK(parsed(device.certificate).not_after() < test::wall_now());
    CHECK(parsed(device.certificate).issued_by(parsed(acme.certificate)).ok());
    CHECK(verified(signed_epoch(device.key, device.certificate), bus, acme).ok());
}

TEST_CASE("certificate: an epoch record is the device's own or is refused") {
    const Issued acme = test::issue_authority("acme authority");
    const Issued rival = test::issue_authority("rival authority");
    const Issued device = test::issue_device(acme, bus);
    const Issued other = test::issue_device(acme, {"demo", "acme", "bus-2"});
    const Issued foreign = test::issue_device(rival, bus);
    const auto epoch = signed_epoch(device.key, device.certificate);
    CHECK(verified(epoch, bus, acme).ok());
    CHECK_FALSE(verified(epoch, {"demo", "acme", "bus-2"}, acme).ok());
    CHECK_FALSE(verified(epoch, {"demo", "rival", "bus-1"}, acme).ok());
    CHECK_FALSE(verified(epoch, {"test", "acme", "bus-1"}, acme).ok());
    CHECK_FALSE(verified(epoch, bus, rival).ok());
    CHECK_FALSE(verified(signed_epoch(other.key, other.certificate), bus, acme).ok());
    CHECK_FALSE(verified(signed_epoch(foreign.key, foreign.certificate), bus, acme).ok());
    CHECK_FALSE(verified(signed_epoch(other.key, device.certificate), bus, acme).ok());
    for (std::size_t at = 2; at < 12; ++at) {
        CAPTURE(at);
        auto changed = epoch;
        changed[at] ^= std::byte{1};  // in the record
        CHECK(verified(changed, bus, acme).error().code == ErrorCode::denied);
    }
}

TEST_CASE(
    "certificate: an epoch record that an older authority of the tenant vouches for is good") {
    const Issued older = test::issue_authority("acme authority");
    const Issued newer = test::issue_authority("acme authority");
    const Issued rival = test::issue_authority("acme authority");
    const Issued device = test::issue_device(older, bus);
    const auto bytes = signed_epoch(device.key, device.certificate);
    const SignedEpoch epoch = parse_signed_epoch(bytes).value();
    std::vector<Certificate> authorities;
    CHECK_FALSE(verify_signed_epoch(epoch, bus, authorities).ok());
    authorities.push_back(parsed(newer.certificate));
    authorities.push_back(parsed(rival.certificate));
    CHECK_FALSE(verify_signed_epoch(epoch, bus, authorities).ok());
    authorities.push_back(parsed(older.certificate));
    CHECK(verify_signed_epoch(epoch, bus, authorities).ok());
}

TEST_CASE("certificate: a certificate can be issued again for a public key alone") {
    const Issued acme = test::issue_authority("acme authority");
    const Issued device = test::issue_device(acme, bus);
    collector::CertificateRequest request;
    request.subject = "again";
    request.subject_public = parsed(device.certificate).public_key().value();
    request.issuer_key_pem = acme.key;
    request.issuer_pem = acme.certificate;
    request.now = test::wall_now();
    const Certificate again = parsed(collector::issue_certificate(request).value());
    CHECK(again.public_key().value() == *request.subject_public);
    CHECK(again.issued_by(parsed(acme.certificate)).ok());
}

TEST_CASE("certificate: an epoch carries one certificate in DER and nothing else") {
    const Issued acme = test::issue_authority("acme authority");
    const Issued device = test::issue_device(acme, bus);
    const auto bytes = signed_epoch(device.key, device.certificate);
    SignedEpoch epoch = parse_signed_epoch(bytes).value();
    const Certificate authority = parsed(acme.certificate);
    std::vector<std::byte> longer{epoch.certificate.begin(), epoch.certificate.end()};
    longer.push_back({});
    epoch.certificate = longer;
    CHECK(verify_signed_epoch(epoch, bus, authority).error().code == ErrorCode::malformed);
    epoch.certificate = as_bytes(device.certificate);
    CHECK(verify_signed_epoch(epoch, bus, authority).error().code == ErrorCode::malformed);
    epoch.certificate = {};
    CHECK(verify_signed_epoch(epoch, bus, authority).error().code == ErrorCode::malformed);
}

TEST_CASE("certificate: what is none is refused") {
    const Issued acme = test::issue_authority("acme authority");
    const std::string half = acme.certificate.substr(0, acme.certificate.size() / 2);
    for (const std::string& text : {std::string{}, std::string{"no"}, half, acme.key}) {
        CHECK(Certificate::parse(as_bytes(text)).error().code == ErrorCode::malformed);
    }
    CHECK(private_key_of(acme.certificate).error().code == ErrorCode::malformed);
    CHECK(private_key_of("").error().code == ErrorCode::malformed);
}
