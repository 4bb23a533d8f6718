// An SQLite spool on a simulated disk, as tests/port/spool_history.hpp wants it.
#pragma once

#include <memory>
#include <string>

#include "agent/platform/linux/sqlite_spool.hpp"
#include "firmware-sim/sim_vfs.hpp"
#include "tests/port/spool_history.hpp"
#include "tests/unit/agent/fixtures.hpp"

namespace longhaul::test {

class SimSpoolFiles final : public agent::SpoolFiles {
 public:
    explicit SimSpoolFiles(sim::SimVfs& vfs) : vfs_{&vfs} {}
    const char* vfs() const override { return vfs_->name(); }
    bool exists(const std::string& path) override { return vfs_->exists(path); }
    Status rename(const std::string& from, const std::string& to) override {
        return vfs_->rename(from, to);
    }
    Status remove(const std::string& path) override {
        if (path.ends_with(".reserve")) vfs_->set_reserved(0);
        return path.ends_with(".reserve") ? Status{} : vfs_->remove(path);
    }
    // Nothing depends on the reserve but a full disk, so it is no step at which power is cut.
    Status allocate(const std::string&, std::uint64_t bytes) override {
        return vfs_->set_reserved(bytes) ? Status{} : Status{ErrorCode::full};
    }
    Status make_private(const std::string&) override { return {}; }
    Status write(const std::string& path, Bytes bytes) override { return vfs_->write(path, bytes); }
    Result<Bytes> read(const std::string& path, std::uint64_t offset, MutableBytes room) override {
        return vfs_->read(path, offset, room);
    }

 private:
    sim::SimVfs* vfs_;
};

// Where power is cut: steps from the first open, then from when the power came back. 0: never.
struct PowerCuts {
    std::uint64_t first = 0;
    std::uint64_t second = 0;
    std::uint32_t seed = 1;
};

struct SqliteSimHarness {
    static constexpr std::uint64_t small_bytes = 20'000;
    // A block of 900 bytes is refused where even those that may go, of 0 bytes, leave no room for
    // it: nothing goes for nothing.
    static constexpr std::size_t undroppable_max = 8;
    static constexpr const char* path = "spool.db";

    explicit SqliteSimHarness(const PowerCuts& cuts_in = {}) : cuts{cuts_in} {}

    agent::Spool& open(const agent::SpoolPolicy& wanted) {
        policy = wanted;
        agent::Spool* const opened = restart();
        REQUIRE(opened != nullptr);
        steps_at_open = vfs.steps_taken();
        if (cuts.first != 0) vfs.cut_after(cuts.first);
        return *opened;
    }
    agent::Spool* restart() {
        spool.reset();
        was_cut = vfs.power_lost();
        for (bool cut = was_cut;; cut = true) {
            if (vfs.power_lost()) vfs.power_on(cuts.seed++);
            if (cut && cuts.second != 0) vfs.cut_after(std::exchange(cuts.second, 0));
            auto opened = agent::SqliteSpool::open(path, policy, entropy, files);
            if (opened.ok()) {
                spool = std::move(opened).value();
                return spool.get();
            }
            was_cut = true;
            if (!vfs.power_lost()) {
                UNSCOPED_INFO(opened.error().text);
                return nullptr;
            }
        }
    }
    bool power_lost() const { return vfs.power_lost(); }
    bool cut_in_restart() const { return was_cut; }
    std::uint64_t steps() const { return vfs.steps_taken() - steps_at_open; }

    PowerCuts cuts;
    sim::SimVfs vfs{"longhaul-sim"};
    SimSpoolFiles files{vfs};
    SeededEntropy entropy;
    agent::SpoolPolicy policy;
    std::unique_ptr<agent::SqliteSpool> spool;  // ends before its disk
    std::uint64_t steps_at_open = 0;
    bool was_cut = false;
};

// How much is asked for: LH_SPOOL_CUTS=all, or a number; `usual` without it.
inline std::uint64_t spool_cuts_wanted(std::uint64_t usual) {
    const char* wanted = std::getenv("LH_SPOOL_CUTS");
    if (wanted == nullptr) return usual;
    return std::string{wanted} == "all" ? UINT64_MAX : std::strtoull(wanted, nullptr, 10);
}

}  // namespace longhaul::test
