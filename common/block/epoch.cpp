#include "common/block/epoch.hpp"

#include <algorithm>
#include <cstring>

#include "common/base/utf8.hpp"
#include "common/block/hpke.hpp"
#include "common/block/protobuf.hpp"

namespace longhaul {
namespace {

constexpr std::size_t info_bytes_max = 16 + 3 * (1 + limits::name_bytes_max) + 8;

// What binds a wrapped block key to its epoch; docs/spec/epoch.md.
Bytes wrapping_info(const EpochName& name, MutableBytes room) {
    ByteWriter out{room};
    out.text("longhaul epoch 1");
    out.short_text(name.environment);
    out.short_text(name.tenant);
    out.short_text(name.device);
    out.u32(name.incarnation.value);
    out.u32(name.epoch.value);
    LH_CHECK(out.ok());
    return out.written();
}

template <class To, class From>
void copy_bytes(To& to, const From& from) {
    static_assert(sizeof(to) == sizeof(from));
    std::memcpy(&to, &from, sizeof(to));
}

template <class Record>
bool has_sound_ends(const Record& record) {
    const std::span ends{record.previous_ends, record.previous_ends_count};
    return std::all_of(ends.begin(), ends.end(), [](const longhaul_ClassEnd& end) {
        return end.block_class < block_class_count;
    });
}

Status validate(const longhaul_EpochRecord& record) {
    if (record.version != epoch_record_version)
        return Error{ErrorCode::unsupported, "epoch record version"};
    if (*record.environment == '\0' || *record.tenant == '\0' || *record.device == '\0') {
        return Error{ErrorCode::malformed, "epoch record without an identity"};
    }
    if (!is_utf8(record.firmware)) return Error{ErrorCode::malformed, "firmware"};
    if (!is_utf8(record.last_words)) return Error{ErrorCode::malformed, "last words"};
    if (record.epoch == 0) return Error{ErrorCode::malformed, "epoch 0"};
    if (record.previous_epoch >= record.epoch) return Error{ErrorCode::malformed, "previous epoch"};
    std::uint32_t seen = 1;  // stream 0 is the system's
    for (std::size_t i = 0; i < record.streams_count; ++i) {
        const longhaul_StreamEntry& stream = record.streams[i];
        if (stream.index >= limits::streams_max || (seen >> stream.index & 1) != 0) {
            return Error{ErrorCode::malformed, "stream index"};
        }
        if (stream.block_class >= block_class_count || *stream.name == '\0' ||
            !is_utf8(stream.name)) {
            return Error{ErrorCode::malformed, "stream"};
        }
        if (stream.model.size != 0 && stream.model.size != sizeof(stream.model.bytes))
            return Error{ErrorCode::malformed, "model"};
        seen |= std::uint32_t{1} << stream.index;
    }
    if (!has_sound_ends(record)) return Error{ErrorCode::malformed, "class"};
    return {};
}

void write_signature(const Signature& signature, Bytes certificate, ByteWriter& out) {
    out.u8(static_cast<std::uint8_t>(signature.size()));
    out.bytes(signature);
    out.u16(static_cast<std::uint16_t>(certificate.size()));
    out.bytes(certificate);
}

}  // namespace

Result<EpochKeys> derive_epoch_keys(Bytes fresh_random, Bytes device_secret,
                                    Incarnation incarnation, Epoch epoch) {
    const Sha256 extracted = hkdf_extract(device_secret, fresh_random);
    std::array<std::byte, 64> room;
    const auto expand = [&](std::string_view label, MutableBytes to) -> Status {
        ByteWriter info{room};
        info.text(label);
        info.u32(incarnation.value);
        info.u32(epoch.value);
        return hkdf_expand(extracted, info.written(), to);
    };
    EpochKeys keys;
    LH_TRY(expand("longhaul block key 1", keys.block_key.bytes));
    LH_TRY(expand("longhaul ephemeral key 1", keys.ephemeral_key_material));
    return keys;
}

SealingKeyId sealing_key_id(const PublicKey& sealing_key) {
    const Sha256 hash = sha256(sealing_key);
    SealingKeyId id;
    std::copy_n(hash.begin(), id.size(), id.begin());
    return id;
}

EpochName epoch_name_of(const longhaul_EpochRecord& record) {
    return {record.environment, record.tenant, record.device, {record.incarnation}, {record.epoch}};
}

Result<WrappedKey> wrap_block_key(const PublicKey& sealing_key, const EpochKeys& keys,
                                  const EpochName& name) {
    std::array<std::byte, info_bytes_max> room;
    WrappedKey wrapped;
    LH_TRY_ASSIGN(wrapped.encapsulated_key,
                  hpke_seal(sealing_key, keys.ephemeral_key_material, wrapping_info(name, room), {},
                            keys.block_key.bytes, wrapped.block_key));
    wrapped.sealing_key_id = sealing_key_id(sealing_key);
    return wrapped;
}

void put_wrapped_key(const WrappedKey& wrapped, longhaul_EpochRecord& record) {
    copy_bytes(record.encapsulated_key, wrapped.encapsulated_key);
    copy_bytes(record.wrapped_block_key, wrapped.block_key);
    copy_bytes(record.sealing_key_id, wrapped.sealing_key_id);
}

Result<BlockKey> unwrap_block_key(const PrivateKey& sealing_key,
                                  const longhaul_EpochRecord& record) {
    std::array<std::byte, info_bytes_max> room;
    std::array<std::byte, sizeof(BlockKey) + aead_tag_bytes> wrapped;
    PublicKey enc;
    copy_bytes(enc, record.encapsulated_key);
    copy_bytes(wrapped, record.wrapped_block_key);
    BlockKey key;
    LH_TRY(hpke_open(sealing_key, enc, wrapping_info(epoch_name_of(record), room), {}, wrapped,
                     key.bytes));
    return key;
}

Result<SignedEpoch> parse_signed_epoch(Bytes bytes) {
    ByteReader in{bytes};
    SignedEpoch epoch;
    epoch.record = in.bytes(in.u16());
    const std::size_t signature_bytes = in.u8();
    const Bytes signature = in.bytes(signature_bytes);
    epoch.certificate = in.bytes(in.u16());
    if (!in.ok()) return Error{ErrorCode::truncated, "signed epoch"};
    if (!in.at_end()) return Error{ErrorCode::malformed, "bytes after the signed epoch"};
    if (signature_bytes != epoch.signature.size())
        return Error{ErrorCode::malformed, "signature length"};
    if (epoch.record.size() > limits::epoch_record_bytes_max)
        return Error{ErrorCode::too_large, "epoch record"};
    if (epoch.certificate.size() > limits::certificate_bytes_max) {
        return Error{ErrorCode::too_large, "certificate"};
    }
    std::copy(signature.begin(), signature.end(), epoch.signature.begin());
    return epoch;
}

void write_signed_epoch(const SignedEpoch& epoch, ByteWriter& out) {
    out.u16(static_cast<std::uint16_t>(epoch.record.size()));
    out.bytes(epoch.record);
    write_signature(epoch.signature, epoch.certificate, out);
}

Bytes complete_signed_epoch(std::size_t record_bytes, const Signature& signature, Bytes certificate,
                            MutableBytes room) {
    ByteWriter head{room.first(signed_epoch_head_bytes)};
    head.u16(static_cast<std::uint16_t>(record_bytes));
    ByteWriter rest{room.subspan(signed_epoch_head_bytes + record_bytes)};
    write_signature(signature, certificate, rest);
    LH_CHECK(rest.ok());
    return room.first(signed_epoch_head_bytes + record_bytes + rest.size());
}

Status encode_epoch_record(const longhaul_EpochRecord& record, ByteWriter& out) {
    LH_TRY(validate(record));
    return encode_protobuf(longhaul_EpochRecord_fields, &record, out);
}

Status parse_epoch_record(Bytes bytes, longhaul_EpochRecord& record) {
    if (bytes.size() > limits::epoch_record_bytes_max)
        return Error{ErrorCode::too_large, "epoch record"};
    record = longhaul_EpochRecord_init_zero;
    LH_TRY(decode_protobuf(bytes, longhaul_EpochRecord_fields, &record));
    return validate(record);
}

Result<longhaul_EpochBefore> parse_epoch_before(ByteSource& signed_epoch) {
    std::array<std::byte, 2> length;
    if (!signed_epoch.read(length)) return Error{ErrorCode::truncated, "signed epoch"};
    longhaul_EpochBefore before = longhaul_EpochBefore_init_zero;
    LH_TRY(decode_protobuf(signed_epoch, ByteReader{length}.u16(), longhaul_EpochBefore_fields,
                           &before));
    if (before.version != epoch_record_version)
        return Error{ErrorCode::unsupported, "epoch record version"};
    if (!has_sound_ends(before)) return Error{ErrorCode::malformed, "class"};
    return before;
}

Status write_system_entry(const longhaul_SystemEntry& entry, ByteWriter& out) {
    LH_TRY_ASSIGN(const std::size_t size, protobuf_size(longhaul_SystemEntry_fields, &entry));
    out.varint(size);
    return encode_protobuf(longhaul_SystemEntry_fields, &entry, out);
}

Status read_system_entry(ByteReader& in, longhaul_SystemEntry& entry) {
    entry = longhaul_SystemEntry_init_zero;
    const std::uint64_t size = in.varint();
    if (!in.ok() || size > in.remaining()) return Error{ErrorCode::truncated, "system entry"};
    return decode_protobuf(in.bytes(static_cast<std::size_t>(size)), longhaul_SystemEntry_fields,
                           &entry);
}

}  // namespace longhaul
