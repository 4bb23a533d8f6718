// A flash in memory that enforces the rules of flash, counts what is done to it, and fails as flash
// does: power is cut in the middle of a program or an erase, sectors go bad.
//
// It can be copied, so a test takes a picture of it at any step and goes on from there in several
// ways. Breaking a rule is an LH_CHECK.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <random>
#include <vector>

#include "agent/port/flash.hpp"

namespace longhaul::sim {

struct FlashTotals {
    std::uint64_t reads = 0;
    std::uint64_t bytes_read = 0;
    std::uint64_t programs = 0;
    std::uint64_t bytes_programmed = 0;
    std::uint64_t erases = 0;
    // As serial NOR flash of 16 MiB at 50 MHz takes it, typical figures of its data sheets
    // (W25Q128JV and its like).
    std::uint64_t time_ns = 0;
};

class SimFlash final : public agent::Flash {
 public:
    // What is done of a program or an erase when power is cut in it.
    enum class Torn : std::uint8_t {
        nothing,
        bytes,  // the first ones
        bits,   // some, anywhere
        all,    // but nobody was told
    };
    static constexpr std::array torn_modes{Torn::nothing, Torn::bytes, Torn::bits, Torn::all};

    enum class Fault : std::uint8_t {
        none,
        error,        // programs and erases are refused
        ignored,      // they do nothing, and are said to have been done
        flips,        // one read in 256 gives a wrong bit, another time the right one
        stuck_erase,  // erases do nothing, and are refused
        stuck,        // a program leaves a bit that it should clear, now and then
    };

    struct Step {
        bool erase = false;
        std::uint32_t sector = 0;
        std::uint32_t offset = 0;
        std::vector<std::byte> bytes;
    };

    explicit SimFlash(const agent::FlashGeometry& geometry, std::uint32_t seed = 1);

    agent::FlashGeometry geometry() const override { return geometry_; }
    Status read(std::uint32_t sector, std::uint32_t offset, MutableBytes room) override;
    Status program(std::uint32_t sector, std::uint32_t offset, Bytes bytes) override;
    Status erase(std::uint32_t sector) override;
    Status sync() override;

    // The n-th program or erase from now on is torn, and everything fails until power_on().
    void cut_power_after(std::uint64_t steps, Torn torn);
    bool power_lost() const { return power_lost_; }
    void power_on();
    // Called before each program and erase, as long as there is power.
    std::function<void(const Step&)> on_step;
    // A copy in which power is cut in `step`.
    SimFlash cut_in(const Step& step, Torn torn, std::uint32_t seed) const;

    // From now on a cut loses some of the steps since the last sync, whatever came later.
    void lose_unsynced();
    void set_fault(std::uint32_t sector, Fault fault) { faults_[sector] = fault; }

    const FlashTotals& totals() const { return totals_; }
    // Programs, erases and reads that a fault changed; steps that a cut took because nothing had
    // synced them. Since it was made.
    std::uint64_t faults_met() const { return faults_met_; }
    std::uint64_t steps_lost() const { return steps_lost_; }
    void count_from_here() { totals_ = {}; }
    std::uint32_t erases_of(std::uint32_t sector) const { return erases_[sector]; }
    std::vector<std::byte>& image();  // all of it
    // It is not used again, and its memory is given back.
    void put_away();

 private:
    struct Cells {
        std::vector<std::byte> bytes;  // up to the last sector that was used; blank behind that
        std::vector<bool> programmed;  // larger units that were since the last erase
    };
    std::size_t at(std::uint32_t sector, std::uint32_t offset) const {
        return std::size_t{sector} * geometry_.sector_bytes + offset;
    }
    std::size_t size_bytes() const {
        return std::size_t{geometry_.sectors} * geometry_.sector_bytes;
    }
    void grow(Cells& cells, std::size_t bytes) const;
    Status take(Step step);
    void apply(const Step& step, Torn torn, Cells& cells);
    void apply_program(const Step& step, Torn torn, Cells& cells);
    void apply_erase(const Step& step, Torn torn, Cells& cells);
    void check_rules(const Step& step) const;
    void cut(const Step& step, Torn torn);

    agent::FlashGeometry geometry_;
    Cells cells_;
    std::vector<std::uint32_t> erases_;
    std::vector<Fault> faults_;
    FlashTotals totals_;
    std::uint64_t faults_met_ = 0;
    std::uint64_t steps_lost_ = 0;
    std::mt19937 random_;
    std::uint64_t steps_left_ = UINT64_MAX;
    Torn torn_ = Torn::nothing;
    bool power_lost_ = false;
    bool loses_unsynced_ = false;
    Cells synced_;  // when it loses what is not
    std::vector<Step> unsynced_;
};

}  // namespace longhaul::sim
