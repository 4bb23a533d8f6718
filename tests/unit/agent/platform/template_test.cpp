// What a new port begins with is put together rightly: it samples, seals and stores.
#include <catch2/catch_test_macros.hpp>
#include <memory>
#include <string>

#include "agent/platform/template/device.hpp"
#include "common/base/bytes.hpp"

using namespace longhaul;
using namespace longhaul::agent;

TEST_CASE("template: a device without a network samples, stores, and says what it lacks") {
    REQUIRE(crypto_init().ok());
    PrivateKey key;
    key.bytes.back() = std::byte{7};
    AgentSettings who;
    who.environment = who.tenant = who.device = "name";
    who.firmware = "template 1";
    who.sealing_key = public_key_of(key).value();
    from_template::TemplateIdentity identity{key, as_bytes("certificate"),
                                             as_bytes("sixteen bytes and more")};
    const auto device = std::make_unique<from_template::Device>(identity, who);
    REQUIRE(device->begin().ok());
    MonotonicMs now;
    for (int polls = 0; polls < 10'000 && now < MonotonicMs{65'000}; ++polls)
        now = std::max(now, device->poll(now));
    CHECK(device->status().samples >= 60);
    CHECK(device->status().blocks >= 5);
    CHECK(std::string{device->status().trouble}.empty());
    CHECK(std::string{device->status().link_trouble} == "this port has no network yet");
}
