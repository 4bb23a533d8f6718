// What check says at other times: the certificates' dates and the journal's newest entry are
// witnesses of the clock.
#include "collector/app/check.hpp"

#include <unistd.h>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <filesystem>

#include "collector/app/credentials.hpp"
#include "collector/disk/folder_lock.hpp"
#include "collector/disk/posix_disk.hpp"
#include "collector/registry/certificate.hpp"
#include "collector/registry/registry.hpp"
#include "tests/support/pki.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace longhaul;
using namespace longhaul::collector;
using namespace longhaul::test;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr std::int64_t day_us = 86'400'000'000;

// Everything that a collector needs, and a journal with one entry of now.
struct Place {
    TemporaryFolder folder;
    WallUs now = test::wall_now();
    Issued root = issue_authority("root");
    Issued server = issue_server(root, "localhost");
    CollectorConfig config;

    Place() {
        config.environment = "test";
        config.listen = "127.0.0.1:0";
        config.certificate = folder.write("server.crt", server.certificate);
        config.key = folder.write("server.key", server.key, true);
        config.registry = folder / "registry.db";
        config.sealing_keys = folder / "sealing";
        config.journal_path = folder / "journal";
        config.lake_path = folder / "lake";
        std::filesystem::create_directory(config.sealing_keys);
        folder.write("sealing/a.key", generate_key().value(), true);
        auto registry = Registry::open(config.registry).value();
        REQUIRE(registry->add_tenant({"acme", root.certificate}).ok());
        const auto disk = PosixDisk::open_root(config.journal_path).value();
        const auto journal = LocalJournal::open(*disk, {}).value();
        REQUIRE(journal->append(0, {now, JournalKind::block, "acme", "bus-1", as_bytes("x")}, {0})
                    .ok());
        REQUIRE(journal->flush().ok());
    }

    // The findings of one kind that are not in order.
    std::vector<Finding> about(const char* what, WallUs at) const {
        std::vector<Finding> found;
        const Findings findings = check(config, at);
        for (const Finding& each : findings.all()) {
            if (std::string{each.about} == what && each.severity != Severity::in_order)
                found.push_back(each);
        }
        return found;
    }
    WallUs days(std::int64_t days) const { return {now.value + days * day_us}; }
};

}  // namespace

TEST_CASE("check: everything is in order today") {
    const Place place;
    const Findings findings = check(place.config, place.now);
    for (const Finding& each : findings.all()) {
        CAPTURE(each.about, each.text);
        CHECK(each.severity != Severity::problem);
    }
    CHECK(findings.exit_code() == exit_done);
}

TEST_CASE("check: a clock that is behind is told by certificates and journal") {
    const Place place;
    const auto certificate = place.about("certificate", place.days(-400));
    REQUIRE(certificate.size() == 1);
    CHECK_THAT(certificate[0].text, ContainsSubstring("is this machine's clock right?"));
    CHECK(certificate[0].exit_code == exit_configuration);
    const auto clock = place.about("clock", place.days(-1));
    REQUIRE(clock.size() == 1);
    CHECK_THAT(clock[0].text, ContainsSubstring("the newest entry of the journal came at"));
    CHECK(clock[0].exit_code == exit_check_failed);
    CHECK(place.about("clock", {place.now.value - 1'000'000}).empty());
}

TEST_CASE("check: a certificate's end is told before it comes") {
    const Place place;
    const WallUs end = Certificate::parse(as_bytes(place.server.certificate)).value().not_after();
    CHECK(place.about("certificate", {end.value - (expiry_warning_days + 1) * day_us}).empty());
    const auto soon = place.about("certificate", {end.value - 2 * day_us});
    REQUIRE(soon.size() == 1);
    CHECK(soon[0].severity == Severity::warning);
    CHECK_THAT(soon[0].text, ContainsSubstring(", 2 days: renew it now"));
    const auto late = place.about("certificate", {end.value + day_us});
    REQUIRE(late.size() == 1);
    CHECK_THAT(late[0].text, ContainsSubstring("expired on "));
}

TEST_CASE("check: the worst problem decides the exit code") {
    Findings findings;
    CHECK(findings.exit_code() == exit_done);
    findings.warning("space", "");
    CHECK(findings.exit_code() == exit_done);
    for (const int code :
         {exit_check_failed, exit_retry_later, exit_bad_data, exit_denied, exit_configuration}) {
        findings.problem("x", "", code);
        CHECK(findings.exit_code() == code);
    }
}

TEST_CASE("folder lock: who holds it is known, and nobody when it is free") {
    const TemporaryFolder folder;
    CHECK(FolderLock::holder(folder.path()) == std::nullopt);
    {
        const auto lock = FolderLock::take(folder.path());
        REQUIRE(lock.ok());
        CHECK(FolderLock::holder(folder.path()) == ::getpid());
        CHECK_FALSE(FolderLock::take(folder.path()).ok());
    }
    CHECK(FolderLock::holder(folder.path()) == std::nullopt);
}
