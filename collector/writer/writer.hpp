// The writer: from the journal to the tables. Specification: docs/spec/writer.md.
//
// A deterministic state machine: what it knows and writes follows from the journal alone, so after
// a crash it goes on from its last snapshot, reads the journal again from there, and each table
// leaves out what it has. Nothing here knows threads or waits.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "collector/journal/connection_cost.hpp"
#include "collector/writer/adoption.hpp"
#include "collector/writer/content_tags.hpp"
#include "collector/writer/decoded_block.hpp"
#include "collector/writer/device_shelf.hpp"
#include "collector/writer/device_survey.hpp"
#include "collector/writer/key_ring.hpp"
#include "collector/writer/snapshots.hpp"
#include "collector/writer/table_buffer.hpp"
#include "collector/writer/usage_ledger.hpp"
#include "common/block/model.hpp"
#include "common/block/stored_schema.hpp"

namespace longhaul::collector {

struct WriterSettings {
    std::int64_t commit_interval_ms = 15'000;
    std::size_t rows_max = 1'000'000;  // buffered over all tables, then a barrier is due
    std::size_t bytes_max = 64 << 20;
    std::size_t entries_per_step = 64;
    // A snapshot is due when so much of the journal has been read since the last one, or anything
    // and so much time has gone by.
    std::uint64_t snapshot_bytes = 256 << 20;
    std::int64_t snapshot_ms = 3'600'000;
    // How much of the journal the tags of blocks reach back, at least. The same for a journal's
    // whole life, because rows follow from it; tests have less.
    std::uint64_t tag_bytes = 64 << 20;
};

struct WriterCounters {
    std::uint64_t entries = 0;
    std::uint64_t blocks = 0;      // first arrivals that became rows
    std::uint64_t duplicates = 0;  // blocks that had arrived before
    std::uint64_t quarantined = 0;
    std::uint64_t forks = 0;     // of them, what this writer found under a name that was taken
    std::uint64_t released = 0;  // blocks that became rows after they had waited in quarantine
    std::uint64_t rows = 0;
    std::uint64_t damaged = 0;  // journal entries that could not be read
    std::uint64_t files = 0;
    std::uint64_t commits = 0;
    std::uint64_t snapshots = 0;
};

// How far the writer has come, for those who watch it.
struct WriterProgress {
    WriterCounters counters;
    std::uint64_t bytes_at_start = 0;   // of all shards, when the writer was made
    std::uint64_t bytes_done = 0;       // of all shards: what lies below is in the tables
    std::vector<Offset> offsets_done;   // the same, by shard
    std::optional<WallUs> oldest;       // about when the oldest entry came that is not in them
    std::optional<WallUs> last_commit;  // by this writer
};

// Reasons for quarantine; behind the first one is the model's hash.
inline constexpr std::string_view unknown_model = "unknown model: ";
inline constexpr std::string_view too_many_gaps = "too many gaps between the blocks of this epoch";
// Whether a block that is in quarantine for this reason counts as one that never arrived, as far as
// that row tells.
bool leaves_name_free(std::string_view reason);

// A model that an epoch record names, in a shard whose journal does not have it.
struct MissingModel {
    Shard shard = 0;
    std::string tenant;
    ModelHash hash{};
    friend auto operator<=>(const MissingModel&, const MissingModel&) = default;
};

// A device of which blocks wait in quarantine for a model that is there.
struct Releasable {
    std::string tenant;
    std::string device;
    Shard shard = 0;
    ModelHash model{};
    friend auto operator<=>(const Releasable&, const Releasable&) = default;
};

// What a writer knows when it starts, for those who save devices work with it.
struct KnownVisitor {
    std::function<void(Shard, const std::string& tenant, const SchemaHash&)> schema;
    std::function<void(Shard, const std::string& tenant, const ModelHash&)> model;
    std::function<void(const std::string& tenant, const std::string& device, Incarnation, Epoch)>
        epoch;
};

// A snapshot that is being made, step by step.
struct SnapshotWork {
    enum class Next : std::uint8_t { write, name, keep, cut };
    Next next = Next::write;
    std::uint64_t number = 0;
    std::vector<Offset> offsets;
};

class Writer {
 public:
    // All of them outlive the writer. Made before the journal takes anything: what it holds now is
    // compared with what tables say to have of it. `snapshots`: the disk where they are kept;
    // nullptr: none are, and the journal is never cut.
    Writer(Journal& journal, ObjectStore& store, const KeyRing& keys,
           const WriterSettings& settings, Disk* snapshots = nullptr);

    // Takes up the newest snapshot that can be read. step() does it, too. After an error it may be
    // tried again, unless fatal() is set.
    Result<void, Message> open();
    void for_each_known(const KnownVisitor& visitor) const;
    // Sentences for the log, each once.
    std::vector<std::string> take_notes() { return std::exchange(notes_, {}); }

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
    // What it knows of the devices of the first tenant behind that name; nothing: there is none. Of
    // the thread that steps. Some microseconds a device.
    std::optional<TenantSurvey> survey(const std::string& after) const;
    // What blocks in quarantine need, see Releases.
    const std::set<MissingModel>& missing_models() const { return missing_models_; }
    const std::set<Releasable>& releasable() const { return releasable_; }
    // Whether the block is one of those; its device has to be among them.
    bool may_release(const std::string& tenant, const std::string& device, const BlockName& block);
    // From the next step on.
    void set_limits(std::int64_t commit_interval_ms, std::size_t rows_max, std::size_t bytes_max);

 private:
    struct StoredModel {
        std::vector<std::byte> bytes;
        std::optional<Model> model;  // of these bytes; none: they cannot be read
    };
    struct KnownSchema {
        std::unique_ptr<StoredSchema> stored;
        TableBuffer* table = nullptr;      // as soon as a stream has it
        std::vector<std::size_t> columns;  // of the fields, in the table
    };
    using SchemaName = std::pair<Shard, SchemaHash>;
    using EpochName = std::pair<std::uint32_t, std::uint32_t>;  // incarnation, epoch
    struct TenantState {
        std::map<SchemaName, KnownSchema> schemas;
        std::vector<SchemaName> bound;  // to their tables, in this order: it decides columns' names
        std::map<std::pair<Shard, ModelHash>, StoredModel> models;
        DeviceShelf devices;
        std::map<std::string, std::unique_ptr<TableBuffer>, std::less<>> tables;
        std::map<std::string, AdoptedTxns, std::less<>> adopted;  // by table
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

        std::uint64_t tag_name(const Uuid& journal, const BlockName& block) const;
    };

    using Outcome = Result<void, Message>;
    Outcome start();
    Outcome restore();
    Result<bool, Message> restore_from(std::uint64_t number);
    Status check_head(const SnapshotHead& head, std::uint64_t number) const;
    Status take_item(std::uint8_t kind, Bytes content);
    Status take_tenant_item(std::uint8_t kind, ByteReader& in);
    Status take_device(ByteReader& in);
    void forget_all();
    Outcome open_tables();
    void end_barrier(MonotonicMs now);
    bool snapshot_due(MonotonicMs now) const;
    void begin_snapshot();
    Outcome advance_snapshot(MonotonicMs now);
    Status do_snapshot_step();
    Status write_snapshot() const;
    Status put_state(SnapshotWriter& out) const;
    Status put_usage(SnapshotWriter& out, Shard shard) const;
    Status put_tenant(SnapshotWriter& out, const std::string& name,
                      const TenantState& tenant) const;
    std::vector<Offset> offsets_read() const;

    Outcome read_entries(MonotonicMs now);
    Outcome on_entry(Shard shard, const ReadEntry& read);
    Outcome take_entry(const Place& place, const JournalEntry& entry);
    void note_heard(const Place& place, const JournalEntry& entry);
    void note_boot(const Place& place, const longhaul_EpochRecord& record);
    void note_backlog(const Place& place, const ConnectionCost& cost);
    void note_anchor(const Place& place, const EpochName& name, const Anchor& anchor);
    Outcome end_usage_hour(const Place& place);
    void add_usage(const Place& place, const JournalEntry& entry, const WriterCounters& before);
    Outcome on_damage(Shard shard, Offset at);
    Outcome on_schema(const Place& place, Bytes body);
    Outcome on_epoch(const Place& place, Bytes body);
    Outcome add_epoch(const Place& place, const longhaul_EpochRecord& record, const RecordTag& tag,
                      const BlockKey& key, IncarnationState& incarnation);
    Outcome on_closed_epoch(const Place& place, const EpochName& name, const RecordTag& tag,
                            Bytes body, const IncarnationState& incarnation);
    Outcome on_model(const Place& place, Bytes body);
    Outcome on_connection(const Place& place, Bytes body);
    Message stop_at_unknown(const Place& place, JournalKind kind);
    Outcome on_adoption(const Place& place, Bytes body);
    Outcome on_damaged_adoption();
    Outcome check_adoptions();
    void adopt_epoch(const Place& place, const AdoptedEpoch& found);
    bool has_all_rows(const Place& place, const BlockName& name, const DecodedBlock& block,
                      const EpochState& epoch);
    void note_loss(const Place& place, Incarnation incarnation, const longhaul_Loss& loss);
    Outcome add_journal_losses(const Place& place, const EpochName& name, EpochState& epoch);
    Outcome close_adoption(const Place& place);
    Outcome close_device(const Place& place);
    Outcome check_lake();
    Outcome check_table(const std::string& folder);
    Outcome check_marks(const std::string& folder, const TableState& state);
    Message stop_at_copy(const std::string& folder);
    // Without a gap: nobody knows how far the epoch came.
    Outcome add_journal_loss(const Place& place, const EpochName& name, std::optional<SeqRun> gap);
    const AdoptedTxns& adopted_txns(const std::string& tenant, const std::string& name);
    Status put_adopted(SnapshotWriter& out, const TenantState& tenant) const;
    Status take_adopted(TenantState& tenant, Bytes content);
    Outcome on_block(const Place& place, Bytes body);
    Outcome on_known_block(const Place& place, const BlockHeader& header, Bytes body,
                           const BlockKey* key, const char* untold);
    Outcome on_release(const Place& place, Bytes body);
    Outcome release(const Place& place, const BlockHeader& header, Bytes body, DeviceMemory& device,
                    EpochState& epoch);
    Outcome take_block(const Place& place, const BlockHeader& header, Bytes body,
                       EpochState& epoch);
    void forget_block(const Place& place, const BlockName& name, EpochState& epoch);
    DeviceMemory& device_of(const Place& place);
    const Model* find_model(const Place& place, const ModelHash& hash);
    using Formats = std::array<StreamFormat, limits::streams_max>;
    Formats formats_of(const Place& place, const EpochState& epoch);
    std::optional<ModelHash> find_models(const Place& place, Bytes opened, const EpochState& epoch,
                                         Formats& formats);
    Outcome wait_for_model(const Place& place, const BlockHeader& header, Bytes body,
                           EpochState& epoch, const ModelHash& model);
    void stop_waiting(Shard shard);
    // Whether it is the block of this name that came first; none: nobody can tell.
    std::optional<bool> is_same_block(const Place& place, const BlockName& name, Bytes body,
                                      const BlockKey* key);
    Outcome add_streams(const Place& place, EpochState& epoch);
    Outcome bind(const std::string& tenant, const SchemaName& name, KnownSchema& schema);
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
    Outcome add_epoch_row(const Place& place, const longhaul_EpochRecord& record,
                          const RecordTag& tag);
    Outcome add_power_cut(const Place& place, const longhaul_EpochRecord& record,
                          IncarnationState& incarnation);
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
    Disk* snapshot_disk_;
    std::string journal_name_;
    std::vector<Offset> ends_at_start_;  // by shard
    // By shard, until the adoption's end: what is read came to a journal before this one; so many
    // of its entries were.
    std::vector<std::optional<std::uint64_t>> adopting_;
    bool has_adopted_ = false;         // tables of any tenant
    std::vector<bool> begin_damaged_;  // by shard: its first entry could not be read
    std::vector<Offset> held_below_;   // by shard: blocks there never wait for a release
    std::vector<std::unique_ptr<JournalReader>> readers_;
    std::map<std::string, TenantState, std::less<>> tenants_;
    std::vector<ContentTags> tags_;    // by shard
    std::vector<UsageLedger> usage_;   // by shard
    std::uint64_t decoded_bytes_ = 0;  // of the block that became rows last
    std::set<MissingModel> missing_models_;
    // Devices of which blocks wait in quarantine. One whose epochs were given up may be left.
    std::map<MissingModel, std::set<std::string>> waiting_;
    std::set<Releasable> releasable_;
    std::vector<std::byte> body_room_;
    BlockDecoder decoder_;
    std::vector<EntryMark> last_read_;  // by shard, since the start
    bool in_barrier_ = false;           // being carried out, for all up to there
    bool barrier_requested_ = false;
    bool all_read_ = false;
    bool fatal_ = false;
    std::size_t rows_buffered_ = 0;
    MonotonicMs first_row_at_ = MonotonicMs::never();
    WallUs first_row_received_;         // of those that are buffered
    WallUs read_received_;              // of the entry that was read last
    std::vector<Offset> offsets_done_;  // all before them is in the tables
    std::optional<WallUs> last_commit_;
    WriterCounters counters_;
    std::vector<std::string> notes_;

    std::optional<SnapshotWork> snapshot_;
    std::uint64_t snapshot_number_ = 0;     // the highest that is there
    std::uint64_t snapshot_good_ = 0;       // the last one that was taken up or made; 0: none
    std::vector<Offset> snapshot_offsets_;  // up to where that one has everything
    MonotonicMs snapshot_at_ = MonotonicMs::never();  // when it was made
    MonotonicMs snapshot_not_before_{};               // after one that failed
    // By table's folder and shard, what the one that was taken up says; -1: none.
    std::map<std::string, std::vector<std::int64_t>, std::less<>> txns_then_;
    TenantState* restored_tenant_ = nullptr;
    std::string restored_tenant_name_;
};

}  // namespace longhaul::collector
