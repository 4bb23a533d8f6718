#include "tools/longhaul/adopt.hpp"

#include <cstring>
#include <set>

#include "collector/disk/sub_disk.hpp"
#include "collector/journal/journal_swap.hpp"
#include "collector/registry/certificate.hpp"
#include "common/block/epoch.hpp"
#include "common/block/stored_schema.hpp"
#include "tools/longhaul/text.hpp"

namespace longhaul::tools {

using collector::JournalEntry;
using collector::JournalKind;
using collector::LakeRanges;
using collector::LocalJournal;
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
        LH_TRY(adopt_lake());
        if (old_ != nullptr) LH_TRY(keep_entries());
        return end();
    }

 private:
    static std::string folder() { return std::string{collector::next_journal}; }
    static Message failed(const std::string& what, const Error& error) {
        return {what + ": " + to_string(error)};
    }

    // The journal that is there, which may be an older copy, or one that a start has just made.
    Result<void, Message> open_old(collector::LocalJournalSettings& settings) {
        auto old = LocalJournal::open_to_read(ports_.journal);
        if (!old.ok() && old.error().code == ErrorCode::not_found) return {};
        if (!old.ok())
            return Message{"the journal that is there cannot be read: " + to_string(old.error()) +
                           ". Move its folder away, if it is lost, and run this again"};
        old_ = std::move(old).value();
        settings.shards_if_new = old_->shards();
        report_.aside = "before-" + report_name(old_->id().uuid);
        return {};
    }
    static std::string report_name(const Uuid& uuid) { return uuid_text(uuid); }

    Result<void, Message> adopt_lake() {
        const auto names = ports_.lake.list("");
        if (!names.ok()) return failed("the lake", names.error());
        for (const std::string& tenant : names.value()) {
            if (!collector::is_name_part(tenant)) continue;
            LakeRanges ranges{ports_.lake, tenant, report_.lake, ports_.tell};
            if (const Status read = ranges.read(); !read.ok())
                return Message{"the lake cannot be adopted: " + ranges.faulty() + ": " +
                               to_string(read.error()) +
                               ". What it holds would not be known: put a copy of it back"};
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
                report_.devices += device == last ? 0 : 1;
                last = device;
                ++report_.epochs;
                const Shard shard = next_->shard_of(tenant, device);
                return collector::encode_adoption(
                    epoch, [&](Bytes body) { return append(shard, tenant, device, body); });
            });
    }

    Status append(Shard shard, const std::string& tenant, const std::string& device, Bytes body) {
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
        if (entry.kind == JournalKind::adoption) return false;
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
        return true;
    }

    // What the tables have of these is known by now, so that each adds only what they lack. An
    // earlier adoption says nothing that the tables do not.
    Result<void, Message> keep_entries() {
        for (Shard shard = 0; shard < old_->shards(); ++shard) {
            schemas_.clear();  // each shard has its own
            const auto begin = old_->begin(shard);
            if (!begin.ok()) return failed("the old journal", begin.error());
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
            const Status added = collector::encode_adoption(
                collector::AdoptionEnd{}, [&](Bytes body) { return append(shard, {}, {}, body); });
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
    std::set<std::pair<std::string, SchemaHash>> schemas_;  // of the shard that is read
};

Message swap_failed(const Error& error) {
    return {"the new journal is whole and cannot be put in its place: " + to_string(error) +
            ". Run this again, it goes on there"};
}

}  // namespace

Result<AdoptReport, Message> adopt(const AdoptPorts& ports,
                                   collector::LocalJournalSettings settings, WallUs now) {
    AdoptReport report;
    const auto begun = collector::swap_begun(ports.journal);
    if (!begun.ok()) return swap_failed(begun.error());
    report.finished_only = begun.value();
    if (!begun.value()) {
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

Result<std::uint64_t, Message> close_adoption(collector::Disk& disk, WallUs now) {
    auto journal = LocalJournal::open(disk, {});
    if (!journal.ok()) return Message{"the journal: " + to_string(journal.error())};
    LocalJournal& open = *journal.value();
    const auto append = [&](Shard shard, Bytes body) -> Status {
        const auto end = open.append(shard, {now, JournalKind::adoption, {}, {}, body}, {0});
        return end.ok() ? Status{} : end.error();
    };
    Status done;
    for (Shard shard = 0; shard < open.shards() && done.ok(); ++shard)
        done = collector::encode_adoption(collector::AdoptionClose{},
                                          [&](Bytes body) { return append(shard, body); });
    if (done.ok()) done = open.flush();
    if (!done.ok()) return Message{"the journal: " + to_string(done.error())};
    return std::uint64_t{open.shards()};
}

}  // namespace longhaul::tools
