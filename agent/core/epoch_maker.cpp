#include "agent/core/epoch_maker.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "common/block/protobuf.hpp"

namespace longhaul::agent {
namespace {

template <std::size_t Size>
void copy_text(char (&to)[Size], std::string_view from) {
    LH_CHECK(from.size() < Size);
    std::memcpy(to, from.data(), from.size());
    to[from.size()] = '\0';
}

longhaul_ClockState clock_state(const WallReading& wall) {
    if (!wall.known) return longhaul_ClockState_CLOCK_STATE_NONE;
    return wall.synchronized ? longhaul_ClockState_CLOCK_STATE_SYNCHRONIZED
                             : longhaul_ClockState_CLOCK_STATE_UNCERTAIN;
}

void list_streams(std::span<const AgentStream> streams, longhaul_EpochRecord& record) {
    LH_CHECK(streams.size() <= std::size(record.streams));
    for (const AgentStream& stream : streams) {
        longhaul_StreamEntry& entry = record.streams[record.streams_count++];
        entry.index = record.streams_count;
        copy_text(entry.name, stream.info.name);
        std::memcpy(entry.schema_hash, stream.schema_hash.data(), stream.schema_hash.size());
        entry.block_class = static_cast<std::uint32_t>(stream.info.block_class);
        if (!stream.model_hash) continue;
        entry.model.size = static_cast<pb_size_t>(stream.model_hash->size());
        std::memcpy(entry.model.bytes, stream.model_hash->data(), stream.model_hash->size());
    }
}

// What fits without models is not to fail with them.
Status drop_models_if_too_long(std::span<AgentStream> streams, longhaul_EpochRecord& record) {
    LH_TRY_ASSIGN(const std::size_t bytes, protobuf_size(longhaul_EpochRecord_fields, &record));
    if (bytes <= limits::epoch_record_bytes_max) return {};
    for (std::size_t i = 0; i < streams.size(); ++i) {
        streams[i].model = {};
        streams[i].model_hash.reset();
        record.streams[i].model.size = 0;
    }
    return {};
}

struct CleanEpochs {
    std::uint32_t first = 0;
    std::uint32_t last = 0;  // 0: none
};

Result<CleanEpochs> read_clean_epochs(Spool& spool) {
    std::array<std::byte, 8> room;
    const Result<Bytes> state = spool.read_state(state_clean_epochs, room);
    if (!state.ok() && state.error() == ErrorCode::not_found) return CleanEpochs{};
    LH_TRY_ASSIGN(const Bytes value, state);
    ByteReader in{value};
    const std::uint32_t first = in.u32();
    return CleanEpochs{first, in.u32()};
}

// An epoch in between may have ended without a block, with samples in memory. So all of them have
// to have ended cleanly.
Status describe_previous(Spool& spool, longhaul_EpochRecord& record) {
    LH_TRY_ASSIGN(const EpochEnd end, spool.previous_end());
    record.previous_epoch = end.epoch.value;
    if (end.epoch.value == 0) return {};
    for (std::size_t i = 0; i < block_class_count; ++i) {
        if (end.last_number[i] == 0) continue;
        longhaul_ClassEnd& entry = record.previous_ends[record.previous_ends_count++];
        entry.block_class = static_cast<std::uint32_t>(i);
        entry.last_number = end.last_number[i];
        entry.closing_us = end.last_us[i];
    }
    LH_TRY_ASSIGN(const CleanEpochs clean, read_clean_epochs(spool));
    record.previous_clean = clean.first <= end.epoch.value && clean.last + 1 == record.epoch;
    return {};
}

Status describe(const EpochMaking& making, longhaul_EpochRecord& record) {
    record.version = epoch_record_version;
    copy_text(record.environment, making.settings.environment);
    copy_text(record.tenant, making.settings.tenant);
    copy_text(record.device, making.settings.device);
    record.incarnation = making.spool.incarnation().value;
    record.epoch = making.epoch.value;
    record.boot_cause = making.settings.boot_cause;
    copy_text(record.firmware, making.settings.firmware);
    record.clock_state = clock_state(making.wall);
    list_streams(making.streams, record);
    return describe_previous(making.spool, record);
}

// Encodes and signs the record; the signed epoch lies at the start of `scratch`.
Result<Bytes> sign_record(const longhaul_EpochRecord& record, Identity& identity,
                          MutableBytes scratch) {
    ByteWriter encoded{scratch.subspan(signed_epoch_bytes_max, limits::epoch_record_bytes_max)};
    LH_TRY(encode_epoch_record(record, encoded));
    LH_TRY_ASSIGN(const Signature signature, identity.sign(encoded.written()));
    ByteWriter out{scratch.first(signed_epoch_bytes_max)};
    write_signed_epoch({encoded.written(), signature, identity.certificate()}, out);
    if (!out.ok()) return Error{ErrorCode::too_large, "certificate"};
    return out.written();
}

// Schemas first, then the record that names them: what is stored is always complete.
Status store(const EpochMaking& making, Bytes signed_epoch) {
    std::array<SchemaHash, streams_of_sources_max> hashes;
    std::size_t count = 0;
    for (const AgentStream& stream : making.streams) {
        const auto end = hashes.begin() + static_cast<std::ptrdiff_t>(count);
        if (std::find(hashes.begin(), end, stream.schema_hash) != end) continue;
        hashes[count++] = stream.schema_hash;
        LH_TRY(making.spool.store_schema(stream.schema_hash, stream.info.encoded_schema));
    }
    return making.spool.store_epoch(making.epoch, signed_epoch, std::span{hashes}.first(count));
}

}  // namespace

Result<BlockKey> make_epoch(const EpochMaking& making, MutableBytes scratch) {
    LH_CHECK(scratch.size() >= epoch_scratch_bytes);
    longhaul_EpochRecord record{};
    LH_TRY(describe(making, record));

    std::array<std::byte, 32> fresh;
    LH_TRY(making.entropy.fill(fresh));
    LH_TRY_ASSIGN(const EpochKeys keys,
                  derive_epoch_keys(fresh, making.identity.device_secret(),
                                    making.spool.incarnation(), making.epoch));
    LH_TRY(wrap_block_key(making.settings.sealing_key, keys, record));

    LH_TRY(drop_models_if_too_long(making.streams, record));
    LH_TRY_ASSIGN(const Bytes signed_epoch, sign_record(record, making.identity, scratch));
    LH_TRY(store(making, signed_epoch));
    return keys.block_key;
}

Status end_epoch_cleanly(Spool& spool, Epoch epoch) {
    LH_TRY_ASSIGN(CleanEpochs clean, read_clean_epochs(spool));
    if (clean.last == 0 || clean.last + 1 != epoch.value) clean.first = epoch.value;
    std::array<std::byte, 8> room;
    ByteWriter out{room};
    out.u32(clean.first);
    out.u32(epoch.value);
    return spool.put_state(state_clean_epochs, out.written());
}

}  // namespace longhaul::agent
