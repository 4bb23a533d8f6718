// The oracle: compares what devices measured and what they were promised with what the tables say.
// docs/simulator.md lists what it holds everybody to.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "firmware-sim/world/device.hpp"
#include "firmware-sim/world/lake_view.hpp"
#include "firmware-sim/world/world_collector.hpp"
#include "tools/longhaul/audit.hpp"

namespace longhaul::sim {

struct Verdict {
    std::uint64_t samples = 0;  // measured, of devices that keep to the rules
    std::uint64_t rows = 0;     // of them
    std::uint64_t acked_blocks = 0;
    std::uint64_t resent_rows = 0;   // rows that stand there twice; each one is a violation
    std::uint64_t lost = 0;          // stored or dropped, and listed with a reason
    std::uint64_t cut = 0;           // in memory when the power failed, and told so
    std::uint64_t unbounded = 0;     // rows whose time has no bound of its error
    std::uint64_t refused = 0;       // larger than any block
    std::uint64_t quarantined = 0;   // rows of _quarantine
    std::uint64_t connected_ms = 0;  // as _usage tells, of hours that are over
    std::uint64_t doubted = 0;       // others of it: what had come long before, and came again
    std::map<std::string, std::uint64_t> reasons;  // of those that are lost
    std::vector<std::string> violations;           // the first ones, as sentences
    std::uint64_t violation_count = 0;
};

class Oracle {
 public:
    Oracle(const std::vector<std::unique_ptr<Device>>& devices, WorldCollector& collector)
        : devices_{devices}, collector_{collector} {}

    // `complete`: everything has drained, so nothing may be on its way any more.
    Verdict judge(bool complete);
    // In the midst of a run: what is in the tables is right, in order and there once, and what
    // `longhaul audit` says of a collector that runs.
    Verdict judge_midway();

 private:
    static constexpr std::size_t violations_kept = 20;

    struct EpochName {
        Incarnation incarnation;
        Epoch epoch;  // 0: not known
        friend bool operator==(const EpochName&, const EpochName&) = default;
    };
    using EpochKey = std::tuple<std::uint32_t, Incarnation, Epoch>;  // device's number
    // In which epochs a boot can have been: in this one, or behind the one and before the other.
    struct EpochRange {
        EpochName exact;
        EpochName after;
        EpochName before;
    };
    struct StreamView {
        const WorldSource* source = nullptr;
        std::vector<BlockSeq> found;  // by sample; 0: nowhere
    };
    struct DeviceView {
        std::map<std::string, StreamView, std::less<>> streams;
        std::map<std::uint32_t, EpochName> epoch_of_boot;  // as far as a row says it
        std::vector<const LakeLoss*> losses;
    };
    // A run of samples of one boot that are in no table.
    struct Gap {
        std::int64_t first = 0;
        std::int64_t end = 0;  // behind the last
        std::uint32_t boot = 0;
        BlockSeq after;                  // of the row before, in the same boot; number 0: none
        std::optional<BlockSeq> before;  // of the row behind
    };

    void begin();
    void read_tables();
    void list_loss(LakeLoss loss);
    void take_refusal(const LakeRefusal& refusal);
    void list_fork(const LakeRefusal& refusal);
    void check_clones();
    void check_usage();
    bool is_double(std::size_t device) const {
        return collector_.is_double(static_cast<std::uint32_t>(device));
    }
    // Which of the devices of this name has measured the sample. The first, when there is one.
    std::size_t who_measured(std::size_t first, std::int64_t sample) const {
        return first + (is_double(first) && sample >= Device::first_of_copy ? 1 : 0);
    }
    bool came_before(const LakeRefusal& refusal, std::uint32_t device) const;
    void take_row(const LakeRow& row, const CheckValues& check);
    void check_time(const Device& device, const LakeRow& row, const Given& given);
    void check_acked();
    void check_holes();
    void check_audit();
    void check_audit(const tools::AuditScope& scope, const std::vector<std::string>& names);
    void check_audited(const tools::AuditReport& report);
    void check_streams();
    void check_stream(const Device& device, DeviceView& view, StreamView& stream);
    void check_gap(const Device& device, const DeviceView& view, const StreamView& stream,
                   const Gap& gap);
    const LakeLoss* explanation(const DeviceView& view, BlockClass block_class, const Gap& gap,
                                bool cuts_count) const;
    static EpochRange range_of(const DeviceView& view, std::uint32_t boot);
    static std::string epochs_text(const EpochRange& range);
    static bool can_be_of(const LakeLoss& loss, const EpochRange& range);
    static bool explains(const LakeLoss& loss, BlockClass block_class, const Gap& gap,
                         const EpochRange& range);
    void violate(const std::string& text);

    const std::vector<std::unique_ptr<Device>>& devices_;
    WorldCollector& collector_;
    Verdict verdict_;
    bool complete_ = true;
    std::map<std::string, std::size_t, std::less<>> numbers_;  // of first devices, by name
    std::vector<DeviceView> views_;
    std::deque<LakeLoss> losses_;
    std::map<AckedBlock, std::uint64_t> rows_of_block_;
    std::set<AckedBlock> quarantined_;
    SampleValues made_;
};

}  // namespace longhaul::sim
