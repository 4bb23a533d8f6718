#include "collector/writer/device_survey.hpp"

namespace longhaul::collector {

void TenantSurvey::add(const std::string& name, const DeviceFacts& facts, std::string firmware,
                       const DeviceMemory& memory) {
    devices.push_back({name, std::move(firmware), facts});
    for (const IncarnationState& incarnation : memory.incarnations) {
        for (const auto& [number, epoch] : incarnation.open)
            add_epoch(incarnation.id, number, epoch);
    }
}

void TenantSurvey::add_epoch(std::uint32_t incarnation, std::uint32_t number,
                             const EpochState& epoch) {
    SurveyedGap gap{devices.size() - 1, incarnation, number, BlockClass::alarm, 0, 0};
    auto run = epoch.received.runs().begin();
    const auto end = epoch.received.runs().end();
    for (std::uint32_t i = 0; i < block_class_count; ++i) {
        gap.block_class = static_cast<BlockClass>(i);
        gap.first = 1;
        // No good device has a block 0, so no run spans classes.
        for (; run != end && BlockSeq{run->first}.block_class() == gap.block_class; ++run) {
            const std::uint32_t begin = BlockSeq{run->first}.number();
            gap.last = begin == 0 ? 0 : begin - 1;
            add_gap(gap);
            gap.first = BlockSeq{run->last}.number() + 1;
        }
        gap.last = epoch.ends_known ? epoch.last_number[i] : 0;
        add_gap(gap);
    }
}

void TenantSurvey::add_gap(SurveyedGap gap) {
    if (gap.last < gap.first) return;
    SurveyedDevice& device = devices[gap.device];
    ++device.gaps;
    device.awaited += std::uint64_t{gap.last} - gap.first + 1;
    if (device.gaps <= gaps_max) gaps.push_back(gap);
}

}  // namespace longhaul::collector
