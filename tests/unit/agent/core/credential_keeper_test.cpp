#include "agent/core/credential_keeper.hpp"

#include <array>
#include <catch2/catch_test_macros.hpp>
#include <cstring>
#include <map>
#include <optional>

using namespace longhaul;
using namespace longhaul::agent;

namespace {

constexpr std::int64_t hour_us = 3'600'000'000;
constexpr std::int64_t day_us = 24 * hour_us;
constexpr std::int64_t life_us = 90 * day_us;

struct Credential {
    int key = 0;
    CertificateLife life{};
};

// Two slots on a disk that power may leave after any step; what is stored then stays.
class SimSlots final : public CredentialSlots {
 public:
    explicit SimSlots(Credential first) : older{first} {}

    CertificateLife life() const override { return older.life; }
    bool has_newer() const override { return newer.has_value(); }
    void use(bool is_newer) override { newer_in_use = is_newer; }
    Result<Bytes> request(MutableBytes room) override {
        if (next_key == 0 && !step()) return ErrorCode::io;
        if (next_key == 0) next_key = ++last_key;
        std::memcpy(room.data(), &next_key, sizeof(next_key));
        return Bytes{room.first(sizeof(next_key))};
    }
    Status take(Bytes chain) override {
        Credential taken;
        if (chain.size() != sizeof(taken)) return ErrorCode::malformed;
        std::memcpy(&taken, chain.data(), sizeof(taken));
        if (taken.key != next_key) return ErrorCode::denied;
        if (!step()) return ErrorCode::io;
        newer = taken;
        return {};
    }
    Status settle() override {
        if (newer && !step()) return ErrorCode::io;
        if (newer) older = *newer;
        newer.reset();
        if (!step()) return ErrorCode::io;
        next_key = 0;
        return {};
    }
    void power_on() {
        lost = false;
        newer_in_use = false;
        if (next_key == older.key) next_key = 0;
    }
    Credential in_use() const { return newer_in_use ? newer.value() : older; }

    Credential older;
    int next_key = 0;
    std::optional<Credential> newer;
    bool newer_in_use = false;
    bool lost = false;
    unsigned steps_left = 1'000'000;
    int last_key = 1;

 private:
    bool step() {
        if (steps_left == 0) lost = true;
        if (lost) return false;
        --steps_left;
        return true;
    }
};

// Issues one certificate for each key, and lets in who has one that is valid.
struct SimCollector {
    std::map<int, Credential> issued;
    int refused_key = 0;

    Credential answer(int key, WallUs now) {
        const Credential fresh{key, {{now.value - hour_us}, {now.value + life_us}}};
        return issued.try_emplace(key, fresh).first->second;
    }
    bool lets_in(const Credential& who, WallUs now) const {
        return who.key != refused_key && who.life.not_before <= now && now <= who.life.not_after;
    }
};

WallReading reading(WallUs now) {
    WallReading wall;
    wall.known = true;
    wall.now = now;
    return wall;
}

struct Device {
    SimSlots slots{{1, {{0}, {life_us}}}};
    std::optional<CredentialKeeper> keeper{&slots};
    int failures_in_a_row = 0;
    int failures_max = 0;
    unsigned renewals = 0;

    // One attempt, and a session if it succeeds. `answered`: what the collector says arrives.
    bool attempt(SimCollector& collector, WallUs now, bool answered = true) {
        keeper->on_attempt();
        if (!collector.lets_in(slots.in_use(), now)) {
            failures_max = std::max(failures_max, ++failures_in_a_row);
            return false;
        }
        failures_in_a_row = 0;
        const int key_before = slots.older.key;
        keeper->on_welcome(true);
        if (slots.older.key != key_before) ++renewals;
        if (!keeper->due(reading(now))) return true;
        std::array<std::byte, 64> room;
        const auto request = keeper->request(reading(now), room);
        if (!request.ok()) return true;
        int key = 0;
        std::memcpy(&key, request.value().data(), sizeof(key));
        const Credential chain = collector.answer(key, now);
        if (answered) keeper->take(std::as_bytes(std::span{&chain, 1}));
        return true;
    }
    void reboot() {
        slots.power_on();
        keeper.emplace(&slots);
    }
};

}  // namespace

TEST_CASE("credentials: over 400 days a device renews at two thirds and is always let in") {
    SimCollector collector;
    Device device;
    for (std::int64_t hour = 1; hour < 400 * 24; hour += 5)
        REQUIRE(device.attempt(collector, {hour * hour_us}));
    CHECK(device.renewals == 6);  // every 60 days
    CHECK(device.slots.next_key == 0);
}

TEST_CASE("credentials: wherever power fails, the device goes on with a certificate that works") {
    for (unsigned cut = 0;; ++cut) {
        CAPTURE(cut);
        SimCollector collector;
        Device device;
        device.slots.steps_left = cut;
        bool was_cut = false;
        for (std::int64_t hour = 1; hour < 200 * 24; hour += 5) {
            const bool lost_before = device.slots.lost;
            REQUIRE(device.attempt(collector, {hour * hour_us}));
            if (!lost_before && device.slots.lost) {
                was_cut = true;
                device.slots.steps_left = 1'000'000;
                device.reboot();
            }
        }
        CHECK(device.renewals >= 2);
        CHECK(device.slots.older.life.not_after.value > 200 * day_us);
        if (!was_cut) break;
    }
}

TEST_CASE("credentials: a lost answer is asked for again, with the same key") {
    SimCollector collector;
    Device device;
    const WallUs due{61 * day_us};
    REQUIRE(device.attempt(collector, due, false));
    const int key = device.slots.next_key;
    REQUIRE(key != 0);
    REQUIRE(device.attempt(collector, {due.value + hour_us / 2}));
    CHECK_FALSE(device.slots.has_newer());  // not before an hour is over
    REQUIRE(device.attempt(collector, {due.value + hour_us}));
    REQUIRE(device.slots.has_newer());
    CHECK(device.slots.newer->key == key);
    CHECK(collector.issued.size() == 1);
}

TEST_CASE("credentials: when the newer one is refused the older one goes on, until it works") {
    SimCollector collector;
    Device device;
    std::int64_t hour = 61 * 24;
    REQUIRE(device.attempt(collector, {hour * hour_us}));
    collector.refused_key = device.slots.next_key;
    for (unsigned attempts = 0; attempts < 40; ++attempts) {
        device.attempt(collector, {++hour * hour_us});
        CHECK(device.slots.older.key == 1);
    }
    CHECK(device.failures_max == 1);
    device.reboot();
    collector.refused_key = 0;
    CHECK(device.attempt(collector, {++hour * hour_us}));
    CHECK(device.slots.older.key == 2);
    CHECK_FALSE(device.slots.has_newer());
}

TEST_CASE("credentials: a collector whose authority is another one has it asked at once") {
    Device device;
    device.keeper->on_attempt();
    device.keeper->on_welcome(true, true);
    CHECK_FALSE(device.keeper->due({}));  // without a date
    CHECK(device.keeper->due(reading({hour_us})));
    std::array<std::byte, 64> room;
    REQUIRE(device.keeper->request(reading({hour_us}), room).ok());
    CHECK_FALSE(device.keeper->take({}));  // not now
    device.keeper->on_attempt();
    device.keeper->on_welcome(true, true);
    CHECK_FALSE(device.keeper->due(reading({hour_us + hour_us / 2})));
    CHECK(device.keeper->due(reading({2 * hour_us})));
    device.keeper->on_welcome(true);
    CHECK_FALSE(device.keeper->due(reading({2 * hour_us})));
}

TEST_CASE("credentials: nothing is asked early, without a date, or of who does not answer") {
    Device device;
    const WallUs early{59 * day_us};
    const WallUs late{61 * day_us};
    device.keeper->on_attempt();
    device.keeper->on_welcome(false);
    CHECK_FALSE(device.keeper->due(reading(late)));
    device.keeper->on_welcome(true);
    CHECK_FALSE(device.keeper->due(reading(early)));
    CHECK_FALSE(device.keeper->due({}));
    CHECK(device.keeper->due(reading(late)));
    std::array<std::byte, 64> room;
    REQUIRE(device.keeper->request(reading(late), room).ok());
    CHECK_FALSE(device.keeper->take({}));                                 // not now
    CHECK_FALSE(device.keeper->due(reading({late.value + 2 * day_us})));  // once a session
    CredentialKeeper none{nullptr};
    none.on_attempt();
    none.on_welcome(true);
    CHECK_FALSE(none.due(reading(late)));
}
