#include "collector/writer/device_codec.hpp"

#include <algorithm>

#include "common/block/limits.hpp"

namespace longhaul::collector {
namespace {

enum EpochFlag : std::uint8_t {
    flag_record = 1,
    flag_ends = 4,
    flag_cut = 8,
    flag_any_class = 16,
    flag_by_record = 32,
    flag_adopted = 64,
};

template <std::size_t Size>
std::array<std::byte, Size> read_array(ByteReader& in) {
    std::array<std::byte, Size> array{};
    const Bytes bytes = in.bytes(Size);
    std::copy(bytes.begin(), bytes.end(), array.begin());
    return array;
}

// An epoch that was adopted may have more runs than one that came to this journal: as many as it
// has blocks. Whoever reads them is bounded by the bytes that are there.
constexpr std::size_t adopted_runs_max = UINT32_MAX;
constexpr std::size_t adopted_tables_max = UINT32_MAX;
constexpr std::uint8_t adopted_listed = 1;
constexpr std::uint8_t adopted_record = 2;

void encode_waiting(const EpochState& epoch, ByteSink& out) {
    out.varint(epoch.waiting.size());
    for (const auto& [model, seqs] : epoch.waiting) {
        out.bytes(model);
        encode_runs(seqs, out);
    }
}

void decode_waiting(ByteReader& in, EpochState& epoch) {
    for (std::size_t left = read_count(in, state_limits::runs_max); left != 0 && in.ok(); --left) {
        const auto model = read_array<sizeof(ModelHash)>(in);
        SeqRuns seqs = decode_runs(in, state_limits::runs_max);
        if (seqs.empty() || !epoch.waiting.emplace(model, std::move(seqs)).second) in.fail();
    }
}

std::uint8_t flags_of(const EpochState& epoch) {
    std::uint8_t flags = 0;
    if (epoch.has_record) flags |= flag_record;
    if (epoch.ends_known) flags |= flag_ends;
    if (epoch.cut.classes != 0) flags |= flag_cut;
    if (epoch.cut.any_class) flags |= flag_any_class;
    if (epoch.cut.by_record) flags |= flag_by_record;
    if (epoch.adopted) flags |= flag_adopted;
    return flags;
}

void encode_adopted(const EpochState& epoch, ByteSink& out) {
    const AdoptedBlocks& adopted = *epoch.adopted;
    out.u8(static_cast<std::uint8_t>((adopted.listed ? adopted_listed : 0) |
                                     (adopted.record ? adopted_record : 0)));
    if (adopted.record) out.u64(*adopted.record);
    encode_runs(adopted.again, out);
    encode_adopted_tables(adopted, out);
    if (epoch.has_record) return;
    encode_anchors(epoch, out);
    encode_runs(epoch.received, out);
}

void decode_adopted(ByteReader& in, EpochState& epoch) {
    AdoptedBlocks& adopted = epoch.adopted.emplace();
    const std::uint8_t flags = in.u8();
    adopted.listed = (flags & adopted_listed) != 0;
    if ((flags & adopted_record) != 0) adopted.record = in.u64();
    adopted.again = decode_runs(in, adopted_runs_max);
    decode_adopted_tables(in, adopted);
    if (epoch.has_record) return;
    decode_anchors(in, epoch);
    epoch.received = decode_runs(in, adopted_runs_max);
}

void encode_epoch(const EpochState& epoch, ByteSink& out) {
    out.u8(flags_of(epoch));
    if (epoch.has_record) {
        out.bytes(epoch.record_tag);
        out.bytes(epoch.key.bytes);
        out.varint(epoch.streams->id);
        out.u32(epoch.resolved);
        encode_anchors(epoch, out);
        encode_runs(epoch.received, out);
        encode_waiting(epoch, out);
    }
    if (epoch.ends_known) {
        for (const std::uint32_t last : epoch.last_number) out.varint(last);
    }
    if (epoch.cut.classes != 0) out.u8(epoch.cut.classes);
    if (epoch.adopted) encode_adopted(epoch, out);
}

EpochState decode_epoch(ByteReader& in, const FindStreams& find_streams) {
    EpochState epoch;
    const std::uint8_t flags = in.u8();
    epoch.has_record = (flags & flag_record) != 0;
    epoch.ends_known = (flags & flag_ends) != 0;
    epoch.cut.any_class = (flags & flag_any_class) != 0;
    epoch.cut.by_record = (flags & flag_by_record) != 0;
    if (epoch.has_record) {
        epoch.record_tag = read_array<sizeof(RecordTag)>(in);
        epoch.key.bytes = read_array<sizeof(BlockKey)>(in);
        epoch.streams = find_streams(static_cast<std::uint32_t>(in.varint()));
        if (epoch.streams == nullptr) in.fail();
        epoch.resolved = in.u32();
        decode_anchors(in, epoch);
        const bool is_adopted = (flags & flag_adopted) != 0;
        epoch.received = decode_runs(in, is_adopted ? adopted_runs_max : state_limits::runs_max);
        decode_waiting(in, epoch);
    }
    if (epoch.ends_known) {
        for (std::uint32_t& last : epoch.last_number)
            last = static_cast<std::uint32_t>(in.varint());
    }
    if ((flags & flag_cut) != 0) epoch.cut.classes = in.u8();
    if ((flags & flag_adopted) != 0) decode_adopted(in, epoch);
    return epoch;
}

// Numbers of epochs are told by how far they are from here, modulo 2^32, for that is mostly near.
std::uint32_t last_closed(const IncarnationState& state) {
    return state.closed.empty() ? 0 : state.closed.runs().back().last;
}

void encode_incarnation(const IncarnationState& state, ByteSink& out) {
    out.u32(state.id);
    out.varint(state.given_up);
    encode_runs(state.closed, out);
    out.varint(state.done.size());
    const std::uint32_t closed = last_closed(state);
    for (const DoneEpoch& each : state.done) {
        out.varint(std::uint32_t{closed - each.number});
        out.u16(each.fingerprint);
        out.bytes(each.key.bytes);
        for (const std::uint32_t last : each.last_number) out.varint(last);
    }
    out.varint(state.open.size());
    std::uint32_t before = closed;
    for (const auto& [number, epoch] : state.open) {
        out.varint(std::uint32_t{number - before});
        before = number;
        encode_epoch(epoch, out);
    }
}

IncarnationState decode_incarnation(ByteReader& in, const FindStreams& find_streams) {
    const auto number = [&in] { return static_cast<std::uint32_t>(in.varint()); };
    IncarnationState state;
    state.id = in.u32();
    state.given_up = number();
    state.closed = decode_runs(in, state_limits::closed_runs_max);
    state.done.resize(read_count(in, state_limits::done_max));
    const std::uint32_t closed = last_closed(state);
    for (DoneEpoch& each : state.done) {
        each.number = closed - number();
        each.fingerprint = in.u16();
        each.key.bytes = read_array<sizeof(BlockKey)>(in);
        for (std::uint32_t& last : each.last_number) last = number();
    }
    std::uint32_t epoch = closed;
    for (std::size_t left = read_count(in, state_limits::open_epochs_max); left != 0 && in.ok();
         --left) {
        epoch += number();
        if (!state.open.emplace(epoch, decode_epoch(in, find_streams)).second) in.fail();
    }
    return state;
}

}  // namespace

// Each run as the distance to the one before it and its length.
void encode_runs(const SeqRuns& runs, ByteSink& out) {
    out.varint(runs.size());
    std::uint64_t next = 0;
    for (const SeqRun& run : runs.runs()) {
        out.varint(run.first - next);
        out.varint(run.last - run.first);
        next = std::uint64_t{run.last} + 1;
    }
}

SeqRuns decode_runs(ByteReader& in, std::size_t max) {
    SeqRuns runs;
    std::uint64_t next = 0;
    for (std::size_t left = read_count(in, max); left != 0 && in.ok(); --left) {
        const std::uint64_t distance = in.varint();
        const std::uint64_t length = in.varint();
        if (distance > UINT32_MAX || length > UINT32_MAX || next + distance + length > UINT32_MAX) {
            in.fail();
            break;
        }
        const std::uint64_t first = next + distance;
        runs.add({static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(first + length)});
        next = first + length + 1;
    }
    return runs;
}

void encode_anchors(const EpochState& epoch, ByteSink& out) {
    out.varint(static_cast<std::uint64_t>(epoch.anchors_made));
    out.varint(epoch.anchors.size());
    for (const Anchor& anchor : epoch.anchors) {
        out.varint(static_cast<std::uint64_t>(anchor.id));
        out.zigzag_varint(anchor.elapsed_us);
        out.zigzag_varint(anchor.wall_us);
        out.varint(anchor.error_us ? *anchor.error_us + 1 : 0);
    }
}

void decode_anchors(ByteReader& in, EpochState& epoch) {
    epoch.anchors_made = static_cast<std::int32_t>(in.varint());
    epoch.anchors.resize(read_count(in, state_limits::anchors_max));
    for (Anchor& anchor : epoch.anchors) {
        anchor.id = static_cast<std::int32_t>(in.varint());
        anchor.elapsed_us = in.zigzag_varint();
        anchor.wall_us = in.zigzag_varint();
        if (const std::uint64_t error = in.varint(); error != 0) anchor.error_us = error - 1;
    }
}

void encode_adopted_tables(const AdoptedBlocks& adopted, ByteSink& out) {
    out.varint(adopted.tables.size());
    for (const auto& [name, seqs] : adopted.tables) {
        out.text(name);
        encode_runs(seqs, out);
    }
}

void decode_adopted_tables(ByteReader& in, AdoptedBlocks& adopted) {
    for (std::size_t left = read_count(in, adopted_tables_max); left != 0 && in.ok(); --left) {
        std::string name{as_text(read_counted(in))};
        adopted.tables[std::move(name)] = decode_runs(in, adopted_runs_max);
    }
}

void encode_device(const DeviceMemory& device, ByteSink& out) {
    out.varint(device.shard);
    out.varint(device.incarnations.size());
    for (const IncarnationState& each : device.incarnations) encode_incarnation(each, out);
}

Result<DeviceMemory> decode_device(Bytes bytes, const FindStreams& find_streams) {
    ByteReader in{bytes};
    DeviceMemory device;
    device.shard = static_cast<Shard>(in.varint());
    for (std::size_t left = read_count(in, state_limits::incarnations_max); left != 0 && in.ok();
         --left) {
        device.incarnations.push_back(decode_incarnation(in, find_streams));
    }
    if (!in.at_end()) return Error{ErrorCode::malformed, "state of a device"};
    return device;
}

void encode_streams(const std::vector<StreamEntry>& entries, ByteSink& out) {
    out.varint(entries.size());
    for (const StreamEntry& entry : entries) {
        out.u8(entry.index);
        out.u8(entry.block_class);
        out.text(entry.name);
        out.bytes(entry.schema);
        out.u8(entry.model ? 1 : 0);
        if (entry.model) out.bytes(*entry.model);
    }
}

Result<std::vector<StreamEntry>> decode_streams(ByteReader& in) {
    std::vector<StreamEntry> entries(read_count(in, limits::streams_max));
    for (StreamEntry& entry : entries) {
        entry.index = in.u8();
        entry.block_class = in.u8();
        entry.name = as_text(read_counted(in));
        entry.schema = read_array<sizeof(SchemaHash)>(in);
        if (in.u8() != 0) entry.model = read_array<sizeof(ModelHash)>(in);
        if (entry.index >= limits::streams_max || entry.block_class >= block_class_count) in.fail();
    }
    if (!in.ok()) return Error{ErrorCode::malformed, "streams of an epoch"};
    return entries;
}

}  // namespace longhaul::collector
