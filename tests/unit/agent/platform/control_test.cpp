// Programs put samples by the control socket.
#include <poll.h>
#include <sys/socket.h>

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
