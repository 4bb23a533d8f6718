// What the tables have from the journals before this one: how the writer takes it up, and what it
// leaves out because of it. Specification: docs/spec/writer.md, "Adoption".
#include <algorithm>

#include "collector/writer/table_columns.hpp"
#include "collector/writer/writer.hpp"

namespace longhaul::collector {
namespace {

constexpr const char* losses_table = "_losses";

// The last number of the class that is among the runs; 0: none.
std::uint32_t highest_number(const SeqRuns& runs, BlockClass block_class) {
    const std::uint32_t end = BlockSeq::of(block_class, BlockSeq::number_max).value;
    std::uint32_t highest = 0;
    for (const SeqRun& run : runs.runs()) {
        if (run.first > end) break;
        if (BlockSeq{std::min(run.last, end)}.block_class() == block_class)
            highest = BlockSeq{std::min(run.last, end)}.number();
    }
    return highest;
}

// What is missing of the numbers 1 to `last` of a class.
std::vector<SeqRun> gaps_in(const SeqRuns& known, BlockClass block_class, std::uint32_t last) {
    std::vector<SeqRun> gaps;
    const std::uint64_t end = std::uint64_t{BlockSeq::of(block_class, last).value} + 1;
    std::uint64_t at = std::uint64_t{BlockSeq::of(block_class, 0).value} + 1;
    for (const SeqRun& run : known.runs()) {
        if (at >= end) break;
        if (run.last < at) continue;
        if (run.first > at)
            gaps.push_back(
                {static_cast<std::uint32_t>(at),
                 static_cast<std::uint32_t>(std::min<std::uint64_t>(run.first, end) - 1)});
        at = std::uint64_t{run.last} + 1;
    }
    if (at < end)
        gaps.push_back({static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(end - 1)});
    return gaps;
}

}  // namespace

Writer::Outcome Writer::on_adoption(const Place& place, Bytes body) {
    auto adoption = decode_adoption(body);
    if (!adoption.ok())
        return stop("the adoption at offset " + std::to_string(place.offset) +
                    " of the journal cannot be read by this version: start a newer one");
    if (std::holds_alternative<AdoptionClose>(adoption.value())) return close_adoption(place);
    std::optional<std::uint64_t>& read = adopting_[place.shard];
    // Every shard begins with it. Where one has lost that, its blocks would be taken for new before
    // its end mark tells: the tables are known from the others.
    const bool begins =
        std::find(begin_damaged_.begin(), begin_damaged_.end(), true) == begin_damaged_.end();
    if (!read && (place.offset != 0 || !begins)) return on_damaged_adoption();
    if (const auto* const end = std::get_if<AdoptionEnd>(&adoption.value())) {
        if (end->entries != read.value_or(0)) return on_damaged_adoption();
        read.reset();
        return {};
    }
    read = read.value_or(0) + 1;
    if (const auto* const table = std::get_if<AdoptedTable>(&adoption.value())) {
        AdoptedTxns& txns = tenants_[place.tenant].adopted[table->name];
        for (const auto& [app, version] : table->txns) txns[app] = version;
        has_adopted_ = true;
    }
    if (const auto* const epoch = std::get_if<AdoptedEpoch>(&adoption.value()))
        adopt_epoch(place, *epoch);
    return {};
}

// What an entry said that is missing would come twice, and without the end mark nothing would be
// taken for new.
Writer::Outcome Writer::on_damaged_adoption() {
    return stop(
        "the journal is damaged where it says what the tables had when it was made: run "
        "`longhaul adopt` again, which reads that from the lake and keeps what came since. An "
        "`adopt --close` has to be given again, too, when the devices were back");
}

// A damaged tail is cut off when the journal is opened, and a shard's files may be gone: nothing is
// read there that could tell. What was there at the start has each shard's adoption up to its end
// mark. Before anything is committed, because what came since would be taken for new.
Writer::Outcome Writer::check_adoptions() {
    for (Shard shard = 0; shard < readers_.size(); ++shard) {
        const Offset end = ends_at_start_[shard];
        const bool lacks_end = adopting_[shard] && readers_[shard]->offset() >= end;
        if (lacks_end || (end == 0 && has_adopted_)) return on_damaged_adoption();
    }
    return {};
}

void Writer::adopt_epoch(const Place& place, const AdoptedEpoch& found) {
    DeviceMemory& device = device_of(place);
    IncarnationState* const incarnation = device.find_or_add(found.incarnation);
    if (incarnation == nullptr) return;
    device.make_room();
    if (incarnation->is_given_up(found.number)) return;
    incarnation->open[found.number].adopt(found.state);
    if (found.first_heard.value == 0) return;
    DeviceFacts& facts = *tenants_[place.tenant].devices.facts(place.device);
    if (facts.first_heard.value == 0 || found.first_heard < facts.first_heard)
        facts.first_heard = found.first_heard;
    facts.last_heard = std::max(facts.last_heard, found.last_heard);
}

// Every table of the block's sections has its rows.
bool Writer::has_all_rows(const Place& place, const BlockName& name, const DecodedBlock& block,
                          const EpochState& epoch) {
    if (!epoch.adopted || !epoch.adopted->has_rows(name.seq.value)) return false;
    return std::all_of(block.sections.begin(), block.sections.end(),
                       [&](const DecodedSection& section) {
                           const StreamEntry& stream = *epoch.stream(section.stream);
                           const auto& schemas = tenants_[place.tenant].schemas;
                           const KnownSchema& known = schemas.at({place.shard, stream.schema});
                           return epoch.adopted->has(known.stored->schema().name, name.seq.value);
                       });
}

// What a device lists itself is not the journal's loss. Where it lists more holes than are
// remembered, they are listed twice.
void Writer::note_loss(const Place& place, Incarnation incarnation, const longhaul_Loss& loss) {
    IncarnationState* const found = device_of(place).find(incarnation.value);
    if (loss.epoch == 0 || found == nullptr || !has_adopted_) return;
    const BlockClass block_class = BlockSeq{loss.first_seq}.block_class();
    const std::uint32_t last_epoch = std::max(loss.epoch, loss.last_epoch);
    for (auto at = found->open.lower_bound(loss.epoch);
         at != found->open.end() && at->first <= last_epoch; ++at) {
        SeqRun run{BlockSeq::of(block_class, 1).value,
                   BlockSeq::of(block_class, BlockSeq::number_max).value};
        if (at->first == loss.epoch) run.first = loss.first_seq;
        if (at->first == last_epoch) run.last = loss.last_seq;
        if (!at->second.adopted) at->second.adopted.emplace();
        SeqRuns& lost = at->second.adopted->tables[losses_table];
        if (run.first <= run.last && lost.size() < state_limits::runs_max) lost.add(run);
    }
}

// Of all tenants: one without a table then may have had blocks in the journal that was lost.
Writer::Outcome Writer::close_adoption(const Place& place) {
    if (!has_adopted_) return {};
    for (auto& [tenant_name, tenant] : tenants_) {
        std::vector<std::string> names;
        tenant.devices.look_at_all(
            [&](const std::string& name, const DeviceFacts&, const DeviceMemory& device) {
                if (device.shard == place.shard) names.push_back(name);
            });
        for (const std::string& name : names) {
            Place of_device = place;
            of_device.tenant = tenant_name;
            of_device.device = name;
            LH_TRY(close_device(of_device));
        }
    }
    return {};
}

Writer::Outcome Writer::close_device(const Place& place) {
    for (IncarnationState& incarnation : device_of(place).incarnations) {
        for (auto& [number, epoch] : incarnation.open)
            LH_TRY(add_journal_losses(place, {incarnation.id, number}, epoch));
    }
    return {};
}

// Of one epoch what is missing up to the highest number that is known of each class, and was not
// listed before.
Writer::Outcome Writer::add_journal_losses(const Place& place, const EpochName& name,
                                           EpochState& epoch) {
    SeqRuns named = epoch.received;
    SeqRuns known = epoch.received;
    if (epoch.adopted) {
        for (const SeqRun& run : epoch.adopted->again.runs()) named.add(run);
        for (const SeqRun& run : epoch.adopted->runs_of(refused_blocks)) named.add(run);
        for (const SeqRun& run : epoch.adopted->runs_of(losses_table)) {
            known.add(run);
            // It may have no end; the one before its first was there.
            if (BlockSeq{run.first}.number() != 0) named.add(run.first - 1);
        }
    }
    const bool nothing_known = !epoch.ends_known && known.empty() && named.empty();
    if (epoch.adopted && nothing_known && !epoch.cut.any_class) {
        epoch.cut.any_class = true;
        return add_journal_loss(place, name, std::nullopt);
    }
    for (std::uint32_t i = 0; i < block_class_count; ++i) {
        const auto block_class = static_cast<BlockClass>(i);
        const std::uint32_t told = epoch.ends_known ? epoch.last_number[i] : 0;
        const std::uint32_t last = std::max(told, highest_number(named, block_class));
        for (const SeqRun& gap : gaps_in(known, block_class, last)) {
            if (!epoch.adopted) epoch.adopted.emplace();
            epoch.adopted->tables[losses_table].add(gap);
            LH_TRY(add_journal_loss(place, name, gap));
        }
    }
    return {};
}

Writer::Outcome Writer::add_journal_loss(const Place& place, const EpochName& name,
                                         std::optional<SeqRun> gap) {
    LH_TRY_ASSIGN(TableBuffer* const losses,
                  table(place.tenant, losses_table, loss_columns(), false));
    LH_TRY_ASSIGN(Batch* const batch, begin_row(place, *losses));
    if (batch == nullptr) return {};
    batch->put_text(loss_device, place.device);
    batch->put_integer(loss_incarnation, name.first);
    batch->put_integer(loss_epoch, name.second);
    batch->put_integer(loss_last_epoch, name.second);
    if (gap) {
        batch->put_integer(loss_class, gap->first >> 30);
        batch->put_integer(loss_first_seq, gap->first);
        batch->put_integer(loss_last_seq, gap->last);
    }
    batch->put_text(loss_reason, "journal_lost");
    batch->put_integer(loss_receive_time, place.receive_time.value);
    batch->end_row();
    return {};
}

// Without a snapshot nothing says which tables there are: so that no device is let in before an
// older copy of the journal is found out, or a new one over the lake of another.
Writer::Outcome Writer::check_lake() {
    const auto tenants = store_.entries("");
    if (!tenants.ok()) return Message{"the lake cannot be listed: " + to_string(tenants.error())};
    for (const StoredObject& tenant : tenants.value()) {
        if (!tenant.folder || tenant.name.starts_with('_')) continue;
        const auto tables = store_.entries(tenant.name);
        if (!tables.ok()) continue;  // a folder of the system, or told when it is needed
        for (const StoredObject& table : tables.value()) {
            if (table.folder) LH_TRY(check_table(tenant.name + "/" + table.name));
        }
    }
    return {};
}

Writer::Outcome Writer::check_table(const std::string& folder) {
    DeltaTable table{store_, folder, DeltaTable::Keep::no_files};
    if (!table.refresh().ok()) return {};  // told when it is needed
    const bool is_new = std::all_of(ends_at_start_.begin(), ends_at_start_.end(),
                                    [](Offset end) { return end == 0; });
    const Status ours = TableBuffer::check_own_txns(table.state(), journal_name_, ends_at_start_);
    if (!ours.ok())
        return stop("table " + folder + " cannot be opened: " + to_string(ours.error()));
    LH_TRY(check_marks(folder, table.state()));
    for (const auto& [app, version] : table.state().txns) {
        if (!is_new || !is_of_journal(app) || app.starts_with(journal_name_)) continue;
        return stop("the journal is new, and table " + folder +
                    " holds rows of another one. Use that journal; if it is lost, "
                    "`longhaul adopt` lets this one go on with the lake");
    }
    return {};
}

Status Writer::put_adopted(SnapshotWriter& out, const TenantState& tenant) const {
    for (const auto& [name, txns] : tenant.adopted) {
        LH_TRY(encode_adoption(AdoptedTable{name, txns}, [&out](Bytes body) {
            return out.put(static_cast<std::uint8_t>(SnapshotItem::adopted), body);
        }));
    }
    return {};
}

Status Writer::take_adopted(TenantState& tenant, Bytes content) {
    LH_TRY_ASSIGN(Adoption adoption, decode_adoption(content));
    auto* const table = std::get_if<AdoptedTable>(&adoption);
    if (table == nullptr) return Error{ErrorCode::malformed, "its content is not a writer's state"};
    tenant.adopted[table->name].merge(table->txns);
    has_adopted_ = true;
    return {};
}

}  // namespace longhaul::collector
