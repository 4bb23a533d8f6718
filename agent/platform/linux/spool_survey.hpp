// What is in a spool: counted, checked, and written to a file that a collector can read.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "agent/core/spool.hpp"

namespace longhaul::agent {

// Blocks of one class of an epoch.
struct BlockCount {
    std::uint64_t blocks = 0;
    std::uint64_t samples = 0;
    std::uint64_t bytes = 0;
    std::uint32_t first = 0;
    std::uint32_t last = 0;
};
struct EpochClass {
    Epoch epoch;
    BlockClass block_class = BlockClass::alarm;
    friend constexpr auto operator<=>(const EpochClass&, const EpochClass&) = default;
};

struct SpoolSurvey {
    struct Counts {
        BlockCount kept;     // durable ones as well
        BlockCount waiting;  // of them
    };
    std::map<EpochClass, Counts> blocks;
    std::vector<Loss> losses;           // not yet told to a collector
    std::vector<std::string> problems;  // sentences: what is damaged, or does not fit together
};

// Reads every block, epoch record and schema. Makes the durable ones wait, so it is for copies.
Result<SpoolSurvey, Message> survey(Spool& spool);

struct ExportCount {
    std::uint64_t schemas = 0;
    std::uint64_t epochs = 0;
    std::uint64_t blocks = 0;
    std::uint64_t bytes = 0;
};
using TakeBytes = std::function<Result<void, Message>(Bytes)>;
// Gives the device's half of a session (docs/spec/frames.md, Exported spools): all that is kept, or
// only what waits. The former makes the durable ones wait, so it is for copies.
Result<ExportCount, Message> export_spool(Spool& spool, bool all, const TakeBytes& take);

}  // namespace longhaul::agent
