#include "agent/platform/linux/credentials.hpp"

#include <catch2/catch_test_macros.hpp>
#include <functional>

#include "agent/platform/linux/sealing_file.hpp"
#include "tests/unit/agent/platform/device_folder.hpp"

using namespace longhaul;
using namespace longhaul::agent;
using namespace longhaul::test;

namespace {

std::vector<std::byte> der_of(const std::string& pem) {
    mbedtls_x509_crt certificate;
    mbedtls_x509_crt_init(&certificate);
    REQUIRE(mbedtls_x509_crt_parse(&certificate,
                                   reinterpret_cast<const unsigned char*>(pem.c_str()),
                                   pem.size() + 1) == 0);
    const auto* const begin = reinterpret_cast<const std::byte*>(certificate.raw.p);
    std::vector<std::byte> der{begin, begin + certificate.raw.len};
    mbedtls_x509_crt_free(&certificate);
    return der;
}

}  // namespace

TEST_CASE("credentials: what belongs together is taken, and signs as the device") {
    const DeviceFolder device;
    const auto loaded = Credentials::load(device.config);
    REQUIRE(loaded.ok());
    Credentials& credentials = *loaded.value();
    CHECK(credentials.device_secret().size() == 32);
    CHECK(!credentials.certificate().empty());

    const auto signature = credentials.sign(as_bytes("a record"));
    REQUIRE(signature.ok());
    PublicKey point;
    std::size_t size = 0;
    REQUIRE(mbedtls_ecp_write_public_key(
                mbedtls_pk_ec(pki().device_key.pk), MBEDTLS_ECP_PF_UNCOMPRESSED, &size,
                reinterpret_cast<unsigned char*>(point.data()), point.size()) == 0);
    CHECK(verify(point, as_bytes("a record"), signature.value()).ok());
    REQUIRE(mbedtls_ecp_write_public_key(
                mbedtls_pk_ec(pki().sealing_key.pk), MBEDTLS_ECP_PF_UNCOMPRESSED, &size,
                reinterpret_cast<unsigned char*>(point.data()), point.size()) == 0);
    CHECK(credentials.sealing_key() == point);
}

TEST_CASE("credentials: an expired sealing key still seals, for the device's clock may be wrong") {
    DeviceFolder device;
    device.folder.write(
        "sealing.crt",
        issue(pki().sealing_key, pki().tenant_key,
              {.subject = "CN=sealing", .issuer = "CN=acme", .to = "20210101000000"}));
    CHECK(Credentials::load(device.config).ok());
}

TEST_CASE("credentials: what does not belong together is refused with the file and the reason") {
    struct Case {
        const char* what;
        std::function<void(DeviceFolder&)> spoil;
        const char* said;
    };
    const Case cases[] = {
        {"the key is readable by others",
         [](DeviceFolder& d) { d.folder.write("device.key", pki().device_key.pem()); },
         "chmod 600"},
        {"the secret is readable by others",
         [](DeviceFolder& d) { d.folder.write("device.secret", std::string(32, 's')); },
         "chmod 600"},
        {"the secret is short",
         [](DeviceFolder& d) { d.folder.write("device.secret", "short", true); },
         "device.secret: has fewer than 16 bytes"},
        {"the key is missing", [](DeviceFolder& d) { d.config.key += ".gone"; }, "device.key.gone"},
        {"the key is another's",
         [](DeviceFolder& d) { d.folder.write("device.key", pki().other_key.pem(), true); },
         "device.key: is not the key of"},
        {"the key is no key", [](DeviceFolder& d) { d.folder.write("device.key", "hello", true); },
         "is not a P-256 private key"},
        {"the certificate is for another device",
         [](DeviceFolder& d) { d.config.name = "probe-2"; },
         "is not for longhaul://test/acme/probe-2"},
        {"the certificate is for another environment",
         [](DeviceFolder& d) { d.config.environment = "live"; },
         "is not for longhaul://live/acme/probe-1"},
        {"the certificate is no certificate",
         [](DeviceFolder& d) { d.folder.write("device.crt", "hello"); },
         "device.crt: is not a certificate"},
        {"the authority's certificate is missing",
         [](DeviceFolder& d) { d.folder.write("device.crt", pki().device); },
         "lacks the tenant authority's certificate"},
        {"the authority is another one",
         [](DeviceFolder& d) { d.folder.write("device.crt", pki().device + pki().other_tenant); },
         "its chain does not end in"},
        {"the root is another one",
         [](DeviceFolder& d) {
             d.folder.write("root.crt", issue(pki().other_key, pki().other_key,
                                              {.subject = "CN=root", .authority = true}));
         },
         "its chain does not end in"},
        {"the sealing key is from another tenant",
         [](DeviceFolder& d) {
             d.folder.write("sealing.crt", issue(pki().sealing_key, pki().other_key,
                                                 {.subject = "CN=sealing", .issuer = "CN=other"}));
         },
         "sealing.crt: is not signed by the authority"},
        {"the sealing key is signed by the root only",
         [](DeviceFolder& d) {
             d.folder.write("sealing.crt",
                            issue(pki().sealing_key, pki().root_key, {.subject = "CN=sealing"}));
         },
         "sealing.crt: is not signed by the authority"},
    };
    for (const Case& each : cases) {
        CAPTURE(each.what);
        DeviceFolder device;
        each.spoil(device);
        const auto loaded = Credentials::load(device.config);
        REQUIRE(!loaded.ok());
        CAPTURE(loaded.error().text);
        CHECK(loaded.error().text.find(each.said) != std::string::npos);
    }
}

TEST_CASE("sealing file: a newer key of the device's own authority is kept, and no other") {
    struct Case {
        const char* what;
        std::string pem;
        bool kept;
    };
    Key next_key;
    Key foreign_key;
    const Wanted good{.subject = "CN=sealing",
                      .issuer = "CN=acme",
                      .from = "20210101000000",
                      .usage = MBEDTLS_X509_KU_KEY_AGREEMENT};
    const auto with = [&good](auto change) {
        Wanted text = good;
        change(text);
        return text;
    };
    const std::string old_now = issue(pki().sealing_key, pki().tenant_key,
                                      with([](auto& text) { text.from = "20200601000000"; }));
    const Case cases[] = {
        {"a newer one", issue(next_key, pki().tenant_key, good), true},
        {"one that has expired, for clocks may be wrong",
         issue(next_key, pki().tenant_key, with([](auto& text) { text.to = "20210201000000"; })),
         true},
        {"an older one",
         issue(next_key, pki().tenant_key, with([](auto& text) { text.from = "20200101000000"; })),
         false},
        {"another tenant's",
         issue(next_key, pki().other_key, with([](auto& text) { text.issuer = "CN=other"; })),
         false},
        {"of its authority's name", issue(next_key, foreign_key, good), false},
        {"the root's",
         issue(next_key, pki().root_key, with([](auto& text) { text.issuer = "CN=root"; })), false},
        {"by itself",
         issue(next_key, next_key, with([](auto& text) { text.issuer = "CN=sealing"; })), false},
        {"another device's certificate", issue(next_key, pki().tenant_key, with([](auto& text) {
                                                   text.usage = MBEDTLS_X509_KU_DIGITAL_SIGNATURE;
                                               })),
         false},
        {"one that may be for anything",
         issue(next_key, pki().tenant_key, with([](auto& text) { text.usage = 0; })), false},
        {"the device's own", pki().device, false},
    };
    for (const Case& each : cases) {
        CAPTURE(each.what);
        DeviceFolder device;
        device.folder.write("sealing.crt", old_now);
        const auto credentials = Credentials::load(device.config);
        REQUIRE(credentials.ok());
        const auto slots = CredentialFiles::open(device.config);
        REQUIRE(slots.ok());
        SealingFile file{*slots.value(), credentials.value()->sealing_key()};
        const SealingKeyId before = file.newest();
        CHECK(file.keep(der_of(each.pem)).ok() == each.kept);
        CHECK((file.newest() == before) != each.kept);
        const auto again = Credentials::load(device.config);
        REQUIRE(again.ok());
        CHECK(sealing_key_id(again.value()->sealing_key()) == file.newest());
        CHECK(!file.keep(as_bytes("no certificate")).ok());
    }
}
