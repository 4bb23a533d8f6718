#include "agent/core/epoch_maker.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "common/base/utf8.hpp"
#include "common/block/protobuf.hpp"

namespace longhaul::agent {
namespace {

template <std::size_t Size>
void copy_text(char (&to)[Size], std::string_view from) {
    LH_CHECK(from.size() < Size);
    to[from.copy(to, Size - 1)] = '\0';
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

// What fits without last words and models is not to fail with them.
Status shorten_if_too_long(std::span<AgentStream> streams, std::size_t bytes_max,
                           longhaul_EpochRecord& record) {
    LH_TRY_ASSIGN(std::size_t bytes, protobuf_size(longhaul_EpochRecord_fields, &record));
    if (bytes <= bytes_max) return {};
    *record.last_words = '\0';
    LH_TRY_ASSIGN(bytes, protobuf_size(longhaul_EpochRecord_fields, &record));
    if (bytes <= bytes_max) return {};
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

struct Previous {
    EpochEnd end;  // of the last epoch that stored a block
    bool clean = false;
};

// An epoch in between may have ended without a block, with samples in memory. So all of them have
// to have ended cleanly.
Result<Previous> read_previous(const EpochMaking& making) {
    Previous previous;
    LH_TRY_ASSIGN(previous.end, making.spool.previous_end());
    if (previous.end.epoch.value == 0) return previous;
    LH_TRY_ASSIGN(const CleanEpochs clean, read_clean_epochs(making.spool));
    previous.clean =
        clean.first <= previous.end.epoch.value && clean.last + 1 == making.epoch.value;
    return previous;
}

void describe_previous(const Previous& previous, longhaul_EpochRecord& record) {
    const EpochEnd& end = previous.end;
    record.previous_epoch = end.epoch.value;
    record.previous_clean = previous.clean;
    if (end.epoch.value == 0) return;
    for (std::size_t i = 0; i < block_class_count; ++i) {
        if (end.last_number[i] == 0) continue;
        longhaul_ClassEnd& entry = record.previous_ends[record.previous_ends_count++];
        entry.block_class = static_cast<std::uint32_t>(i);
        entry.last_number = end.last_number[i];
        entry.closing_us = end.last_us[i];
    }
}

void describe(const EpochMaking& making, longhaul_EpochRecord& record) {
    record.version = epoch_record_version;
    copy_text(record.environment, making.settings.environment);
    copy_text(record.tenant, making.settings.tenant);
    copy_text(record.device, making.settings.device);
    record.incarnation = making.spool.incarnation().value;
    record.epoch = making.epoch.value;
    record.boot_cause = making.settings.boot_cause;
    copy_text(record.firmware, making.settings.firmware);
    if (is_utf8(making.settings.last_words))
        copy_text(record.last_words, making.settings.last_words);
    record.clock_state = clock_state(making.wall);
    list_streams(making.streams, record);
}

// The bytes that it took of `room`. The record is the largest thing that a small device ever has on
// its stack: nothing is read, computed or signed while it is there.
[[gnu::noinline]] Result<std::size_t> encode_record(const EpochMaking& making,
                                                    const Previous& previous,
                                                    const WrappedKey& wrapped, MutableBytes room) {
    longhaul_EpochRecord record{};
    describe(making, record);
    describe_previous(previous, record);
    put_wrapped_key(wrapped, record);
    LH_TRY(shorten_if_too_long(making.streams, room.size(), record));
    ByteWriter out{room};
    if (!encode_epoch_record(record, out).ok()) return Error{ErrorCode::too_large, "epoch record"};
    return out.size();
}

Result<Bytes> sign_record(const EpochMaking& making, const WrappedKey& wrapped, MutableBytes room) {
    const Bytes certificate = making.identity.certificate();
    const std::size_t beside =
        signed_epoch_head_bytes + signed_epoch_rest_bytes + certificate.size();
    if (certificate.size() > limits::certificate_bytes_max || beside > room.size())
        return Error{ErrorCode::too_large, "certificate"};
    const MutableBytes record = room.subspan(
        signed_epoch_head_bytes, std::min(room.size() - beside, limits::epoch_record_bytes_max));
    LH_TRY_ASSIGN(const Previous previous, read_previous(making));
    LH_TRY_ASSIGN(const std::size_t bytes, encode_record(making, previous, wrapped, record));
    LH_TRY_ASSIGN(const Signature signature, making.identity.sign(record.first(bytes)));
    return complete_signed_epoch(bytes, signature, certificate, room);
}

// Schemas first, then the record that names them: what is stored is always complete.
[[gnu::noinline]] Status store(const EpochMaking& making, Bytes signed_epoch) {
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

// Once a boot, and with much on the stack: not in the frame of who seals every block.
[[gnu::noinline]] Result<BlockKey> make_epoch(const EpochMaking& making, MutableBytes room) {
    std::array<std::byte, 32> fresh;
    LH_TRY(making.entropy.fill(fresh));
    LH_TRY_ASSIGN(const EpochKeys keys,
                  derive_epoch_keys(fresh, making.identity.device_secret(),
                                    making.spool.incarnation(), making.epoch));
    const AgentSettings& settings = making.settings;
    LH_TRY_ASSIGN(const WrappedKey wrapped,
                  wrap_block_key(settings.sealing_key, keys,
                                 {settings.environment, settings.tenant, settings.device,
                                  making.spool.incarnation(), making.epoch}));
    LH_TRY_ASSIGN(const Bytes signed_epoch, sign_record(making, wrapped, room));
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
