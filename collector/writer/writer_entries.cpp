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

}  // namespace

Writer::Outcome Writer::on_entry(Shard shard, const ReadEntry& read) {
    const JournalEntry& entry = read.entry;
    const Place place{shard,
                      read.offset,
                      read.end,
                      entry.receive_time,
                      date_text(entry.receive_time),
                      std::string{entry.tenant},
                      std::string{entry.device}};
    switch (entry.kind) {
        case JournalKind::schema:
            return on_schema(place, entry.body);
        case JournalKind::epoch:
            return on_epoch(place, entry.body);
        case JournalKind::block:
            return on_block(place, entry.body);
        default:
            break;
    }
    return stop("the journal holds an entry of kind " +
                std::to_string(static_cast<int>(entry.kind)) + " at offset " +
                std::to_string(read.offset) +
                " that this version does not know: start a newer one");
}

Writer::Outcome Writer::on_schema(const Place& place, Bytes body) {
    auto stored = StoredSchema::parse(body);
    if (!stored.ok()) return quarantine(place, {0, 0}, std::nullopt, "schema cannot be read");
    const SchemaHash hash = stored.value()->hash();
    tenants_[place.tenant].schemas.try_emplace(std::pair{place.shard, hash},
                                               std::move(stored).value());
    return {};
}

Writer::Outcome Writer::on_epoch(const Place& place, Bytes body) {
    longhaul_EpochRecord record;
    const auto parsed = parse_signed_epoch(body);
    if (!parsed.ok() || !parse_epoch_record(parsed.value().record, record).ok()) {
        return quarantine(place, {0, 0}, std::nullopt, "epoch record cannot be read");
    }
    const EpochName name{record.incarnation, record.epoch};
    auto& epochs = tenants_[place.tenant].devices[place.device].epochs;
    const Sha256 hash = sha256(parsed.value().record);
    if (const auto known = epochs.find(name); known != epochs.end()) {
        if (known->second.record_hash == hash) return add_streams(place, record, known->second);
        return quarantine(place, name, std::nullopt, "fork: a second record of this epoch");
    }
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
        return quarantine(place, name, std::nullopt, "the epoch's block key does not open");

    EpochState epoch;
    epoch.record_hash = hash;
    epoch.key = key.value();
    for (std::size_t i = 0; i < record.streams_count; ++i)
        epoch.classes |= 1U << record.streams[i].block_class;
    LH_TRY(add_streams(place, record, epoch));
    LH_TRY(add_power_cut(place, record, epoch));
    // The record of the epoch after it may have come first.
    const auto next = epochs.upper_bound(name);
    if (next != epochs.end() && next->first.first == name.first &&
        next->second.previous_epoch == name.second) {
        LH_TRY(add_unlisted_power_cut(place, name, epoch.classes, next->second));
    }
    epochs.emplace(name, std::move(epoch));
    return add_epoch_row(place, record);
}

// Those whose schema was missing so far: a record that is sent again may find it there.
Writer::Outcome Writer::add_streams(const Place& place, const longhaul_EpochRecord& record,
                                    EpochState& epoch) {
    for (std::size_t i = 0; i < record.streams_count; ++i) {
        const longhaul_StreamEntry& entry = record.streams[i];
        if (epoch.streams[entry.index] == nullptr) LH_TRY(add_stream(place, entry, epoch));
    }
    return {};
}

Writer::Outcome Writer::add_stream(const Place& place, const longhaul_StreamEntry& entry,
                                   EpochState& epoch) {
    TenantState& tenant = tenants_[place.tenant];
    SchemaHash hash;
    std::memcpy(hash.data(), entry.schema_hash, hash.size());
    const auto known = tenant.schemas.find({place.shard, hash});
    if (known == tenant.schemas.end())
        return {};  // its blocks go into quarantine until it is there
    auto stream = std::make_unique<Stream>();
    stream->name = entry.name;
    stream->schema = &known->second->schema();
    LH_TRY_ASSIGN(stream->table,
                  table(place.tenant, std::string{stream->schema->name}, fixed_columns(), true));
    for (const Field& field : stream->schema->fields) {
        stream->columns.push_back(stream->table->column_for(column_of(field), stream->columns));
    }
    epoch.schemas[entry.index] = stream->schema;
    epoch.streams[entry.index] = std::move(stream);
    return {};
}

Writer::Outcome Writer::on_block(const Place& place, Bytes body) {
    const auto header = parse_block_header(body);
    if (!header.ok()) return quarantine(place, {0, 0}, std::nullopt, "block header");
    const BlockName& name = header.value().name;
    const EpochName epoch_name{name.incarnation.value, name.epoch.value};
    auto& epochs = tenants_[place.tenant].devices[place.device].epochs;
    const auto found = epochs.find(epoch_name);
    if (found == epochs.end())
        return quarantine(place, epoch_name, header.value(), "no epoch record");
    EpochState& epoch = found->second;

    const auto [known, first_arrival] =
        epoch.received.try_emplace(name.seq.value, content_tag(body));
    if (!first_arrival) {
        if (known->second != content_tag(body)) {
            return quarantine(place, epoch_name, header.value(),
                              "fork: other content under the same name");
        }
        ++counters_.duplicates;
        return {};
    }
    const auto opened = open_block(epoch.key, body, body_room_);
    if (!opened.ok())
        return quarantine(place, epoch_name, header.value(), "the block does not open");
    const auto block = decode_block(opened.value(), epoch.schemas, header.value().samples);
    if (!block.ok()) {
        // It counts as never arrived, so that it becomes rows when it comes again after its schema.
        if (block.error().code == ErrorCode::not_found) epoch.received.erase(known);
        return quarantine(place, epoch_name, header.value(), to_string(block.error()));
    }
    ++counters_.blocks;
    return add_rows(place, name, block.value(), epoch);
}

}  // namespace longhaul::collector
