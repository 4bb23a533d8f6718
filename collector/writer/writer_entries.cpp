// What becomes of each kind of journal entry. Nothing a device can write stops the writer: what
// does not open, decode or fit goes into quarantine with its reason.
#include <algorithm>
#include <cstring>

#include "collector/writer/table_columns.hpp"
#include "collector/writer/writer.hpp"
#include "common/base/civil_time.hpp"
#include "common/base/hex.hpp"

namespace longhaul::collector {
namespace {

// The end of a block's authentication tag: equal for equal content, and no attacker's choice.
std::uint64_t content_tag(Bytes sealed) {
    return ByteReader{sealed.last(sizeof(std::uint64_t))}.u64();
}

constexpr const char* fork = "fork: other content under the same name";
constexpr const char* behind_end =
    "fork: of an epoch that the record of the next one had ended before";
constexpr const char* done_long_ago =
    "of an epoch that was done long ago: whether it came before cannot be told any more";

std::vector<StreamEntry> streams_of(const longhaul_EpochRecord& record) {
    std::vector<StreamEntry> entries(record.streams_count);
    for (std::size_t i = 0; i < entries.size(); ++i) {
        const longhaul_StreamEntry& from = record.streams[i];
        StreamEntry& to = entries[i];
        to.index = static_cast<std::uint8_t>(from.index);
        to.block_class = static_cast<std::uint8_t>(from.block_class);
        to.name = from.name;
        std::memcpy(to.schema.data(), from.schema_hash, to.schema.size());
        if (from.model.size == sizeof(ModelHash))
            std::memcpy(to.model.emplace().data(), from.model.bytes, sizeof(ModelHash));
    }
    return entries;
}

}  // namespace

// A second record or block of a name says nothing of the first one.
bool leaves_name_free(std::string_view reason) {
    constexpr std::array<std::string_view, 6> free{"not found", "no epoch record",
                                                   "too many",  "the block does not open",
                                                   "fork",      "of an epoch"};
    return std::any_of(free.begin(), free.end(),
                       [reason](std::string_view each) { return reason.starts_with(each); });
}

std::uint64_t Writer::Place::tag_name(const Uuid& journal, const BlockName& block) const {
    ByteSink name;
    name.bytes(journal);
    name.text(tenant);
    name.text(device);
    name.u32(block.incarnation.value);
    name.u32(block.epoch.value);
    name.u32(block.seq.value);
    const Sha256 hash = sha256(name.written());
    const std::uint64_t bits = ByteReader{Bytes{hash}}.u64();
    return bits == 0 ? 1 : bits;
}

Writer::Outcome Writer::on_entry(Shard shard, const ReadEntry& read) {
    const JournalEntry& entry = read.entry;
    const Place place{shard,
                      read.offset,
                      read.end,
                      entry.receive_time,
                      date_text(entry.receive_time),
                      std::string{entry.tenant},
                      std::string{entry.device}};
    tags_[shard].reach(read.offset);
    LH_TRY(end_usage_hour(place));
    const WriterCounters before = counters_;
    LH_TRY(take_entry(place, entry));
    // What came to a journal before this one was counted then.
    if (!adopting_[shard]) add_usage(place, entry, before);
    note_heard(place, entry);
    return {};
}

Writer::Outcome Writer::take_entry(const Place& place, const JournalEntry& entry) {
    switch (entry.kind) {
        case JournalKind::schema:
            return on_schema(place, entry.body);
        case JournalKind::epoch:
            return on_epoch(place, entry.body);
        case JournalKind::block:
            return on_block(place, entry.body);
        case JournalKind::model:
            return on_model(place, entry.body);
        case JournalKind::release:
            return on_release(place, entry.body);
        case JournalKind::adoption:
            return on_adoption(place, entry.body);
        case JournalKind::connection:
            return on_connection(place, entry.body);
        default:
            return stop_at_unknown(place, entry.kind);
    }
}

Message Writer::stop_at_unknown(const Place& place, JournalKind kind) {
    return stop("the journal holds an entry of kind " + std::to_string(static_cast<int>(kind)) +
                " at offset " + std::to_string(place.offset) +
                " that this version does not know: start a newer one");
}

// It may have been the model or the release of a block whose rows are in a table already, and a
// new release would write them once more.
Writer::Outcome Writer::on_damage(Shard shard, Offset at) {
    ++counters_.damaged;
    begin_damaged_[shard] = begin_damaged_[shard] || at == 0;
    if (adopting_[shard] || (at == 0 && has_adopted_)) return on_damaged_adoption();
    notes_.push_back("the journal cannot be read at offset " + std::to_string(at) + " of shard " +
                     std::to_string(shard) +
                     ": what lay there is left out. What of it is in no table comes again when "
                     "`longhaul adopt` has made a new journal, as far as devices still have it");
    held_below_[shard] = ends_at_start_[shard];
    stop_waiting(shard);
    return {};
}

Writer::Outcome Writer::on_schema(const Place& place, Bytes body) {
    auto stored = StoredSchema::parse(body);
    if (!stored.ok()) return quarantine(place, {0, 0}, std::nullopt, body, "schema cannot be read");
    const SchemaHash hash = stored.value()->hash();
    tenants_[place.tenant].schemas.try_emplace(std::pair{place.shard, hash},
                                               KnownSchema{std::move(stored).value(), nullptr, {}});
    return {};
}

DeviceMemory& Writer::device_of(const Place& place) {
    DeviceMemory& device = tenants_[place.tenant].devices.get(place.device);
    device.shard = place.shard;
    return device;
}

Writer::Outcome Writer::on_epoch(const Place& place, Bytes body) {
    longhaul_EpochRecord record;
    const auto parsed = parse_signed_epoch(body);
    if (!parsed.ok() || !parse_epoch_record(parsed.value().record, record).ok()) {
        return quarantine(place, {0, 0}, std::nullopt, body, "epoch record cannot be read");
    }
    const EpochName name{record.incarnation, record.epoch};
    DeviceMemory& device = device_of(place);
    IncarnationState* const incarnation = device.find_or_add(record.incarnation);
    if (incarnation == nullptr)
        return quarantine(place, name, std::nullopt, body, "too many incarnations of this device");
    const Sha256 hash = sha256(parsed.value().record);
    RecordTag tag;
    std::copy_n(hash.begin(), tag.size(), tag.begin());
    if (incarnation->is_closed(record.epoch))
        return on_closed_epoch(place, name, tag, body, *incarnation);
    EpochState* const known = incarnation->find(record.epoch);
    if (known != nullptr && known->has_record && known->record_tag == tag)
        return add_streams(place, *known);
    if (known != nullptr && known->has_record)
        return quarantine(place, name, std::nullopt, body, "fork: a second record of this epoch");
    if (known != nullptr && !known->may_have_record(tag))
        return quarantine(place, name, std::nullopt, body, "fork: a second record of this epoch");
    device.make_room();  // also for the epoch before it, of which it tells
    if (incarnation->is_given_up(record.epoch))
        return quarantine(place, name, std::nullopt, body, "too many epochs of this device");

    SealingKeyId id;
    std::memcpy(id.data(), record.sealing_key_id, id.size());
    const PrivateKey* sealing_key = keys_.find(id);
    if (sealing_key == nullptr) {
        return stop("the private sealing key " + hex(id) + " that device " + place.device +
                    " uses is missing: put " + hex(id) +
                    ".key back into the folder of sealing keys");
    }
    const auto key = keys_.unwrap(*sealing_key, record);
    if (!key.ok())
        return quarantine(place, name, std::nullopt, body, "the epoch's block key does not open");
    return add_epoch(place, record, tag, key.value(), *incarnation);
}

Writer::Outcome Writer::add_epoch(const Place& place, const longhaul_EpochRecord& record,
                                  const RecordTag& tag, const BlockKey& key,
                                  IncarnationState& incarnation) {
    EpochState& epoch = incarnation.open[record.epoch];
    epoch.has_record = true;
    epoch.record_tag = tag;
    epoch.key = key;
    epoch.streams = &tenants_[place.tenant].devices.intern(streams_of(record));
    ++epoch.streams->users;
    note_boot(place, record);
    LH_TRY(add_streams(place, epoch));
    LH_TRY(add_power_cut(place, record, incarnation));
    // The record of the epoch after it may have come first.
    const EpochName name{record.incarnation, record.epoch};
    if (epoch.cut.by_record)
        LH_TRY(add_unlisted_power_cut(place, name, epoch.streams->classes(), epoch.cut));
    if (!epoch.adopted || !epoch.adopted->listed) LH_TRY(add_epoch_row(place, record, tag));
    DeviceMemory::settle(incarnation, record.epoch);
    DeviceMemory::settle(incarnation, record.previous_epoch);
    return {};
}

// It is the same record again, or that of a device that was set back to an older state.
Writer::Outcome Writer::on_closed_epoch(const Place& place, const EpochName& name,
                                        const RecordTag& tag, Bytes body,
                                        const IncarnationState& incarnation) {
    const auto same = incarnation.is_record(name.second, tag);
    if (!same) return quarantine(place, name, std::nullopt, body, done_long_ago);
    if (*same) return {};
    return quarantine(place, name, std::nullopt, body, "fork: a second record of this epoch");
}

// Those whose schema was missing so far: a record that is sent again may find it there.
Writer::Outcome Writer::add_streams(const Place& place, EpochState& epoch) {
    TenantState& tenant = tenants_[place.tenant];
    for (const StreamEntry& entry : epoch.streams->entries) {
        if ((epoch.resolved >> entry.index & 1) != 0) continue;
        const auto known = tenant.schemas.find({place.shard, entry.schema});
        if (known == tenant.schemas.end())
            continue;  // its blocks go into quarantine until it is there
        if (entry.model && !tenant.models.contains({place.shard, *entry.model}))
            missing_models_.insert({place.shard, place.tenant, *entry.model});
        LH_TRY(bind(place.tenant, known->first, known->second));
        epoch.resolved |= 1U << entry.index;
    }
    return {};
}

// Finds the schema's columns in its table, once.
Writer::Outcome Writer::bind(const std::string& tenant, const SchemaName& name,
                             KnownSchema& known) {
    if (known.table != nullptr) return {};
    const Schema& schema = known.stored->schema();
    LH_TRY_ASSIGN(TableBuffer* const found,
                  table(tenant, std::string{schema.name}, fixed_columns(), true));
    for (const Field& field : schema.fields)
        known.columns.push_back(found->column_for(column_of(field), known.columns));
    known.table = found;
    tenants_[tenant].bound.push_back(name);
    return {};
}

Writer::Outcome Writer::on_block(const Place& place, Bytes body) {
    const auto header = parse_block_header(body);
    if (!header.ok()) return quarantine(place, {0, 0}, std::nullopt, body, "block header");
    const BlockName& name = header.value().name;
    const EpochName epoch_name{name.incarnation.value, name.epoch.value};
    const auto refuse = [&](std::string_view reason) {
        return quarantine(place, epoch_name, header.value(), body, reason);
    };
    DeviceMemory& device = device_of(place);
    IncarnationState* const incarnation = device.find(name.incarnation.value);
    if (incarnation == nullptr) return refuse("no epoch record");
    const auto known = [&](const char* untold) {
        return on_known_block(place, header.value(), body, incarnation->key_of(name.epoch.value),
                              untold);
    };
    // Its key opens it, too: somebody has copied the device's spool and begun the next epoch with
    // it.
    if (incarnation->is_behind_end(name.epoch.value, name.seq))
        return on_known_block(place, header.value(), body, nullptr, behind_end);
    if (incarnation->is_closed(name.epoch.value)) return known(done_long_ago);
    if (incarnation->is_given_up(name.epoch.value)) return known("too many epochs of this device");
    EpochState* const epoch = incarnation->find(name.epoch.value);
    if (epoch == nullptr || !epoch->has_record) return refuse("no epoch record");
    const bool again = epoch->comes_again(name.seq.value);
    if (epoch->received.contains(name.seq.value) && !again) return known(fork);
    if (epoch->received.size() >= state_limits::runs_max &&
        epoch->received.grows_by(name.seq.value))
        return refuse(too_many_gaps);

    epoch->received.add(name.seq.value);
    if (again) epoch->adopted->again.remove(name.seq.value);
    tags_[place.shard].put(place.tag_name(journal_.id().uuid, name), content_tag(body));
    LH_TRY(take_block(place, header.value(), body, *epoch));
    DeviceMemory::settle(*incarnation, name.epoch.value);
    return {};
}

// By the tag of what came then, or else by its epoch's key: what that opens was not made by a
// device that was set back, because each boot draws a new one.
std::optional<bool> Writer::is_same_block(const Place& place, const BlockName& name, Bytes body,
                                          const BlockKey* key) {
    const auto tag = tags_[place.shard].find(place.tag_name(journal_.id().uuid, name));
    if (tag) return *tag == content_tag(body);
    if (key == nullptr) return std::nullopt;
    return open_block(*key, body, body_room_).ok();
}

// Its name is taken. `untold`: the reason for quarantine when nobody can say whether by the same.
Writer::Outcome Writer::on_known_block(const Place& place, const BlockHeader& header, Bytes body,
                                       const BlockKey* key, const char* untold) {
    const auto same = is_same_block(place, header.name, body, key);
    if (same == true) {
        ++counters_.duplicates;
        return {};
    }
    const EpochName name{header.name.incarnation.value, header.name.epoch.value};
    if (same == false) return quarantine(place, name, header, body, fork);
    // Once is enough.
    tags_[place.shard].put(place.tag_name(journal_.id().uuid, header.name), content_tag(body));
    return quarantine(place, name, header, body, untold);
}

// The block's name is taken already.
Writer::Outcome Writer::take_block(const Place& place, const BlockHeader& header, Bytes body,
                                   EpochState& epoch) {
    const BlockName& name = header.name;
    const EpochName epoch_name{name.incarnation.value, name.epoch.value};
    const auto opened = open_block(epoch.key, body, body_room_);
    if (!opened.ok()) {
        // Nothing says that it is of this device's epoch, so its name stays free for the one that
        // is.
        forget_block(place, name, epoch);
        return quarantine(place, epoch_name, header, body, "the block does not open");
    }
    Formats formats = formats_of(place, epoch);
    if (const auto lacks = find_models(place, opened.value(), epoch, formats))
        return wait_for_model(place, header, body, epoch, *lacks);
    const auto block = decoder_.decode(opened.value(), formats, header.samples);
    if (!block.ok()) {
        // So that it becomes rows when it comes again after its schema.
        if (block.error().code == ErrorCode::not_found) forget_block(place, name, epoch);
        return quarantine(place, epoch_name, header, body, to_string(block.error()));
    }
    if (has_all_rows(place, name, block.value(), epoch)) {
        ++counters_.duplicates;
        return {};
    }
    ++counters_.blocks;
    decoded_bytes_ = bytes_of(block.value());
    return add_rows(place, name, block.value(), epoch);
}

// It counts as never arrived. But where its number would be one hole too many, it stays taken.
void Writer::forget_block(const Place& place, const BlockName& name, EpochState& epoch) {
    if (epoch.received.size() >= state_limits::runs_max) return;
    tags_[place.shard].remove(place.tag_name(journal_.id().uuid, name));
    const std::uint32_t seq = name.seq.value;
    const bool has_rows = epoch.adopted && epoch.adopted->has_rows(seq);
    if (has_rows) epoch.adopted->again.add(seq);
    if (!has_rows || epoch.adopted->has(torn_blocks, seq)) epoch.received.remove(seq);
}

Writer::Formats Writer::formats_of(const Place& place, const EpochState& epoch) {
    Formats formats;
    const TenantState& tenant = tenants_[place.tenant];
    for (const StreamEntry& entry : epoch.streams->entries) {
        if ((epoch.resolved >> entry.index & 1) == 0) continue;
        formats[entry.index].schema =
            &tenant.schemas.at({place.shard, entry.schema}).stored->schema();
    }
    return formats;
}

}  // namespace longhaul::collector
