// The checks that run on a board, over every flash that there is on a host, and over some that do
// not keep what they promise: those have to be found.
#include <catch2/catch_test_macros.hpp>
#include <memory>
#include <string>
#include <vector>

#include "agent/platform/cortexm/mapped_flash.hpp"
#include "agent/platform/linux/file_flash.hpp"
#include "agent/platform/template/ports.hpp"
#include "firmware-sim/sim_flash.hpp"
#include "tests/port/board/contract.hpp"
#include "tests/port/board/restart_mark.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/unit/agent/fixtures.hpp"

using namespace longhaul;
using namespace longhaul::agent;
using port::Contract;

namespace {

std::string said;
Contract new_contract() {
    said.clear();
    return Contract{[](std::string_view text) { said += text; }};
}

void check(Flash& flash, unsigned failures = 0) {
    Contract contract = new_contract();
    port::check_flash(flash, 1, contract);
    port::check_flash_kept(flash, 1, contract);
    INFO(said);
    if (failures == 0) CHECK(contract.failed() == 0);
    if (failures != 0) CHECK(contract.failed() >= failures);
    CHECK(contract.held() + contract.failed() == 9);
}

// Breaks one promise.
class SpoiledFlash final : public Flash {
 public:
    enum class How : std::uint8_t {
        wraps_at_page,
        erases_two,
        keeps_a_byte,
        forgets,
        shifts_reads
    };
    SpoiledFlash(Flash& sound, How how) : sound_{sound}, how_{how} {}

    FlashGeometry geometry() const override { return sound_.geometry(); }
    Status read(std::uint32_t sector, std::uint32_t offset, MutableBytes room) override {
        const bool shifts = how_ == How::shifts_reads && offset % 4 != 0;
        return sound_.read(sector, shifts ? offset - 1 : offset, room);
    }
    Status program(std::uint32_t sector, std::uint32_t offset, Bytes bytes) override {
        const std::size_t to_page_end = 256 - offset % 256;
        if (how_ == How::forgets && bytes.size() == 256) return {};
        if (how_ != How::wraps_at_page || bytes.size() <= to_page_end)
            return sound_.program(sector, offset, bytes);
        LH_TRY(sound_.program(sector, offset, bytes.first(to_page_end)));
        return sound_.program(sector, offset / 256 * 256, bytes.subspan(to_page_end).first(1));
    }
    Status erase(std::uint32_t sector) override {
        if (how_ == How::erases_two) LH_TRY(sound_.erase(sector + 1));
        LH_TRY(sound_.erase(sector));
        const std::array left{std::byte{0x7f}};
        return how_ == How::keeps_a_byte ? sound_.program(sector, 4095, left) : Status{};
    }
    Status sync() override { return sound_.sync(); }

 private:
    Flash& sound_;
    How how_;
};

}  // namespace

TEST_CASE("contract: every flash of a host keeps what a flash promises") {
    for (const FlashGeometry& geometry :
         {FlashGeometry{4096, 4, 1}, FlashGeometry{4096, 3, 256}, FlashGeometry{65'536, 4, 8}}) {
        CAPTURE(geometry.sector_bytes, geometry.program_bytes);
        sim::SimFlash flash{geometry};
        check(flash);
    }
    test::TemporaryFolder folder;
    auto file = FileFlash::open(folder / "flash.img", {4096, 16, 1}, FileFlash::Syncs::no);
    REQUIRE(file.ok());
    check(file.value());
    std::vector<std::byte> memory(std::size_t{16} << 20);
    MappedFlash mapped{memory.data()};
    check(mapped);
    const auto from_template = std::make_unique<from_template::TemplateFlash>();
    check(*from_template);
}

TEST_CASE("contract: a flash that breaks a promise is found") {
    using How = SpoiledFlash::How;
    for (const How how : {How::wraps_at_page, How::erases_two, How::keeps_a_byte, How::forgets,
                          How::shifts_reads}) {
        CAPTURE(static_cast<int>(how));
        std::vector<std::byte> memory(std::size_t{16} << 20);
        MappedFlash sound{memory.data()};
        SpoiledFlash spoiled{sound, how};
        check(spoiled, 1);
    }
    sim::SimFlash small{{4096, 2, 1}};  // no two sectors from 1 on
    Contract contract = new_contract();
    port::check_flash(small, 1, contract);
    CHECK(contract.failed() == 1);
}

TEST_CASE("contract: random bytes are told from those that are not") {
    class Same final : public Entropy {
     public:
        Status fill(MutableBytes room) override {
            std::fill(room.begin(), room.end(), std::byte{0x55});
            return {};
        }
    };
    class Biased final : public Entropy {
     public:
        Status fill(MutableBytes room) override {
            for (std::byte& each : room) each = static_cast<std::byte>(++drawn_ % 16);
            return {};
        }

     private:
        unsigned drawn_ = 0;
    };
    test::SeededEntropy sound;
    Same same;
    Biased biased;
    const auto failures = [](Entropy& entropy) {
        Contract contract = new_contract();
        port::check_entropy(entropy, contract);
        return contract.failed();
    };
    CHECK(failures(sound) == 0);
    CHECK(failures(same) == 1);
    CHECK(failures(biased) == 1);
}

TEST_CASE("contract: wherever power fails, a mark is the old one, the new one or none") {
    for (const sim::SimFlash::Torn torn : sim::SimFlash::torn_modes) {
        for (unsigned cut = 1; cut <= 3; ++cut) {  // in the erase, in the program, after them
            CAPTURE(static_cast<int>(torn), cut);
            sim::SimFlash flash{{4096, 2, 8}};
            CHECK(port::read_mark(flash, 1).phase == 0);
            REQUIRE(port::write_mark(flash, 1, {2, 1, {20, 3, 1}}));
            flash.cut_power_after(cut, torn);
            CHECK(port::write_mark(flash, 1, {3, 2, {21, 3, 1}}) == (cut == 3));
            flash.power_on();
            const port::RestartMark mark = port::read_mark(flash, 1);
            CHECK(mark.phase <= 3);
            CHECK(mark.times == (mark.phase == 0 ? 0 : mark.phase - 1));
            CHECK(mark.counts.held == (mark.phase == 0 ? 0 : 18 + mark.phase));
            if (cut == 3) CHECK(mark.phase == 3);
            REQUIRE(port::remove_mark(flash, 1));
            CHECK(port::read_mark(flash, 1).times == 0);
        }
    }
}
