// The epoch record: made once a boot, signed by the device's identity key. Specification:
// docs/spec/epoch.md.
//
// What travels and is journalled is the signed epoch, byte for byte:
//   u16 length, EpochRecord (protobuf)   |  u8 length, signature (raw r ‖ s, 64)  |  u16 length,
//   certificate (DER)
#pragma once

#include <array>
#include <string_view>

#include "common/base/ids.hpp"
#include "common/block/crypto.hpp"
#include "common/block/limits.hpp"
#include "system.pb.h"

namespace longhaul {

inline constexpr std::uint32_t epoch_record_version = 1;
inline constexpr std::size_t signed_epoch_bytes_max =
    2 + limits::epoch_record_bytes_max + 1 + sizeof(Signature) + 2 + limits::certificate_bytes_max;

// What the agent draws and derives at the first seal of an epoch.
struct EpochKeys {
    BlockKey block_key;
    Sha256 ephemeral_key_material;
};
// HKDF over 32 fresh random bytes, the device secret, incarnation and epoch: a weak random source
// alone never repeats a key.
Result<EpochKeys> derive_epoch_keys(Bytes fresh_random, Bytes device_secret,
                                    Incarnation incarnation, Epoch epoch);

// First 8 bytes of the SHA-256 of the public sealing key.
using SealingKeyId = std::array<std::byte, 8>;
SealingKeyId sealing_key_id(const PublicKey& sealing_key);

// Under which a block key is wrapped: it opens under no other name.
struct EpochName {
    std::string_view environment;
    std::string_view tenant;
    std::string_view device;
    Incarnation incarnation;
    Epoch epoch;
};
// Its texts are the record's.
EpochName epoch_name_of(const longhaul_EpochRecord& record);

// As the record has it.
struct WrappedKey {
    PublicKey encapsulated_key;
    std::array<std::byte, sizeof(BlockKey) + aead_tag_bytes> block_key;
    SealingKeyId sealing_key_id;
};
Result<WrappedKey> wrap_block_key(const PublicKey& sealing_key, const EpochKeys& keys,
                                  const EpochName& name);
void put_wrapped_key(const WrappedKey& wrapped, longhaul_EpochRecord& record);
Result<BlockKey> unwrap_block_key(const PrivateKey& sealing_key,
                                  const longhaul_EpochRecord& record);

// The parts of a signed epoch, pointing into its bytes. The signature is not yet verified: that
// needs the certificate's key, see collector/registry.
struct SignedEpoch {
    Bytes record;
    Signature signature;
    Bytes certificate;
};
Result<SignedEpoch> parse_signed_epoch(Bytes bytes);
void write_signed_epoch(const SignedEpoch& epoch, ByteWriter& out);

// The same around a record that lies where it belongs, signed_epoch_head_bytes behind the start of
// `room`, for who has no room for two. The rest takes signed_epoch_rest_bytes and the certificate.
inline constexpr std::size_t signed_epoch_head_bytes = 2;
inline constexpr std::size_t signed_epoch_rest_bytes = 1 + sizeof(Signature) + 2;
Bytes complete_signed_epoch(std::size_t record_bytes, const Signature& signature, Bytes certificate,
                            MutableBytes room);

Status encode_epoch_record(const longhaul_EpochRecord& record, ByteWriter& out);
// Refuses other versions, empty identities, stream indexes out of range or repeated.
Status parse_epoch_record(Bytes bytes, longhaul_EpochRecord& record);

// What a signed epoch says of the epoch before it; takes of the source what it needs.
Result<longhaul_EpochBefore> parse_epoch_before(ByteSource& signed_epoch);

// Entries of the system stream's section: each varint length, SystemEntry.
Status write_system_entry(const longhaul_SystemEntry& entry, ByteWriter& out);
Status read_system_entry(ByteReader& in, longhaul_SystemEntry& entry);

}  // namespace longhaul
