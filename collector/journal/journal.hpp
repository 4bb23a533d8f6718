// The journal: everything that decides a row, in the order in which it became durable.
// Specification: docs/spec/journal.md.
//
// An environment has one journal of a fixed number of shards; all entries of a device go to one
// shard. An offset is the position of an entry in its shard and only grows.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/bytes.hpp"
#include "common/base/ids.hpp"
#include "common/base/result.hpp"
#include "common/base/time.hpp"

namespace longhaul::collector {

enum class JournalKind : std::uint8_t {
    epoch = 1,       // body: signed epoch
    schema = 2,      // body: canonical schema encoding
    block = 3,       // body: sealed block
    model = 4,       // body: encoded model
    release = 5,     // body: sealed block that is in quarantine
    adoption = 6,    // body: what the tables have from other journals, see adoption.hpp
    connection = 7,  // body: what a session has cost, see connection_cost.hpp
};

// Such an entry names no device.
constexpr bool is_of_tenant(JournalKind kind) {
    return kind == JournalKind::schema || kind == JournalKind::model;
}

struct JournalEntry {
    WallUs receive_time;
    JournalKind kind = JournalKind::block;
    std::string_view tenant;
    std::string_view device;  // empty for what belongs to the tenant
    Bytes body;
};

using Shard = std::uint32_t;
using Offset = std::uint64_t;

struct ReadEntry {
    JournalEntry entry;  // points into the reader's buffer, until its next call
    Offset offset = 0;
    Offset end = 0;              // where the next entry begins
    std::uint32_t checksum = 0;  // as the journal has it: of the content and its place
};

// Reads one shard in order, only below the durable end.
class JournalReader {
 public:
    virtual ~JournalReader() = default;
    // not_found: nothing durable is left for now. corrupt: the entry at offset() is damaged; the
    // next call goes on behind it.
    virtual Result<ReadEntry> next() = 0;
    virtual Offset offset() const = 0;
};

class Journal {
 public:
    virtual ~Journal() = default;
    virtual const JournalId& id() const = 0;
    virtual Shard shards() const = 0;
    Shard shard_of(std::string_view tenant, std::string_view device) const;

    // Copies the entry into the open group and returns where it will end; it is durable as soon as
    // durable_end(shard) reaches that. Any thread, also while step() or flush() write. Error
    // closed: the journal is poisoned by a failed sync.
    virtual Result<Offset> append(Shard shard, const JournalEntry& entry, MonotonicMs now) = 0;
    virtual MonotonicMs due() const = 0;  // when the open group is; never: it is empty. Any thread.
    // Writes and syncs the open group when it is due. From one thread, as flush().
    virtual Status step(MonotonicMs now) = 0;
    // Makes everything appended so far durable, due or not.
    virtual Status flush() = 0;
    virtual Offset durable_end(Shard shard) const = 0;  // safe to call from any thread
    // Where the first entry lies that is still there. What is before it has been cut off.
    virtual Result<Offset> begin(Shard shard) const = 0;  // any thread
    // Cuts off what lies below `offset`, as far as the files allow; never anything at or behind it.
    // From any thread, one at a time.
    virtual Status cut(Shard shard, Offset below) = 0;
    virtual Result<std::unique_ptr<JournalReader>> read(Shard shard, Offset from) = 0;
};

}  // namespace longhaul::collector
