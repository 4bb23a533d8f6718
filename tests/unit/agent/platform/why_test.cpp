#include "agent/platform/linux/why.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace longhaul;
using namespace longhaul::agent;

TEST_CASE("why: one sentence with cause, age, next attempt and loss") {
    WhyFacts facts{"bus-2228", {}, 8 << 20, {}};
    CHECK(why_sentence(facts) == "bus-2228: no block yet; no agent runs");
    facts.spool = {{{1}, BlockClass::normal, 438, 26, 413, 438, 260, 1126}};
    CHECK(
        why_sentence(facts) ==
        "bus-2228: seq 1–412 acknowledged; 413–438 waiting (26, 1.1 KiB of 8 MiB); no agent runs");
    facts.running = RunningFacts{false, 12'000, 4000, "connection refused", "", 9, 0, {}};
    CHECK(why_sentence(facts) ==
          "bus-2228: seq 1–412 acknowledged; 413–438 waiting (26, 1.1 KiB of 8 MiB); "
          "link down 12 s, connection refused; next try in 4 s; lost: 0");
    facts.running->storing = "the spool is full";
    CHECK(why_sentence(facts).ends_with(
        "link down 12 s, connection refused; next try in 4 s; the spool is full; lost: 0"));
    facts.running->cut_off_before = true;
    CHECK(why_sentence(facts).ends_with(
        "lost: 0 in this run, and what the run before had not stored when it was cut off"));
    CHECK(why_json(facts).find("\"lost\":0,\"cut_off_before\":true,") != std::string::npos);
    CHECK(why_json(facts).find(
              "\"cause\":\"connection refused\",\"storing\":\"the spool is full\"") !=
          std::string::npos);
    facts.spool = {{{1}, BlockClass::normal, 3, 3, 1, 3, 9, 300},
                   {{2}, BlockClass::live, 5, 0, 0, 0, 0, 0},
                   {{2}, BlockClass::normal, 1, 1, 1, 1, 1, 100}};
    facts.running = RunningFacts{
        true, 7'300'000, {}, "",
        "",   11,        2,  {{"syslog x", "", {{"too_long", 3}}, 4}, {"nmea y", "gone", {}, 0}}};
    CHECK(why_sentence(facts) ==
          "bus-2228: live seq 1–5 acknowledged; normal seq 1 waiting; 3 blocks of earlier epochs "
          "waiting (4, 400 B of 8 MiB); link up 2 h; nmea y: gone; lost: 4; "
          "refused: 2 samples larger than a block, 3 syslog x too_long");
    facts.running->worse_models = {"doors"};
    CHECK(why_sentence(facts).find("; nmea y: gone; the model no longer fits stream doors; "
                                   "lost: 4") != std::string::npos);
    CHECK(
        why_json(facts) ==
        R"({"device":"bus-2228","running":true,"blocks":[)"
        R"({"epoch":1,"class":"normal","last":3,"waiting":3,"first_waiting":1,"last_waiting":3,"samples_waiting":9,"bytes_waiting":300},)"
        R"({"epoch":2,"class":"live","last":5,"waiting":0},)"
        R"({"epoch":2,"class":"normal","last":1,"waiting":1,"first_waiting":1,"last_waiting":1,"samples_waiting":1,"bytes_waiting":100}],)"
        R"("spool_bytes_max":8388608,"spool_lost":0,"connected":true,"link_s":7300,"samples":11,"lost":4,"cut_off_before":false,"too_large":2,"dropped":0,"untold":[],)"
        R"("wear":{"bytes_stored":0,"bytes_written":0,"waits_for_budget":false},"worse_models":["doors"],"sources":[)"
        R"({"name":"syslog x","lost":4,"refused":{"too_long":3}},{"name":"nmea y","trouble":"gone","lost":0,"refused":{}}]})");
}

TEST_CASE("why: tells what was lost from the spool, also when no agent runs") {
    WhyFacts facts{"bus", {}, 8 << 20, {}, 1204};
    CHECK(why_sentence(facts) ==
          "bus: no block yet; lost from the spool: 1204 samples; no agent runs");
    CHECK(why_json(facts).find("\"spool_lost\":1204") != std::string::npos);
}

TEST_CASE("why: a clock that shows what has already been is named") {
    WhyFacts facts{"bus-2228", {}, 1000, RunningFacts{}};
    facts.running->clock = clock_trouble({5'000'000}, {1'795'262'400'000'000});
    CHECK(why_sentence(facts) ==
          "bus-2228: no block yet; link down 0 s; connecting now; the clock says 1970-01-01, "
          "before 2026-11-21, which it has already been; lost: 0");
    CHECK(why_json(facts).find(R"("clock":"the clock says 1970-01-01)") != std::string::npos);
}

TEST_CASE("why: what is lost is told with its reason, until the collector knows of it") {
    WhyFacts facts{"bus-2228", {}, 1000, RunningFacts{}};
    facts.running->connected = true;
    facts.running->dropped = 5;
    facts.running->untold = {{BlockClass::normal, LossReason::full, {{1}, 3}, {{1}, 9}, 1200, 0, 1},
                             {BlockClass::bulk, LossReason::full, {{1}, 1}, {{2}, 2}, 34, 0, 1},
                             {BlockClass::alarm, LossReason::corrupt, {{2}, 7}, {{2}, 7}, 1, 0, 1}};
    CHECK(why_sentence(facts) ==
          "bus-2228: no block yet; link up 0 s; lost: 5; not told to the collector yet: "
          "corrupt 1 sample, full 1234 samples");
    CHECK(why_json(facts).find(R"({"class":"bulk","reason":"full","epoch":1,"first":1,)"
                               R"("last_epoch":2,"last":2,"samples":34})") != std::string::npos);
}

TEST_CASE("why: what storing costs, and how long the flash will last") {
    struct Case {
        AgentWear wear;
        const char* says;
    };
    const Case cases[] = {
        {{}, "link up 0 s; lost: 0"},
        {{.spool = {.bytes_stored = 1000, .bytes_written = 1290}},
         "; written 1.3 bytes for each stored; lost: 0"},
        {{.spool = {.bytes_stored = 10,
                    .bytes_written = 13,
                    .sectors = 100,
                    .sectors_bad = 0,
                    .erases_min = 40,
                    .erases_max = 42,
                    .erases = 4100},
          .days_left = 38 * 365 + 40},
         "; written 1.3 bytes for each stored, 41 erases a sector on average, at this rate 38 "
         "years; lost: 0"},
        {{.spool = {.sectors = 10, .sectors_bad = 2, .erases = 100}, .days_left = 500},
         "; 10 erases a sector on average, at this rate 500 d, 2 bad sectors; lost: 0"},
        {{.spool = {.bytes_stored = 10, .bytes_written = 20}, .overdrawn = true},
         "; written 2.0 bytes for each stored; blocks wait for the write budget; lost: 0"},
    };
    for (const Case& each : cases) {
        WhyFacts facts{"bus-2228", {}, 1000, RunningFacts{}};
        facts.running->connected = true;
        facts.running->wear = each.wear;
        CAPTURE(why_sentence(facts));
        CHECK(why_sentence(facts).ends_with(each.says));
    }
}
