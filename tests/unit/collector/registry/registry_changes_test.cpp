// What the registry tells those who have let devices in.
#include "collector/registry/registry_changes.hpp"

#include <catch2/catch_test_macros.hpp>

#include "collector/registry/registry.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace longhaul;
using namespace longhaul::collector;

namespace {

struct Bench {
    test::TemporaryFolder folder;
    std::string path = folder / "registry.db";
    std::unique_ptr<Registry> registry = Registry::open(path).value();
    std::unique_ptr<RegistryChanges> changes;

    Bench() {
        REQUIRE(registry->add_tenant({"acme", "certificate"}).ok());
        REQUIRE(registry->allow("acme", {"bus-1", "bus-2"}).ok());
        changes = RegistryChanges::open(path).value();
    }
    // By another program.
    void execute(const char* sql) {
        auto database = SqliteDatabase::open(path, SqliteAccess::make, 1000);
        REQUIRE(database.ok());
        REQUIRE(database.value().execute(sql).ok());
    }
    std::string news() {
        const auto taken = changes->take();
        REQUIRE(taken.ok());
        std::string text = taken.value().everything ? "everything " : "";
        for (const RegistryChange& each : taken.value().changes)
            text += each.tenant + "/" + each.device + " ";
        return text;
    }
};

}  // namespace

TEST_CASE("registry changes: who was revoked or removed, once") {
    Bench bench;
    CHECK(bench.news().empty());
    REQUIRE(bench.registry->revoke("acme", "bus-1").ok());
    bench.execute("DELETE FROM devices WHERE name = 'bus-2'");
    CHECK(bench.news() == "acme/bus-1 acme/bus-2 ");
    CHECK(bench.news().empty());
}

TEST_CASE("registry changes: devices that are allowed are no news, whatever was refused") {
    Bench bench;
    REQUIRE(bench.registry->allow("acme", {"bus-1", "bus-3"}).ok());
    REQUIRE(bench.registry->note_refusals({{"acme", "bus-1", {1}, "revoked", "text"}}).ok());
    CHECK(bench.news().empty());
}

TEST_CASE("registry changes: a tenant that is gone or has another authority concerns its devices") {
    Bench bench;
    bench.execute("UPDATE tenants SET authority = 'other' WHERE name = 'acme'");
    bench.execute("DELETE FROM tenants WHERE name = 'acme'");
    CHECK(bench.news() == "acme/ acme/ ");
    CHECK(bench.registry->find("acme", "bus-1").value() == DeviceState::unknown);
}

TEST_CASE("registry changes: authorities that are taken away concern the devices of their tenant") {
    Bench bench;
    REQUIRE(bench.registry->rotate_authority("acme", "newer").ok());
    REQUIRE(bench.registry->add_enrolment_authority("acme", "below it").ok());
    CHECK(bench.news() == "acme/ ");
    REQUIRE(bench.registry->drop_enrolment_authorities("acme").value() == 1);
    CHECK(bench.news() == "acme/ ");
    bench.execute("DELETE FROM older_authorities");
    CHECK(bench.news() == "acme/ ");
}

TEST_CASE("registry changes: who has missed some is told to ask about everything") {
    Bench bench;
    bench.execute("UPDATE devices SET state = 'revoked'");
    bench.execute("DELETE FROM changes WHERE number = 1");
    CHECK(bench.news() == "everything acme/bus-2 ");
    bench.execute("UPDATE devices SET state = 'revoked'");
    bench.execute("DELETE FROM changes");
    CHECK(bench.news() == "everything ");
    bench.execute("UPDATE devices SET state = 'revoked' WHERE name = 'bus-1'");
    CHECK(bench.news() == "acme/bus-1 ");
}
