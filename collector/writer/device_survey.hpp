// What the writer knows of all devices of a tenant at one moment, for the state tables.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "collector/writer/device_facts.hpp"
#include "collector/writer/device_memory.hpp"

namespace longhaul::collector {

struct SurveyedDevice {
    std::string name;
    std::string firmware;
    DeviceFacts facts;
    std::uint64_t gaps = 0;
    std::uint64_t awaited = 0;  // blocks in them
};

// Blocks of a class of an epoch that have not come, although later ones have, or the record of the
// next epoch tells of them.
struct SurveyedGap {
    std::size_t device = 0;  // its place among the devices
    std::uint32_t incarnation = 0;
    std::uint32_t epoch = 0;
    BlockClass block_class = BlockClass::alarm;
    std::uint32_t first = 0;  // number within the class
    std::uint32_t last = 0;
};

struct TenantSurvey {
    // Of one device; the others of it are counted only.
    static constexpr std::size_t gaps_max = 4096;

    std::string tenant;
    std::vector<SurveyedDevice> devices;
    std::vector<SurveyedGap> gaps;

    void add(const std::string& name, const DeviceFacts& facts, std::string firmware,
             const DeviceMemory& memory);

 private:
    void add_epoch(std::uint32_t incarnation, std::uint32_t number, const EpochState& epoch);
    void add_gap(SurveyedGap gap);
};

}  // namespace longhaul::collector
