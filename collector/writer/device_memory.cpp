#include "collector/writer/device_memory.hpp"

#include <algorithm>

#include "common/base/wrapping.hpp"

namespace longhaul::collector {
namespace {

std::uint16_t fingerprint_of(const RecordTag& tag) { return ByteReader{Bytes{tag}}.u16(); }

// What stands for no block that has come.
bool is_only_listed(std::string_view name) {
    return name == "_losses" || name == refused_blocks || name == torn_blocks;
}

// An epoch that is no longer remembered does not use its streams.
void let_go(const EpochState& epoch) {
    if (epoch.streams != nullptr) --epoch.streams->users;
}

}  // namespace

std::uint64_t start_of(const RecordTag& tag) { return ByteReader{Bytes{tag}}.u64(); }

std::uint32_t StreamSet::classes() const {
    std::uint32_t classes = 0;
    for (const StreamEntry& entry : entries) classes |= 1U << entry.block_class;
    return classes;
}

// When there are too many, that one goes whose neighbours are closest to one another, so that
// those that stay are spread over the epoch.
void EpochState::add_anchor(const Anchor& anchor, std::size_t max) {
    anchors.push_back(anchor);
    if (anchors.size() <= max) return;
    std::size_t nearest = 1;
    std::uint64_t nearest_gap = UINT64_MAX;
    for (std::size_t i = 1; i + 1 < anchors.size(); ++i) {
        const std::int64_t gap =
            wrapping_subtract(anchors[i + 1].elapsed_us, anchors[i - 1].elapsed_us);
        const auto distance = static_cast<std::uint64_t>(gap < 0 ? wrapping_subtract(0, gap) : gap);
        if (distance >= nearest_gap) continue;
        nearest = i;
        nearest_gap = distance;
    }
    anchors.erase(anchors.begin() + static_cast<std::ptrdiff_t>(nearest));
}

bool AdoptedBlocks::has(std::string_view table, std::uint32_t seq) const {
    const auto found = tables.find(table);
    return found != tables.end() && found->second.contains(seq);
}

const std::vector<SeqRun>& AdoptedBlocks::runs_of(std::string_view table) const {
    static const std::vector<SeqRun> none;
    const auto found = tables.find(table);
    return found == tables.end() ? none : found->second.runs();
}

bool AdoptedBlocks::has_rows(std::uint32_t seq) const {
    return std::any_of(tables.begin(), tables.end(), [seq](const auto& table) {
        return !table.first.starts_with('_') && table.second.contains(seq);
    });
}

// What is lost has not come, and its number is free for the block if it comes all the same. What a
// torn barrier may have left incomplete is missing until it comes again.
void EpochState::adopt(const EpochState& found) {
    cut.classes = static_cast<std::uint8_t>(cut.classes | found.cut.classes);
    cut.any_class = cut.any_class || found.cut.any_class;
    anchors_made = std::max(anchors_made, found.anchors_made);
    for (const Anchor& anchor : found.anchors) add_anchor(anchor);
    if (!found.adopted) return;
    if (!adopted) adopted.emplace();
    adopted->listed = adopted->listed || found.adopted->listed;
    // Rows of classes without the one that has none are written when both records are there.
    if (adopted->listed && cut.classes != 0 && !cut.any_class) cut.by_record = true;
    if (found.adopted->record) adopted->record = found.adopted->record;
    for (const auto& [name, seqs] : found.adopted->tables) {
        if (seqs.empty()) continue;
        SeqRuns& of_table = adopted->tables[name];
        for (const SeqRun& run : seqs.runs()) {
            of_table.add(run);
            if (is_only_listed(name)) continue;
            received.add(run);
            adopted->again.add(run);
        }
    }
    const auto torn = adopted->tables.find(torn_blocks);
    if (torn == adopted->tables.end()) return;
    for (const SeqRun& run : torn->second.runs()) received.remove(run);
}

bool EpochState::may_have_record(const RecordTag& tag) const {
    return !adopted || !adopted->record || *adopted->record == start_of(tag);
}

bool EpochState::is_adopted_anchor(const Anchor& anchor) const {
    return adopted && std::any_of(anchors.begin(), anchors.end(), [&](const Anchor& each) {
               return each.elapsed_us == anchor.elapsed_us && each.wall_us == anchor.wall_us &&
                      each.error_us == anchor.error_us;
           });
}

bool EpochState::add_waiting(const ModelHash& model, std::uint32_t seq) {
    std::size_t runs = 0;
    for (const auto& [hash, seqs] : waiting) runs += seqs.size();
    SeqRuns& of_model = waiting[model];
    if (runs >= state_limits::runs_max && of_model.grows_by(seq)) {
        if (of_model.empty()) waiting.erase(model);
        return false;
    }
    of_model.add(seq);
    return true;
}

std::map<ModelHash, SeqRuns>::iterator EpochState::find_waiting(std::uint32_t seq) {
    return std::find_if(waiting.begin(), waiting.end(),
                        [seq](const auto& each) { return each.second.contains(seq); });
}

const StreamEntry* EpochState::stream(std::size_t index) const {
    if ((resolved >> index & 1) == 0) return nullptr;
    for (const StreamEntry& entry : streams->entries) {
        if (entry.index == index) return &entry;
    }
    return nullptr;
}

EpochState* IncarnationState::find(std::uint32_t epoch) {
    const auto found = open.find(epoch);
    return found == open.end() ? nullptr : &found->second;
}

// Without a record: it may still come, and has a row of its own. With blocks behind the end, which
// a device and a copy of it have sent, only the runs tell what has come.
bool EpochState::is_done() const {
    if (!has_record || !ends_known || !waiting.empty()) return false;
    if (adopted && !adopted->again.empty()) return false;  // its key tells what comes again
    for (std::uint32_t i = 0; i < block_class_count; ++i) {
        const auto block_class = static_cast<BlockClass>(i);
        const std::uint32_t end = BlockSeq::of(block_class, last_number[i]).value;
        if (received.first_missing(BlockSeq::of(block_class, 1).value) <= end) return false;
        const std::uint32_t last = BlockSeq::of(block_class, BlockSeq::number_max).value;
        if (end != last && received.first_present(end + 1) <= last) return false;
    }
    return true;
}

bool EpochState::is_behind_end(BlockSeq seq) const {
    return ends_known && seq.number() > last_number[static_cast<std::size_t>(seq.block_class())];
}

void IncarnationState::close(std::uint32_t epoch) {
    const auto found = open.find(epoch);
    if (found != open.end()) {
        if (found->second.has_record)
            done.push_back({epoch, fingerprint_of(found->second.record_tag), found->second.key,
                            found->second.last_number});
        if (done.size() > state_limits::done_max) done.pop_front();
        let_go(found->second);
        open.erase(found);
    }
    closed.add(epoch);
    trim();
}

void IncarnationState::trim() {
    if (closed.size() <= state_limits::closed_runs_max) return;
    // Holes that nobody ever told of: whatever is before the first one ends is not looked at.
    const SeqRun first = closed.runs().front();
    while (!open.empty() && open.begin()->first <= first.last) {
        let_go(open.begin()->second);
        open.erase(open.begin());
    }
    given_up = std::max(given_up, first.last);
    closed.remove_first_run();
}

std::optional<bool> IncarnationState::is_record(std::uint32_t epoch, const RecordTag& tag) const {
    for (const DoneEpoch& each : done) {
        if (each.number == epoch) return each.fingerprint == fingerprint_of(tag);
    }
    return std::nullopt;
}

bool IncarnationState::is_behind_end(std::uint32_t epoch, BlockSeq seq) const {
    const auto found = open.find(epoch);
    if (found != open.end()) {
        return found->second.has_record && found->second.is_behind_end(seq) &&
               !found->second.received.contains(seq.value);
    }
    return std::any_of(done.begin(), done.end(), [&](const DoneEpoch& each) {
        return each.number == epoch &&
               seq.number() > each.last_number[static_cast<std::size_t>(seq.block_class())];
    });
}

const BlockKey* IncarnationState::key_of(std::uint32_t epoch) const {
    const auto found = open.find(epoch);
    if (found != open.end()) return found->second.has_record ? &found->second.key : nullptr;
    for (const DoneEpoch& each : done) {
        if (each.number == epoch) return &each.key;
    }
    return nullptr;
}

IncarnationState* DeviceMemory::find(std::uint32_t incarnation) {
    const auto found =
        std::find_if(incarnations.rbegin(), incarnations.rend(),
                     [&](const IncarnationState& each) { return each.id == incarnation; });
    return found == incarnations.rend() ? nullptr : &*found;
}

IncarnationState* DeviceMemory::find_or_add(std::uint32_t incarnation) {
    if (IncarnationState* const found = find(incarnation)) return found;
    if (incarnations.size() >= state_limits::incarnations_max) return nullptr;
    incarnations.emplace_back().id = incarnation;
    return &incarnations.back();
}

std::size_t DeviceMemory::open_epochs() const {
    std::size_t count = 0;
    for (const IncarnationState& each : incarnations) count += each.open.size();
    return count;
}

bool DeviceMemory::waits_for(const ModelHash& model) const {
    for (const IncarnationState& incarnation : incarnations) {
        for (const auto& [number, epoch] : incarnation.open) {
            if (epoch.waiting.contains(model)) return true;
        }
    }
    return false;
}

void DeviceMemory::stop_waiting() {
    for (IncarnationState& incarnation : incarnations) {
        std::vector<std::uint32_t> stopped;
        for (auto& [number, epoch] : incarnation.open) {
            if (!epoch.waiting.empty()) stopped.push_back(number);
            epoch.waiting.clear();
        }
        for (const std::uint32_t number : stopped) settle(incarnation, number);
    }
}

void DeviceMemory::make_room() {
    std::size_t count = open_epochs() + 2;
    for (IncarnationState& each : incarnations) {
        for (; count > state_limits::open_epochs_max && !each.open.empty(); --count) {
            const auto oldest = each.open.begin();
            each.given_up = std::max(each.given_up, oldest->first);
            let_go(oldest->second);
            each.open.erase(oldest);
        }
    }
}

void DeviceMemory::settle(IncarnationState& incarnation, std::uint32_t epoch) {
    const EpochState* const state = incarnation.find(epoch);
    if (state != nullptr && state->is_done()) incarnation.close(epoch);
}

}  // namespace longhaul::collector
