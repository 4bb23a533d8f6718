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
