// The writer: from the journal to the tables. Specification: docs/spec/writer.md.
//
// A deterministic state machine: what it knows and writes follows from the journal alone, so after
// a crash it reads the journal again and each table leaves out what it has. Nothing here knows
// threads or waits.
#pragma once

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "collector/writer/decoded_block.hpp"
#include "collector/writer/key_ring.hpp"
#include "collector/writer/table_buffer.hpp"
#include "common/block/model.hpp"
#include "common/block/stored_schema.hpp"

namespace longhaul::collector {

struct WriterSettings {
    std::int64_t commit_interval_ms = 15'000;
    std::size_t rows_max = 1'000'000;  // buffered over all tables, then a barrier is due
    std::size_t bytes_max = 64 << 20;
    std::size_t entries_per_step = 64;
};

struct WriterCounters {
    std::uint64_t entries = 0;
    std::uint64_t blocks = 0;      // first arrivals that became rows
    std::uint64_t duplicates = 0;  // blocks that had arrived before
    std::uint64_t quarantined = 0;
    std::uint64_t released = 0;  // blocks that became rows after they had waited in quarantine
    std::uint64_t rows = 0;
    std::uint64_t damaged = 0;  // journal entries that could not be read
    std::uint64_t files = 0;
    std::uint64_t commits = 0;
};

// How far the writer has come, for those who watch it.
struct WriterProgress {
    WriterCounters counters;
    std::uint64_t bytes_done = 0;       // of all shards: what lies below is in the tables
    std::optional<WallUs> oldest;       // about when the oldest entry came that is not in them
    std::optional<WallUs> last_commit;  // by this writer
};

// A model that an epoch record names, in a shard whose journal does not have it.
struct MissingModel {
    Shard shard = 0;
    std::string tenant;
    ModelHash hash{};
    friend auto operator<=>(const MissingModel&, const MissingModel&) = default;
};

// Where a block stands that waits in quarantine.
struct WaitingBlock {
    Shard shard = 0;
    Offset offset = 0;
    friend auto operator<=>(const WaitingBlock&, const WaitingBlock&) = default;
};

class Writer {
 public:
    // All of them outlive the writer. Made before the journal takes anything: what it holds now is
    // compared with what tables say to have of it.
    Writer(Journal& journal, ObjectStore& store, const KeyRing& keys,
           const WriterSettings& settings);

    // A bounded piece of work: some entries, one batch file or one commit. Returns when to call
    // again (now: there is more to do). After an error the same call may be tried again, unless
    // fatal() is set.
    Result<MonotonicMs, Message> step(MonotonicMs now, WallUs wall);

    // Commits what is durable by now at the next steps, due or not; drained() tells when all is
    // done. What a barrier that is under way leaves out is read, too.
    void request_barrier() {
        barrier_requested_ = true;
        all_read_ = false;
    }
    bool drained() const;

    bool fatal() const { return fatal_; }
    const WriterCounters& counters() const { return counters_; }
    WriterProgress progress() const;
    // What blocks in quarantine need, see Releases.
    const std::set<MissingModel>& missing_models() const { return missing_models_; }
    const std::set<WaitingBlock>& releasable() const { return releasable_; }
    // From the next step on.
    void set_limits(std::int64_t commit_interval_ms, std::size_t rows_max, std::size_t bytes_max);

 private:
    struct Anchor {
        std::int32_t id = 0;
        std::int64_t elapsed_us = 0;
        std::int64_t wall_us = 0;
        std::optional<std::uint64_t> error_us;
    };
    struct Stream {
        std::string name;
        const Schema* schema = nullptr;
        std::optional<ModelHash> model;  // none: model 0
        TableBuffer* table = nullptr;
        std::vector<std::size_t> columns;  // of the fields, in the table
    };
    struct Waiting {  // a block in quarantine
        WaitingBlock block;
        WallUs received;
        ModelHash model{};  // that it lacked
    };
    struct StoredModel {
        std::vector<std::byte> bytes;
        std::optional<Model> model;  // of these bytes; none: they cannot be read
    };
    struct EpochState {
        Sha256 record_hash{};
        BlockKey key;
        std::uint32_t classes = 0;  // that its streams have, a bit for each
        std::array<std::unique_ptr<Stream>, limits::streams_max> streams;
        std::array<StreamFormat, limits::streams_max> formats{};
        std::vector<Anchor> anchors;
        std::map<std::uint32_t, std::uint64_t> received;  // seq -> content tag
        std::map<std::uint32_t, Waiting> waiting;         // by seq; received, too
    };
    using EpochName = std::pair<std::uint32_t, std::uint32_t>;  // incarnation, epoch
    // Of an epoch that ended in disorder, which power_cut rows are written.
    struct PowerCut {
        std::uint32_t classes = 0;  // a bit for each
        bool any_class = false;     // the row without a class
        bool by_record = false;     // of the next epoch, which lists all that stored something
    };
    struct DeviceState {
        std::map<EpochName, EpochState> epochs;
        std::map<EpochName, PowerCut> cuts;
    };
    struct TenantState {
        std::map<std::pair<Shard, SchemaHash>, std::unique_ptr<StoredSchema>> schemas;
        std::map<std::pair<Shard, ModelHash>, StoredModel> models;
        std::map<std::string, DeviceState, std::less<>> devices;
        std::map<std::string, std::unique_ptr<TableBuffer>, std::less<>> tables;
    };
    // Where an entry stands, and whose it is: what every row needs.
    struct Place {
        Shard shard = 0;
        Offset offset = 0;
        Offset end = 0;
        WallUs receive_time;
        std::string receive_date;
        std::string tenant;
        std::string device;
    };

    using Outcome = Result<void, Message>;
    Outcome start();
    Outcome read_entries(MonotonicMs now);
    Outcome on_entry(Shard shard, const ReadEntry& read);
    void on_damage(Shard shard);
    Outcome on_schema(const Place& place, Bytes body);
    Outcome on_epoch(const Place& place, Bytes body);
    Outcome on_model(const Place& place, Bytes body);
    Outcome on_block(const Place& place, Bytes body);
    Outcome on_release(const Place& place, Bytes body);
    Outcome release(const Place& place, const BlockHeader& header, Bytes body, EpochState& epoch);
    Outcome take_block(const Place& place, const BlockHeader& header, Bytes body,
                       EpochState& epoch);
    const Model* find_model(const Place& place, const ModelHash& hash);
    std::optional<ModelHash> find_models(const Place& place, Bytes opened, EpochState& epoch);
    Outcome add_streams(const Place& place, const longhaul_EpochRecord& record, EpochState& epoch);
    Outcome add_stream(const Place& place, const longhaul_StreamEntry& entry, EpochState& epoch);
    Outcome add_rows(const Place& place, const BlockName& name, const DecodedBlock& block,
                     EpochState& epoch);
    Outcome add_section(const Place& place, const BlockName& name, const DecodedSection& section,
                        EpochState& epoch, std::int32_t first_row);
    static void put_device_time(Batch& batch, const std::vector<Anchor>& anchors,
                                std::int64_t elapsed);
    Outcome add_system_entry(const Place& place, const BlockName& name,
                             const longhaul_SystemEntry& entry, EpochState& epoch);
    Outcome add_loss_row(const Place& place, Incarnation incarnation, const longhaul_Loss& loss);
    Outcome add_anchor(const Place& place, const EpochName& name, EpochState& epoch, Anchor anchor,
                       const char* origin);
    Outcome add_epoch_row(const Place& place, const longhaul_EpochRecord& record);
    Outcome add_power_cut(const Place& place, const longhaul_EpochRecord& record);
    // What a block tells because the record will not come.
    Outcome add_told_power_cut(const Place& place, const EpochName& name,
                               const longhaul_Loss& loss);
    // Of `classes` of an epoch, those that the record of the epoch after it did not tell of.
    Outcome add_unlisted_power_cut(const Place& place, const EpochName& name, std::uint32_t classes,
                                   PowerCut& cut);
    // One row for each class.
    Outcome add_power_cut_of(const Place& place, const EpochName& name,
                             const longhaul_ClassEnd& end, PowerCut& cut);
    Outcome add_power_cut_of_any(const Place& place, const EpochName& name, PowerCut& cut);
    Outcome add_power_cut_row(const Place& place, const EpochName& name,
                              const longhaul_ClassEnd* end);
    Outcome quarantine(const Place& place, const EpochName& name, std::optional<BlockHeader> header,
                       Bytes content, std::string_view reason);
    // nullptr: the table has the rows of this place already.
    Result<Batch*, Message> begin_rows(const Place& place, TableBuffer& table, std::size_t count);
    Result<Batch*, Message> begin_row(const Place& place, TableBuffer& table) {
        return begin_rows(place, table, 1);
    }
    Result<TableBuffer*, Message> table(const std::string& tenant, const std::string& name,
                                        const std::vector<Column>& columns, bool sorted);
    Result<bool, Message> advance_barrier(WallUs wall);
    std::uint64_t bytes_read() const;
    bool barrier_due(MonotonicMs now) const;
    Message stop(std::string text);

    Journal& journal_;
    ObjectStore& store_;
    const KeyRing& keys_;
    WriterSettings settings_;
    std::string journal_name_;
    std::vector<Offset> ends_at_start_;  // by shard
    std::vector<Offset> held_below_;     // by shard: blocks there are not released
    std::vector<std::unique_ptr<JournalReader>> readers_;
    std::map<std::string, TenantState, std::less<>> tenants_;
    std::set<MissingModel> missing_models_;
    std::set<WaitingBlock> releasable_;
    std::vector<std::byte> body_room_;
    BlockDecoder decoder_;
    std::optional<std::vector<Offset>> barrier_;  // being carried out, at these offsets
    bool barrier_requested_ = false;
    bool all_read_ = false;
    bool fatal_ = false;
    std::size_t rows_buffered_ = 0;
    MonotonicMs first_row_at_ = MonotonicMs::never();
    WallUs first_row_received_;     // of those that are buffered
    WallUs read_received_;          // of the entry that was read last
    std::uint64_t bytes_done_ = 0;  // all before them is in the tables
    std::optional<WallUs> last_commit_;
    WriterCounters counters_;
};

}  // namespace longhaul::collector
