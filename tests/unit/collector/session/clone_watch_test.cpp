#include "collector/session/clone_watch.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace longhaul;
using namespace longhaul::collector;

namespace {

// "a" is there from 0 on, "b" since 60 s; who speaks, and after how many seconds.
struct Case {
    const char* what;
    std::vector<std::pair<char, std::int64_t>> spoken;
    std::optional<std::size_t> alarm_at;  // which of them
};

}  // namespace

TEST_CASE(
    "clones: two sessions that both go on are told, a half-open one beside a new one is not") {
    const Case cases[] = {
        {"both go on", {{'a', 71}, {'b', 73}, {'a', 75}, {'b', 77}, {'a', 79}, {'b', 81}}, 3},
        {"the old one is silent", {{'b', 61}, {'b', 71}, {'b', 81}, {'b', 200}}, {}},
        {"the old one had something on its way",
         {{'b', 61}, {'a', 62}, {'b', 63}, {'a', 64}, {'b', 71}, {'b', 99}},
         {}},
        {"much later, but once", {{'b', 71}, {'a', 300}, {'b', 301}, {'b', 302}}, {}},
        {"what was kept back is read at once",
         {{'b', 71}, {'a', 71}, {'b', 71}, {'a', 71}, {'b', 90}},
         {}},
        {"the new one is silent", {{'a', 71}, {'a', 81}, {'a', 91}, {'a', 101}}, {}},
    };
    for (const Case& each : cases) {
        CAPTURE(each.what);
        CloneWatch watch;
        const auto a = watch.begin("acme", "bus-1", "here", {0});
        const auto b = watch.begin("acme", "bus-1", "there", {60'000});
        std::optional<std::size_t> alarm;
        for (std::size_t i = 0; i < each.spoken.size(); ++i) {
            const auto& [who, at_s] = each.spoken[i];
            const auto other = watch.spoke(who == 'a' ? a : b, {at_s * 1000});
            if (!other) continue;
            CHECK(!alarm);
            CHECK(*other == (who == 'a' ? "there" : "here"));
            alarm = i;
        }
        CHECK(alarm == each.alarm_at);
    }
}

TEST_CASE("clones: other devices and sessions that have ended count for nothing") {
    CloneWatch watch;
    const auto of_other_tenant = watch.begin("other", "bus-1", "x", {0});
    const auto of_other_device = watch.begin("acme", "bus-2", "x", {0});
    auto old = watch.begin("acme", "bus-1", "old", {0});
    for (std::int64_t at_s = 20; at_s < 400; at_s += 20) {
        CAPTURE(at_s);
        const MonotonicMs now{at_s * 1000};
        CHECK(!watch.spoke(of_other_tenant, now));
        CHECK(!watch.spoke(of_other_device, now));
        CHECK(!watch.spoke(old, now));
        watch.end(old, now);
        old = watch.begin("acme", "bus-1", "new", now);
    }
}

TEST_CASE("clones: they are told anew when one of them comes back") {
    CloneWatch watch;
    const auto a = watch.begin("acme", "bus-1", "a", {0});
    for (int time = 0; time < 3; ++time) {
        CAPTURE(time);
        const std::int64_t begin_ms = time * 100'000;
        const auto b = watch.begin("acme", "bus-1", "b", {begin_ms});
        int alarms = 0;
        for (std::int64_t ms = begin_ms; ms < begin_ms + 50'000; ms += 2'000) {
            alarms += watch.spoke(a, {ms}).has_value() ? 1 : 0;
            alarms += watch.spoke(b, {ms + 1'000}).has_value() ? 1 : 0;
        }
        CHECK(alarms == 1);
        watch.end(b, {begin_ms + 60'000});
    }
}

namespace {

// Sessions of a second each, a minute after each other; which of them raised the alarm.
std::vector<std::size_t> alarms(CloneWatch& watch, const std::vector<DeviceLife>& lives) {
    std::vector<std::size_t> raised;
    MonotonicMs now{1'000'000};
    for (std::size_t i = 0; i < lives.size(); ++i) {
        const std::string from = "from " + std::to_string(i);
        const auto session = watch.begin("acme", "bus-1", from, now);
        CHECK(!watch.spoke(session, now));
        if (const auto other = watch.greeted(session, lives[i], now)) {
            CHECK(*other == "from " + std::to_string(i - 1));
            raised.push_back(i);
        }
        CHECK(!watch.spoke(session, now + 500));
        watch.end(session, now + 1000);
        now = now + 60'000;
    }
    return raised;
}

constexpr DeviceLife life(std::uint32_t incarnation, std::uint64_t boot) {
    return {{incarnation}, boot};
}

}  // namespace

TEST_CASE("clones: short sessions of two lives in turn are told, those of a device alone are not") {
    struct Case {
        const char* what;
        std::vector<DeviceLife> lives;
        std::vector<std::size_t> alarms;
    };
    const Case cases[] = {
        {"one device that reconnects", std::vector<DeviceLife>(20, life(1, 5)), {}},
        {"one that does not say which boot it is", std::vector<DeviceLife>(20, life(1, 0)), {}},
        {"one that boots each time",
         {life(1, 1), life(1, 2), life(1, 3), life(1, 4), life(1, 5), life(1, 6)},
         {}},
        {"one that lost its spool twice", {life(1, 1), life(2, 2), life(3, 3), life(3, 4)}, {}},
        {"one whose spool was restored, once",
         {life(1, 1), life(2, 2), life(1, 3), life(1, 4), life(1, 5)},
         {}},
        {"a copy with the spool", {life(1, 1), life(1, 2), life(1, 1), life(1, 2)}, {3}},
        {"batches of several sessions",
         {life(1, 1), life(1, 1), life(1, 2), life(1, 2), life(1, 1), life(1, 1), life(1, 2)},
         {6}},
        {"a copy with the key alone", {life(1, 1), life(9, 2), life(1, 1), life(9, 2)}, {3}},
        {"both start anew for each batch", {life(1, 1), life(9, 2), life(1, 3), life(9, 4)}, {3}},
        {"devices that do not say which boot",
         {life(1, 0), life(9, 0), life(1, 0), life(9, 0)},
         {3}},
        {"three of them",
         {life(1, 1), life(2, 2), life(3, 3), life(1, 1), life(2, 2), life(3, 3)},
         {4}},
    };
    for (const Case& each : cases) {
        CAPTURE(each.what);
        CloneWatch watch;
        CHECK(alarms(watch, each.lives) == each.alarms);
    }
}

TEST_CASE("clones: lives in turn are told once an hour, and old devices are forgotten first") {
    CloneWatch watch{2};
    std::vector<DeviceLife> lives;
    for (std::uint64_t i = 0; i < 150; ++i) lives.push_back(life(1, 1 + i % 2));
    CHECK(alarms(watch, lives) == std::vector<std::size_t>{3, 63, 123});
    const auto greet = [&watch](const char* device, std::uint64_t boot) {
        const auto session = watch.begin("acme", device, "x", {0});
        const bool told = watch.greeted(session, life(1, boot), {0}).has_value();
        watch.end(session, {0});
        return told;
    };
    CHECK(!greet("bus-2", 1));
    CHECK(!greet("bus-2", 2));
    CHECK(!greet("bus-3", 1));
    CHECK(!greet("bus-2", 1));  // a return
    CHECK(!greet("bus-4", 1));  // bus-3 goes
    CHECK(greet("bus-2", 2));
}
