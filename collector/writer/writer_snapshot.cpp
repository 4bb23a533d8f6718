// How the writer's state becomes a snapshot, and what becomes of the older ones and of the journal
// below them. Specification: docs/spec/snapshot.md.
#include "collector/writer/table_columns.hpp"
#include "collector/writer/writer.hpp"

namespace longhaul::collector {
namespace {

constexpr std::int64_t retry_ms = 60'000;
constexpr std::size_t tags_per_item = 4096;

Status put(SnapshotWriter& out, SnapshotItem kind, const ByteSink& item) {
    return out.put(static_cast<std::uint8_t>(kind), item.written());
}

Status put_tags(SnapshotWriter& out, Shard shard, const ContentTags& tags) {
    for (std::size_t generation = 0; generation < ContentTags::generations; ++generation) {
        const std::vector<ContentTags::Tag> all = tags.tags_of(generation);
        for (std::size_t at = 0; at < all.size(); at += tags_per_item) {
            ByteSink item;
            item.varint(shard);
            item.u8(static_cast<std::uint8_t>(generation));
            for (std::size_t i = at; i < std::min(all.size(), at + tags_per_item); ++i) {
                item.u64(all[i].name);
                item.u64(all[i].content);
            }
            LH_TRY(put(out, SnapshotItem::tags, item));
        }
    }
    return {};
}

}  // namespace

// Only when no rows wait: then all that was read is in the tables, or nowhere.
bool Writer::snapshot_due(MonotonicMs now) const {
    if (snapshot_disk_ == nullptr || keys_.size() == 0 || now < snapshot_not_before_) return false;
    std::uint64_t bytes_then = 0;
    for (const Offset offset : snapshot_offsets_) bytes_then += offset;
    const std::uint64_t passed = bytes_read() - bytes_then;
    return passed >= settings_.snapshot_bytes ||
           (passed != 0 && now - snapshot_at_ >= settings_.snapshot_ms);
}

void Writer::begin_snapshot() {
    snapshot_.emplace();
    snapshot_->number = snapshot_number_ + 1;
    snapshot_->offsets = offsets_read();
    // As the next entry will, so that who takes the snapshot up has tags that are as old as these.
    for (Shard shard = 0; shard < tags_.size(); ++shard)
        tags_[shard].reach(snapshot_->offsets[shard]);
}

// What fails costs the snapshot, not the rows: it is tried again later, and meanwhile the journal
// grows. What it leaves on the disk, the next one or the next start removes.
Writer::Outcome Writer::advance_snapshot(MonotonicMs now) {
    const Status done = do_snapshot_step();
    if (!done.ok()) {
        snapshot_.reset();
        snapshot_not_before_ = now + retry_ms;
        return Message{"the writer's snapshot failed, it is tried again in a minute: " +
                       to_string(done.error())};
    }
    if (snapshot_->next != SnapshotWork::Next::cut) {
        snapshot_->next = static_cast<SnapshotWork::Next>(static_cast<int>(snapshot_->next) + 1);
        return {};
    }
    snapshot_at_ = now;
    snapshot_good_ = snapshot_->number;
    snapshot_offsets_ = std::move(snapshot_->offsets);
    snapshot_.reset();
    ++counters_.snapshots;
    return {};
}

Status Writer::do_snapshot_step() {
    switch (snapshot_->next) {
        case SnapshotWork::Next::write:
            return write_snapshot();
        case SnapshotWork::Next::name:
            return name_snapshot(*snapshot_disk_, snapshot_->number);
        case SnapshotWork::Next::keep:
            // The one before is kept, and with it the journal from there on.
            LH_TRY(keep_snapshots(*snapshot_disk_, {snapshot_->number, snapshot_good_}));
            snapshot_number_ = snapshot_->number;
            return {};
        case SnapshotWork::Next::cut:
            break;
    }
    for (Shard shard = 0; shard < journal_.shards(); ++shard)
        LH_TRY(journal_.cut(shard, snapshot_offsets_[shard]));
    return {};
}

Status Writer::write_snapshot() const {
    SnapshotHead head;
    head.journal = journal_.id().uuid;
    head.number = snapshot_->number;
    head.offsets = snapshot_->offsets;
    head.key = keys_.ids().back();
    LH_TRY(random_bytes(head.salt));  // of the file's cipher; the state has nothing of it
    LH_TRY_ASSIGN(std::unique_ptr<DiskFile> file, collector::begin_snapshot(*snapshot_disk_));
    LH_TRY_ASSIGN(SnapshotWriter out,
                  SnapshotWriter::begin(std::move(file), head, *keys_.find(head.key)));
    LH_TRY(put_state(out));
    return out.finish();
}

Status Writer::put_state(SnapshotWriter& out) const {
    for (Shard shard = 0; shard < journal_.shards(); ++shard) {
        ByteSink item;
        item.varint(shard);
        item.u64(held_below_[shard]);
        LH_TRY(put(out, SnapshotItem::shard, item));
        LH_TRY(put_tags(out, shard, tags_[shard]));
        LH_TRY(put_usage(out, shard));
        item.clear();
        item.varint(shard);
        item.varint(adopting_[shard].value_or(0));
        if (adopting_[shard]) LH_TRY(put(out, SnapshotItem::adopting, item));
    }
    ByteSink counts;
    for (const std::uint64_t count : {counters_.blocks, counters_.duplicates, counters_.quarantined,
                                      counters_.released, counters_.damaged})
        counts.u64(count);
    LH_TRY(put(out, SnapshotItem::counts, counts));
    for (const auto& [name, tenant] : tenants_) LH_TRY(put_tenant(out, name, tenant));
    return {};
}

Status Writer::put_tenant(SnapshotWriter& out, const std::string& name,
                          const TenantState& tenant) const {
    LH_TRY(out.put(static_cast<std::uint8_t>(SnapshotItem::tenant), as_bytes(name)));
    ByteSink item;
    const auto put_item = [&](SnapshotItem kind) {
        const Status done = put(out, kind, item);
        item.clear();
        return done;
    };
    for (const auto& [key, schema] : tenant.schemas) {
        item.varint(key.first);
        item.bytes(schema.stored->encoded());
        LH_TRY(put_item(SnapshotItem::schema));
    }
    for (const auto& [shard, hash] : tenant.bound) {
        item.varint(shard);
        item.bytes(hash);
        LH_TRY(put_item(SnapshotItem::bound));
    }
    for (const auto& [key, model] : tenant.models) {
        item.varint(key.first);
        item.bytes(model.bytes);
        LH_TRY(put_item(SnapshotItem::model));
    }
    LH_TRY(put_adopted(out, tenant));
    for (const auto& [table_name, table] : tenant.tables) {
        item.text(table_name);
        for (Shard shard = 0; shard < journal_.shards(); ++shard)
            item.zigzag_varint(table->txn(shard));
        LH_TRY(put_item(SnapshotItem::table));
    }
    LH_TRY(tenant.devices.for_each_streams([&](const StreamSet& set) {
        item.varint(set.id);
        encode_streams(set.entries, item);
        return put_item(SnapshotItem::streams);
    }));
    Status done = tenant.devices.for_each([&](const std::string& device, Bytes state) -> Status {
        // A snapshot that cannot be taken up must never let the journal be cut.
        LH_TRY(tenant.devices.check(state));
        item.text(device);
        item.bytes(state);
        return put_item(SnapshotItem::device);
    });
    tenant.devices.encode_facts([&](const ByteSink& facts) {
        if (done.ok()) done = put(out, SnapshotItem::facts, facts);
    });
    return done;
}

}  // namespace longhaul::collector
