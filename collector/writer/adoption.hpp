// What an adoption puts into a journal: what the tables of the lake have from the journals before
// it. Specification: docs/spec/journal.md, "Adoption".
//
//   u8 item, then
//   1 table   counted name, varint count: counted appId, zigzag varint version; the entry names no
//             device
//   2 epoch   u32 incarnation, varint epoch, u8 flags, u8 classes, zigzag varint first and last
//             heard, anchors, tables: see decode_epoch()
//   3 end     varint number of the entries of items 1 and 2 of this shard
//   4 close   nothing
#pragma once

#include <functional>
#include <map>
#include <string>
#include <variant>

#include "collector/writer/byte_sink.hpp"
#include "collector/writer/device_memory.hpp"

namespace longhaul::collector {

// Which commits of other journals a table had: by appId, "<uuid>/<shard>".
using AdoptedTxns = std::map<std::string, std::int64_t, std::less<>>;

struct AdoptedTable {
    std::string name;
    AdoptedTxns txns;
};

// An epoch of the device that the entry names. Several entries of one epoch add up.
struct AdoptedEpoch {
    std::uint32_t incarnation = 0;
    std::uint32_t number = 0;
    WallUs first_heard;  // as far as _epochs tells; 0: it does not
    WallUs last_heard;
    EpochState state;  // anchors, power cuts, and what the tables have
};

// What follows in this shard has come to this journal.
struct AdoptionEnd {
    std::uint64_t entries = 0;  // of tables and epochs before it, so that none is missing
};

// A person says that the devices have sent again what they have: what is missing of adopted epochs
// in this shard will not come.
struct AdoptionClose {};

using Adoption = std::variant<AdoptedTable, AdoptedEpoch, AdoptionEnd, AdoptionClose>;

// Calls `take` with the body of each entry that says it.
using TakeBody = std::function<Status(Bytes body)>;
Status encode_adoption(const AdoptedTable& table, const TakeBody& take);
Status encode_adoption(const AdoptedEpoch& epoch, const TakeBody& take);
Status encode_adoption(const AdoptionEnd& end, const TakeBody& take);
Status encode_adoption(const AdoptionClose& close, const TakeBody& take);
// malformed: nothing that those write.
Result<Adoption> decode_adoption(Bytes body);

}  // namespace longhaul::collector
