#include "tools/longhaul/adopt.hpp"

#include <cstring>
#include <set>
#include <tuple>

#include "collector/disk/sub_disk.hpp"
#include "collector/journal/journal_swap.hpp"
#include "collector/registry/certificate.hpp"
#include "collector/writer/snapshots.hpp"
#include "common/base/civil_time.hpp"
#include "common/block/block.hpp"
#include "common/block/epoch.hpp"
#include "common/block/stored_schema.hpp"
#include "tools/longhaul/text.hpp"

namespace longhaul::tools {

using collector::JournalEntry;
using collector::JournalKind;
using collector::LakeRanges;
using collector::LocalJournal;
using collector::Offset;
using collector::Shard;

namespace {

constexpr std::size_t group_bytes = 1 << 20;

// Makes the new journal in a folder of the old one.
class Adopting {
 public:
    Adopting(const AdoptPorts& ports, WallUs now, AdoptReport& report)
        : ports_{ports}, now_{now}, report_{report}, next_disk_{ports.journal, folder()} {}

    Result<void, Message> make(collector::LocalJournalSettings settings) {
        if (const Status cleared = collector::clear_next_journal(ports_.journal); !cleared.ok())
            return failed("the folder " + folder(), cleared.error());
        if (const Status made = ports_.journal.make_directories(folder()); !made.ok())
            return failed("the folder " + folder(), made.error());
        LH_TRY(open_old(settings));
        settings.group_bytes_max = group_bytes;
        auto next = LocalJournal::open(next_disk_, settings);
        if (!next.ok()) return failed("the new journal", next.error());
        next_ = std::move(next).value();
        report_.journal = uuid_text(next_->id().uuid);
        adoptions_.resize(next_->shards());
        LH_TRY(adopt_lake());
        if (old_ != nullptr) LH_TRY(keep_torn());
        if (old_ != nullptr) LH_TRY(keep_entries());
        return end();
    }

 private:
    static std::string folder() { return std::string{collector::next_journal}; }
    static Message failed(const std::string& what, const Error& error) {
        return {what + ": " + to_string(error)};
    }

    // The journal that is there, which may be an older copy, or one that a start has just made. One
    // of which something is missing is no reason to put another in its place.
    Result<void, Message> open_old(collector::LocalJournalSettings& settings) {
        const auto remains = collector::remains_of_journal(ports_.journal);
        if (!remains.ok()) return failed("the journal that is there", remains.error());
        if (remains.value().empty()) return {};
        auto old = LocalJournal::open_to_read(ports_.journal);
        if (!old.ok())
            return Message{"there is a journal (" + remains.value() +
                           ") that cannot be read: " + to_string(old.error()) +
                           ". Put back what is missing of it. If it is lost, move what is left "
                           "away, and run this again"};
        old_ = std::move(old).value();
        settings.shards_if_new = old_->shards();
        return name_aside();
    }

    // It may have been put aside before, and come back as a copy.
    Result<void, Message> name_aside() {
        const std::string name = std::string{collector::aside_prefix} + uuid_text(old_->id().uuid);
        report_.aside = name;
        for (int copy = 2;; ++copy) {
            const auto files = ports_.journal.list(report_.aside);
            if (!files.ok() && files.error().code != ErrorCode::not_found)
                return failed(report_.aside, files.error());
            if (!files.ok() || files.value().empty()) return {};
            report_.aside = name + "-" + std::to_string(copy);
        }
    }

    Result<void, Message> adopt_lake() {
        const auto folders = ports_.lake.entries("");
        if (!folders.ok()) return failed("the lake", folders.error());
        for (const collector::StoredObject& folder : folders.value()) {
            const std::string& tenant = folder.name;
            if (!folder.folder || !collector::is_name_part(tenant)) continue;
            LakeRanges ranges{ports_.lake, tenant, report_.lake, ports_.tell};
            if (const Status read = ranges.read(); !read.ok())
                return Message{"the lake cannot be adopted: " + ranges.faulty() + ": " +
                               to_string(read.error()) +
                               ". What it holds would not be known: put a copy of it back, or "
                               "take out the rows if another program has added them"};
            // What is received from here on must be later than all that was: the audit goes by it.
            if (now_ < ranges.newest())
                return Message{"the clock of this machine (" + timestamp_text_ms(now_) +
                               ") is behind the lake's newest file (" +
                               timestamp_text_ms(ranges.newest()) +
                               "): set it, and run this again"};
            if (const Status added = append_all(tenant, ranges); !added.ok())
                return failed("the new journal", added.error());
        }
        if (report_.lake.tables != 0) return {};
        return Message{"the lake has no tables: there is nothing to adopt, start the collector"};
    }

    Status append_all(const std::string& tenant, const LakeRanges& ranges) {
        for (const collector::AdoptedTable& table : ranges.tables()) {
            for (Shard shard = 0; shard < next_->shards(); ++shard) {
                LH_TRY(collector::encode_adoption(
                    table, [&](Bytes body) { return append(shard, tenant, "", body); }));
            }
        }
        std::string last;
        return ranges.for_each_epoch(
            [&](const std::string& device, const collector::AdoptedEpoch& epoch) {
                report_.devices += device == last ? 0U : 1U;
                last = device;
                ++report_.epochs;
                const Shard shard = next_->shard_of(tenant, device);
                return collector::encode_adoption(
                    epoch, [&](Bytes body) { return append(shard, tenant, device, body); });
            });
    }

    Status append(Shard shard, const std::string& tenant, const std::string& device, Bytes body) {
        ++adoptions_[shard];
        return append(shard, {now_, JournalKind::adoption, tenant, device, body});
    }
    // Entries are synced in groups; how long one waits does not matter here.
    Status append(Shard shard, const JournalEntry& entry) {
        const auto end = next_->append(shard, entry, MonotonicMs{0});
        if (!end.ok()) return end.error();
        const auto stepped = next_->step(MonotonicMs{0});
        return stepped.ok() ? Status{} : stepped.error();
    }

    // A record whose schemas were cut off is asked for again when it is not there, together with
    // them; the journal would have it without them for good.
    bool is_kept(const JournalEntry& entry) {
        if (entry.kind == JournalKind::adoption) {
            const auto adoption = collector::decode_adoption(entry.body);
            if (adoption.ok() && std::holds_alternative<collector::AdoptionClose>(adoption.value()))
                report_.was_closed = true;
            return false;
        }
        if (entry.kind == JournalKind::schema)
            schemas_.insert({std::string{entry.tenant}, schema_hash(entry.body)});
        if (entry.kind != JournalKind::epoch) return true;
        longhaul_EpochRecord record;
        const auto parsed = parse_signed_epoch(entry.body);
        if (!parsed.ok() || !parse_epoch_record(parsed.value().record, record).ok()) return true;
        for (pb_size_t i = 0; i < record.streams_count; ++i) {
            SchemaHash hash;
            std::memcpy(hash.data(), record.streams[i].schema_hash, hash.size());
            if (!schemas_.contains({std::string{entry.tenant}, hash})) return false;
        }
        records_.insert({std::string{entry.tenant}, std::string{entry.device}, record.incarnation,
                         record.epoch});
        return true;
    }

    bool has_record(const JournalEntry& entry) const {
        const auto header = parse_block_header(entry.body);
        return header.ok() &&
               records_.contains({std::string{entry.tenant}, std::string{entry.device},
                                  header.value().name.incarnation.value,
                                  header.value().name.epoch.value});
    }

    // The newest snapshot that was made says up to where nothing waited to be written. The lake has
    // what lies before, if it was not set back itself: a block whose record is there shows it, and
    // one whose record was cut off with the journal's beginning would only go into quarantine.
    Result<Offset, Message> blocks_from(Shard shard, Offset begin) {
        if (begin == 0) return begin;
        report_.cut = true;
        const auto numbers = collector::snapshot_numbers(ports_.journal);
        if (!numbers.ok()) return failed("the old journal's snapshots", numbers.error());
        for (const std::uint64_t number : numbers.value()) {
            const auto bytes = read_file(ports_.journal, collector::snapshot_path(number));
            if (!bytes.ok()) return failed("the old journal's snapshots", bytes.error());
            const auto head = collector::parse_snapshot_head(bytes.value());
            if (head.ok() && head.value().journal == old_->id().uuid &&
                shard < head.value().offsets.size())
                return head.value().offsets[shard];
        }
        return begin;
    }

    // The old journal may have adopted the lake when the files of a torn barrier were not compacted
    // yet. What has come again since lies behind its adoption.
    Result<void, Message> keep_torn() {
        for (Shard shard = 0; shard < old_->shards(); ++shard) {
            const auto begin = old_->begin(shard);
            if (!begin.ok()) return failed("the old journal", begin.error());
            auto reader = old_->read(shard, begin.value());
            if (!reader.ok()) return failed("the old journal", reader.error());
            while (true) {
                const auto read = reader.value()->next();
                if (!read.ok() && read.error().code == ErrorCode::corrupt) continue;
                if (!read.ok() || read.value().entry.kind != JournalKind::adoption) break;
                if (const Status kept = keep_torn_of(shard, read.value().entry); !kept.ok())
                    return failed("the new journal", kept.error());
            }
        }
        return {};
    }
    Status keep_torn_of(Shard shard, const JournalEntry& entry) {
        const auto adoption = collector::decode_adoption(entry.body);
        if (!adoption.ok()) return {};
        const auto* const epoch = std::get_if<collector::AdoptedEpoch>(&adoption.value());
        if (epoch == nullptr || epoch->state.adopted->runs_of(collector::torn_blocks).empty())
            return {};
        collector::AdoptedEpoch torn;
        torn.incarnation = epoch->incarnation;
        torn.number = epoch->number;
        torn.state.adopted.emplace().tables.insert(
            *epoch->state.adopted->tables.find(collector::torn_blocks));
        const std::string tenant{entry.tenant};
        const std::string device{entry.device};
        return collector::encode_adoption(
            torn, [&](Bytes body) { return append(shard, tenant, device, body); });
    }

    // What the tables have of these is known by now, so that each adds only what they lack. An
    // earlier adoption says nothing else that the tables do not.
    Result<void, Message> keep_entries() {
        for (Shard shard = 0; shard < old_->shards(); ++shard) {
            schemas_.clear();  // each shard has its own
            records_.clear();
            const auto begin = old_->begin(shard);
            if (!begin.ok()) return failed("the old journal", begin.error());
            LH_TRY_ASSIGN(const Offset blocks, blocks_from(shard, begin.value()));
            auto reader = old_->read(shard, begin.value());
            if (!reader.ok()) return failed("the old journal", reader.error());
            while (true) {
                const auto read = reader.value()->next();
                if (!read.ok() && read.error().code == ErrorCode::not_found) break;
                if (!read.ok() && read.error().code == ErrorCode::corrupt) {
                    ++report_.entries_damaged;
                    continue;
                }
                if (!read.ok()) return failed("the old journal", read.error());
                const JournalKind kind = read.value().entry.kind;
                const bool of_block = kind == JournalKind::block || kind == JournalKind::release;
                if (of_block && read.value().offset < blocks && !has_record(read.value().entry))
                    continue;
                if (!is_kept(read.value().entry)) continue;
                if (const Status added = append(shard, read.value().entry); !added.ok())
                    return failed("the new journal", added.error());
                ++report_.entries_kept;
            }
        }
        return {};
    }

    Result<void, Message> end() {
        for (Shard shard = 0; shard < next_->shards(); ++shard) {
            const Status added =
                collector::encode_adoption(collector::AdoptionEnd{adoptions_[shard]},
                                           [&](Bytes body) { return append(shard, {}, {}, body); });
            if (!added.ok()) return failed("the new journal", added.error());
        }
        if (const Status flushed = next_->flush(); !flushed.ok())
            return failed("the new journal", flushed.error());
        return {};
    }

    const AdoptPorts& ports_;
    WallUs now_;
    AdoptReport& report_;
    collector::SubDisk next_disk_;
    std::unique_ptr<LocalJournal> old_;
    std::unique_ptr<LocalJournal> next_;
    std::vector<std::uint64_t> adoptions_;                  // entries of the new one, by shard
    std::set<std::pair<std::string, SchemaHash>> schemas_;  // of the shard that is read
    std::set<std::tuple<std::string, std::string, std::uint32_t, std::uint32_t>> records_;  // kept
};

Message swap_failed(const Error& error) {
    return {"the new journal is whole and cannot be put in its place: " + to_string(error) +
            ". Run this again, it goes on there"};
}

}  // namespace

Result<AdoptReport, Message> adopt(const AdoptPorts& ports,
                                   collector::LocalJournalSettings settings, WallUs now) {
    AdoptReport report;
    const auto begun = collector::begun_swap(ports.journal);
    if (!begun.ok()) return swap_failed(begun.error());
    report.finished_only = begun.value().has_value();
    report.aside = begun.value().value_or("");
    if (!report.finished_only) {
        LH_TRY((Adopting{ports, now, report}.make(settings)));
        if (const Status ready = collector::begin_swap(ports.journal, report.aside); !ready.ok())
            return swap_failed(ready.error());
    }
    if (const Status moved = collector::finish_swap(ports.journal); !moved.ok())
        return swap_failed(moved.error());
    const auto journal = LocalJournal::open_to_read(ports.journal);
    if (!journal.ok()) return swap_failed(journal.error());
    report.journal = uuid_text(journal.value()->id().uuid);
    return report;
}

}  // namespace longhaul::tools
