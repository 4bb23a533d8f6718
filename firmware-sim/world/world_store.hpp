// The lake's store as a network shows it: over the simulated disk's folder, but answers get lost,
// and other programs commit in between.
//
// A call that is not answered in time ends with an error. It was never carried out, or it was, or
// it still will be, while the next calls are under way: whoever called cannot know.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>

#include "collector/lake/local_store.hpp"
#include "firmware-sim/world/event_log.hpp"
#include "firmware-sim/world/random.hpp"
#include "firmware-sim/world/scheduler.hpp"

namespace longhaul::sim {

struct StoreFaults {
    std::uint64_t unanswered_permille = 0;  // of calls that change something
    std::uint64_t taken_permille = 0;       // of commits: another program's comes just before
};

struct StoreCounts {
    std::uint64_t unanswered = 0;
    std::uint64_t late = 0;    // of them, carried out after the answer was given up
    std::uint64_t denied = 0;  // own puts that the store said somebody else had been first with
    std::uint64_t taken = 0;
};

class WorldStore final : public collector::ObjectStore {
 public:
    WorldStore(collector::Disk& disk, const StoreFaults& faults, std::uint64_t seed,
               const Scheduler& scheduler, EventLog& log)
        : disk_{disk}, faults_{faults}, random_{seed, "store"}, scheduler_{scheduler}, log_{log} {}

    // A process begins to use it, and ends: what is under way then arrives, or never does.
    Status begin_process();
    void end_process();
    // From now on every call is answered.
    void heal() { faults_ = {}; }
    const StoreCounts& counts() const { return counts_; }

    Status put_if_absent(std::string_view path, Bytes bytes) override;
    Result<std::unique_ptr<collector::ObjectWriter>> begin() override;
    Result<std::vector<std::byte>> read(std::string_view path) override;
    Result<std::vector<std::string>> list(std::string_view folder) override;
    Result<std::vector<collector::StoredObject>> entries(std::string_view folder) override;
    Status remove(std::string_view path) override;
    Status make_durable(std::string_view folder) override;
    Status replace(std::string_view path, Bytes bytes) override;

 private:
    class Upload;
    using Call = std::function<Status()>;
    struct Late {
        std::uint64_t calls_left;
        Call call;
    };

    Status answer(const Call& call);
    void pass_time();
    void take_name(std::string_view path);
    Status unanswered();

    collector::Disk& disk_;
    StoreFaults faults_;
    Random random_;
    const Scheduler& scheduler_;
    EventLog& log_;
    std::optional<collector::LocalStore> sound_;  // of the process that runs
    std::deque<Late> late_;
    StoreCounts counts_;
};

}  // namespace longhaul::sim
