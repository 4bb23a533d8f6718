// How the writer takes up a snapshot: the newest that can be read, and only one that fits the
// journal and the tables. Specification: docs/spec/snapshot.md.
#include <algorithm>

#include "collector/writer/table_columns.hpp"
#include "collector/writer/writer.hpp"
#include "common/base/hex.hpp"

namespace longhaul::collector {
namespace {

std::string name_of_snapshot(std::uint64_t number) { return "snapshot " + snapshot_path(number); }

template <std::size_t Size>
std::array<std::byte, Size> read_array(ByteReader& in) {
    std::array<std::byte, Size> array{};
    const Bytes bytes = in.bytes(Size);
    std::copy(bytes.begin(), bytes.end(), array.begin());
    return array;
}

// What a system table's rows have; nullptr: it is none of ours.
std::vector<Column> (*system_columns(std::string_view name))() {
    if (name == "_epochs") return epoch_columns;
    if (name == "_anchors") return anchor_columns;
    if (name == "_losses") return loss_columns;
    if (name == "_quarantine") return quarantine_columns;
    if (name == "_usage") return usage_columns;
    return nullptr;
}

const Error damaged_content{ErrorCode::malformed, "its content is not a writer's state"};

}  // namespace

void Writer::forget_all() {
    tenants_.clear();
    counters_ = {};
    for (ContentTags& tags : tags_) tags = ContentTags{settings_.tag_bytes};
    for (UsageLedger& usage : usage_) usage = {};
    std::fill(held_below_.begin(), held_below_.end(), 0);
    std::fill(adopting_.begin(), adopting_.end(), std::nullopt);
    has_adopted_ = false;
    std::fill(begin_damaged_.begin(), begin_damaged_.end(), false);
    std::fill(snapshot_offsets_.begin(), snapshot_offsets_.end(), 0);
    missing_models_.clear();
    waiting_.clear();
    releasable_.clear();
    txns_then_.clear();
    restored_tenant_ = nullptr;
}

Writer::Outcome Writer::restore() {
    forget_all();
    std::vector<std::uint64_t> numbers;
    if (snapshot_disk_ != nullptr) {
        auto found = snapshot_numbers(*snapshot_disk_);
        if (!found.ok())
            return Message{"the writer's snapshots cannot be listed: " + to_string(found.error())};
        numbers = std::move(found).value();
    }
    for (const std::uint64_t number : numbers) {
        LH_TRY_ASSIGN(const bool restored, restore_from(number));
        if (!restored) continue;
        notes_.push_back("the writer goes on from " + name_of_snapshot(number));
        return open_tables();
    }
    for (Shard shard = 0; shard < journal_.shards(); ++shard) {
        const auto begin = journal_.begin(shard);
        if (!begin.ok()) return Message{"the journal cannot be read: " + to_string(begin.error())};
        if (begin.value() == 0) continue;
        return stop(
            "the beginning of the journal has been cut off and no snapshot of the writer can be "
            "read that knows what was there: put a copy of its folder " +
            std::string{snapshots_folder} +
            " back beside the journal. The journal is left as it is; without a snapshot rows "
            "would be doubled");
    }
    LH_TRY(check_lake());
    if (!numbers.empty()) notes_.push_back("the writer reads the whole journal again");
    return {};
}

// False: it is damaged, and an older one may do.
Result<bool, Message> Writer::restore_from(std::uint64_t number) {
    const std::string who = name_of_snapshot(number);
    const auto file = snapshot_disk_->open(snapshot_path(number));
    if (!file.ok()) return Message{who + " cannot be opened: " + to_string(file.error())};
    std::vector<std::byte> front(snapshot_head_bytes_max);
    const auto got = file.value()->read_at(0, front);
    if (!got.ok()) return Message{who + " cannot be read: " + to_string(got.error())};
    const auto head = parse_snapshot_head(Bytes{front}.first(got.value()));
    Status done = head.ok() ? check_head(head.value(), number) : Status{head.error()};
    if (done.ok()) {
        const PrivateKey* const key = keys_.find(head.value().key);
        if (key == nullptr) {
            return stop("the private sealing key " + hex(head.value().key) + " that " + who +
                        " is sealed with is missing: put " + hex(head.value().key) +
                        ".key back into the folder of sealing keys");
        }
        snapshot_offsets_ = head.value().offsets;
        for (Shard shard = 0; shard < journal_.shards(); ++shard)
            tags_[shard].reach(snapshot_offsets_[shard]);
        done = read_snapshot(*file.value(), *key,
                             [this](auto kind, Bytes content) { return take_item(kind, content); });
    }
    snapshot_number_ = std::max(snapshot_number_, number);
    if (done.ok()) {
        snapshot_good_ = number;
        return true;
    }
    forget_all();
    const ErrorCode code = done.error().code;
    if (code == ErrorCode::corrupt || code == ErrorCode::malformed) {
        notes_.push_back(who + " cannot be used, " + done.error().detail +
                         ": the one before it is taken");
        return false;
    }
    if (code == ErrorCode::io) return Message{who + " cannot be read: " + to_string(done.error())};
    return stop(who + ": " + to_string(done.error()));
}

Status Writer::check_head(const SnapshotHead& head, std::uint64_t number) const {
    if (head.journal != journal_.id().uuid)
        return Error{ErrorCode::denied,
                     "it is of another journal; use that journal, or `longhaul adopt`"};
    if (head.number != number)
        return Error{ErrorCode::corrupt, "its number is not that of its name"};
    if (head.offsets.size() != journal_.shards())
        return Error{ErrorCode::denied, "it has another number of shards than the journal"};
    for (Shard shard = 0; shard < journal_.shards(); ++shard) {
        if (head.offsets[shard] > ends_at_start_[shard]) {
            return Error{ErrorCode::denied,
                         "it is of more than the journal holds, which is an older copy; use the "
                         "newest, or `longhaul adopt`"};
        }
        LH_TRY_ASSIGN(const Offset begin, journal_.begin(shard));
        if (head.offsets[shard] < begin) {
            return Error{ErrorCode::corrupt,
                         "the journal behind it has been cut off, so that it is of no use"};
        }
    }
    return {};
}

Status Writer::take_item(std::uint8_t kind, Bytes content) {
    ByteReader in{content};
    switch (static_cast<SnapshotItem>(kind)) {
        case SnapshotItem::shard: {
            const std::uint64_t shard = in.varint();
            const Offset held_below = in.u64();
            if (!in.at_end() || shard >= journal_.shards()) return damaged_content;
            held_below_[shard] = held_below;
            return {};
        }
        case SnapshotItem::tags: {
            const std::uint64_t shard = in.varint();
            const std::size_t generation = in.u8();
            if (!in.ok() || shard >= journal_.shards() || generation >= ContentTags::generations)
                return damaged_content;
            while (!in.at_end()) {
                const ContentTags::Tag tag{in.u64(), in.u64()};
                if (!in.ok() || tag.name == 0) return damaged_content;
                tags_[shard].put_old(generation, tag);
            }
            return {};
        }
        case SnapshotItem::adopting: {
            const std::uint64_t shard = in.varint();
            const std::uint64_t entries = in.varint();
            if (!in.at_end() || shard >= adopting_.size()) return damaged_content;
            adopting_[shard] = entries;
            return {};
        }
        case SnapshotItem::usage: {
            const std::uint64_t shard = in.varint();
            return in.ok() && shard < usage_.size() ? usage_[shard].take(in) : damaged_content;
        }
        case SnapshotItem::counts:
            for (std::uint64_t* const count :
                 {&counters_.blocks, &counters_.duplicates, &counters_.quarantined,
                  &counters_.released, &counters_.damaged})
                *count = in.u64();
            return in.at_end() ? Status{} : damaged_content;
        case SnapshotItem::tenant:
            restored_tenant_name_ = as_text(content);
            restored_tenant_ = &tenants_[restored_tenant_name_];
            return {};
        default:
            return restored_tenant_ == nullptr ? damaged_content : take_tenant_item(kind, in);
    }
}

Status Writer::take_tenant_item(std::uint8_t kind, ByteReader& in) {
    TenantState& tenant = *restored_tenant_;
    const auto read_shard = [&] {
        const std::uint64_t shard = in.varint();
        if (shard >= journal_.shards()) in.fail();
        return static_cast<Shard>(shard);
    };
    switch (static_cast<SnapshotItem>(kind)) {
        case SnapshotItem::schema: {
            const Shard shard = read_shard();
            LH_TRY_ASSIGN(auto schema, StoredSchema::parse(in.rest()));
            const SchemaHash hash = schema->hash();
            tenant.schemas.try_emplace({shard, hash}, KnownSchema{std::move(schema), nullptr, {}});
            return in.ok() ? Status{} : damaged_content;
        }
        case SnapshotItem::bound: {
            const Shard shard = read_shard();
            tenant.bound.emplace_back(shard, read_array<sizeof(SchemaHash)>(in));
            const bool known = in.at_end() && tenant.schemas.contains(tenant.bound.back());
            return known ? Status{} : damaged_content;
        }
        case SnapshotItem::model: {
            const Shard shard = read_shard();
            StoredModel stored{{in.rest().begin(), in.rest().end()}, {}};
            if (const auto model = Model::parse(stored.bytes); model.ok())
                stored.model = model.value();
            const ModelHash hash = model_hash(stored.bytes);
            tenant.models.try_emplace({shard, hash}, std::move(stored));
            return in.ok() ? Status{} : damaged_content;
        }
        case SnapshotItem::table: {
            const std::string name{as_text(read_counted(in))};
            auto& txns = txns_then_[restored_tenant_name_ + "/" + name];
            for (Shard shard = 0; shard < journal_.shards(); ++shard)
                txns.push_back(in.zigzag_varint());
            return in.at_end() ? Status{} : damaged_content;
        }
        case SnapshotItem::streams: {
            const std::uint64_t id = in.varint();
            LH_TRY_ASSIGN(auto entries, decode_streams(in));
            if (!in.at_end() || id > UINT32_MAX) return damaged_content;
            return tenant.devices.put_streams(static_cast<std::uint32_t>(id), std::move(entries));
        }
        case SnapshotItem::adopted:
            return take_adopted(tenant, in.rest());
        case SnapshotItem::device:
            return take_device(in);
        case SnapshotItem::facts:
            return tenant.devices.take_facts(in);
        default:
            return Error{ErrorCode::unsupported,
                         "it holds what this version does not know: start a newer one"};
    }
}

// What follows from the devices is not stored again: models that are missing, blocks that wait.
Status Writer::take_device(ByteReader& in) {
    TenantState& tenant = *restored_tenant_;
    const std::string_view name = as_text(read_counted(in));
    LH_TRY_ASSIGN(const DeviceMemory device, tenant.devices.put_packed(name, in.rest()));
    if (device.shard >= journal_.shards()) return damaged_content;
    for (const IncarnationState& incarnation : device.incarnations) {
        for (const auto& [number, epoch] : incarnation.open) {
            for (const auto& [hash, seqs] : epoch.waiting) {
                const std::string device_name{name};
                waiting_[{device.shard, restored_tenant_name_, hash}].insert(device_name);
                const auto model = tenant.models.find({device.shard, hash});
                if (model != tenant.models.end() && model->second.model)
                    releasable_.insert({restored_tenant_name_, device_name, device.shard, hash});
            }
            if (!epoch.has_record) continue;
            for (const StreamEntry& entry : epoch.streams->entries) {
                if ((epoch.resolved >> entry.index & 1) == 0) continue;
                if (!tenant.schemas.contains({device.shard, entry.schema})) return damaged_content;
                if (entry.model && !tenant.models.contains({device.shard, *entry.model}))
                    missing_models_.insert({device.shard, restored_tenant_name_, *entry.model});
            }
        }
    }
    return {};
}

// In the order in which they were bound, so that columns get the same names.
Writer::Outcome Writer::open_tables() {
    for (auto& [name, tenant] : tenants_) {
        const std::vector<SchemaName> bound = std::exchange(tenant.bound, {});
        for (const SchemaName& schema : bound)
            LH_TRY(bind(name, schema, tenant.schemas.at(schema)));
    }
    for (const auto& [folder, then] : txns_then_) {
        const std::size_t slash = folder.find('/');
        const std::string name = folder.substr(slash + 1);
        const auto columns = system_columns(name);
        LH_TRY_ASSIGN(TableBuffer* const now,
                      table(folder.substr(0, slash), name,
                            columns == nullptr ? fixed_columns() : columns(), columns == nullptr));
        for (Shard shard = 0; shard < journal_.shards(); ++shard) {
            if (now->txn(shard) >= then[shard]) continue;
            return stop("table " + folder +
                        " holds less than the writer's snapshot says: it was removed, or taken "
                        "back to an older version. What it lacks may have been cut off from the "
                        "journal; take it to its newest version again, or put a copy of it back");
        }
    }
    return {};
}

void Writer::for_each_known(const KnownVisitor& visitor) const {
    for (const auto& [tenant_name, tenant] : tenants_) {
        for (const auto& [key, schema] : tenant.schemas)
            visitor.schema(key.first, tenant_name, key.second);
        for (const auto& [key, model] : tenant.models)
            visitor.model(key.first, tenant_name, key.second);
        const std::string& name = tenant_name;
        tenant.devices.for_each_epoch(
            [&](const std::string& device, std::uint32_t incarnation, std::uint32_t epoch) {
                visitor.epoch(name, device, {incarnation}, {epoch});
            });
    }
}

}  // namespace longhaul::collector
