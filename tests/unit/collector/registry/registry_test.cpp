#include "collector/registry/registry.hpp"

#include <sqlite3.h>

#include <catch2/catch_test_macros.hpp>
#include <fstream>
#include <string>

#include "collector/registry/model_shelf.hpp"
#include "tests/support/model.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace longhaul;
using namespace longhaul::collector;

namespace {

std::unique_ptr<Registry> open(const std::string& path) {
    auto registry = Registry::open(path);
    REQUIRE(registry.ok());
    return std::move(registry).value();
}

}  // namespace

TEST_CASE("registry: a device is unknown until it is allowed, and again after it is revoked") {
    const test::TemporaryFolder folder;
    const auto registry = open(folder.path() + "/registry.db");
    REQUIRE(registry->add_tenant({"acme", "certificate"}).ok());
    CHECK(registry->find("acme", "bus-1").value() == DeviceState::unknown);
    REQUIRE(registry->allow("acme", {"bus-1", "bus-2"}).ok());
    CHECK(registry->find("acme", "bus-1").value() == DeviceState::allowed);
    REQUIRE(registry->revoke("acme", "bus-1").ok());
    CHECK(registry->find("acme", "bus-1").value() == DeviceState::revoked);
    CHECK(registry->find("acme", "bus-2").value() == DeviceState::allowed);
    REQUIRE(registry->allow("acme", {"bus-1"}).ok());
    CHECK(registry->find("acme", "bus-1").value() == DeviceState::allowed);
    CHECK(registry->revoke("acme", "none").error().code == ErrorCode::not_found);
}

TEST_CASE("registry: a device of one tenant is none of another's") {
    const test::TemporaryFolder folder;
    const auto registry = open(folder.path() + "/registry.db");
    REQUIRE(registry->add_tenant({"acme", "a"}).ok());
    REQUIRE(registry->add_tenant({"rival", "b"}).ok());
    REQUIRE(registry->allow("acme", {"bus-1"}).ok());
    CHECK(registry->find("rival", "bus-1").value() == DeviceState::unknown);
    const auto tenants = registry->tenants();
    REQUIRE(tenants.value().size() == 2);
    CHECK(tenants.value()[0].name == "acme");
    CHECK(tenants.value()[1].authority_pem == "b");
    CHECK(registry->add_tenant({"acme", "other"}).error().code == ErrorCode::exists);
}

TEST_CASE("registry: devices of a tenant that is not there are refused, all of them") {
    const test::TemporaryFolder folder;
    const auto registry = open(folder.path() + "/registry.db");
    CHECK(registry->allow("acme", {"bus-1"}).error().code == ErrorCode::not_found);
    REQUIRE(registry->add_tenant({"acme", "a"}).ok());
    CHECK(registry->find("acme", "bus-1").value() == DeviceState::unknown);
    CHECK(registry->allow("acme", {"bus-1"}).ok());  // no transaction was left open
}

TEST_CASE("registry: what one process writes, another that has it open sees") {
    const test::TemporaryFolder folder;
    const auto collector = open(folder.path() + "/registry.db");
    const auto tool = open(folder.path() + "/registry.db");
    REQUIRE(tool->add_tenant({"acme", "a"}).ok());
    REQUIRE(tool->allow("acme", {"bus-1"}).ok());
    CHECK(collector->find("acme", "bus-1").value() == DeviceState::allowed);
    REQUIRE(tool->revoke("acme", "bus-1").ok());
    CHECK(collector->find("acme", "bus-1").value() == DeviceState::revoked);
}

TEST_CASE("registry: a tenant that gets a new authority keeps the older ones") {
    const test::TemporaryFolder folder;
    const auto registry = open(folder.path() + "/registry.db");
    REQUIRE(registry->add_tenant({"acme", "first"}).ok());
    REQUIRE(registry->add_tenant({"rival", "other"}).ok());
    CHECK(registry->rotate_authority("nobody", "x").error().code == ErrorCode::not_found);
    REQUIRE(registry->rotate_authority("acme", "second").ok());
    REQUIRE(registry->rotate_authority("acme", "third").ok());
    const auto tenants = registry->tenants().value();
    CHECK(tenants[0].authority_pem == "third");
    CHECK(tenants[0].older_pem == std::vector<std::string>{"first", "second"});
    CHECK(tenants[1].older_pem.empty());
}

TEST_CASE("registry: until when a certificate is good is known once it was noted") {
    const test::TemporaryFolder folder;
    const auto registry = open(folder.path() + "/registry.db");
    REQUIRE(registry->add_tenant({"acme", "a"}).ok());
    CHECK_FALSE(registry->expiry("acme", "bus-1").value());
    REQUIRE(registry->note_expiry("acme", {"bus-1", "bus-2"}, {7}).ok());
    REQUIRE(registry->note_expiry("acme", {"bus-1"}, {9}).ok());
    CHECK(registry->expiry("acme", "bus-1").value() == WallUs{9});
    CHECK(registry->expiry("acme", "bus-2").value() == WallUs{7});
}

TEST_CASE("registry: a file of another version or kind is refused and left alone") {
    const test::TemporaryFolder folder;
    const std::string newer = folder.path() + "/newer.db";
    sqlite3* database = nullptr;
    REQUIRE(sqlite3_open(newer.c_str(), &database) == SQLITE_OK);
    sqlite3_exec(database, "PRAGMA user_version = 2", nullptr, nullptr, nullptr);
    sqlite3_close(database);
    CHECK(Registry::open(newer).error().code == ErrorCode::unsupported);

    const std::string text = folder.path() + "/text.db";
    std::ofstream{text} << std::string(5000, 'x');
    CHECK(Registry::open(text).error().code == ErrorCode::malformed);
    CHECK(Registry::open(folder.path() + "/none/registry.db").error().code == ErrorCode::io);
}

TEST_CASE("registry: the last refusal of each device is kept, and only the newest of all") {
    const test::TemporaryFolder folder;
    auto registry = Registry::open(folder / "registry.db").value();
    CHECK_FALSE(registry->last_refusal("acme", "bus-1").value());
    REQUIRE(registry->note_refusals({{"acme", "bus-1", {7}, "revoked", "is revoked"}}).ok());
    REQUIRE(registry->note_refusals({{"acme", "bus-1", {8}, "unknown_device", "is not registered"}})
                .ok());
    const auto last = registry->last_refusal("acme", "bus-1").value();
    REQUIRE(last);
    CHECK(last->time.value == 8);
    CHECK(last->reason == "unknown_device");
    CHECK(last->text == "is not registered");
    std::vector<NotedRefusal> many;
    for (std::int64_t i = 0; i < Registry::refusals_max; ++i)
        many.push_back({"acme", "other-" + std::to_string(i), {100 + i}, "revoked", ""});
    REQUIRE(registry->note_refusals(many).ok());
    CHECK_FALSE(registry->last_refusal("acme", "bus-1").value());
    CHECK(registry->last_refusal("acme", "other-0").value());
}

TEST_CASE("registry: models stay, and one that is added again is the newest") {
    const test::TemporaryFolder folder;
    const auto registry = open(folder.path() + "/registry.db");
    REQUIRE(registry->add_tenant({"acme", "certificate"}).ok());
    const auto first = test::small_model();
    const auto second = test::small_model(0x7000);
    const SchemaHash schema{std::byte{5}};
    const SchemaHash other{std::byte{6}};
    REQUIRE(registry->add_model("acme", schema, first, {1}).ok());
    REQUIRE(registry->add_model("acme", schema, second, {2}).ok());
    REQUIRE(registry->add_model("acme", other, second, {3}).ok());
    REQUIRE(registry->add_model("acme", schema, first, {4}).ok());
    CHECK(registry->add_model("none", schema, first, {5}).error().code == ErrorCode::not_found);
    CHECK_FALSE(registry->add_model("acme", schema, as_bytes("model"), {5}).ok());

    ModelShelf shelf;
    const auto models = registry->models();
    REQUIRE(models.ok());
    REQUIRE(models.value().size() == 3);
    CHECK(models.value().back().bytes == first);
    CHECK(models.value().back().added.value == 4);
    shelf.add(models.value());
    CHECK(shelf.size() == 2);
    CHECK(shelf.offer("acme", schema)->hash == model_hash(first));
    CHECK(shelf.offer("acme", other)->hash == model_hash(second));
    CHECK_FALSE(shelf.offer("other", schema));
    REQUIRE(shelf.find("acme", model_hash(second)) != nullptr);
    CHECK(*shelf.find("acme", model_hash(second)) == second);
    CHECK(shelf.find("other", model_hash(second)) == nullptr);

    // A registry that was put back from a copy has fewer.
    ModelShelf restored;
    restored.add({models.value().back()});
    CHECK(shelf.take_all(restored) == 0);
    CHECK(restored.take_all(shelf) == 1);
}

TEST_CASE("registry: older authorities that are cut off are kept apart") {
    const test::TemporaryFolder folder;
    const auto registry = open(folder.path() + "/registry.db");
    REQUIRE(registry->add_tenant({"acme", "first"}).ok());
    REQUIRE(registry->add_tenant({"other", "first"}).ok());
    for (const char* each : {"acme", "other"})
        REQUIRE(registry->rotate_authority(each, "second").ok());
    CHECK(registry->cut_off_older("acme").value() == 1);
    CHECK(registry->cut_off_older("acme").value() == 0);
    CHECK(registry->cut_off_older("nobody").value() == 0);
    const auto tenants = registry->tenants().value();
    CHECK(tenants[0].authority_pem == "second");
    CHECK(tenants[0].older_pem.empty());
    CHECK(tenants[0].cut_off_pem == std::vector<std::string>{"first"});
    CHECK(tenants[1].older_pem == std::vector<std::string>{"first"});
    CHECK(tenants[1].cut_off_pem.empty());
}

TEST_CASE("registry: limits of tenants, and devices that were there twice") {
    const test::TemporaryFolder folder;
    const auto registry = open(folder.path() + "/registry.db");
    REQUIRE(registry->add_tenant({"acme", "certificate"}).ok());
    const TenantLimits limits{1, 2, UINT64_MAX, 4};
    CHECK(registry->set_limits("nobody", limits).error() == ErrorCode::not_found);
    REQUIRE(registry->set_limits("acme", limits).ok());
    CHECK(registry->limits().value().at("acme") == TenantLimits{1, 2, INT64_MAX, 4});
    REQUIRE(registry->set_limits("acme", {}).ok());
    CHECK(registry->limits().value().empty());
    CHECK(registry->intake().value() == DayIntake{});
    REQUIRE(registry->keep_intake({7, {{"acme", 100}, {"other", 1}}}).ok());
    REQUIRE(registry->keep_intake({8, {{"acme", 5}}}).ok());
    REQUIRE(registry->keep_intake({8, {{"acme", 9}}}).ok());
    CHECK(registry->intake().value() == DayIntake{8, {{"acme", 9}}});

    CHECK_FALSE(registry->clone("acme", "bus-1").value());
    REQUIRE(registry->note_clones({{"acme", "bus-1", {5}, "once"}}).ok());
    REQUIRE(registry->note_clones({{"acme", "bus-1", {9}, "twice"}}).ok());
    const auto clone = registry->clone("acme", "bus-1").value();
    REQUIRE(clone);
    CHECK((clone->first == WallUs{5} && clone->time == WallUs{9}));
    CHECK((clone->times == 2 && clone->text == "twice"));
}
