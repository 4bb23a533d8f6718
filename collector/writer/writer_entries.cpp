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
        case JournalKind::model:
            return on_model(place, entry.body);
        case JournalKind::release:
            return on_release(place, entry.body);
        default:
            break;
    }
    return stop("the journal holds an entry of kind " +
                std::to_string(static_cast<int>(entry.kind)) + " at offset " +
                std::to_string(read.offset) +
                " that this version does not know: start a newer one");
}

// It may have been the model or the release of a block whose rows are in a table already, and a
// new release would write them once more.
void Writer::on_damage(Shard shard) {
    ++counters_.damaged;
    held_below_[shard] = ends_at_start_[shard];
    std::erase_if(releasable_, [&](const WaitingBlock& block) {
        return block.shard == shard && block.offset < held_below_[shard];
    });
}

Writer::Outcome Writer::on_schema(const Place& place, Bytes body) {
    auto stored = StoredSchema::parse(body);
    if (!stored.ok()) return quarantine(place, {0, 0}, std::nullopt, body, "schema cannot be read");
    const SchemaHash hash = stored.value()->hash();
    tenants_[place.tenant].schemas.try_emplace(std::pair{place.shard, hash},
                                               std::move(stored).value());
    return {};
}

Writer::Outcome Writer::on_epoch(const Place& place, Bytes body) {
    longhaul_EpochRecord record;
    const auto parsed = parse_signed_epoch(body);
    if (!parsed.ok() || !parse_epoch_record(parsed.value().record, record).ok()) {
        return quarantine(place, {0, 0}, std::nullopt, body, "epoch record cannot be read");
    }
    const EpochName name{record.incarnation, record.epoch};
    auto& [epochs, cuts] = tenants_[place.tenant].devices[place.device];
    const Sha256 hash = sha256(parsed.value().record);
    if (const auto known = epochs.find(name); known != epochs.end()) {
        if (known->second.record_hash == hash) return add_streams(place, record, known->second);
        return quarantine(place, name, std::nullopt, body, "fork: a second record of this epoch");
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
        return quarantine(place, name, std::nullopt, body, "the epoch's block key does not open");

    EpochState epoch;
    epoch.record_hash = hash;
    epoch.key = key.value();
    for (std::size_t i = 0; i < record.streams_count; ++i)
        epoch.classes |= 1U << record.streams[i].block_class;
    LH_TRY(add_streams(place, record, epoch));
    LH_TRY(add_power_cut(place, record));
    // The record of the epoch after it may have come first.
    if (const auto cut = cuts.find(name); cut != cuts.end() && cut->second.by_record)
        LH_TRY(add_unlisted_power_cut(place, name, epoch.classes, cut->second));
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
    if (entry.model.size == sizeof(ModelHash)) {
        std::memcpy(stream->model.emplace().data(), entry.model.bytes, sizeof(ModelHash));
        if (!tenant.models.contains({place.shard, *stream->model}))
            missing_models_.insert({place.shard, place.tenant, *stream->model});
    }
    stream->schema = &known->second->schema();
    LH_TRY_ASSIGN(stream->table,
                  table(place.tenant, std::string{stream->schema->name}, fixed_columns(), true));
    for (const Field& field : stream->schema->fields) {
        stream->columns.push_back(stream->table->column_for(column_of(field), stream->columns));
    }
    epoch.formats[entry.index].schema = stream->schema;
    epoch.streams[entry.index] = std::move(stream);
    return {};
}

// Blocks that wait for it can be released from here on. One that cannot be read is there, too: it
// would be no better if it came again.
Writer::Outcome Writer::on_model(const Place& place, Bytes body) {
    StoredModel stored{{body.begin(), body.end()}, {}};
    const auto model = Model::parse(stored.bytes);
    if (model.ok()) stored.model = model.value();
    TenantState& tenant = tenants_[place.tenant];
    const ModelHash hash = model_hash(body);
    tenant.models.try_emplace({place.shard, hash}, std::move(stored));
    missing_models_.erase({place.shard, place.tenant, hash});
    if (!model.ok()) return quarantine(place, {0, 0}, std::nullopt, body, "model cannot be read");
    for (const auto& [device_name, device] : tenant.devices) {
        for (const auto& [epoch_name, epoch] : device.epochs) {
            for (const auto& [seq, waiting] : epoch.waiting) {
                if (waiting.block.shard == place.shard && waiting.model == hash &&
                    waiting.block.offset >= held_below_[place.shard]) {
                    releasable_.insert(waiting.block);
                }
            }
        }
    }
    return {};
}

Writer::Outcome Writer::on_block(const Place& place, Bytes body) {
    const auto header = parse_block_header(body);
    if (!header.ok()) return quarantine(place, {0, 0}, std::nullopt, body, "block header");
    const BlockName& name = header.value().name;
    const EpochName epoch_name{name.incarnation.value, name.epoch.value};
    auto& epochs = tenants_[place.tenant].devices[place.device].epochs;
    const auto found = epochs.find(epoch_name);
    if (found == epochs.end())
        return quarantine(place, epoch_name, header.value(), body, "no epoch record");
    EpochState& epoch = found->second;

    const auto [known, first_arrival] =
        epoch.received.try_emplace(name.seq.value, content_tag(body));
    if (first_arrival) return take_block(place, header.value(), body, epoch);
    if (known->second != content_tag(body)) {
        return quarantine(place, epoch_name, header.value(), body,
                          "fork: other content under the same name");
    }
    ++counters_.duplicates;
    return {};
}

// Of a block that waits, or it has no effect.
Writer::Outcome Writer::on_release(const Place& place, Bytes body) {
    const auto header = parse_block_header(body);
    if (header.ok()) {
        const BlockName& name = header.value().name;
        auto& epochs = tenants_[place.tenant].devices[place.device].epochs;
        const auto epoch = epochs.find({name.incarnation.value, name.epoch.value});
        if (epoch != epochs.end() && epoch->second.waiting.contains(name.seq.value) &&
            epoch->second.received[name.seq.value] == content_tag(body)) {
            return release(place, header.value(), body, epoch->second);
        }
    }
    ++counters_.duplicates;
    return {};
}

// Its rows come from this entry, and the time of its arrival from the first one.
Writer::Outcome Writer::release(const Place& place, const BlockHeader& header, Bytes body,
                                EpochState& epoch) {
    const auto waiting = epoch.waiting.extract(header.name.seq.value);
    releasable_.erase(waiting.mapped().block);
    Place arrival = place;
    arrival.receive_time = waiting.mapped().received;
    arrival.receive_date = date_text(arrival.receive_time);
    const std::uint64_t blocks_before = counters_.blocks;
    LH_TRY(take_block(arrival, header, body, epoch));
    counters_.released += counters_.blocks - blocks_before;
    return {};
}

// The block's name is taken already.
Writer::Outcome Writer::take_block(const Place& place, const BlockHeader& header, Bytes body,
                                   EpochState& epoch) {
    const BlockName& name = header.name;
    const EpochName epoch_name{name.incarnation.value, name.epoch.value};
    const auto opened = open_block(epoch.key, body, body_room_);
    if (!opened.ok()) return quarantine(place, epoch_name, header, body, "the block does not open");
    if (const auto lacks = find_models(place, opened.value(), epoch)) {
        epoch.waiting[name.seq.value] = {{place.shard, place.offset}, place.receive_time, *lacks};
        return quarantine(place, epoch_name, header, body, "unknown model: " + hex(*lacks));
    }
    const auto block = decoder_.decode(opened.value(), epoch.formats, header.samples);
    if (!block.ok()) {
        // It counts as never arrived, so that it becomes rows when it comes again after its schema.
        if (block.error().code == ErrorCode::not_found) epoch.received.erase(name.seq.value);
        return quarantine(place, epoch_name, header, body, to_string(block.error()));
    }
    ++counters_.blocks;
    return add_rows(place, name, block.value(), epoch);
}

const Model* Writer::find_model(const Place& place, const ModelHash& hash) {
    const auto& models = tenants_[place.tenant].models;
    const auto found = models.find({place.shard, hash});
    return found == models.end() || !found->second.model ? nullptr : &*found->second.model;
}

// For all sections that need one, or the first that is missing. What else is wrong with the
// sections is for the decoder to say.
std::optional<ModelHash> Writer::find_models(const Place& place, Bytes opened, EpochState& epoch) {
    for (SectionReader reader{opened}; !reader.at_end();) {
        const auto section = reader.next();
        if (!section.ok()) return std::nullopt;
        const std::size_t index = section.value().stream;
        if (section.value().codec == codec_columns || index >= epoch.streams.size()) continue;
        const Stream* const stream = epoch.streams[index].get();
        if (stream == nullptr || !stream->model) continue;
        const Model* const model = find_model(place, *stream->model);
        if (model == nullptr) return stream->model;
        epoch.formats[index].model = *model;
    }
    return std::nullopt;
}

}  // namespace longhaul::collector
