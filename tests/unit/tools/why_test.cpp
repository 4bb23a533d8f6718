#include "tools/longhaul/why.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <span>

using namespace longhaul;
using namespace longhaul::tools;
using Catch::Matchers::ContainsSubstring;
using collector::DeviceState;

namespace {

constexpr std::int64_t second_us = 1'000'000;
constexpr WallUs now{1'795'262'400 * second_us};

WallUs ago(std::int64_t seconds) { return {now.value - seconds * second_us}; }

// A device whose rows are all there.
DeviceFacts content() {
    DeviceFacts facts;
    facts.tenant = "acme";
    facts.device = "bus-1";
    facts.state = DeviceState::allowed;
    facts.heard = ago(5);
    facts.counts.blocks = 3;
    facts.counts.rows = 768;
    return facts;
}

collector::NotedRefusal refusal(std::int64_t seconds) {
    return {"acme", "bus-1", ago(seconds), "protocol", "block: malformed"};
}

struct Case {
    const char* state;
    const char* says;
    void (*change)(DeviceFacts&);
};

void check_cases(std::span<const Case> cases) {
    for (const Case& each : cases) {
        DeviceFacts facts = content();
        each.change(facts);
        const Why answer = why(facts, now);
        CHECK(answer.state == each.state);
        CHECK_THAT(answer.sentence, ContainsSubstring(each.says));
        CHECK(answer.sentence.find('\n') == std::string::npos);
    }
}

}  // namespace

TEST_CASE("why: each state has its word and its sentence, in the order of what matters most") {
    const Case cases[] = {
        {"up_to_date",
         "acme/bus-1: is up to date: last heard 5 s ago, all its 768 rows of 3 blocks "
         "are in tables; nothing is lost",
         [](DeviceFacts&) {}},
        {"losses",
         "last heard 5 s ago; 768 rows of 3 blocks are in tables; lost: full 2 blocks with "
         "512 samples, power_cut 1 end of unknown size, see _losses",
         [](DeviceFacts& f) {
             f.losses = {{"full", {2, 512, 0, 0}}, {"power_cut", {0, 0, 1, 0}}};
         }},
        {"losses",
         "lost: full 1 block and 2 spans of epochs with 90 samples, unreadable 1 end of unknown "
         "size, see _losses",
         [](DeviceFacts& f) {
             f.losses = {{"full", {1, 90, 0, 2}}, {"unreadable", {0, 0, 1, 0}}};
         }},
        {"awaited", "it told of 2 blocks that have not come",
         [](DeviceFacts& f) { f.counts.awaited = 2; }},
        {"quarantined",
         "2 entries are in quarantine (the block does not open), with their "
         "bytes; last heard 5 s ago; nothing is lost",
         [](DeviceFacts& f) {
             f.counts.awaited = 2;
             f.quarantine = {{"the block does not open", 2}};
         }},
        {"quarantined", "4 entries are in quarantine (fork: b and other reasons)",
         [](DeviceFacts& f) { f.quarantine = {{"a", 1}, {"fork: b", 3}}; }},
        {"in_flight", "1 block is durable and not in tables yet, the collector does not run",
         [](DeviceFacts& f) {
             f.counts.in_flight = 1;
             f.quarantine = {{"a", 1}};
         }},
        {"in_flight",
         "34 blocks are durable and not in tables yet, the collector runs and commits "
         "every 15 s; nothing is lost",
         [](DeviceFacts& f) {
             f.counts.in_flight = 34;
             f.collector_runs = true;
         }},
        {"never_heard", "is registered and nothing has ever come from it",
         [](DeviceFacts& f) { f.heard = {}; }},
    };
    check_cases(cases);
}

TEST_CASE("why: who was refused, or may not come in, is told that first") {
    const Case cases[] = {
        {"refused",
         "was refused 3 s ago: block: malformed; last heard 5 s ago; it tries again by "
         "itself, what it has waits in its spool; nothing is lost",
         [](DeviceFacts& f) {
             f.counts.in_flight = 1;
             f.refusal = refusal(3);
         }},
        {"refused", "nothing has ever come from it",
         [](DeviceFacts& f) {
             f.heard = {};
             f.refusal = refusal(3);
         }},
        {"up_to_date", "is up to date", [](DeviceFacts& f) { f.refusal = refusal(3600); }},
        {"damaged", "acme/bus-1: a hole (2 problems); `longhaul audit --device bus-1` names all",
         [](DeviceFacts& f) {
             f.problems = {"acme/bus-1: a hole", "another"};
             f.refusal = refusal(3);
         }},
        {"revoked",
         "acme/bus-1: is revoked and was refused 2 min ago; last heard 10 min ago; what "
         "it has waits in its spool until it is allowed again; of what came, nothing is lost",
         [](DeviceFacts& f) {
             f.state = DeviceState::revoked;
             f.heard = ago(600);
             f.refusal = refusal(120);
         }},
        {"unregistered", "is not registered and was refused 3 s ago; nothing has ever come from it",
         [](DeviceFacts& f) {
             f.state = DeviceState::unknown;
             f.heard = {};
             f.refusal = refusal(3);
         }},
    };
    check_cases(cases);
}

TEST_CASE("why: ages are told in the unit that says most") {
    CHECK(age_text(ago(-5), now) == "0 s");
    CHECK(age_text(ago(119), now) == "119 s");
    CHECK(age_text(ago(120), now) == "2 min");
    CHECK(age_text(ago(7199), now) == "119 min");
    CHECK(age_text(ago(7200), now) == "2 hours");
    CHECK(age_text(ago(48 * 3600), now) == "2 days");
}
