// What the tables of a tenant say, read from the files of their newest versions.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "collector/journal/connection_cost.hpp"
#include "collector/lake/object_store.hpp"
#include "common/base/ids.hpp"
#include "firmware-sim/world/stream_plan.hpp"

namespace longhaul::sim {

struct LakeRow {
    std::string_view device;
    std::string_view stream;
    BlockName name;
    std::int64_t row = 0;  // in the block
    std::int64_t event_time_us = 0;
    std::optional<std::int64_t> time_error_us;
    std::int64_t sample = 0;
};

// A row of _losses.
struct LakeLoss {
    std::string device;
    std::uint32_t incarnation = 0;
    std::uint32_t epoch = 0;        // 0: an earlier spool could not be read
    std::optional<BlockSeq> first;  // none: of any class
    std::uint32_t last_epoch = 0;
    std::optional<BlockSeq> last;  // none: to the end of the epoch
    std::string reason;
};

// A row of _quarantine.
struct LakeRefusal {
    std::string device;
    BlockName name;  // seq 0: no block
    std::string reason;
};

// Of rows of _usage.
struct LakeCost {
    std::string device;
    collector::ConnectionCost cost;
};

// Compares one row's values with what the plan made; the answer is empty when they are equal, and
// says what is wrong otherwise.
using CheckValues = std::function<std::string(const SampleValues& made)>;
using TakeRow = std::function<void(const LakeRow& row, const CheckValues& check)>;

// All rows of the table of a schema. A table that is not there has none.
Result<void, Message> read_rows(collector::ObjectStore& lake, std::string_view tenant,
                                const Schema& schema, const TakeRow& take);
Result<std::vector<LakeLoss>, Message> read_losses(collector::ObjectStore& lake,
                                                   std::string_view tenant);
Result<std::vector<LakeRefusal>, Message> read_refusals(collector::ObjectStore& lake,
                                                        std::string_view tenant);
Result<std::vector<LakeCost>, Message> read_costs(collector::ObjectStore& lake,
                                                  std::string_view tenant);

}  // namespace longhaul::sim
