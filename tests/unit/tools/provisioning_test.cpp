#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <filesystem>

#include "collector/registry/certificate.hpp"
#include "collector/registry/registry.hpp"
#include "common/host/config.hpp"
#include "common/host/files.hpp"
#include "tests/support/pki.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tools/longhaul/authority.hpp"
#include "tools/longhaul/device_folder.hpp"
#include "tools/longhaul/text.hpp"

using namespace longhaul;
using namespace longhaul::tools;
using Catch::Matchers::ContainsSubstring;

namespace {

AuthorityRequest authority_request(const std::string& folder) {
    REQUIRE(crypto_init().ok());
    AuthorityRequest request;
    request.folder = folder;
    request.environment = "test";
    request.tenants = {"acme", "other"};
    request.now = test::wall_now();
    return request;
}

DeviceRequest device_request(const std::string& out, std::vector<std::string> names) {
    DeviceRequest request;
    request.tenant = "acme";
    request.names = std::move(names);
    request.out = out;
    request.now = test::wall_now();
    return request;
}

collector::Certificate certificate(const std::string& path) {
    auto parsed = collector::Certificate::parse(read_file(path).value());
    REQUIRE(parsed.ok());
    return std::move(parsed).value();
}

}  // namespace

TEST_CASE("provisioning: certificates chain from the root to the device, keys are private") {
    const test::TemporaryFolder folder;
    const std::string ca = folder / "ca";
    REQUIRE(make_authority(authority_request(ca)).ok());
    const auto authority = read_authority(ca, "acme");
    REQUIRE(authority.ok());
    REQUIRE(add_devices(authority.value(), device_request(folder / "devices", {"bus-1", "bus-2"}))
                .ok());

    const auto root = certificate(ca + "/root.crt");
    const auto acme = certificate(ca + "/tenants/acme/ca.crt");
    const auto other = certificate(ca + "/tenants/other/ca.crt");
    const auto device = certificate(folder / "devices/bus-1/device.crt");
    CHECK(acme.issued_by(root).ok());
    CHECK(certificate(ca + "/collector/server.crt").issued_by(root).ok());
    CHECK(device.issued_by(acme).ok());
    CHECK_FALSE(device.issued_by(other).ok());
    CHECK(device.device_name().value() == collector::DeviceName{"test", "acme", "bus-1"});
    const auto sealing = certificate(folder / "devices/bus-1/sealing.crt");
    CHECK(sealing.issued_by(acme).ok());

    const std::string id = hex(sealing_key_id(sealing.public_key().value()));
    for (const std::string& secret :
         {ca + "/root.key", ca + "/tenants/acme/ca.key", ca + "/collector/server.key",
          ca + "/collector/sealing/" + id + ".key", folder / "devices/bus-1/device.key",
          folder / "devices/bus-1/device.secret"}) {
        CAPTURE(secret);
        CHECK(read_private_file(secret).ok());
    }
    CHECK(read_file(folder / "devices/bus-1/device.secret").value() !=
          read_file(folder / "devices/bus-2/device.secret").value());

    auto registry = collector::Registry::open(authority.value().registry);
    REQUIRE(registry.ok());
    CHECK(registry.value()->find("acme", "bus-2").value() == collector::DeviceState::allowed);
    CHECK(registry.value()->find("other", "bus-2").value() == collector::DeviceState::unknown);
}

TEST_CASE("provisioning: what cannot be done is refused before anything is made") {
    const test::TemporaryFolder folder;
    const std::string ca = folder / "ca";
    REQUIRE(make_authority(authority_request(ca)).ok());
    CHECK_THAT(make_authority(authority_request(ca)).error().text,
               ContainsSubstring("there is an authority already"));
    CHECK_THAT(read_authority(ca, "nobody").error().text,
               ContainsSubstring("there is no tenant \"nobody\""));

    const Authority authority = read_authority(ca, "acme").value();
    const std::string out = folder / "devices";
    REQUIRE(add_devices(authority, device_request(out, {"bus-1"})).ok());
    struct Case {
        std::vector<std::string> names;
        const char* said;
    };
    const Case cases[] = {{{"bus-9", "bus-1"}, "bus-1: is there already"},
                          {{"bus-9", "Bus 8"}, "a name has 1 to 48 of a-z, 0-9 and -"},
                          {{"bus-9", "bus-9"}, "is named twice"},
                          {{"bus-9", ""}, "a name has 1 to 48"}};
    for (const Case& each : cases) {
        CAPTURE(each.said);
        const auto added = add_devices(authority, device_request(out, each.names));
        REQUIRE_FALSE(added.ok());
        CHECK_THAT(added.error().text, ContainsSubstring(each.said));
        CHECK_FALSE(std::filesystem::exists(out + "/bus-9"));
    }

    AuthorityRequest bad = authority_request(folder / "bad");
    bad.tenants = {"Acme"};
    CHECK_FALSE(make_authority(bad).ok());
    CHECK_FALSE(std::filesystem::exists(folder / "bad"));
}

TEST_CASE(
    "provisioning: without the root's key devices are added, and nothing that needs it is done") {
    const test::TemporaryFolder folder;
    const std::string ca = folder / "ca";
    REQUIRE(make_authority(authority_request(ca)).ok());
    const std::string safe = folder / "safe.key";
    std::filesystem::rename(ca + "/root.key", safe);
    const auto authority = read_authority(ca, "acme");
    REQUIRE(authority.ok());
    CHECK(add_devices(authority.value(), device_request(folder / "devices", {"bus-1"})).ok());

    RootRequest request{ca, "", test::wall_now()};
    for (const auto& refused :
         {add_tenant(request, "third"), rotate_server(request), rotate_tenant(request, "acme")}) {
        REQUIRE_FALSE(refused.ok());
        CHECK_THAT(refused.error().text, ContainsSubstring("the root's key is not here"));
    }
    CHECK_FALSE(std::filesystem::exists(ca + "/tenants/third"));
    request.root_key = ca + "/tenants/acme/ca.key";
    CHECK_THAT(add_tenant(request, "third").error().text, ContainsSubstring("is not the key of"));
    request.root_key = safe;
    CHECK(add_tenant(request, "third").ok());
    CHECK_THAT(add_tenant(request, "third").error().text, ContainsSubstring("already"));
    CHECK(certificate(ca + "/tenants/third/ca.crt").issued_by(certificate(ca + "/root.crt")).ok());
    CHECK_FALSE(std::filesystem::exists(ca + "/root.key"));
}

TEST_CASE("provisioning: a rotated authority issues, and the sealing key stays what it was") {
    const test::TemporaryFolder folder;
    const std::string ca = folder / "ca";
    REQUIRE(make_authority(authority_request(ca)).ok());
    const auto old_authority = certificate(ca + "/tenants/acme/ca.crt");
    const auto old_sealing = certificate(ca + "/tenants/acme/sealing.crt");
    const RootRequest request{ca, "", test::wall_now()};
    REQUIRE(rotate_tenant(request, "acme").ok());
    CHECK_FALSE(rotate_tenant(request, "nobody").ok());

    const Authority authority = read_authority(ca, "acme").value();
    REQUIRE(add_devices(authority, device_request(folder / "devices", {"bus-1"})).ok());
    const auto now = certificate(ca + "/tenants/acme/ca.crt");
    const auto sealing = certificate(folder / "devices/bus-1/sealing.crt");
    CHECK_FALSE(equal(now.der(), old_authority.der()));
    CHECK(certificate(folder / "devices/bus-1/device.crt").issued_by(now).ok());
    CHECK(sealing.issued_by(now).ok());
    CHECK(sealing.public_key().value() == old_sealing.public_key().value());
    const auto tenants = collector::Registry::open(authority.registry).value()->tenants().value();
    CHECK(tenants[0].older_pem.size() == 1);
    CHECK(tenants[1].older_pem.empty());
}

TEST_CASE("provisioning: a rotation that fails behind the registry is in the trail all the same") {
    const test::TemporaryFolder folder;
    const std::string ca = folder / "ca";
    REQUIRE(make_authority(authority_request(ca)).ok());
    std::filesystem::remove(ca + "/tenants/acme/sealing.crt");
    CHECK_FALSE(rotate_tenant({ca, "", test::wall_now()}, "acme").ok());
    const auto trail = read_text_file(ca + "/collector/trail/acme/000001.jsonl");
    REQUIRE(trail.ok());
    CHECK_THAT(trail.value(), ContainsSubstring("\"what\":\"rotated\",\"about\":\"authority\""));
}

TEST_CASE("provisioning: a key that others may read, or of another certificate, is refused") {
    const test::TemporaryFolder folder;
    const std::string ca = folder / "ca";
    REQUIRE(make_authority(authority_request(ca)).ok());
    using std::filesystem::perms;
    for (const char* const key : {"/root.key", "/tenants/acme/ca.key", "/tenants/other/ca.key"}) {
        CAPTURE(key);
        std::filesystem::permissions(ca + key, perms::group_read,
                                     std::filesystem::perm_options::add);
        CHECK_THAT(read_authority(ca, "acme").error().text, ContainsSubstring("others may read"));
        std::filesystem::permissions(ca + key, perms::owner_read | perms::owner_write);
    }
    CHECK(read_authority(ca, "acme").ok());
    std::filesystem::copy_file(ca + "/tenants/other/ca.key", ca + "/tenants/acme/ca.key",
                               std::filesystem::copy_options::overwrite_existing);
    CHECK_THAT(read_authority(ca, "acme").error().text, ContainsSubstring("is not the key of"));
    CHECK(rotate_tenant({ca, "", test::wall_now()}, "acme").ok());  // which mends it
    CHECK(read_authority(ca, "acme").ok());
}

TEST_CASE("provisioning: a full spool stops a recording; other sources have the default") {
    const test::TemporaryFolder folder;
    const std::string ca = folder / "ca";
    REQUIRE(make_authority(authority_request(ca)).ok());
    const auto authority = read_authority(ca, "acme");
    REQUIRE(authority.ok());
    DeviceRequest replayed = device_request(folder / "devices", {"bus-1"});
    replayed.trace_mapping = folder / "mapping.toml";
    REQUIRE(add_devices(authority.value(), replayed).ok());
    REQUIRE(add_devices(authority.value(), device_request(folder / "devices", {"bus-2"})).ok());

    auto file = ConfigFile::read(folder / "devices/bus-1/agent.toml");
    REQUIRE(file.ok());
    ConfigTable spool = file.value().table("spool");
    CHECK(spool.has("path"));
    for (const char* const name : {"alarm", "live", "normal", "bulk"})
        CHECK(spool.table(name).text("when_full") == "stop");
    CHECK(file.value().root().tables("trace").size() == 1);

    auto other = ConfigFile::read(folder / "devices/bus-2/agent.toml");
    REQUIRE(other.ok());
    CHECK_FALSE(other.value().table("spool").has("normal"));
}
