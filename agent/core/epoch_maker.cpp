#include "agent/core/epoch_maker.hpp"

#include <algorithm>
#include <array>
#include <cstring>

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
    }
}

Result<bool> ended_cleanly(Spool& spool, Epoch epoch) {
    std::array<std::byte, 4> room;
    const Result<Bytes> state = spool.read_state(state_clean_epoch, room);
    if (!state.ok() && state.error() == ErrorCode::not_found) return false;
    LH_TRY_ASSIGN(const Bytes value, state);
    return ByteReader{value}.u32() == epoch.value;
}

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
    LH_TRY_ASSIGN(record.previous_clean, ended_cleanly(spool, end.epoch));
    return {};
}

Status describe(const EpochMaking& making, Epoch epoch, longhaul_EpochRecord& record) {
    record.version = epoch_record_version;
    copy_text(record.environment, making.settings.environment);
    copy_text(record.tenant, making.settings.tenant);
    copy_text(record.device, making.settings.device);
    record.incarnation = making.spool.incarnation().value;
    record.epoch = epoch.value;
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
Status store(const EpochMaking& making, Epoch epoch, Bytes signed_epoch) {
    std::array<SchemaHash, streams_of_sources_max> hashes;
    std::size_t count = 0;
    for (const AgentStream& stream : making.streams) {
        const auto end = hashes.begin() + static_cast<std::ptrdiff_t>(count);
        if (std::find(hashes.begin(), end, stream.schema_hash) != end) continue;
        hashes[count++] = stream.schema_hash;
        LH_TRY(making.spool.store_schema(stream.schema_hash, stream.info.encoded_schema));
    }
    return making.spool.store_epoch(epoch, signed_epoch, std::span{hashes}.first(count));
}

}  // namespace

Result<OpenEpoch> make_epoch(const EpochMaking& making, MutableBytes scratch) {
    LH_CHECK(scratch.size() >= epoch_scratch_bytes);
    OpenEpoch open;
    LH_TRY_ASSIGN(open.epoch, making.spool.begin_epoch());

    longhaul_EpochRecord record = longhaul_EpochRecord_init_zero;
    LH_TRY(describe(making, open.epoch, record));

    std::array<std::byte, 32> fresh;
    LH_TRY(making.entropy.fill(fresh));
    LH_TRY_ASSIGN(const EpochKeys keys, derive_epoch_keys(fresh, making.identity.device_secret(),
                                                          making.spool.incarnation(), open.epoch));
    LH_TRY(wrap_block_key(making.settings.sealing_key, keys, record));
    open.key = keys.block_key;

    LH_TRY_ASSIGN(const Bytes signed_epoch, sign_record(record, making.identity, scratch));
    LH_TRY(store(making, open.epoch, signed_epoch));
    return open;
}

}  // namespace longhaul::agent
