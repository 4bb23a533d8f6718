// A flash with a spool of version 1 on it: opened, read and written on for ever.
#include <catch2/catch_test_macros.hpp>
#include <fstream>
#include <sstream>

#include "agent/core/flash_spool.hpp"
#include "firmware-sim/sim_flash.hpp"
#include "tests/port/spool_history.hpp"
#include "tests/support/hex.hpp"
#include "tests/unit/agent/fixtures.hpp"

using namespace longhaul;
using namespace longhaul::agent;

namespace {

constexpr FlashGeometry geometry{4096, 16, 8};

// Each line the offset and some bytes, in hexadecimal; what no line says is blank.
void load_image(const char* path, sim::SimFlash& flash) {
    std::ifstream file{path};
    REQUIRE(file);
    std::string line;
    while (std::getline(file, line)) {
        std::istringstream words{line};
        std::size_t offset = 0;
        std::string hex;
        REQUIRE(words >> std::hex >> offset >> hex);
        const auto bytes = test::from_hex(hex);
        REQUIRE(offset + bytes.size() <= flash.image().size());
        std::copy(bytes.begin(), bytes.end(),
                  flash.image().begin() + static_cast<std::ptrdiff_t>(offset));
    }
}

std::string waiting(Spool& spool, BlockClass block_class) {
    std::string text;
    BlockPlace after;
    std::vector<std::byte> room(4096);
    for (;;) {
        const auto block =
            spool.next(block_class, after.epoch, BlockSeq::of(block_class, after.number), room);
        if (!block.ok()) return text;
        const SpoolTag& tag = block.value().tag;
        after = place_of(tag.name);
        CHECK(equal(block.value().sealed,
                    test::spool_bytes(tag.name.epoch, tag.name.seq, block.value().sealed.size())));
        CHECK(tag.first_us == 1000 * after.number);
        text += (text.empty() ? "" : " ") + std::to_string(after.epoch.value) + "." +
                std::to_string(after.number) + ":" + std::to_string(tag.samples);
    }
}

}  // namespace

TEST_CASE("golden: a spool on flash, version 1") {
    sim::SimFlash flash{geometry};
    load_image("tests/golden/spool/flash-v1.txt", flash);
    test::SeededEntropy entropy;
    std::vector<std::byte> memory(FlashSpool::memory_bytes(geometry));
    SpoolPolicy policy;
    policy.bytes_max = 4 * 4096;
    FlashSpool spool{flash, policy, entropy, memory};
    REQUIRE(spool.open().ok());

    CHECK(spool.incarnation() == Incarnation{0x8e9a'4e68});
    CHECK(waiting(spool, BlockClass::alarm) == "1.2:2 2.1:1");
    CHECK(waiting(spool, BlockClass::live).empty());
    CHECK(waiting(spool, BlockClass::normal) == "2.3:3 2.4:4 2.5:5 2.6:6");
    CHECK(waiting(spool, BlockClass::bulk) ==
          "2.23:23 2.24:24 2.25:25 2.26:26 2.27:27 2.28:28 2.29:29 2.30:30");

    REQUIRE(spool.losses().entries().size() == 1);
    const Loss expected{BlockClass::bulk, LossReason::full, {{2}, 1}, {{2}, 22}, 253, 1000, 22'999};
    CHECK(spool.losses().entries()[0] == expected);
    CHECK(spool.losses().told() == 1);  // by alarm 2.1

    const EpochEnd end = spool.previous_end().value();
    CHECK(end.epoch == Epoch{2});
    CHECK(end.last_number == std::array<std::uint32_t, 4>{1, 0, 6, 30});
    std::array<std::byte, 100> room;
    CHECK(as_text(spool.read_epoch({1}, room).value()) == "record 1");
    CHECK(as_text(spool.read_epoch({2}, room).value()) == "record 2");
    CHECK(as_text(spool.read_schema(test::schema_hash_of(9), room).value()) == "schema 9");
    CHECK(as_text(spool.read_state(1, room).value()) == "journal");
    CHECK(spool.begin_epoch().value() == Epoch{3});
}
