#include "collector/session/known_devices.hpp"

#include "common/block/epoch.hpp"

namespace longhaul::collector {

Status KnownDevices::load(Journal& journal, const std::function<void(const ReadEntry&)>& also) {
    for (Shard shard = 0; shard < journal.shards(); ++shard) {
        LH_TRY_ASSIGN(const Offset begin, journal.begin(shard));
        LH_TRY_ASSIGN(const auto reader, journal.read(shard, begin));
        for (;;) {
            const auto read = reader->next();
            if (!read.ok() && read.error().code == ErrorCode::corrupt) continue;
            if (!read.ok() && read.error().code == ErrorCode::not_found) break;
            if (!read.ok()) return read.error();
            const JournalEntry& entry = read.value().entry;
            if (also) also(read.value());
            if (entry.kind == JournalKind::schema)
                add_schema(shard, entry.tenant, schema_hash(entry.body));
            if (entry.kind == JournalKind::model)
                add_model(shard, entry.tenant, model_hash(entry.body));
            if (entry.kind != JournalKind::epoch) continue;
            longhaul_EpochRecord record;
            const auto parsed = parse_signed_epoch(entry.body);
            if (parsed.ok() && parse_epoch_record(parsed.value().record, record).ok()) {
                add_epoch(entry.tenant, entry.device, {record.incarnation}, {record.epoch});
            }
        }
    }
    return {};
}

void KnownDevices::add_schema(Shard shard, std::string_view tenant, const SchemaHash& hash) {
    schemas_[{shard, std::string{tenant}}].insert(hash);
}

void KnownDevices::add_model(Shard shard, std::string_view tenant, const ModelHash& hash) {
    models_[{shard, std::string{tenant}}].insert(hash);
}

void KnownDevices::add_epoch(std::string_view tenant, std::string_view device,
                             Incarnation incarnation, Epoch epoch) {
    auto& incarnations = epochs_[{std::string{tenant}, std::string{device}}];
    insert_bounded(incarnations[incarnation], epoch);
    if (incarnations.size() <= incarnations_max) return;
    const auto first = incarnations.begin();
    incarnations.erase(first->first == incarnation ? std::prev(incarnations.end()) : first);
}

void KnownDevices::insert_bounded(std::set<Epoch>& epochs, Epoch epoch) {
    epochs.insert(epoch);
    if (epochs.size() <= epochs_max) return;
    epochs.erase(*epochs.begin() == epoch ? std::prev(epochs.end()) : epochs.begin());
}

std::size_t KnownDevices::schemas(Shard shard, std::string_view tenant) const {
    const auto found = schemas_.find({shard, std::string{tenant}});
    return found == schemas_.end() ? 0 : found->second.size();
}

bool KnownDevices::has_schema(Shard shard, std::string_view tenant, const SchemaHash& hash) const {
    const auto found = schemas_.find({shard, std::string{tenant}});
    return found != schemas_.end() && found->second.contains(hash);
}

bool KnownDevices::has_model(Shard shard, std::string_view tenant, const ModelHash& hash) const {
    const auto found = models_.find({shard, std::string{tenant}});
    return found != models_.end() && found->second.contains(hash);
}

bool KnownDevices::has_epoch(std::string_view tenant, std::string_view device,
                             Incarnation incarnation, Epoch epoch) const {
    const auto known = epochs_.find({std::string{tenant}, std::string{device}});
    if (known == epochs_.end()) return false;
    const auto epochs = known->second.find(incarnation);
    return epochs != known->second.end() && epochs->second.contains(epoch);
}

std::vector<longhaul_EpochRange> KnownDevices::epochs(std::string_view tenant,
                                                      std::string_view device,
                                                      Incarnation incarnation, Epoch oldest,
                                                      Epoch newest) const {
    std::vector<longhaul_EpochRange> ranges;
    const auto known = epochs_.find({std::string{tenant}, std::string{device}});
    if (known == epochs_.end()) return ranges;
    const auto of_incarnation = known->second.find(incarnation);
    if (of_incarnation == known->second.end()) return ranges;
    const std::set<Epoch>& epochs = of_incarnation->second;
    for (auto at = epochs.lower_bound(oldest); at != epochs.end() && *at <= newest; ++at) {
        if (!ranges.empty() && ranges.back().last + 1 == at->value) {
            ranges.back().last = at->value;
        } else {
            ranges.push_back({at->value, at->value});
        }
    }
    if (ranges.size() > limits::known_epochs_max) {
        ranges.erase(ranges.begin(),
                     ranges.end() - static_cast<std::ptrdiff_t>(limits::known_epochs_max));
    }
    return ranges;
}

}  // namespace longhaul::collector
