// The audit's first half: what the journal says was sent.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "collector/journal/journal.hpp"
#include "common/block/block.hpp"
#include "common/block/schema.hpp"
#include "tools/longhaul/audit.hpp"

namespace longhaul::tools {

struct SentBlock {
    std::uint16_t samples = 0;
    std::uint64_t resent = 0;
    Sha256 content{};
    collector::Shard shard = 0;
    collector::Offset end = 0;  // of its first arrival, or of its last release
    bool released = false;      // from quarantine
    bool older = false;         // than the journal: known from the tables
};

struct SentEpoch {
    bool has_record = false;
    bool all_tables = true;  // `tables` has them all; false: a schema was cut off from the journal
    std::optional<WallUs> heard;  // the newest entry
    std::uint32_t previous_epoch = 0;
    std::set<std::string> tables;                                // that its streams write to
    std::map<std::uint32_t, SentBlock> blocks;                   // by seq
    std::array<std::uint32_t, block_class_count> last_number{};  // told by the next epoch's record
    // Of each class: what is before it and has not come will not come. The same for all epochs of
    // an incarnation.
    std::array<BlockAt, block_class_count> passed{};
};

// Where what is left of a shard begins.
struct ShardBegin {
    collector::Offset offset = 0;  // 0: nothing was cut off
    WallUs time{INT64_MAX};        // about when its first entry came
    // The latest time of what the writer's newest snapshot has: the tables have all of it.
    WallUs settled{INT64_MIN};
    bool adopted = false;  // what came before is of other journals
    bool is_cut() const { return offset != 0 || adopted; }
};

struct SentData {
    std::map<AuditedEpoch, SentEpoch> epochs;
    std::set<std::string> tenants;
    std::vector<ShardBegin> begins;  // by shard
    std::vector<std::string> problems;
};

// `settled`: up to where the writer's newest snapshot has each shard; empty: there is none.
Result<SentData, Message> read_sent(collector::Journal& journal, const AuditScope& scope,
                                    const std::vector<collector::Offset>& settled);

}  // namespace longhaul::tools
