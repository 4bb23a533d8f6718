#include <catch2/catch_test_macros.hpp>
#include <cstring>

#include "tests/unit/agent/core/uplink_bench.hpp"

using namespace longhaul;
using namespace longhaul::agent;
using namespace longhaul::test;

namespace {

using Bench = UplinkBench;
using Kind = UplinkAction::Kind;

constexpr auto alarm = BlockClass::alarm;
constexpr auto live = BlockClass::live;
constexpr auto normal = BlockClass::normal;

// Two epochs, three classes; sizes differ so that no two blocks are alike.
void fill(Bench& bench) {
    bench.add_epoch(3);
    bench.add_block(normal, 3, 1, 101);
    bench.add_block(normal, 3, 2, 102);
    bench.add_block(live, 3, 1, 103);
    bench.add_epoch(5);
    bench.add_block(normal, 5, 1, 104);
    bench.add_block(alarm, 5, 1, 105);
    bench.add_block(live, 5, 1, 106);
}

// Takes what begins with a 1.
class KeptKeys final : public SealingKeys {
 public:
    SealingKeyId newest() const override { return {std::byte{7}}; }
    Status keep(Bytes certificate) override {
        offered.emplace_back(certificate.begin(), certificate.end());
        return certificate[0] == std::byte{1} ? Status{} : Status{ErrorCode::denied};
    }
    std::vector<std::vector<std::byte>> offered;
};

}  // namespace

TEST_CASE("uplink: Hello says what waits and which schemas it needs") {
    Bench bench;
    fill(bench);
    const longhaul_Hello hello = bench.greet();
    CHECK(hello.protocol == protocol_version);
    CHECK(std::string{hello.firmware} == "test 1");
    CHECK(hello.incarnation == uplink_incarnation.value);
    CHECK(hello.oldest_epoch == 3);
    CHECK(hello.newest_epoch == 5);
    CHECK(hello.epochs == 2);
    REQUIRE(hello.waiting_count == 4);
    CHECK(hello.waiting[0] == 1);
    CHECK(hello.waiting[1] == 2);
    CHECK(hello.waiting[2] == 3);
    CHECK(hello.schema_hashes_count == 1);
    CHECK(hello.wall_us == SetClock{}.reading.now.value);
    CHECK(hello.boot != 0);
    CHECK_FALSE(hello.rotation);
}

TEST_CASE("uplink: before the first sample Hello already lists the schemas of this boot") {
    Bench bench;
    const longhaul_Hello hello = bench.greet();
    CHECK(hello.epochs == 0);
    CHECK(hello.schema_hashes_count == 1);
}

TEST_CASE("uplink: class 0 first, within a class by epoch and seq, each epoch introduced once") {
    struct Case {
        const char* what;
        std::uint32_t unknown_schemas;
        std::vector<longhaul_EpochRange> known;
        const char* frames;
    };
    const Case cases[] = {
        {"nothing is known", 1, {}, "S E5 B0.5.1 E3 B1.3.1 B1.5.1 B2.3.1 B2.3.2 B2.5.1"},
        {"the schema is known", 0, {}, "E5 B0.5.1 E3 B1.3.1 B1.5.1 B2.3.1 B2.3.2 B2.5.1"},
        {"one epoch is known", 0, {{1, 3}}, "E5 B0.5.1 B1.3.1 B1.5.1 B2.3.1 B2.3.2 B2.5.1"},
        {"both epochs are known", 0, {{3, 3}, {5, 9}}, "B0.5.1 B1.3.1 B1.5.1 B2.3.1 B2.3.2 B2.5.1"},
    };
    for (const Case& each : cases) {
        CAPTURE(each.what);
        Bench bench;
        fill(bench);
        bench.greet();
        longhaul_Welcome welcome = bench.welcome_of(journal_numbered(1));
        welcome.unknown_schemas = each.unknown_schemas;
        std::copy(each.known.begin(), each.known.end(), welcome.known_epochs);
        welcome.known_epochs_count = static_cast<pb_size_t>(each.known.size());
        CHECK(bench.words(bench.send(welcome)) == each.frames);
    }
}

TEST_CASE("uplink: a block that is appended later goes out at once, of a higher class first") {
    Bench bench;
    bench.add_epoch(1);
    bench.greet();
    CHECK(bench.send(bench.welcome_of(journal_numbered(1))).empty());
    bench.add_block(normal, 1, 1, 101);
    CHECK(bench.words(bench.run()) == "E1 B2.1.1");
    bench.add_block(normal, 1, 2, 102);
    bench.add_block(live, 1, 1, 103);
    CHECK(bench.words(bench.run()) == "B1.1.1 B2.1.2");
}

TEST_CASE("uplink: it never sends more bytes of blocks than the credit") {
    Bench bench;
    bench.add_epoch(1);
    for (std::uint32_t n = 1; n <= 4; ++n) bench.add_block(normal, 1, n, 100 + n);
    bench.greet();
    CHECK(bench.words(bench.send(bench.welcome_of(journal_numbered(1), 101 + 102))) ==
          "E1 B2.1.1 B2.1.2");
    CHECK(bench.words(bench.send(longhaul_Window{101 + 102 + 102})).empty());
    CHECK(bench.words(bench.send(longhaul_Window{101 + 102 + 103})) == "B2.1.3");
    CHECK(bench.words(bench.acknowledge(normal, 1, 1, 3)).empty());
    CHECK(bench.words(bench.send(longhaul_Window{101 + 102 + 103 + 104})) == "B2.1.4");
    SECTION("credit is not taken back") {
        bench.send(longhaul_Window{5});
        CHECK(bench.last_action == Kind::close);
    }
}

TEST_CASE("uplink: acknowledged blocks are durable in the spool and are not sent again") {
    Bench bench;
    fill(bench);
    bench.greet();
    bench.send(bench.welcome_of(journal_numbered(1)));
    bench.acknowledge(normal, 3, 1, 2);
    CHECK(bench.waiting() == 4);
    CHECK(bench.uplink->status().acked_blocks == 2);
    CHECK(bench.uplink->status().acked_samples == 20);
    bench.acknowledge(normal, 3, 1, 2);  // said twice is counted once
    CHECK(bench.uplink->status().acked_blocks == 2);

    bench.uplink->on_closed(bench.now);
    bench.greet();
    longhaul_Welcome welcome = bench.welcome_of(journal_numbered(1));
    welcome.known_epochs[0] = {1, 9};
    welcome.known_epochs_count = 1;
    CHECK(bench.words(bench.send(welcome)) == "B0.5.1 B1.3.1 B1.5.1 B2.5.1");
}

TEST_CASE("uplink: another journal voids the durable marks, the same one does not") {
    struct Case {
        const char* what;
        JournalId then;
        std::uint32_t waiting;
    };
    const Case cases[] = {
        {"the same", journal_numbered(1, 0), 4},
        {"another uuid", journal_numbered(2, 0), 6},
        {"it asks again", journal_numbered(1, 1), 6},
    };
    for (const Case& each : cases) {
        for (const bool reboot : {false, true}) {
            CAPTURE(each.what, reboot);
            Bench bench;
            fill(bench);
            bench.greet();
            bench.send(bench.welcome_of(journal_numbered(1, 0)));
            bench.acknowledge(normal, 3, 1, 2);
            bench.uplink->on_closed(bench.now);
            if (reboot) bench.restart();
            bench.greet();
            bench.send(bench.welcome_of(each.then));
            CHECK(bench.waiting() == each.waiting);
        }
    }
}

TEST_CASE("uplink: a sealing key goes to its port, and one that it refuses changes nothing else") {
    KeptKeys keys;
    Bench bench;
    bench.sealing_keys = &keys;
    bench.restart();
    const longhaul_Hello hello = bench.greet();
    REQUIRE(hello.sealing_key.size == 8);
    CHECK(hello.sealing_key.bytes[0] == 7);
    bench.send(bench.welcome_of(journal_numbered(1)));
    const std::vector<std::vector<std::byte>> sent{{std::byte{1}, std::byte{2}}, {std::byte{9}}};
    for (const auto& each : sent) bench.send(FrameType::sealing_key, each);
    CHECK(keys.offered == sent);
    CHECK(bench.uplink->status().connected);
    CHECK(bench.last_action == Kind::wait);
}

TEST_CASE("uplink: a sealing key that was not asked for ends the session") {
    KeptKeys keys;
    for (const bool before_welcome : {true, false}) {
        CAPTURE(before_welcome);
        Bench bench;
        bench.sealing_keys = before_welcome ? &keys : nullptr;
        bench.restart();
        CHECK((bench.greet().sealing_key.size == 8) == before_welcome);
        if (!before_welcome) bench.send(bench.welcome_of(journal_numbered(1)));
        bench.send(FrameType::sealing_key, std::array{std::byte{1}});
        CHECK(bench.last_action == Kind::close);
        CHECK(keys.offered.empty());
    }
}
