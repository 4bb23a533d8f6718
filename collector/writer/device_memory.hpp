// What the writer knows of a device: the epochs that may still get blocks, and of all others that
// they are done. Specification: docs/spec/snapshot.md.
//
// An epoch is done when its record has come, the next one's record has told how far it came, and
// every block up to there has come. Then its number is all that is left of it. What a device lists
// as lost does not count: it may list two losses as one, with blocks between them that still wait.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "collector/journal/journal.hpp"
#include "collector/writer/seq_runs.hpp"
#include "common/block/crypto.hpp"
#include "common/block/model.hpp"
#include "common/block/schema.hpp"

namespace longhaul::collector {

// What one device may make the writer remember.
namespace state_limits {
inline constexpr std::size_t open_epochs_max = 4096;  // of a device
inline constexpr std::size_t incarnations_max = 16'384;
inline constexpr std::size_t closed_runs_max = 4096;  // of an incarnation: open epochs lie between
inline constexpr std::size_t runs_max = 1024;   // of received, and of waiting blocks of an epoch
inline constexpr std::size_t anchors_max = 64;  // of an epoch
inline constexpr std::size_t done_max = 1;  // closed epochs of which more than the number is left
}  // namespace state_limits

struct Anchor {
    std::int32_t id = 0;
    std::int64_t elapsed_us = 0;
    std::int64_t wall_us = 0;
    std::optional<std::uint64_t> error_us;
};

// Of an epoch that ended in disorder, which power_cut rows are written.
struct PowerCut {
    std::uint8_t classes = 0;  // a bit for each
    bool any_class = false;    // the row without a class
    bool by_record = false;    // of the next epoch, which lists all that stored something
};

struct StreamEntry {
    std::uint8_t index = 0;
    std::uint8_t block_class = 0;
    std::string name;
    SchemaHash schema{};
    std::optional<ModelHash> model;  // none: model 0
};

// The streams of an epoch record. Most devices of a fleet have the same, so they are shared.
struct StreamSet {
    std::uint32_t id = 0;
    std::vector<StreamEntry> entries;
    std::size_t users = 0;  // epochs
    std::uint32_t classes() const;
};

using RecordTag = std::array<std::byte, 16>;  // the first half of its SHA-256
// What `_epochs` has of it.
std::uint64_t start_of(const RecordTag& tag);

// Blocks that are in `_quarantine` and whose name stayed free, or were there until retention.
inline constexpr std::string_view refused_blocks = "_refused";
// Blocks of the last barrier of the journal before, which may not have come to its end: a table has
// rows of them, and another may lack some.
inline constexpr std::string_view torn_blocks = "_torn";

// What the tables of the lake had of an epoch when this journal adopted it, see adoption.hpp.
struct AdoptedBlocks {
    bool listed = false;                  // it has a row in _epochs …
    std::optional<std::uint64_t> record;  // … which says of which record: see start_of()
    SeqRuns again;  // known from a table alone: the next arrival is the first one here
    // By name: what it has rows of. Two are no tables: `refused_blocks` and `torn_blocks`.
    std::map<std::string, SeqRuns, std::less<>> tables;

    bool has(std::string_view table, std::uint32_t seq) const;
    const std::vector<SeqRun>& runs_of(std::string_view table) const;
    bool has_rows(std::uint32_t seq) const;  // any data table has some
};

// What has a record can open blocks. Without one it is only known by what others told of it.
struct EpochState {
    bool has_record = false;
    RecordTag record_tag{};
    BlockKey key;
    StreamSet* streams = nullptr;
    std::uint32_t resolved = 0;  // streams whose schema was there, a bit for each index
    std::int32_t anchors_made = 0;
    std::vector<Anchor> anchors;
    SeqRuns received;
    std::map<ModelHash, SeqRuns> waiting;  // in quarantine for want of this model; received, too
    PowerCut cut;
    bool ends_known = false;                                     // the next record has come
    std::array<std::uint32_t, block_class_count> last_number{};  // and told these
    std::optional<AdoptedBlocks> adopted;

    void add_anchor(const Anchor& anchor, std::size_t max = state_limits::anchors_max);
    // Adds what an adoption says of the epoch.
    void adopt(const EpochState& found);
    // A table has it, and it has not come to this journal.
    bool comes_again(std::uint32_t seq) const { return adopted && adopted->again.contains(seq); }
    // False: the record that the tables know of is another one.
    bool may_have_record(const RecordTag& tag) const;
    bool is_adopted_anchor(const Anchor& anchor) const;
    // False: there are too many runs of blocks that wait.
    bool add_waiting(const ModelHash& model, std::uint32_t seq);
    // Which model the block waits for; waiting.end(): it does not.
    std::map<ModelHash, SeqRuns>::iterator find_waiting(std::uint32_t seq);
    bool is_done() const;
    bool is_behind_end(BlockSeq seq) const;  // that the next record told
    // One whose schema is there; nullptr: no such one.
    const StreamEntry* stream(std::size_t index) const;
};

// Of an epoch that is done: enough to tell its blocks and its record from others that bear its
// number, as those of a device that was set back to an older state.
struct DoneEpoch {
    std::uint32_t number = 0;
    std::uint16_t fingerprint = 0;  // of its record
    BlockKey key;
    std::array<std::uint32_t, block_class_count> last_number{};  // as the next record told
};

struct IncarnationState {
    std::uint32_t id = 0;
    std::uint32_t given_up = 0;  // epochs up to here were too many to remember
    SeqRuns closed;              // epochs that are done
    std::map<std::uint32_t, EpochState> open;
    std::deque<DoneEpoch> done;  // those that were closed last

    EpochState* find(std::uint32_t epoch);
    bool is_closed(std::uint32_t epoch) const { return closed.contains(epoch); }
    bool is_given_up(std::uint32_t epoch) const { return epoch != 0 && epoch <= given_up; }
    void close(std::uint32_t epoch);
    // Of a closed epoch: whether this is the record that it had; none: nobody knows any more.
    std::optional<bool> is_record(std::uint32_t epoch, const RecordTag& tag) const;
    // Whether the block, which has not come yet, is behind the end that the next record told.
    bool is_behind_end(std::uint32_t epoch, BlockSeq seq) const;
    // What the epoch's blocks are sealed with; nullptr: not known, or not any more.
    const BlockKey* key_of(std::uint32_t epoch) const;

 private:
    void trim();  // to as many runs as may be
};

class DeviceMemory {
 public:
    IncarnationState* find(std::uint32_t incarnation);
    // nullptr: there are too many.
    IncarnationState* find_or_add(std::uint32_t incarnation);
    // Makes room for two epochs more, if need be by giving up the oldest ones. Whoever holds epochs
    // looks for them again.
    void make_room();
    std::size_t open_epochs() const;
    bool waits_for(const ModelHash& model) const;
    // What waits in quarantine stays there.
    void stop_waiting();

    // Closes the epoch if it is done.
    static void settle(IncarnationState& incarnation, std::uint32_t epoch);

    Shard shard = 0;
    std::vector<IncarnationState> incarnations;  // in the order in which they came
};

}  // namespace longhaul::collector
