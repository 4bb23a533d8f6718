// The two slots of a device on Linux, what is taken into them, and power cuts between the steps.
#include "agent/platform/linux/credential_files.hpp"

#include <catch2/catch_test_macros.hpp>
#include <filesystem>

#include "agent/platform/linux/credentials.hpp"
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
