// Quotas of tenants, and room for all of them: the bucket, the day, and what a session makes of
// them.
#include "collector/session/intake.hpp"

#include <catch2/catch_test_macros.hpp>

#include "tests/unit/collector/session/talk.hpp"

using namespace longhaul;
using namespace longhaul::collector;

namespace {

constexpr std::uint64_t step_bytes = 2 * frame_bytes_max;
constexpr std::int64_t day_ms = 86'400'000;

TenantLimits limited(std::uint64_t bytes_per_second, std::uint64_t bytes_per_day = 0) {
    return {.bytes_per_second = bytes_per_second, .bytes_per_day = bytes_per_day};
}

// The newest credit.
std::uint64_t said(Talk& talk) {
    const std::size_t windows = talk.count(FrameType::window);
    if (windows == 0) return talk.said<longhaul_Welcome>(FrameType::welcome).credit;
    return talk.said<longhaul_Window>(FrameType::window, windows - 1).credit;
}

// A session of a tenant with limits, of which everything is durable at once.
struct Limited {
    explicit Limited(const TenantLimits& limits) {
        intake.set_limits({{"acme", limits}}, {0});
        talk.emplace([this](SessionSettings& settings) {
            settings.credit_bytes = 256 << 10;
            settings.intake = &intake.of("acme");
        });
    }
    void send_until_credit_is_used(MonotonicMs now) {
        constexpr std::size_t body_bytes = 10'000;
        while (sent + body_bytes + 100 <= said(*talk)) {
            const Stored next = block(++number, 1, body_bytes);
            sent += next.size();
            talk->hear(frame(FrameType::block, next), now);
            REQUIRE(!talk->closed);
            talk->tell_durable(talk->submitted.size());
        }
    }

    Intake intake;
    std::optional<Talk> talk;
    std::uint32_t number = 0;
    std::uint64_t sent = 0;
};

}  // namespace

TEST_CASE("token bucket: what a rate allows, with a debt, and when there is something again") {
    struct Step {
        std::int64_t at_ms, take, level, wanted, when_ms;
    };
    const Step steps[] = {
        {0, 0, 100, 1, 0},                    // full at the beginning
        {0, 100, 0, 1, 10},                   //
        {10, 0, 1, 1, 10},                    // a hundredth of a second, a token
        {1010, 0, 100, 100, 1010},            // no more than a second's
        {1010, 350, -250, 1, 1010 + 2510},    // a debt is paid first
        {3510, 0, 0, 10, 3610},               //
        {3'000'000, 0, 100, 100, 3'000'000},  //
        {2'999'000, 0, 100, 100, 2'999'000},  // a clock that steps back gives nothing
    };
    TokenBucket bucket;
    CHECK(!bucket.limits());
    bucket.set_rate(100, {0});
    for (const Step& step : steps) {
        CAPTURE(step.at_ms, step.take);
        bucket.take(step.take, {step.at_ms});
        CHECK(bucket.level({step.at_ms}) == step.level);
        CHECK(bucket.when(step.wanted, {step.at_ms}).value == step.when_ms);
    }
    bucket.set_rate(0, {3'000'000});
    bucket.take(1000, {3'000'000});
    CHECK(!bucket.limits());
}

TEST_CASE("token bucket: the highest rate and a long pause do not overflow") {
    TokenBucket bucket;
    bucket.set_rate(INT64_MAX, {0});
    bucket.take(TokenBucket::per_second_max * 10, {0});
    CHECK(bucket.level({INT64_MAX - 1}) == TokenBucket::per_second_max);
}

TEST_CASE("intake: handshakes and connections of a tenant are counted, and of no other") {
    Intake intake;
    intake.set_limits({{"acme", {.connections = 2, .handshakes_per_second = 3}}}, {0});
    TenantIntake& acme = intake.of("acme");
    TenantIntake& other = intake.of("other");
    for (int i = 0; i < 3; ++i) CHECK(acme.take_handshake({0}));
    CHECK(!acme.take_handshake({0}));
    CHECK(acme.take_handshake({334}));
    CHECK(!acme.take_handshake({334}));
    CHECK(acme.open_connection());
    CHECK(acme.open_connection());
    CHECK(!acme.open_connection());
    acme.close_connection();
    CHECK(acme.open_connection());
    for (int i = 0; i < 100; ++i) CHECK((other.take_handshake({0}) && other.open_connection()));
    intake.set_limits({}, {400});
    CHECK((acme.open_connection() && acme.take_handshake({400}) && acme.take_handshake({400})));
}

TEST_CASE("intake: a quota of bytes closes the room of its tenant, and opens it by itself") {
    constexpr std::int64_t noon_ms = 20'000 * day_ms + day_ms / 2;
    struct Case {
        const char* what;
        TenantLimits limits;
        std::uint64_t took;
        std::uint64_t room;        // after that, at once
        std::int64_t opens_at_ms;  // and not 100 ms before; 0: it is open
    };
    const Case cases[] = {
        {"no limit", {}, 1 << 30, UINT64_MAX, 0},
        {"below the rate", limited(1'000'000), 900'000, 100'000, 0},
        {"a little left", limited(1'000'000), 999'999, step_bytes, 0},
        {"at the rate", limited(1'000'000), 1'000'000, 0, 100},
        {"a debt of a second", limited(1'000'000), 2'000'000, 0, 1'100},
        {"below the day's", limited(0, 1'000'000), 900'000, 100'000, 0},
        {"at the day's", limited(0, 1'000'000), 1'000'000, 0, day_ms / 2},
        {"over the day's", limited(0, 1'000'000), 3'000'000, 0, day_ms / 2},
        {"both, the day's is less", limited(1'000'000, 500'000), 450'000, 50'000, 0},
        {"both, the rate is less", limited(100'000, 500'000), 100'000, 0, 100},
    };
    for (const Case& each : cases) {
        CAPTURE(each.what);
        Intake intake;
        intake.set_date({noon_ms * 1000}, {0});
        intake.set_limits({{"acme", each.limits}}, {0});
        TenantIntake& acme = intake.of("acme");
        acme.took(each.took, {0});
        acme.made_durable(each.took);
        CHECK(acme.room({0}).bytes == each.room);
        CHECK(intake.of("other").room({0}).bytes == UINT64_MAX);
        if (each.opens_at_ms == 0) continue;
        CHECK(acme.room({0}).limited_by == CreditWait::quota);
        CHECK(acme.opens_at({0}).value == std::min<std::int64_t>(each.opens_at_ms, 10'000));
        CHECK(acme.room({each.opens_at_ms - 101}).bytes == 0);
        CHECK(acme.room({each.opens_at_ms}).bytes > 0);
    }
}

TEST_CASE("intake: what the journal has of today counts, yesterday's does not") {
    Intake intake;
    intake.set_date({5 * day_ms * 1000 + 1}, {0});
    intake.set_limits({{"acme", limited(0, 100'000)}}, {0});
    TenantIntake& acme = intake.of("acme");
    intake.count_taken("acme", 100'000, {5 * day_ms * 1000 - 1}, {0});
    CHECK(acme.room({0}).bytes == 100'000);
    intake.count_taken("acme", 100'000, {5 * day_ms * 1000}, {0});
    CHECK(acme.room({0}).bytes == 0);
    CHECK(acme.room({day_ms}).bytes == 100'000);
    acme.took(100'000, {day_ms});
    CHECK(acme.room({day_ms}).bytes == 0);
    intake.set_date({5 * day_ms * 1000}, {day_ms});  // the clock is set back: a new day begins
    CHECK(acme.room({day_ms}).bytes == 100'000);
}

TEST_CASE(
    "intake: what was taken today is told and counts again after a restart, the more of both") {
    const auto at_noon = [](Intake& intake, std::uint64_t in_journal, const DayIntake& kept) {
        intake.set_date({5 * day_ms * 1000 + 1}, {0});
        intake.set_limits({{"acme", limited(0, 100'000)}}, {0});
        intake.count_taken("acme", in_journal, {5 * day_ms * 1000}, {0});
        intake.restore(kept, {0});
        return intake.of("acme").room({0}).bytes;
    };
    Intake before;
    CHECK(at_noon(before, 0, {}) == 100'000);
    before.of("acme").took(60'000, {0});
    const DayIntake kept = before.taken_today({0});
    CHECK(kept == DayIntake{5, {{"acme", 60'000}}});
    CHECK(before.taken_today({day_ms}) == DayIntake{6, {}});
    Intake cut;
    CHECK(at_noon(cut, 10'000, kept) == 40'000);
    Intake not_cut;
    CHECK(at_noon(not_cut, 65'000, kept) == std::max<std::uint64_t>(35'000, step_bytes));
    Intake of_yesterday;
    CHECK(at_noon(of_yesterday, 0, {4, {{"acme", 60'000}}}) == 100'000);
}

TEST_CASE("intake: without room on disk or in memory nobody may send, until there is room") {
    Intake intake;
    intake.set_under_way_max(1000);
    TenantIntake& acme = intake.of("acme");
    TenantIntake& other = intake.of("other");
    acme.took(999, {0});
    CHECK(other.room({0}).bytes == UINT64_MAX);
    acme.took(1, {0});
    CHECK(other.room({0}).limited_by == CreditWait::memory);
    CHECK(other.room({0}).bytes == 0);
    CHECK(other.opens_at({0}).value == 100);
    acme.made_durable(1);
    CHECK(other.room({0}).bytes == UINT64_MAX);
    intake.set_disk_short(true);
    CHECK(other.room({0}).limited_by == CreditWait::disk);
    CHECK(other.opens_at({0}).value == 1000);
    intake.set_disk_short(false);
    CHECK(other.room({0}).bytes == UINT64_MAX);
}

TEST_CASE("session: a tenant at its rate gets no credit, then some, and loses nothing") {
    Limited limited_to{limited(100'000)};
    Talk& talk = *limited_to.talk;
    talk.introduce();
    CHECK(talk.said<longhaul_Welcome>(FrameType::welcome).credit == 100'000);
    limited_to.send_until_credit_is_used({1});
    const std::uint64_t before = said(talk);
    CHECK(talk.session().waits_for() == CreditWait::quota);
    const MonotonicMs due = talk.session().deadline();
    CHECK(due < MonotonicMs{15'000});
    talk.tick({2});
    CHECK(said(talk) == before);
    // Over ten seconds, the rate and what was given at once; every block is in the journal.
    for (MonotonicMs now = due; now < MonotonicMs{10'000}; now = now + 10) {
        if (now >= talk.session().deadline()) talk.tick(now);
        limited_to.send_until_credit_is_used(now);
    }
    CHECK(limited_to.sent > 900'000);
    CHECK(limited_to.sent < 1'000'000 + 100'000 + step_bytes);
    CHECK(talk.submitted.size() == limited_to.number + 2);
    CHECK(!talk.closed);
}

TEST_CASE("session: without any credit in its Welcome a device gets some when there is room") {
    Limited limited_to{{}};
    limited_to.intake.set_disk_short(true);
    Talk& talk = *limited_to.talk;
    talk.introduce();
    CHECK(talk.said<longhaul_Welcome>(FrameType::welcome).credit == 0);
    CHECK(talk.session().waits_for() == CreditWait::disk);
    talk.tick({1000});
    CHECK(talk.count(FrameType::window) == 0);
    limited_to.intake.set_disk_short(false);
    talk.tick({2000});
    CHECK(said(talk) == 256 << 10);
    CHECK(talk.session().waits_for() == CreditWait::nothing);
    CHECK(talk.session().deadline() > MonotonicMs{10'000});
}

TEST_CASE("session: one that has credit left does not ask again and again") {
    Limited limited_to{{}};
    Talk& talk = *limited_to.talk;
    talk.introduce();
    const MonotonicMs idle = talk.session().deadline();
    limited_to.intake.set_disk_short(true);
    talk.tick({1000});
    CHECK(talk.session().deadline() == idle);
    CHECK(talk.session().waits_for() == CreditWait::nothing);
}

TEST_CASE("session: one that waits for credit and ends does not wake again") {
    Limited limited_to{{}};
    limited_to.intake.set_disk_short(true);
    Talk& talk = *limited_to.talk;
    talk.introduce();
    CHECK(talk.session().deadline() < MonotonicMs{10'000});
    talk.session().finish();
    CHECK(talk.session().waits_for() == CreditWait::nothing);
    CHECK(talk.session().deadline() > MonotonicMs{10'000});
}
