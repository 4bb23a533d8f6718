#include "firmware-sim/world/oracle.hpp"

#include <algorithm>

#include "collector/lake/local_store.hpp"

namespace longhaul::sim {
namespace {

constexpr std::int64_t tick_us = 1000;  // device time is told in milliseconds

std::string block_text(const BlockName& name) {
    return "epoch " + std::to_string(name.epoch.value) + " " + name_of(name.seq.block_class()) +
           " " + std::to_string(name.seq.number());
}

}  // namespace

void Oracle::violate(const std::string& text) {
    ++verdict_.violation_count;
    if (verdict_.violations.size() < violations_kept) verdict_.violations.push_back(text);
}

void Oracle::begin() {
    views_.clear();
    views_.resize(devices_.size());
    for (std::size_t i = 0; i < devices_.size(); ++i) {
        numbers_.try_emplace(devices_[i]->settings().name, i);
        for (const auto& source : devices_[i]->sources())
            views_[i].streams[source->plan().name()] = {
                source.get(), std::vector<BlockSeq>(source->truth().size())};
    }
    read_tables();
}

Verdict Oracle::judge_midway() {
    complete_ = false;
    begin();
    check_streams();
    check_audit();
    return std::move(verdict_);
}

Verdict Oracle::judge(bool complete) {
    complete_ = complete;
    for (const auto& device : devices_)
        for (const std::string& text : device->violations()) violate(text);
    for (const std::string& text : collector_.violations()) violate(text);
    begin();
    check_acked();
    check_holes();
    check_streams();
    check_clones();
    check_usage();
    check_audit();
    return std::move(verdict_);
}

void Oracle::read_tables() {
    collector::LocalStore lake{collector_.disk()};
    std::map<std::string_view, const Schema*> schemas;
    for (const auto& device : devices_) {
        for (const auto& source : device->sources())
            schemas[source->plan().schema().name] = &source->plan().schema();
    }
    for (const auto& [name, schema] : schemas) {
        const auto read = read_rows(
            lake, world_tenant, *schema,
            [this](const LakeRow& row, const CheckValues& check) { take_row(row, check); });
        if (!read.ok()) violate(read.error().text);
    }
    auto losses = read_losses(lake, world_tenant);
    if (!losses.ok()) return violate(losses.error().text);
    for (LakeLoss& loss : losses.value()) list_loss(std::move(loss));
    const auto refusals = read_refusals(lake, world_tenant);
    if (!refusals.ok()) return violate(refusals.error().text);
    for (const LakeRefusal& refusal : refusals.value()) take_refusal(refusal);
}

void Oracle::list_loss(LakeLoss loss) {
    const auto at = numbers_.find(loss.device);
    if (at == numbers_.end()) return;
    const LakeLoss& kept = losses_.emplace_back(std::move(loss));
    views_[at->second].losses.push_back(&kept);
    if (is_double(at->second)) views_[at->second + 1].losses.push_back(&kept);
}

void Oracle::take_refusal(const LakeRefusal& refusal) {
    const auto at = numbers_.find(refusal.device);
    const auto device = static_cast<std::uint32_t>(at == numbers_.end() ? 0 : at->second);
    const bool known = at != numbers_.end();
    if (known && !is_double(device) && came_before(refusal, device)) {
        ++verdict_.doubted;
        return;
    }
    ++verdict_.quarantined;
    if (!known) return;
    quarantined_.insert({device, refusal.name});
    if (is_double(device)) return list_fork(refusal);
    if (!devices_[device]->settings().hostile())
        violate(refusal.device + ": " + block_text(refusal.name) +
                " is in quarantine: " + refusal.reason);
}

// Of two devices of one name a block in quarantine accounts for the samples that it has.
void Oracle::list_fork(const LakeRefusal& refusal) {
    const BlockName& name = refusal.name;
    if (name.seq.value == 0) return;
    list_loss({refusal.device, name.incarnation.value, name.epoch.value, name.seq, name.epoch.value,
               name.seq, "quarantine"});
}

// A copy beside its original is told.
void Oracle::check_clones() {
    for (const auto& device : devices_) {
        const DeviceSettings& settings = device->settings();
        if (!settings.is_copy || device->counts().boots == 0) continue;
        if (!collector_.told_twice(settings.number))
            violate(settings.name + " was there twice, and nobody was told");
    }
}

// The hour that goes on is not told yet, and a crash takes what was not in the journal: so it may
// be less than it was, and never more.
void Oracle::check_usage() {
    collector::LocalStore lake{collector_.disk()};
    const auto told = read_costs(lake, world_tenant);
    if (!told.ok()) return violate(told.error().text);
    std::map<std::string, collector::ConnectionCost> left = collector_.costs();
    for (const LakeCost& row : told.value()) {
        collector::ConnectionCost& has = left[row.device];
        const bool more = row.cost.connected_ms > has.connected_ms ||
                          row.cost.wire.received > has.wire.received ||
                          row.cost.wire.sent > has.wire.sent;
        if (more) return violate("_usage says more than " + row.device + " was connected");
        verdict_.connected_ms += row.cost.connected_ms;
        has.connected_ms -= row.cost.connected_ms;
        has.wire.received -= row.cost.wire.received;
        has.wire.sent -= row.cost.wire.sent;
    }
}

// The writer may have forgotten of an epoch that it was done with what would tell a block that
// comes again from another one: it lists what it cannot tell. Here it can be told.
bool Oracle::came_before(const LakeRefusal& refusal, std::uint32_t device) const {
    const bool epoch_record = refusal.name.seq.value == 0;
    return refusal.reason.starts_with("of an epoch that was done long ago") &&
           (epoch_record || rows_of_block_.contains({device, refusal.name}));
}

void Oracle::take_row(const LakeRow& row, const CheckValues& check) {
    const auto at = numbers_.find(row.device);
    if (at == numbers_.end())
        return violate("a row of " + std::string{row.device} + ", which there is not");
    ++rows_of_block_[{static_cast<std::uint32_t>(at->second), row.name}];
    const std::size_t number = who_measured(at->second, row.sample);
    DeviceView& view = views_[number];
    const Device& device = *devices_[number];
    if (device.settings().hostile()) return;
    ++verdict_.rows;
    const auto of = view.streams.find(row.stream);
    const std::string where = device.settings().name + "/" + std::string{row.stream} + ": sample " +
                              std::to_string(row.sample) + " in " + block_text(row.name);
    if (of == view.streams.end()) return violate(where + ": no such stream");
    StreamView& stream = of->second;
    const std::int64_t index = row.sample - stream.source->first();
    if (index < 0 || static_cast<std::size_t>(index) >= stream.found.size())
        return violate(where + " was never measured");
    BlockSeq& found = stream.found[static_cast<std::size_t>(index)];
    if (found.value != 0) {
        ++verdict_.resent_rows;
        return violate(where + " is there twice");
    }
    found = row.name.seq;
    const Given& given = stream.source->truth()[static_cast<std::size_t>(index)];
    const EpochName in{row.name.incarnation, row.name.epoch};
    const auto [epoch, is_new] = view.epoch_of_boot.try_emplace(given.boot, in);
    if (!is_new && epoch->second != in)
        violate(where + " was measured in another boot than its neighbours");
    stream.source->plan().make(stream.source->device(), row.sample, made_);
    if (const std::string wrong = check(made_); !wrong.empty()) violate(where + ": " + wrong);
    check_time(device, row, given);
}

void Oracle::check_time(const Device& device, const LakeRow& row, const Given& given) {
    const bool source_time = views_[device.settings().number]
                                 .streams.find(row.stream)
                                 ->second.source->plan()
                                 .has_source_time();
    const std::int64_t off = std::abs(row.event_time_us - given.time_us);
    verdict_.unbounded += !source_time && !row.time_error_us ? 1U : 0U;
    const bool right =
        source_time ? off == 0 : !row.time_error_us || off <= *row.time_error_us + tick_us;
    if (right) return;
    violate(device.settings().name + "/" + std::string{row.stream} + ": sample " +
            std::to_string(row.sample) + " in " + block_text(row.name) + " is " +
            std::to_string(off) + " us off, and says " +
            (row.time_error_us ? std::to_string(*row.time_error_us) : "exact"));
}

// What was acknowledged is in the tables, whole.
void Oracle::check_acked() {
    verdict_.acked_blocks = collector_.acked().size();
    if (!complete_) return;
    for (const auto& [block, samples] : collector_.acked()) {
        const auto found = rows_of_block_.find(block);
        const std::uint64_t rows = found == rows_of_block_.end() ? 0 : found->second;
        if (rows == samples) continue;
        const bool may_differ = rows == 0 || is_double(block.device);
        if (may_differ && quarantined_.contains(block)) continue;
        violate(devices_[block.device]->settings().name + ": " + block_text(block.name) +
                " was acknowledged with " + std::to_string(samples) + " samples, and has " +
                std::to_string(rows) + " rows");
    }
}

void Oracle::check_streams() {
    for (std::size_t i = 0; i < devices_.size(); ++i) {
        if (devices_[i]->settings().hostile()) continue;
        for (auto& [name, stream] : views_[i].streams)
            check_stream(*devices_[i], views_[i], stream);
    }
}

void Oracle::check_stream(const Device& device, DeviceView& view, StreamView& stream) {
    const Truth& truth = stream.source->truth();
    verdict_.samples += truth.size();
    Gap gap;
    bool open = false;
    BlockSeq last;  // of the row before, in this boot
    for (std::size_t n = 0; n <= truth.size(); ++n) {
        const bool end = n == truth.size();
        const bool new_boot = n != 0 && !end && truth[n].boot != truth[n - 1].boot;
        const bool there = !end && stream.found[n].value != 0;
        if (open && (end || new_boot || there)) {
            gap.end = static_cast<std::int64_t>(n);
            if (there && !new_boot) gap.before = stream.found[n];
            check_gap(device, view, stream, gap);
            open = false;
        }
        if (end) break;
        if (new_boot || n == 0) last = BlockSeq::of(stream.source->streams()[0].block_class, 0);
        if (there) {
            if (stream.found[n] < last)
                violate(device.settings().name + "/" + stream.source->plan().name() + ": sample " +
                        std::to_string(n) + " is in an earlier block than the one before it");
            last = stream.found[n];
        } else if (!open) {
            gap = {static_cast<std::int64_t>(n), 0, truth[n].boot, last, std::nullopt};
            open = true;
        }
    }
}

// Samples of one boot that are in no table. What was stored or dropped needs a loss of its own;
// what was in memory may go with a power cut.
void Oracle::check_gap(const Device& device, const DeviceView& view, const StreamView& stream,
                       const Gap& gap) {
    if (!complete_) return;
    const BlockClass block_class = stream.source->streams()[0].block_class;
    const LakeLoss* const loss = explanation(view, block_class, gap, false);
    const LakeLoss* const cut = loss != nullptr ? loss : explanation(view, block_class, gap, true);
    std::int64_t unexplained = 0;
    std::int64_t last = 0;
    bool some_stored = false;
    for (std::int64_t n = gap.first; n < gap.end; ++n) {
        const Fate fate = stream.source->truth()[static_cast<std::size_t>(n)].fate;
        if (fate == Fate::refused) {
            ++verdict_.refused;
            continue;
        }
        const bool was_stored = fate == Fate::stored || fate == Fate::dropped;
        const LakeLoss* const why = was_stored ? loss : cut;
        // The record that would list it may be known already, of the other device of this name.
        const bool excused = !was_stored && is_double(device.settings().number);
        if (why == nullptr && !excused) {
            ++unexplained;
            last = n;
            some_stored = some_stored || was_stored;
        } else if (why == nullptr || why->reason == "power_cut") {
            ++verdict_.cut;
        } else {
            ++verdict_.lost;
            ++verdict_.reasons[why->reason];
        }
    }
    if (unexplained == 0) return;
    violate(device.settings().name + "/" + stream.source->plan().name() + ": " +
            std::to_string(unexplained) + " samples up to " + std::to_string(last) + " of boot " +
            std::to_string(gap.boot) + " (" + epochs_text(range_of(view, gap.boot)) + ")" +
            (some_stored ? ", which the device had stored," : ", which were in memory,") +
            " are neither in the table nor listed as lost");
}

std::string Oracle::epochs_text(const EpochRange& range) {
    if (range.exact.epoch.value != 0) return "epoch " + std::to_string(range.exact.epoch.value);
    return "between the epochs " + std::to_string(range.after.epoch.value) + " and " +
           std::to_string(range.before.epoch.value);
}

Oracle::EpochRange Oracle::range_of(const DeviceView& view, std::uint32_t boot) {
    EpochRange range;
    const auto behind = view.epoch_of_boot.lower_bound(boot);
    if (behind != view.epoch_of_boot.begin()) range.after = std::prev(behind)->second;
    if (behind != view.epoch_of_boot.end())
        (behind->first == boot ? range.exact : range.before) = behind->second;
    return range;
}

// An epoch that stored nothing has no record. A power cut that is listed for the epoch before it
// goes on to the next epoch that has one, docs/spec/epoch.md.
bool Oracle::can_be_of(const LakeLoss& loss, const EpochRange& range) {
    if (loss.epoch == 0) return true;
    const auto same = [&loss](const EpochName& name) {
        return name.epoch.value != 0 && loss.incarnation == name.incarnation.value;
    };
    const EpochName& exact = range.exact;
    if (exact.epoch.value != 0)
        return same(exact) && loss.epoch <= exact.epoch.value &&
               exact.epoch.value <= loss.last_epoch;
    const bool goes_on = loss.reason == "power_cut" && loss.epoch == range.after.epoch.value;
    if (same(range.after) && goes_on) return true;
    return !(same(range.after) && loss.last_epoch <= range.after.epoch.value) &&
           !(same(range.before) && loss.epoch >= range.before.epoch.value);
}

const LakeLoss* Oracle::explanation(const DeviceView& view, BlockClass block_class, const Gap& gap,
                                    bool cuts_count) const {
    const EpochRange range = range_of(view, gap.boot);
    for (const LakeLoss* const loss : view.losses) {
        const bool counts = (loss->reason == "power_cut") == cuts_count;
        if (counts && explains(*loss, block_class, gap, range)) return loss;
    }
    return nullptr;
}

// Whether it covers a block that can have held these samples.
bool Oracle::explains(const LakeLoss& loss, BlockClass block_class, const Gap& gap,
                      const EpochRange& range) {
    if (!can_be_of(loss, range)) return false;
    if (loss.epoch == 0 || !loss.first) return true;
    if (loss.first->block_class() != block_class) return false;
    const std::uint32_t epoch = range.exact.epoch.value;
    if (epoch == 0) return true;
    // The blocks of the epoch that it covers, and those that lie between the gap's neighbours.
    const std::uint32_t first = loss.epoch < epoch ? 1 : loss.first->number();
    const std::uint32_t last =
        loss.last_epoch > epoch || !loss.last ? BlockSeq::number_max : loss.last->number();
    const std::uint32_t from = gap.after.number() + 1;
    const std::uint32_t to = gap.before ? gap.before->number() - 1 : BlockSeq::number_max;
    return std::max(first, from) <= std::min(last, to);
}

// Blocks of one class are numbered without a gap: one that did not come is listed as lost.
void Oracle::check_holes() {
    if (!complete_) return;
    const AckedBlock* before = nullptr;
    for (const auto& [block, samples] : collector_.acked()) {
        const BlockName& name = block.name;
        const bool goes_on = before != nullptr && before->device == block.device &&
                             before->name.incarnation == name.incarnation &&
                             before->name.epoch == name.epoch &&
                             before->name.seq.block_class() == name.seq.block_class();
        const std::uint32_t from = goes_on ? before->name.seq.number() + 1 : 1;
        before = &block;
        if (devices_[block.device]->settings().hostile() || is_double(block.device)) continue;
        for (std::uint32_t number = from; number < name.seq.number(); ++number) {
            Gap gap;
            gap.after = BlockSeq::of(name.seq.block_class(), number - 1);
            gap.before = BlockSeq::of(name.seq.block_class(), number + 1);
            EpochRange range;
            range.exact = {name.incarnation, name.epoch};
            const std::vector<const LakeLoss*>& losses = views_[block.device].losses;
            const bool listed =
                std::any_of(losses.begin(), losses.end(), [&](const LakeLoss* loss) {
                    return loss->reason != "power_cut" &&
                           explains(*loss, name.seq.block_class(), gap, range);
                });
            if (!listed)
                violate(devices_[block.device]->settings().name + ": " + block_text(name) +
                        " has come, but not number " + std::to_string(number) +
                        ", which is not listed as lost");
        }
    }
}

}  // namespace longhaul::sim
