// The two slots of a device on Linux, what is taken into them, and power cuts between the steps.
#include "agent/platform/linux/credential_files.hpp"

#include <catch2/catch_test_macros.hpp>
#include <filesystem>

#include "agent/platform/linux/credentials.hpp"
#include "agent/platform/linux/sealing_file.hpp"
#include "agent/platform/linux/slot_link.hpp"
#include "agent/platform/linux/tcp_link.hpp"
#include "common/host/files.hpp"
#include "tests/unit/agent/platform/device_folder.hpp"

using namespace longhaul;
using namespace longhaul::agent;
using namespace longhaul::test;

namespace {

struct Enrolment {
    Key key;
    std::string certificate = issue(
        key, pki().tenant_key, {.subject = "CN=enrolment", .issuer = "CN=acme", .authority = true});
};
Enrolment& enrolment() {
    static Enrolment made;
    return made;
}

std::string text_in(const std::string& path) { return read_text_file(path).value(); }
bool there(const std::string& path) { return is_there(path).value(); }
std::string next(const std::string& path) { return path + ".next"; }

Der der(const std::string& pem) { return first_certificate(pem).value(); }

Der row(const std::vector<std::string>& certificates) {
    Der all;
    for (const std::string& each : certificates) {
        const Der one = der(each);
        all.insert(all.end(), one.begin(), one.end());
    }
    return all;
}

// For the key that lies in the second slot, as the collector issues it.
Der chain_for(const DeviceFolder& device, const std::string& name = uri) {
    Key key;
    mbedtls_pk_free(&key.pk);
    mbedtls_pk_init(&key.pk);
    const std::string pem = text_in(next(device.config.key));
    REQUIRE(mbedtls_pk_parse_key(&key.pk, reinterpret_cast<const unsigned char*>(pem.c_str()),
                                 pem.size() + 1, nullptr, 0, random_numbers, nullptr) == 0);
    return row({issue(key, enrolment().key,
                      {.subject = "CN=probe-1", .issuer = "CN=enrolment", .uri = name}),
                enrolment().certificate, pki().tenant});
}

std::unique_ptr<CredentialFiles> open(const DeviceFolder& device) {
    auto files = CredentialFiles::open(device.config);
    REQUIRE(files.ok());
    return std::move(files).value();
}

}  // namespace

TEST_CASE("credential files: a newer pair is asked for, taken, tried and settled") {
    const DeviceFolder device;
    const auto files = open(device);
    CHECK_FALSE(files->has_newer());
    std::array<std::byte, limits::certificate_request_bytes_max> room;
    REQUIRE(files->request(room).ok());
    const std::string key = text_in(next(device.config.key));
    REQUIRE(files->request(room).ok());
    CHECK(text_in(next(device.config.key)) == key);  // the same again
    CHECK(read_private_file(next(device.config.key)).ok());

    REQUIRE(files->take(chain_for(device)).ok());
    CHECK(files->has_newer());
    files->use(true);
    CHECK(Credentials::load(files->in_use()).ok());
    REQUIRE(files->settle().ok());
    CHECK(text_in(device.config.key) == key);
    CHECK_FALSE(there(next(device.config.key)));
    CHECK_FALSE(there(next(device.config.certificate)));
    CHECK_FALSE(files->has_newer());
    CHECK(files->in_use().key == device.config.key);
    CHECK(Credentials::load(device.config).ok());
}

TEST_CASE("credential files: a power cut between any two steps leaves a pair that loads") {
    const DeviceFolder device;
    std::array<std::byte, limits::certificate_request_bytes_max> room;
    REQUIRE(open(device)->request(room).ok());
    CHECK_FALSE(open(device)->has_newer());
    CHECK(Credentials::load(device.config).ok());
    REQUIRE(open(device)->take(chain_for(device)).ok());
    CHECK(open(device)->has_newer());
    CHECK(Credentials::load(device.config).ok());
    // The first of the two renames.
    const std::string key = text_in(next(device.config.key));
    std::filesystem::rename(next(device.config.certificate), device.config.certificate);
    CHECK_FALSE(Credentials::load(device.config).ok());
    const auto files = open(device);
    CHECK(Credentials::load(device.config).ok());
    CHECK(text_in(device.config.key) == key);
    CHECK_FALSE(files->has_newer());
}

TEST_CASE("credential files: a chain that is not for this key, this device and this root is left") {
    const DeviceFolder device;
    const auto files = open(device);
    std::array<std::byte, limits::certificate_request_bytes_max> room;
    REQUIRE(files->request(room).ok());
    Key stranger;
    const std::string own =
        issue(stranger, enrolment().key, {.subject = "CN=x", .issuer = "CN=enrolment", .uri = uri});
    Der cut = chain_for(device);
    cut.pop_back();
    const Der whole = chain_for(device);
    Der without_tenant = whole;
    without_tenant.resize(whole.size() - der(pki().tenant).size());
    for (const Der& wrong :
         {row({own, enrolment().certificate, pki().tenant}),
          chain_for(device, "longhaul://test/acme/probe-2"), cut, without_tenant, Der{}}) {
        CHECK_FALSE(files->take(wrong).ok());
        CHECK_FALSE(files->has_newer());
    }
    CHECK(files->take(whole).ok());
}

TEST_CASE("credential files: an authority on a collector has no say in what is sealed for") {
    const std::string chain = pki().device + enrolment().certificate + pki().tenant;
    const Der root = der(pki().root);
    CHECK(take_sealing(der(pki().sealing), chain, root).ok());
    const std::string forged =
        issue(pki().sealing_key, enrolment().key, {.subject = "CN=s", .issuer = "CN=enrolment"});
    CHECK_FALSE(take_sealing(der(forged), chain, root).ok());
    DeviceFolder device;
    device.folder.write("device.crt",
                        issue(pki().device_key, enrolment().key,
                              {.subject = "CN=probe-1", .issuer = "CN=enrolment", .uri = uri}) +
                            enrolment().certificate + pki().tenant);
    CHECK(Credentials::load(device.config).ok());
    device.folder.write("sealing.crt", forged + enrolment().certificate);
    CHECK_FALSE(Credentials::load(device.config).ok());
}

namespace {

// After a rotation: another authority of the tenant, and what it signs.
struct Rotated {
    Key tenant_key, enrolment_key, sealing_key;
    std::string tenant =
        issue(tenant_key, pki().root_key, {.subject = "CN=acme", .authority = true});
    std::string enrolment =
        issue(enrolment_key, tenant_key,
              {.subject = "CN=enrolment", .issuer = "CN=acme", .authority = true});
    std::string sealing = issue(
        sealing_key, tenant_key,
        {.subject = "CN=sealing", .issuer = "CN=acme", .usage = MBEDTLS_X509_KU_KEY_AGREEMENT});
};
Rotated& rotated() {
    static Rotated made;
    return made;
}

std::string leaf_of_rotated(const DeviceFolder& device) {
    Key key;
    mbedtls_pk_free(&key.pk);
    mbedtls_pk_init(&key.pk);
    const std::string pem = text_in(next(device.config.key));
    REQUIRE(mbedtls_pk_parse_key(&key.pk, reinterpret_cast<const unsigned char*>(pem.c_str()),
                                 pem.size() + 1, nullptr, 0, random_numbers, nullptr) == 0);
    return issue(key, rotated().enrolment_key,
                 {.subject = "CN=probe-1", .issuer = "CN=enrolment", .uri = uri});
}

}  // namespace

TEST_CASE("credential files: a certificate of a newer authority comes with what is sealed for") {
    const DeviceFolder device;
    const auto files = open(device);
    std::array<std::byte, limits::certificate_request_bytes_max> room;
    REQUIRE(files->request(room).ok());
    const Rotated& by = rotated();
    const std::string leaf = leaf_of_rotated(device);
    for (const std::vector<std::string>& wrong :
         {std::vector{leaf, by.enrolment, by.tenant},
          std::vector{leaf, by.enrolment, by.tenant, pki().sealing},
          std::vector{leaf, by.enrolment, by.tenant, by.enrolment},
          std::vector{leaf, by.enrolment, by.tenant, by.sealing, by.sealing}}) {
        CHECK_FALSE(files->take(row(wrong)).ok());
        CHECK_FALSE(files->has_newer());
        CHECK_FALSE(there(next(device.config.sealing_key)));
    }
    SealingFile sealing{*files, Credentials::load(device.config).value()->sealing_key()};
    const SealingKeyId before = sealing.newest();
    REQUIRE(files->take(row({leaf, by.enrolment, by.tenant, by.sealing})).ok());
    CHECK(Credentials::load(device.config).ok());
    files->use(true);
    CHECK(Credentials::load(files->in_use()).ok());
    REQUIRE(files->settle().ok());
    CHECK_FALSE(there(next(device.config.sealing_key)));
    const auto now = Credentials::load(device.config);
    REQUIRE(now.ok());
    CHECK(sealing.newest() == sealing_key_id(now.value()->sealing_key()));
    CHECK(sealing.newest() != before);
    // The newer authority is who is asked about the next sealing key.
    Key another;
    CHECK_FALSE(
        sealing
            .keep(der(issue(
                another, pki().tenant_key,
                {.subject = "CN=s", .issuer = "CN=acme", .usage = MBEDTLS_X509_KU_KEY_AGREEMENT})))
            .ok());
    CHECK(
        sealing
            .keep(der(issue(
                another, rotated().tenant_key,
                {.subject = "CN=s", .issuer = "CN=acme", .usage = MBEDTLS_X509_KU_KEY_AGREEMENT})))
            .ok());
    CHECK(Credentials::load(device.config).ok());
}

TEST_CASE("credential files: power cuts while the authority changes leave what loads") {
    for (int renamed = 0; renamed <= 3; ++renamed) {
        CAPTURE(renamed);
        const DeviceFolder device;
        std::array<std::byte, limits::certificate_request_bytes_max> room;
        REQUIRE(open(device)->request(room).ok());
        const Rotated& by = rotated();
        REQUIRE(open(device)
                    ->take(row({leaf_of_rotated(device), by.enrolment, by.tenant, by.sealing}))
                    .ok());
        const std::string order[] = {device.config.certificate, device.config.key,
                                     device.config.sealing_key};
        for (int i = 0; i < renamed; ++i) std::filesystem::rename(next(order[i]), order[i]);
        const auto files = open(device);
        CHECK(Credentials::load(device.config).ok());
        CHECK(files->has_newer() == (renamed == 0));
        CHECK(there(next(device.config.sealing_key)) == (renamed == 0));
        if (renamed != 0) continue;
        // What came before its certificate did is of no use.
        std::filesystem::remove(next(device.config.certificate));
        CHECK_FALSE(open(device)->has_newer());
        CHECK_FALSE(there(next(device.config.sealing_key)));
        CHECK(Credentials::load(device.config).ok());
    }
}

TEST_CASE("slot link: a slot that cannot be loaded is an attempt that failed, with its reason") {
    DeviceFolder device;
    device.config.server_name = "collector";
    const auto files = open(device);
    TcpLink tcp{"127.0.0.1:1"};
    SlotLink link{*files, tcp};
    REQUIRE(link.load().ok());
    files->use(true);  // there is none
    CHECK_FALSE(link.open({1}).ok());
    CHECK(std::string{link.last_error()}.find("device.key.next") != std::string::npos);
    files->use(false);
    CHECK(link.open({2}).ok());
    link.close();
}
