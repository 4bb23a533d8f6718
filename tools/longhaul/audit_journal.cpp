#include "tools/longhaul/audit_journal.hpp"

#include <algorithm>
#include <cstring>

#include "collector/writer/adoption.hpp"
#include "collector/writer/snapshots.hpp"
#include "common/block/epoch.hpp"
#include "common/block/stored_schema.hpp"

namespace longhaul::tools {

using collector::JournalKind;
using collector::Offset;
using collector::ReadEntry;
using collector::Shard;

namespace {

// A device may send a block and tell a little later what it lost before it.
constexpr std::int64_t telling_us = 60'000'000;

// The order in which the blocks of one class came.
class Arrivals {
 public:
    void take(const BlockAt& block) {
        if (block < newest_) behind_newest_ = std::max(behind_newest_, block);
        newest_ = std::max(newest_, block);
    }
    // Something came from the device at this time.
    void heard(WallUs at) {
        if (waiting_ > passed_ && at.value - since_.value < telling_us) return;
        passed_ = std::max(passed_, waiting_);
        if (behind_newest_ <= passed_) return;
        waiting_ = behind_newest_;
        since_ = at;
    }
    const BlockAt& passed() const { return passed_; }

 private:
    BlockAt newest_;
    BlockAt behind_newest_;  // the youngest one that came after a younger one
    BlockAt waiting_;        // what it was at `since_`
    WallUs since_;
    BlockAt passed_;
};

class Collecting {
 public:
    Collecting(SentData& sent, const AuditScope& scope) : sent_{sent}, scope_{scope} {}

    void take(Shard shard, const ReadEntry& read) {
        const std::string tenant{read.entry.tenant};
        const std::string device{read.entry.device};
        if (!scope_.has_tenant(tenant)) return;
        sent_.tenants.insert(tenant);
        switch (read.entry.kind) {
            case JournalKind::schema:
                return take_schema(tenant, read.entry.body);
            case JournalKind::epoch:
                return take_epoch(tenant, device, read);
            case JournalKind::block:
                return take_block(tenant, device, shard, read);
            case JournalKind::release:
                return take_release(tenant, device, read);
            default:
                return;
        }
    }

    void finish() {
        for (auto& [name, epoch] : sent_.epochs) {
            const auto found = arrivals_.find({name.tenant, name.device, name.incarnation, 0});
            if (found == arrivals_.end()) continue;
            for (std::size_t i = 0; i < block_class_count; ++i)
                epoch.passed[i] = found->second[i].passed();
        }
    }

 private:
    void take_schema(const std::string& tenant, Bytes body) {
        const auto schema = StoredSchema::parse(body);
        if (!schema.ok()) return;
        names_[{tenant, schema.value()->hash()}] = schema.value()->schema().name;
    }

    void take_epoch(const std::string& tenant, const std::string& device, const ReadEntry& read) {
        if (!scope_.has(device)) return;
        longhaul_EpochRecord record;
        const auto parsed = parse_signed_epoch(read.entry.body);
        if (!parsed.ok() || !parse_epoch_record(parsed.value().record, record).ok()) {
            problem(tenant, device,
                    "an epoch record at offset " + std::to_string(read.offset) + " cannot be read");
            return;
        }
        SentEpoch& epoch = sent_.epochs[{tenant, device, record.incarnation, record.epoch}];
        epoch.heard = std::max(epoch.heard.value_or(WallUs{}), read.entry.receive_time);
        if (epoch.has_record) return;  // sent again
        epoch.has_record = true;
        epoch.previous_epoch = record.previous_epoch;
        for (pb_size_t i = 0; i < record.streams_count; ++i) {
            SchemaHash hash;
            std::memcpy(hash.data(), record.streams[i].schema_hash, hash.size());
            const auto name = names_.find({tenant, hash});
            if (name != names_.end()) epoch.tables.insert(name->second);
            epoch.all_tables = epoch.all_tables && name != names_.end();
        }
        if (record.previous_epoch == 0) return;
        SentEpoch& before =
            sent_.epochs[{tenant, device, record.incarnation, record.previous_epoch}];
        for (pb_size_t i = 0; i < record.previous_ends_count; ++i) {
            const auto& end = record.previous_ends[i];
            if (end.block_class < block_class_count)
                before.last_number[end.block_class] = end.last_number;
        }
    }

    void take_block(const std::string& tenant, const std::string& device, Shard shard,
                    const ReadEntry& read) {
        if (!scope_.has(device)) return;
        const auto header = parse_block_header(read.entry.body);
        if (!header.ok()) {
            problem(tenant, device,
                    "a block at offset " + std::to_string(read.offset) + " cannot be read");
            return;
        }
        const BlockName& name = header.value().name;
        SentEpoch& epoch = sent_.epochs[{tenant, device, name.incarnation.value, name.epoch.value}];
        epoch.heard = std::max(epoch.heard.value_or(WallUs{}), read.entry.receive_time);
        auto& arrivals = arrivals_[{tenant, device, name.incarnation.value, 0}];
        arrivals[static_cast<std::size_t>(name.seq.block_class())].take(
            {name.epoch.value, name.seq.number()});
        for (Arrivals& each : arrivals) each.heard(read.entry.receive_time);
        const Sha256 content = sha256(read.entry.body);
        const auto [place, first] = epoch.blocks.try_emplace(
            name.seq.value, SentBlock{header.value().samples, 0, content, shard, read.end});
        if (first) return;
        ++place->second.resent;
        if (place->second.content == content) return;
        problem(tenant, device,
                "two different blocks have the name epoch " + std::to_string(name.epoch.value) +
                    " seq " + std::to_string(name.seq.value));
    }

    // Rows of a released block are due when the tables have the release.
    void take_release(const std::string& tenant, const std::string& device, const ReadEntry& read) {
        if (!scope_.has(device)) return;
        const auto header = parse_block_header(read.entry.body);
        if (header.ok()) {
            const BlockName& name = header.value().name;
            auto& blocks =
                sent_.epochs[{tenant, device, name.incarnation.value, name.epoch.value}].blocks;
            const auto block = blocks.find(name.seq.value);
            if (block != blocks.end() && block->second.content == sha256(read.entry.body)) {
                block->second.released = true;
                block->second.end = read.end;
                return;
            }
        }
        // Of one that was cut off only the tables tell.
        if (header.ok() && sent_.begins.back().is_cut()) return;
        problem(tenant, device,
                "the release at offset " + std::to_string(read.offset) +
                    " is of a block that has not come");
    }

    void problem(const std::string& tenant, const std::string& device, const std::string& text) {
        sent_.problems.push_back(tenant + "/" + device + ": " + text);
    }

    SentData& sent_;
    const AuditScope& scope_;
    std::map<AuditedEpoch, std::array<Arrivals, block_class_count>> arrivals_;  // epoch is 0
    std::map<std::pair<std::string, SchemaHash>, std::string> names_;
};

}  // namespace

std::vector<Offset> settled_offsets(collector::Disk& disk, const collector::Journal& journal) {
    const auto numbers = collector::snapshot_numbers(disk);
    if (!numbers.ok()) return {};
    for (const std::uint64_t number : numbers.value()) {
        const auto file = disk.open(collector::snapshot_path(number));
        if (!file.ok()) continue;
        std::vector<std::byte> front(collector::snapshot_head_bytes_max);
        const auto got = file.value()->read_at(0, front);
        if (!got.ok()) continue;
        const auto head = collector::parse_snapshot_head(Bytes{front}.first(got.value()));
        if (head.ok() && head.value().journal == journal.id().uuid &&
            head.value().offsets.size() == journal.shards())
            return head.value().offsets;
    }
    return {};
}

Result<SentData, Message> read_sent(collector::Journal& journal, const AuditScope& scope,
                                    const std::vector<Offset>& settled) {
    SentData sent;
    Collecting collecting{sent, scope};
    for (Shard shard = 0; shard < journal.shards(); ++shard) {
        const auto begin = journal.begin(shard);
        if (!begin.ok()) return Message{"journal: " + to_string(begin.error())};
        ShardBegin& shard_begin = sent.begins.emplace_back();
        shard_begin.offset = begin.value();
        auto reader = journal.read(shard, begin.value());
        if (!reader.ok()) return Message{"journal: " + to_string(reader.error())};
        while (true) {
            const Offset at = reader.value()->offset();
            const auto read = reader.value()->next();
            if (read.ok()) {
                const collector::JournalEntry& entry = read.value().entry;
                if (!settled.empty() && read.value().end <= settled[shard])
                    shard_begin.settled = std::max(shard_begin.settled, entry.receive_time);
                // A release has the time of its block.
                if (shard_begin.time.value == INT64_MAX && entry.kind != JournalKind::release)
                    shard_begin.time = entry.receive_time;
                // What an adoption says is in the tables, from before it.
                if (entry.kind == JournalKind::adoption) {
                    const auto adoption = collector::decode_adoption(entry.body);
                    if (adoption.ok() &&
                        std::holds_alternative<collector::AdoptionClose>(adoption.value()))
                        continue;
                    shard_begin.time = entry.receive_time;
                    shard_begin.adopted = true;
                    continue;
                }
                collecting.take(shard, read.value());
            } else if (read.error().code == ErrorCode::not_found) {
                break;
            } else if (read.error().code == ErrorCode::corrupt) {
                sent.problems.push_back("journal: the entry at offset " + std::to_string(at) +
                                        " of shard " + std::to_string(shard) + " is damaged");
            } else {
                return Message{"journal: " + to_string(read.error())};
            }
        }
    }
    collecting.finish();
    return sent;
}

}  // namespace longhaul::tools
