#include "agent/platform/linux/file_flash.hpp"

#include <filesystem>
#include <fstream>

#include "tests/port/flash_spool_harness.hpp"
#include "tests/port/spool_contract.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace longhaul;
using namespace longhaul::agent;
using longhaul::test::TemporaryFolder;

namespace {

constexpr FlashGeometry image_geometry{4096, 16, 1};

// Each start opens the image again.
struct FileFlashSpool {
    static constexpr std::uint64_t small_bytes = 4 * 4096;
    static constexpr std::size_t undroppable_max = 2 * 4096 / 300;
    static constexpr std::size_t block_bytes_max = 3000;

    Spool& open(const SpoolPolicy& wanted) {
        policy = wanted;
        return *restart();
    }
    Spool* restart() {
        device.reset();
        auto flash = FileFlash::open(folder / "flash.img", image_geometry, FileFlash::Syncs::no);
        REQUIRE(flash.ok());
        device = std::make_unique<test::FlashSpoolOver<FileFlash>>(std::move(flash).value());
        REQUIRE(device->open(policy).ok());
        return device->spool.get();
    }
    bool power_lost() const { return false; }

    TemporaryFolder folder;
    SpoolPolicy policy;
    std::unique_ptr<test::FlashSpoolOver<FileFlash>> device;
};

}  // namespace

LH_SPOOL_CONTRACT(FileFlashSpool)

TEST_CASE("file flash: an image of another size is refused and left alone") {
    const TemporaryFolder folder;
    std::ofstream{folder / "flash.img"} << "not a flash";
    const auto flash = FileFlash::open(folder / "flash.img", image_geometry);
    REQUIRE_FALSE(flash.ok());
    CHECK(flash.error().text.find("not an image of a flash of 65536 bytes") != std::string::npos);
    CHECK(std::filesystem::file_size(folder / "flash.img") == 11);
}

TEST_CASE("file flash: a program clears bits and sets none, an erase sets all of a sector") {
    const TemporaryFolder folder;
    auto opened = FileFlash::open(folder / "flash.img", image_geometry);
    REQUIRE(opened.ok());
    FileFlash& flash = opened.value();
    const std::array once{std::byte{0xf0}, std::byte{0x0f}};
    const std::array again{std::byte{0x3c}, std::byte{0xff}};
    REQUIRE(flash.program(3, 100, once).ok());
    REQUIRE(flash.program(3, 100, again).ok());
    std::array<std::byte, 4> room;
    REQUIRE(flash.read(3, 99, room).ok());
    CHECK(room == std::array{std::byte{0xff}, std::byte{0x30}, std::byte{0x0f}, std::byte{0xff}});
    REQUIRE(flash.erase(3).ok());
    REQUIRE(flash.read(3, 99, room).ok());
    CHECK(is_blank(room));
}
