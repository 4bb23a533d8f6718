// Programs put samples by the control socket; `why` tells how a device stands.
#include <algorithm>

#include "agent/platform/linux/why.hpp"
#include "tests/unit/agent/platform/control_bench.hpp"

using namespace longhaul;
using namespace longhaul::agent;
using namespace longhaul::test;

namespace {

using Bench = ControlBench;

}  // namespace

TEST_CASE("put: ok is said when the sample is stored, and not before") {
    Bench bench;
    Program program{bench};
    program.say("one a=1\none a=2\n");
    CHECK(program.hear().empty());
    REQUIRE(bench.put.next_at() == MonotonicMs{});
    const Sample* const sample = bench.put.next({1000});
    REQUIRE(sample != nullptr);
    CHECK(sample->values[0].integer == 1);
    CHECK(sample->time == 1'000'000);
    REQUIRE(bench.put.next({1000}) != nullptr);
    CHECK(bench.put.next({1000}) == nullptr);
    CHECK(program.hear().empty());
    bench.put.stored(0, 1);
    CHECK(program.hear() == "ok\n");
    bench.put.stored(0, 1);
    CHECK(program.hear() == "ok\n");
}

TEST_CASE("put: a sample that was dropped is an error to be tried again, never ok") {
    Bench bench;
    Program program{bench};
    program.say("one a=1\none a=2\none a=3\n");
    while (bench.put.next({1000}) != nullptr) {
    }
    bench.put.stored(0, 1);
    bench.put.lost(0, 1);
    bench.put.stored(0, 1);
    CHECK(program.hear() ==
          "ok\nerror later the spool is full: the sample was dropped and is listed as lost\nok\n");
}

TEST_CASE("put: answers come in the order of the lines, whatever is stored first") {
    Bench bench;
    Program program{bench};
    program.say("one a=1\ntwo a=2\none b=3\n");
    while (bench.put.next({1000}) != nullptr) {
    }
    bench.put.stored(1, 1);
    CHECK(program.hear().empty());
    bench.put.stored(0, 1);
    CHECK(program.hear() == "ok\nok\nerror bad stream \"one\" has no field \"b\"\n");
}

TEST_CASE("put: what cannot be stored as it is is refused with the reason") {
    Bench bench;
    Program program{bench};
    program.say("three a=1\n");
    CHECK(program.hear() == "error bad no stream \"three\" can be put; there is one, two\n");
    program.say("one a=x\n");
    CHECK(program.hear() == "error bad field \"a\" is \"x\", has to be a whole number\n");
    program.say(std::string(put_line_bytes_max + 1, 'x') + "\none a=1\n");
    CHECK(program.hear() == "error bad the line has more than 8192 bytes\n");
    REQUIRE(bench.put.next({1000}) != nullptr);
    bench.put.refused(0);
    CHECK(program.hear() == "error bad the sample is larger than a block\n");
}

TEST_CASE("put: without room it says so, and takes nothing") {
    Bench bench;
    Program program{bench};
    program.say("one a=1\none a=2\n");
    REQUIRE(bench.put.next({1000}) != nullptr);
    bench.put.set_trouble("the spool is full");
    program.say("one a=3\n");
    CHECK(program.hear().empty());  // the first one has no answer yet
    CHECK(bench.put.next({1000}) == nullptr);
    CHECK(bench.put.pump_at() == MonotonicMs{1000 + PutSource::answer_ms_max});
    bench.pump({1000 + PutSource::answer_ms_max});
    CHECK(program.hear() ==
          "error doubt the sample is not stored yet; it may still be\n"
          "error later the spool is full\nerror later the spool is full\n");
    bench.put.stored(0, 1);  // later than anybody waited
    CHECK(program.hear().empty());
    bench.put.set_trouble("");
    program.say("one a=4\n");
    REQUIRE(bench.put.next({1000}) != nullptr);
    bench.put.stored(0, 1);
    CHECK(program.hear() == "ok\n");
}

TEST_CASE("put: a class without room refuses its own samples and takes those of the others") {
    Bench bench;
    PutSource alarms{{stream_of("alert", BlockClass::alarm)}, bench.control};
    bench.control.add_put(alarms);
    CHECK(alarms.block_class() == BlockClass::alarm);
    Program program{bench};
    program.say("one a=1\nalert a=2\n");
    bench.put.set_trouble("the spool is full");
    program.say("two a=3\nalert a=4\nthree a=5\n");
    CHECK(bench.put.next({1000}) == nullptr);
    REQUIRE(alarms.next({1000}) != nullptr);
    REQUIRE(alarms.next({1000}) != nullptr);
    alarms.stored(0, 2);
    CHECK(program.hear() ==
          "error later the spool is full\nok\nerror later the spool is full\nok\n"
          "error bad no stream \"three\" can be put; there is one, two, alert\n");
}

TEST_CASE("put: an agent that stops stores what it took and sends the rest away") {
    Bench bench;
    Program program{bench};
    program.say("one a=1\none a=2\n");
    REQUIRE(bench.put.next({1000}) != nullptr);
    bench.put.stop();
    bench.control.socket().stop();
    CHECK(bench.put.next_at() == MonotonicMs::never());
    bench.put.stored(0, 1);
    CHECK(program.hear() == "ok\nerror later the agent stops\n");
}

TEST_CASE("put: a program that is gone does no harm to the answers of others") {
    Bench bench;
    auto gone = std::make_unique<Program>(bench);
    Program program{bench};
    gone->say("one a=1\n");
    program.say("one a=2\n");
    gone.reset();
    bench.pump();
    while (bench.put.next({1000}) != nullptr) {
    }
    bench.put.stored(0, 2);
    bench.pump();
    CHECK(program.hear() == "ok\n");
}

TEST_CASE("put: the last line needs no line feed when the program ends its sending") {
    Bench bench;
    Program program{bench};
    program.say("one a=1");
    program.finish();
    REQUIRE(bench.put.next({1000}) != nullptr);
    bench.put.stored(0, 1);
    bench.pump();
    CHECK(program.hear() == "ok\n<end>");
}

TEST_CASE("control: lines beyond those without an answer wait in the socket") {
    Bench bench;
    Program program{bench};
    std::string lines;
    constexpr std::size_t count = ControlSocket::unanswered_max + 50;
    for (std::size_t i = 0; i < count; ++i) lines += "one a=1\n";
    program.say(lines);
    std::uint32_t taken = 0;
    while (bench.put.next({1000}) != nullptr) ++taken;
    CHECK(taken == ControlSocket::unanswered_max);
    bench.put.stored(0, taken);
    CHECK(bench.control.socket().pump_at({1000}) == MonotonicMs{1000});
    bench.pump();
    while (bench.put.next({1000}) != nullptr) ++taken;
    CHECK(taken == count);
}

TEST_CASE("control: a crowd is held off until somebody has been silent for long") {
    Bench bench;
    std::vector<std::unique_ptr<Program>> crowd;
    for (std::size_t i = 0; i < ControlSocket::clients_max; ++i) {
        crowd.push_back(std::make_unique<Program>(bench));
        bench.pump({1000});
    }
    Program late{bench};
    late.say("why\n");
    CHECK(late.hear().empty());
    std::vector<pollfd> watched;
    bench.control.socket().watch(watched);
    CHECK(watched.size() == ControlSocket::clients_max);
    CHECK(bench.control.socket().pump_at({1000}) > MonotonicMs{1000});
    crowd[0]->say("why\n");
    bench.pump({1000 + ControlSocket::idle_ms_min});
    CHECK(late.hear() == "ok all is well\n");
}

TEST_CASE("control: why is answered as a sentence and as JSON") {
    Bench bench;
    Program program{bench};
    program.say("why\nwhy json\n");
    CHECK(program.hear() == "ok all is well\nok {}\n");
}

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
    CHECK(
        why_json(facts) ==
        R"({"device":"bus-2228","running":true,"blocks":[)"
        R"({"epoch":1,"class":"normal","last":3,"waiting":3,"first_waiting":1,"last_waiting":3,"samples_waiting":9,"bytes_waiting":300},)"
        R"({"epoch":2,"class":"live","last":5,"waiting":0},)"
        R"({"epoch":2,"class":"normal","last":1,"waiting":1,"first_waiting":1,"last_waiting":1,"samples_waiting":1,"bytes_waiting":100}],)"
        R"("spool_bytes_max":8388608,"spool_lost":0,"connected":true,"link_s":7300,"samples":11,"lost":4,"cut_off_before":false,"too_large":2,"dropped":0,"untold":[],)"
        R"("wear":{"bytes_stored":0,"bytes_written":0,"waits_for_budget":false},"sources":[)"
        R"({"name":"syslog x","lost":4,"refused":{"too_long":3}},{"name":"nmea y","trouble":"gone","lost":0,"refused":{}}]})");
}

TEST_CASE("put: an answer is one line, whatever the sample had in it") {
    Bench bench;
    Program program{bench};
    program.say("one a=\"\\nok\\n\"\none a=2\n");
    const std::string answer = program.hear();
    CHECK(answer.starts_with("error bad field \"a\" is \" ok \""));
    CHECK(std::count(answer.begin(), answer.end(), '\n') == 1);
}

namespace {

// Answers every line at once, and has the program say the next one before that.
class Chatter final : public ControlRequests {
 public:
    void request(std::uint64_t ticket, std::string_view, MonotonicMs) override {
        ++count;
        if (count < 10'000) REQUIRE(::send(program.number(), "x\n", 2, MSG_NOSIGNAL) == 2);
        char room[4096];
        static_cast<void>(::recv(program.number(), room, sizeof(room), MSG_DONTWAIT));
        socket->answer(ticket, "ok");
    }
    std::unique_ptr<ControlSocket> socket;
    Descriptor program;
    int count = 0;
};

}  // namespace

TEST_CASE("control: a program that never pauses does not keep the agent from its work") {
    const TemporaryFolder folder;
    Chatter chatter;
    auto socket = ControlSocket::open(folder / "agent.sock", chatter);
    REQUIRE(socket.ok());
    chatter.socket = std::move(socket).value();
    auto program = connect_unix(folder / "agent.sock");
    REQUIRE(program.ok());
    chatter.program = std::move(program).value();
    REQUIRE(::send(chatter.program.number(), "x\n", 2, MSG_NOSIGNAL) == 2);
    chatter.socket->pump({1000});
    CHECK(chatter.count > 0);
    CHECK(chatter.count < 1000);
    const std::string endless(200'000, 'x');
    static_cast<void>(::send(chatter.program.number(), endless.data(), endless.size(),
                             MSG_NOSIGNAL | MSG_DONTWAIT));
    chatter.socket->pump({1000});
    std::vector<pollfd> watched;
    chatter.socket->watch(watched);
    CHECK(::poll(watched.data(), watched.size(), 0) > 0);  // the rest of the line waits its turn
}

TEST_CASE("why: tells what was lost from the spool, also when no agent runs") {
    WhyFacts facts{"bus-2228", {}, 8 << 20, {}, 1204};
    CHECK(why_sentence(facts) ==
          "bus-2228: no block yet; lost from the spool: 1204 samples; no agent runs");
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
