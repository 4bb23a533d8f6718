// How rows are made of an opened block, and the rows of the system tables.
#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>
#include <utility>

#include "collector/writer/table_columns.hpp"
#include "collector/writer/writer.hpp"
#include "common/base/wrapping.hpp"

namespace longhaul::collector {
namespace {

// How far a device's clock may drift from its anchor, parts per million; a crystal without
// compensation.
constexpr std::uint64_t drift_ppm = 100;

// Rounded up, because it is part of a bound.
std::uint64_t drift_us(std::int64_t distance_us) {
    constexpr std::uint64_t us_per_us_of_drift = 1'000'000 / drift_ppm;
    const auto bits = static_cast<std::uint64_t>(distance_us);
    const std::uint64_t distance = distance_us < 0 ? 0 - bits : bits;
    return distance / us_per_us_of_drift + (distance % us_per_us_of_drift == 0 ? 0 : 1);
}

constexpr std::array<double, limits::decimal_scale_max + 1> powers_of_ten{
    1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};

void put_value(Batch& batch, std::size_t column, const Field& field, const Value& value) {
    switch (value.form) {
        case ValueForm::null:
            return batch.put_null(column);
        case ValueForm::real:
            // A float32's bits ride in the low half, see ColumnData.
            return batch.put_real(column, value.real());
        case ValueForm::text:
            return batch.put_text(column, as_text(value.text));
        case ValueForm::integer:
            break;
    }
    if (field.kind == FieldKind::decimal) {
        // Both operands are exact, so the quotient is the double that the decimal text would give.
        return batch.put_real(column,
                              static_cast<double>(value.integer) / powers_of_ten[field.scale]);
    }
    if (field.kind == FieldKind::enumeration) {
        return batch.put_text(column, field.label(static_cast<std::size_t>(value.integer)));
    }
    batch.put_integer(column, value.integer);
}

// Of a longhaul_LossReason, or of one that a later version knows.
const char* name_of_loss(std::uint32_t reason) {
    switch (reason) {
        case longhaul_LossReason_LOSS_REASON_FULL:
            return "full";
        case longhaul_LossReason_LOSS_REASON_EXPIRED:
            return "expired";
        case longhaul_LossReason_LOSS_REASON_CORRUPT:
            return "corrupt";
        case longhaul_LossReason_LOSS_REASON_UNREADABLE:
            return "unreadable";
        case longhaul_LossReason_LOSS_REASON_POWER_CUT:
            return "power_cut";
        default:
            return "unknown";
    }
}

// Of a longhaul_AnchorSource; what a device does not say is its own clock.
const char* name_of_anchor(std::uint32_t source) {
    switch (source) {
        case longhaul_AnchorSource_ANCHOR_SOURCE_SYNCHRONIZED_CLOCK:
            return "synchronized";
        case longhaul_AnchorSource_ANCHOR_SOURCE_COLLECTOR:
            return "collector";
        default:
            return "device";
    }
}

}  // namespace

Writer::Outcome Writer::add_rows(const Place& place, const BlockName& name,
                                 const DecodedBlock& block, EpochState& epoch) {
    // A barrier commits the system tables before the others, so what it tells is there, too.
    const bool told = epoch.adopted && epoch.adopted->has_rows(name.seq.value);
    for (const longhaul_SystemEntry& entry : block.system) {
        if (!told) LH_TRY(add_system_entry(place, name, entry, epoch));
    }
    std::int32_t row = 0;
    for (const DecodedSection& section : block.sections) {
        LH_TRY(add_section(place, name, section, epoch, row));
        row += static_cast<std::int32_t>(section.times.size());
    }
    return {};
}

Writer::Outcome Writer::add_section(const Place& place, const BlockName& name,
                                    const DecodedSection& section, EpochState& epoch,
                                    std::int32_t first_row) {
    const StreamEntry& stream = *epoch.stream(section.stream);
    const KnownSchema& known = tenants_[place.tenant].schemas.at({place.shard, stream.schema});
    const Schema& schema = known.stored->schema();
    if (epoch.adopted && epoch.adopted->has(schema.name, name.seq.value)) return {};
    const bool device_time = schema.time == TimeKind::device;
    const auto elapsed_of = [&schema](std::int64_t ticks) {
        return wrapping_multiply(ticks, schema.tick_us);
    };
    if (device_time && epoch.anchors.empty()) {
        // No idea of the device's time yet: its newest sample is taken to be as old as its arrival.
        const std::int64_t newest = *std::max_element(section.times.begin(), section.times.end());
        const Anchor synthetic{0, elapsed_of(newest), place.receive_time.value, std::nullopt};
        LH_TRY(add_anchor(place, {name.incarnation.value, name.epoch.value}, epoch, synthetic,
                          "receive"));
    }
    const std::size_t count = section.times.size();
    LH_TRY_ASSIGN(Batch* const batch, begin_rows(place, *known.table, count));
    if (batch == nullptr) return {};
    batch->put_text(column_device, place.device, count);
    batch->put_text(column_stream, stream.name, count);
    batch->put_integer(column_incarnation, name.incarnation.value, count);
    batch->put_integer(column_epoch, name.epoch.value, count);
    batch->put_integer(column_seq, name.seq.value, count);
    batch->put_integer(column_receive_time, place.receive_time.value, count);
    for (std::size_t i = 0; i < count; ++i) {
        batch->put_integer(column_row, first_row + static_cast<std::int32_t>(i));
        if (device_time) {
            put_device_time(*batch, epoch.anchors, elapsed_of(section.times[i]));
        } else {
            batch->put_integer(column_event_time, section.times[i]);
        }
    }
    for (std::size_t field = 0; field < schema.fields.size(); ++field) {
        for (const Value& value : section.columns[field])
            put_value(*batch, known.columns[field], schema.fields[field], value);
    }
    batch->end_rows();
    counters_.rows += count;
    return {};
}

// By the anchor that says it best.
void Writer::put_device_time(Batch& batch, const std::vector<Anchor>& anchors,
                             std::int64_t elapsed) {
    const auto error = [elapsed](const Anchor& anchor) {
        return anchor.error_us.value_or(UINT64_MAX / 2) +
               drift_us(wrapping_subtract(elapsed, anchor.elapsed_us));
    };
    const Anchor& anchor = *std::min_element(
        anchors.begin(), anchors.end(),
        [&error](const Anchor& a, const Anchor& b) { return error(a) < error(b); });
    batch.put_integer(column_event_time,
                      wrapping_add(anchor.wall_us, wrapping_subtract(elapsed, anchor.elapsed_us)));
    batch.put_integer(column_anchor, anchor.id);
    if (anchor.error_us) {
        batch.put_integer(column_time_error, static_cast<std::int64_t>(error(anchor)));
    } else {
        batch.put_null(column_time_error);
    }
}

Writer::Outcome Writer::add_system_entry(const Place& place, const BlockName& name,
                                         const longhaul_SystemEntry& entry, EpochState& epoch) {
    const EpochName epoch_name{name.incarnation.value, name.epoch.value};
    if (entry.which_entry == longhaul_SystemEntry_anchor_tag) {
        const longhaul_Anchor& anchor = entry.entry.anchor;
        // An error beyond what the sum can hold says as much as none.
        const bool bounded = anchor.error_us <= INT64_MAX / 4;
        const auto error_us = bounded ? std::optional{anchor.error_us} : std::nullopt;
        return add_anchor(place, epoch_name, epoch,
                          {0, anchor.elapsed_us, anchor.wall_us, error_us},
                          name_of_anchor(anchor.source));
    }
    if (entry.which_entry != longhaul_SystemEntry_loss_tag) return {};  // of a later version
    const longhaul_Loss& loss = entry.entry.loss;
    const bool one_end = loss.reason == longhaul_LossReason_LOSS_REASON_POWER_CUT &&
                         loss.epoch != 0 && loss.last_epoch == 0 &&
                         loss.first_seq == loss.last_seq && BlockSeq{loss.first_seq}.number() != 0;
    if (one_end) return add_told_power_cut(place, {name.incarnation.value, loss.epoch}, loss);
    note_loss(place, name.incarnation, loss);
    return add_loss_row(place, name.incarnation, loss);
}

// A spool that could not be read had nobody knows which blocks.
Writer::Outcome Writer::add_loss_row(const Place& place, Incarnation incarnation,
                                     const longhaul_Loss& loss) {
    LH_TRY_ASSIGN(TableBuffer* const losses, table(place.tenant, "_losses", loss_columns(), false));
    LH_TRY_ASSIGN(Batch* const batch, begin_row(place, *losses));
    if (batch == nullptr) return {};
    batch->put_text(loss_device, place.device);
    batch->put_integer(loss_incarnation, incarnation.value);
    batch->put_text(loss_reason, name_of_loss(loss.reason));
    if (loss.epoch != 0) {
        batch->put_integer(loss_epoch, loss.epoch);
        batch->put_integer(loss_class, loss.first_seq >> 30);
        batch->put_integer(loss_first_seq, loss.first_seq);
        batch->put_integer(loss_last_epoch, loss.last_epoch != 0 ? loss.last_epoch : loss.epoch);
        batch->put_integer(loss_last_seq, loss.last_seq);
        batch->put_integer(loss_samples, static_cast<std::int64_t>(loss.samples));
        batch->put_integer(loss_from_us, loss.from_us);
        batch->put_integer(loss_to_us, loss.to_us);
    }
    batch->put_integer(loss_receive_time, place.receive_time.value);
    batch->end_row();
    return {};
}

Writer::Outcome Writer::add_anchor(const Place& place, const EpochName& name, EpochState& epoch,
                                   Anchor anchor, const char* origin) {
    if (epoch.is_adopted_anchor(anchor)) return {};
    anchor.id = epoch.anchors_made++;
    epoch.add_anchor(anchor);
    note_anchor(place, name, anchor);
    LH_TRY_ASSIGN(TableBuffer* const anchors,
                  table(place.tenant, "_anchors", anchor_columns(), false));
    LH_TRY_ASSIGN(Batch* const batch, begin_row(place, *anchors));
    if (batch == nullptr) return {};
    batch->put_text(anchor_device, place.device);
    batch->put_integer(anchor_incarnation, name.first);
    batch->put_integer(anchor_epoch, name.second);
    batch->put_integer(anchor_anchor, anchor.id);
    batch->put_integer(anchor_elapsed_us, anchor.elapsed_us);
    batch->put_integer(anchor_wall_us, anchor.wall_us);
    if (anchor.error_us)
        batch->put_integer(anchor_error_us, static_cast<std::int64_t>(*anchor.error_us));
    batch->put_text(anchor_origin, origin);
    batch->put_integer(anchor_receive_time, place.receive_time.value);
    batch->end_row();
    return {};
}

Writer::Outcome Writer::add_epoch_row(const Place& place, const longhaul_EpochRecord& record,
                                      const RecordTag& tag) {
    LH_TRY_ASSIGN(TableBuffer* const epochs,
                  table(place.tenant, "_epochs", epoch_columns(), false));
    LH_TRY_ASSIGN(Batch* const batch, begin_row(place, *epochs));
    if (batch == nullptr) return {};
    std::string streams;
    for (std::size_t i = 0; i < record.streams_count; ++i) {
        streams += (i == 0 ? "" : " ") + std::string{record.streams[i].name};
    }
    batch->put_text(epoch_device, place.device);
    batch->put_integer(epoch_incarnation, record.incarnation);
    batch->put_integer(epoch_epoch, record.epoch);
    batch->put_integer(epoch_previous, record.previous_epoch);
    batch->put_integer(epoch_previous_clean, record.previous_clean ? 1 : 0);
    batch->put_integer(epoch_boot_cause, record.boot_cause);
    batch->put_text(epoch_firmware, record.firmware);
    batch->put_integer(epoch_clock_state, record.clock_state);
    batch->put_text(epoch_streams, streams);
    if (*record.last_words != '\0') batch->put_text(epoch_last_words, record.last_words);
    batch->put_integer(epoch_record, static_cast<std::int64_t>(start_of(tag)));
    batch->put_integer(epoch_receive_time, place.receive_time.value);
    batch->end_row();
    return {};
}

// What was in the device's memory when the epoch before ended: after the last stored block of each
// class that it used, an unknown number of samples. The device tells of the classes of which it
// stored something; the others are those of that epoch's record.
Writer::Outcome Writer::add_power_cut(const Place& place, const longhaul_EpochRecord& record,
                                      IncarnationState& incarnation) {
    const bool none_stored = record.previous_epoch == 0;
    if (none_stored && (record.epoch == 1 || record.previous_clean)) return {};
    const EpochName name{record.incarnation,
                         none_stored ? record.epoch - 1 : record.previous_epoch};
    if (incarnation.is_closed(name.second) || incarnation.is_given_up(name.second)) return {};
    EpochState& before = incarnation.open[name.second];
    if (none_stored) return add_power_cut_of_any(place, name, before.cut);
    before.ends_known = true;
    for (std::size_t i = 0; i < record.previous_ends_count; ++i) {
        const longhaul_ClassEnd& end = record.previous_ends[i];
        if (end.block_class < block_class_count)
            before.last_number[end.block_class] = end.last_number & BlockSeq::number_max;
    }
    if (record.previous_clean) return {};
    const bool was_told = std::exchange(before.cut.by_record, true);  // the tables have it all
    for (std::size_t i = 0; i < record.previous_ends_count; ++i)
        LH_TRY(add_power_cut_of(place, name, record.previous_ends[i], before.cut));
    if (was_told) return {};
    if (!before.has_record) return add_power_cut_of_any(place, name, before.cut);
    return add_unlisted_power_cut(place, name, before.streams->classes(), before.cut);
}

// Class by class, in any order: whether there are more nobody knows but the record.
Writer::Outcome Writer::add_told_power_cut(const Place& place, const EpochName& name,
                                           const longhaul_Loss& loss) {
    DeviceMemory& device = device_of(place);
    IncarnationState& incarnation = *device.find(name.first);  // of the block that tells it
    if (incarnation.is_closed(name.second) || incarnation.is_given_up(name.second)) return {};
    // A device that told of too many epochs may get a row twice.
    PowerCut forgotten;
    const bool remembered = incarnation.find(name.second) != nullptr ||
                            device.open_epochs() < state_limits::open_epochs_max;
    PowerCut& cut = remembered ? incarnation.open[name.second].cut : forgotten;
    const BlockSeq first{loss.first_seq};
    const longhaul_ClassEnd end{static_cast<std::uint32_t>(first.block_class()), first.number() - 1,
                                loss.from_us};
    LH_TRY(add_power_cut_of(place, name, end, cut));
    return cut.by_record ? Outcome{} : add_power_cut_of_any(place, name, cut);
}

Writer::Outcome Writer::add_unlisted_power_cut(const Place& place, const EpochName& name,
                                               std::uint32_t classes, PowerCut& cut) {
    for (std::uint32_t i = 0; i < block_class_count; ++i) {
        if ((classes & (1U << i)) != 0) LH_TRY(add_power_cut_of(place, name, {i, 0, 0}, cut));
    }
    return {};
}

Writer::Outcome Writer::add_power_cut_of(const Place& place, const EpochName& name,
                                         const longhaul_ClassEnd& end, PowerCut& cut) {
    if ((cut.classes >> end.block_class & 1) != 0) return {};
    cut.classes = static_cast<std::uint8_t>(cut.classes | 1U << end.block_class);
    return add_power_cut_row(place, name, &end);
}

Writer::Outcome Writer::add_power_cut_of_any(const Place& place, const EpochName& name,
                                             PowerCut& cut) {
    if (cut.any_class) return {};
    cut.any_class = true;
    return add_power_cut_row(place, name, nullptr);
}

// Without an end: of any class that no other row tells of.
Writer::Outcome Writer::add_power_cut_row(const Place& place, const EpochName& name,
                                          const longhaul_ClassEnd* end) {
    LH_TRY_ASSIGN(TableBuffer* const losses, table(place.tenant, "_losses", loss_columns(), false));
    LH_TRY_ASSIGN(Batch* const batch, begin_row(place, *losses));
    if (batch == nullptr) return {};
    batch->put_text(loss_device, place.device);
    batch->put_integer(loss_incarnation, name.first);
    batch->put_integer(loss_epoch, name.second);
    if (end != nullptr) {
        const auto block_class = static_cast<BlockClass>(end->block_class);
        batch->put_integer(loss_class, end->block_class);
        batch->put_integer(loss_first_seq, BlockSeq::of(block_class, end->last_number + 1).value);
    }
    batch->put_integer(loss_last_epoch, name.second);
    batch->put_text(loss_reason, "power_cut");
    if (end != nullptr) batch->put_integer(loss_from_us, end->closing_us);
    batch->put_integer(loss_receive_time, place.receive_time.value);
    batch->end_row();
    return {};
}

Writer::Outcome Writer::quarantine(const Place& place, const EpochName& name,
                                   std::optional<BlockHeader> header, Bytes content,
                                   std::string_view reason) {
    ++counters_.quarantined;
    if (reason.starts_with("fork") && std::has_single_bit(++counters_.forks)) {
        notes_.push_back(place.tenant + "/" + place.device + " epoch " +
                         std::to_string(name.second) + ": " + std::string{reason} +
                         "; two devices go by this name, or one was set back (" +
                         std::to_string(counters_.forks) + " of all devices so far)");
    }
    LH_TRY_ASSIGN(TableBuffer* const kept,
                  table(place.tenant, "_quarantine", quarantine_columns(), false));
    LH_TRY_ASSIGN(Batch* const batch, begin_row(place, *kept));
    if (batch == nullptr) return {};
    batch->put_text(quarantine_device, place.device);
    batch->put_integer(quarantine_incarnation, name.first);
    batch->put_integer(quarantine_epoch, name.second);
    if (header) {
        batch->put_integer(quarantine_seq, header->name.seq.value);
        batch->put_integer(quarantine_samples, header->samples);
    }
    batch->put_text(quarantine_reason, reason);
    batch->put_integer(quarantine_shard, place.shard);
    batch->put_integer(quarantine_offset, static_cast<std::int64_t>(place.offset));
    batch->put_text(quarantine_content, as_text(content));
    batch->put_integer(quarantine_receive_time, place.receive_time.value);
    batch->end_row();
    return {};
}

}  // namespace longhaul::collector
