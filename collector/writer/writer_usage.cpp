// What devices use: counted entry by entry, an hour's rows with the first entry of a later one.
#include "collector/journal/connection_cost.hpp"
#include "collector/writer/table_columns.hpp"
#include "collector/writer/writer.hpp"
#include "common/base/civil_time.hpp"
#include "common/wire/frame.hpp"

namespace longhaul::collector {

// The rows belong to the entry that ends the hour; their partition is that of the hour.
Writer::Outcome Writer::end_usage_hour(const Place& place) {
    const auto ended = usage_[place.shard].reach(place.receive_time);
    if (!ended) return {};
    for (const auto& [device, usage] : ended->devices) {
        LH_TRY_ASSIGN(TableBuffer* const to, table(device.first, "_usage", usage_columns(), false));
        Place row = place;
        row.receive_date = date_text(ended->hour);
        LH_TRY_ASSIGN(Batch* const batch, begin_row(row, *to));
        if (batch == nullptr) continue;
        batch->put_text(usage_device, device.second);
        batch->put_integer(usage_hour, ended->hour.value);
        const auto put = [batch](std::size_t column, std::uint64_t value) {
            batch->put_integer(column, static_cast<std::int64_t>(value));
        };
        put(usage_received_bytes, usage.received_bytes);
        put(usage_blocks, usage.blocks);
        put(usage_duplicate_blocks, usage.duplicate_blocks);
        put(usage_sealed_bytes, usage.sealed_bytes);
        put(usage_samples, usage.samples);
        put(usage_decoded_bytes, usage.decoded_bytes);
        put(usage_connected, usage.connected_ms);
        put(usage_wire_received_bytes, usage.wire_received_bytes);
        put(usage_wire_sent_bytes, usage.wire_sent_bytes);
        batch->end_row();
    }
    return {};
}

// Of a device's entry that has just been taken. A release is the collector's own: it was received
// when it came the first time.
void Writer::add_usage(const Place& place, const JournalEntry& entry,
                       const WriterCounters& before) {
    if (place.device.empty() || entry.kind == JournalKind::connection) return;
    Usage& usage = usage_[place.shard].of(place.tenant, place.device);
    const bool is_block = entry.kind == JournalKind::block;
    if (is_block || entry.kind == JournalKind::epoch)
        usage.received_bytes += frame_header_bytes + entry.body.size();
    if (is_block) {
        ++usage.blocks;
        usage.duplicate_blocks += counters_.duplicates - before.duplicates;
    }
    if (counters_.blocks == before.blocks) return;
    usage.sealed_bytes += entry.body.size();
    usage.samples += parse_block_header(entry.body).value().samples;
    usage.decoded_bytes += decoded_bytes_;
}

Writer::Outcome Writer::on_connection(const Place& place, Bytes body) {
    const auto cost = parse_connection_cost(body);
    if (!cost.ok() || place.device.empty()) return stop_at_unknown(place, JournalKind::connection);
    note_backlog(place, cost.value());
    if (adopting_[place.shard]) return {};  // counted by the journal to which it came
    Usage& usage = usage_[place.shard].of(place.tenant, place.device);
    usage.connected_ms += cost.value().connected_ms;
    usage.wire_received_bytes += cost.value().wire.received;
    usage.wire_sent_bytes += cost.value().wire.sent;
    return {};
}

Status Writer::put_usage(SnapshotWriter& out, Shard shard) const {
    Status done;
    usage_[shard].encode([&](const ByteSink& usage) {
        ByteSink item;
        item.varint(shard);
        item.bytes(usage.written());
        if (done.ok())
            done = out.put(static_cast<std::uint8_t>(SnapshotItem::usage), item.written());
    });
    return done;
}

}  // namespace longhaul::collector
