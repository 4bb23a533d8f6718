// Blocks that need a model which their shard's journal does not have: they wait in quarantine until
// a release of each brings them back. Specification: docs/spec/writer.md.
#include "collector/writer/writer.hpp"
#include "common/base/hex.hpp"

namespace longhaul::collector {

void Writer::stop_waiting(Shard shard) {
    for (auto at = waiting_.lower_bound({shard, "", {}});
         at != waiting_.end() && at->first.shard == shard; at = waiting_.erase(at)) {
        for (const std::string& device : at->second)
            tenants_[at->first.tenant].devices.get(device).stop_waiting();
    }
    std::erase_if(releasable_, [shard](const Releasable& each) { return each.shard == shard; });
}

// Blocks that wait for it can be released from here on. One that cannot be read is there, too: it
// would be no better if it came again.
Writer::Outcome Writer::on_model(const Place& place, Bytes body) {
    StoredModel stored{{body.begin(), body.end()}, {}};
    const auto model = Model::parse(stored.bytes);
    if (model.ok()) stored.model = model.value();
    const ModelHash hash = model_hash(body);
    const MissingModel name{place.shard, place.tenant, hash};
    tenants_[place.tenant].models.try_emplace({place.shard, hash}, std::move(stored));
    missing_models_.erase(name);
    if (!model.ok()) return quarantine(place, {0, 0}, std::nullopt, body, "model cannot be read");
    const auto waiting = waiting_.find(name);
    if (waiting == waiting_.end()) return {};
    for (const std::string& device : waiting->second) {
        if (tenants_[place.tenant].devices.get(device).waits_for(hash))
            releasable_.insert({place.tenant, device, place.shard, hash});
    }
    return {};
}

bool Writer::may_release(const std::string& tenant, const std::string& device,
                         const BlockName& block) {
    const auto first = releasable_.lower_bound({tenant, device, 0, {}});
    if (first == releasable_.end() || first->tenant != tenant || first->device != device)
        return false;
    IncarnationState* const incarnation =
        tenants_[tenant].devices.get(device).find(block.incarnation.value);
    EpochState* const epoch =
        incarnation == nullptr ? nullptr : incarnation->find(block.epoch.value);
    if (epoch == nullptr) return false;
    const auto waiting = epoch->find_waiting(block.seq.value);
    return waiting != epoch->waiting.end() &&
           releasable_.contains({tenant, device, first->shard, waiting->first});
}

// Of a block that waits, or it has no effect. Of one that lay in a part of the older journal that
// was cut off, the release is all that this journal has.
Writer::Outcome Writer::on_release(const Place& place, Bytes body) {
    const auto header = parse_block_header(body);
    if (header.ok()) {
        const BlockName& name = header.value().name;
        DeviceMemory& device = device_of(place);
        IncarnationState* const incarnation = device.find(name.incarnation.value);
        EpochState* const epoch =
            incarnation == nullptr ? nullptr : incarnation->find(name.epoch.value);
        if (epoch != nullptr && epoch->find_waiting(name.seq.value) != epoch->waiting.end() &&
            is_same_block(place, name, body, &epoch->key) == true) {
            LH_TRY(release(place, header.value(), body, device, *epoch));
            DeviceMemory::settle(*incarnation, name.epoch.value);
            return {};
        }
    }
    if (adopting_[place.shard]) return on_block(place, body);
    ++counters_.duplicates;
    return {};
}

// The entry has the time at which the block came, so its rows have that, too.
Writer::Outcome Writer::release(const Place& place, const BlockHeader& header, Bytes body,
                                DeviceMemory& device, EpochState& epoch) {
    const auto waiting = epoch.find_waiting(header.name.seq.value);
    const ModelHash model = waiting->first;
    waiting->second.remove(header.name.seq.value);
    if (waiting->second.empty()) epoch.waiting.erase(waiting);
    if (!device.waits_for(model)) {
        releasable_.erase({place.tenant, place.device, place.shard, model});
        const auto of_model = waiting_.find({place.shard, place.tenant, model});
        if (of_model != waiting_.end()) of_model->second.erase(place.device);
        if (of_model != waiting_.end() && of_model->second.empty()) waiting_.erase(of_model);
    }
    const std::uint64_t blocks_before = counters_.blocks;
    LH_TRY(take_block(place, header, body, epoch));
    counters_.released += counters_.blocks - blocks_before;
    return {};
}

// In quarantine, which has its bytes. Where an entry of the shard is damaged, what lay in the
// journal at the start stays there: see on_damage().
Writer::Outcome Writer::wait_for_model(const Place& place, const BlockHeader& header, Bytes body,
                                       EpochState& epoch, const ModelHash& model) {
    const EpochName name{header.name.incarnation.value, header.name.epoch.value};
    if (place.offset >= held_below_[place.shard]) {
        if (!epoch.add_waiting(model, header.name.seq.value)) {
            forget_block(place, header.name, epoch);
            return quarantine(place, name, header, body, too_many_gaps);
        }
        waiting_[{place.shard, place.tenant, model}].insert(place.device);
    }
    return quarantine(place, name, header, body, std::string{unknown_model} + hex(model));
}

const Model* Writer::find_model(const Place& place, const ModelHash& hash) {
    const auto& models = tenants_[place.tenant].models;
    const auto found = models.find({place.shard, hash});
    return found == models.end() || !found->second.model ? nullptr : &*found->second.model;
}

// For all sections that need one, or the first that is missing. What else is wrong with the
// sections is for the decoder to say.
std::optional<ModelHash> Writer::find_models(const Place& place, Bytes opened,
                                             const EpochState& epoch, Formats& formats) {
    for (SectionReader reader{opened}; !reader.at_end();) {
        const auto section = reader.next();
        if (!section.ok()) return std::nullopt;
        const std::size_t index = section.value().stream;
        if (section.value().codec == codec_columns || index >= formats.size()) continue;
        const StreamEntry* const stream = epoch.stream(index);
        if (stream == nullptr || !stream->model) continue;
        const Model* const model = find_model(place, *stream->model);
        if (model == nullptr) return stream->model;
        formats[index].model = *model;
    }
    return std::nullopt;
}

}  // namespace longhaul::collector
