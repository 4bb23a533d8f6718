#include "firmware-sim/fleet/fleet_rows.hpp"

#include <chrono>
#include <map>
#include <thread>

#include "collector/disk/posix_disk.hpp"
#include "collector/lake/delta_log.hpp"
#include "collector/lake/local_store.hpp"
#include "common/host/files.hpp"
#include "firmware-sim/world/lake_view.hpp"

namespace longhaul::sim {
namespace {

constexpr std::size_t violations_kept = 20;
constexpr std::int64_t second_ms = 1000;
constexpr std::chrono::milliseconds look_again{500};

class Comparison {
 public:
    Comparison(const StreamPlan& plan, const FleetDevices& devices) : plan_{plan} {
        for (const auto& device : devices) {
            const auto produced = static_cast<std::size_t>(device->source().given());
            views_.emplace(device->name(), View{*device, std::vector<bool>(produced)});
        }
    }

    Result<FleetRows, Message> read(collector::ObjectStore& lake, const std::string& tenant) {
        LH_TRY(
            read_rows(lake, tenant, plan_.schema(),
                      [this](const LakeRow& row, const CheckValues& check) { take(row, check); }));
        LH_TRY_ASSIGN(const auto refusals, read_refusals(lake, tenant));
        for (const LakeRefusal& refusal : refusals) {
            if (find(refusal.device, refusal.name) == nullptr) continue;
            ++found_.quarantined;
            violate(refusal.device + ": a block is in quarantine: " + refusal.reason);
        }
        for (const auto& [name, view] : views_) count_missing(name, view);
        return std::move(found_);
    }

 private:
    struct View {
        const FleetDevice& device;
        std::vector<bool> found;  // by sample
    };

    View* find(std::string_view device, const BlockName& name) {
        const auto at = views_.find(device);
        const bool ours = at != views_.end() && at->second.device.incarnation() == name.incarnation;
        return ours ? &at->second : nullptr;
    }

    void take(const LakeRow& row, const CheckValues& check) {
        View* const view = find(row.device, row.name);
        if (view == nullptr) return;
        ++found_.rows;
        const std::string of = std::string{row.device} + ": sample " + std::to_string(row.sample);
        const auto sample = static_cast<std::size_t>(row.sample);
        if (row.sample < 0 || sample >= view->found.size()) {
            ++found_.wrong;
            return violate(of + " was never measured");
        }
        if (view->found[sample]) {
            ++found_.twice;
            return violate(of + " is there twice");
        }
        view->found[sample] = true;
        plan_.make(view->device.number(), row.sample, made_);
        std::string differs = check(made_);
        if (row.event_time_us != view->device.source().time_of(row.sample).value)
            differs = "its time is another one";
        if (differs.empty()) return;
        ++found_.wrong;
        violate(of + ": " + differs);
    }

    void count_missing(const std::string& name, const View& view) {
        std::int64_t missing = 0;
        for (const bool found : view.found) missing += found ? 0 : 1;
        if (missing == 0) return;
        found_.missing += missing;
        violate(name + ": " + std::to_string(missing) + " of " + std::to_string(view.found.size()) +
                " samples are in no row");
    }

    void violate(const std::string& text) {
        if (found_.violations.size() < violations_kept) found_.violations.push_back(text);
    }

    const StreamPlan& plan_;
    std::map<std::string, View, std::less<>> views_;
    FleetRows found_;
    SampleValues made_;
};

}  // namespace

Result<FleetRows, Message> compare_rows(const std::string& lake, const std::string& tenant,
                                        const StreamPlan& plan, const FleetDevices& devices,
                                        std::int64_t lake_s) {
    LH_TRY_ASSIGN(const bool there, is_there(lake));
    if (!there) return Message{lake + ": there is no lake; the collector makes it when it starts"};
    auto disk = collector::PosixDisk::open_root(lake);
    if (!disk.ok()) return Message{lake + ": " + to_string(disk.error())};
    collector::LocalStore store{*disk.value()};
    const std::string folder = tenant + "/" + std::string{plan.schema().name};
    const MonotonicMs end = agent::monotonic_now() + lake_s * second_ms;
    std::int64_t seen = -2;
    for (;;) {
        const bool last = agent::monotonic_now() >= end;
        collector::DeltaTable table{store, folder, collector::DeltaTable::Keep::no_files};
        if (const Status read = table.refresh(); !read.ok())
            return Message{lake + "/" + folder + ": " + to_string(read.error())};
        if (table.state().version != seen || last) {
            seen = table.state().version;
            LH_TRY_ASSIGN(FleetRows rows, Comparison(plan, devices).read(store, tenant));
            if (rows.missing == 0 || last) return rows;
        }
        std::this_thread::sleep_for(look_again);
    }
}

}  // namespace longhaul::sim
