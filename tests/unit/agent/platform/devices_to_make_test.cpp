#include "agent/platform/linux/devices_to_make.hpp"

#include <catch2/catch_test_macros.hpp>
#include <filesystem>

#include "common/block/limits.hpp"
#include "tests/support/spool_policies.hpp"
#include "tests/unit/agent/platform/device_folder.hpp"

using namespace longhaul;
using namespace longhaul::agent;
using namespace longhaul::test;

namespace {

constexpr std::int64_t minute_ms = 60'000;

// Makes real devices, and counts the attempts; there is no collector.
class Maker {
 public:
    DevicesToMake::Make make() {
        return [this](const AgentConfig& config) {
            ++attempts;
            return HostedDevice::make(config, "test 1", library_, codecs_.tools(config.codecs));
        };
    }
    int attempts = 0;

 private:
    TraceLibrary library_;
    LinuxCodecs codecs_;
};

// The spool has no place as long as its folder is not there, as on a disk without room.
AgentConfig config_in(const DeviceFolder& device, const std::string& folder) {
    AgentConfig config = device.config;
    config.address = "127.0.0.1:9";
    config.server_name = "localhost";
    config.body_bytes_max = limits::block_body_bytes_max;
    config.spool_policy = stop_at(1 << 20);
    config.spool_path = device.folder / (folder + "/spool.db");
    return config;
}

void give_room(const AgentConfig& config) {
    std::filesystem::create_directory(std::filesystem::path{config.spool_path}.parent_path());
}

}  // namespace

TEST_CASE("devices to make: one that cannot be made is tried again every minute until it can") {
    const DeviceFolder device;
    const AgentConfig config = config_in(device, "later");
    Maker maker;
    DevicesToMake waiting{maker.make()};
    Devices devices;
    CHECK(waiting.due_at() == MonotonicMs::never());
    const MonotonicMs start{5000};
    waiting.add(config, start);
    for (int minute = 0; minute < 3; ++minute) {
        const MonotonicMs due = start + minute * minute_ms;
        CHECK(waiting.due_at() == due);
        waiting.poll(due + -1, devices);
        CHECK(maker.attempts == minute);
        waiting.poll(due, devices);
        CHECK(maker.attempts == minute + 1);
        CHECK(devices.empty());
    }
    give_room(config);
    waiting.poll(start + (3 * minute_ms - 1), devices);
    CHECK(devices.empty());
    waiting.poll(start + 3 * minute_ms, devices);
    REQUIRE(devices.size() == 1);
    CHECK(devices[0]->name() == config.name);
    CHECK_FALSE(devices[0]->spool_damaged());
    CHECK(waiting.empty());
    CHECK(waiting.due_at() == MonotonicMs::never());
    waiting.poll(start + 10 * minute_ms, devices);
    CHECK(maker.attempts == 4);
}

TEST_CASE("devices to make: one that cannot be made holds up no other") {
    const DeviceFolder device;
    const AgentConfig without_room = config_in(device, "later");
    const AgentConfig with_room = config_in(device, "now");
    give_room(with_room);
    Maker maker;
    DevicesToMake waiting{maker.make()};
    Devices devices;
    waiting.add(without_room, MonotonicMs{0});
    waiting.add(with_room, MonotonicMs{1000});
    waiting.poll(MonotonicMs{1000}, devices);
    CHECK(devices.size() == 1);
    CHECK(maker.attempts == 2);
    CHECK_FALSE(waiting.empty());
    CHECK(waiting.due_at() == MonotonicMs{1000 + minute_ms});
    give_room(without_room);
    waiting.poll(waiting.due_at(), devices);
    CHECK(devices.size() == 2);
    CHECK(waiting.empty());
}
