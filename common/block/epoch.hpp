// The epoch record: made once a boot, signed by the device's identity key. Specification:
// docs/spec/epoch.md.
//
// What travels and is journalled is the signed epoch, byte for byte:
//   u16 length, EpochRecord (protobuf)   |  u8 length, signature (raw r ‖ s, 64)  |  u16 length,
//   certificate (DER)
#pragma once

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

// Wraps the block key and fills in encapsulated_key, wrapped_block_key and sealing_key_id.
Status wrap_block_key(const PublicKey& sealing_key, const EpochKeys& keys,
                      longhaul_EpochRecord& record);
Result<BlockKey> unwrap_block_key(const PrivateKey& sealing_key,
                                  const longhaul_EpochRecord& record);

// First 8 bytes of the SHA-256 of the public sealing key.
using SealingKeyId = std::array<std::byte, 8>;
SealingKeyId sealing_key_id(const PublicKey& sealing_key);

// The parts of a signed epoch, pointing into its bytes. The signature is not yet verified: that
// needs the certificate's key, see collector/registry.
struct SignedEpoch {
    Bytes record;
    Signature signature;
    Bytes certificate;
};
Result<SignedEpoch> parse_signed_epoch(Bytes bytes);
void write_signed_epoch(const SignedEpoch& epoch, ByteWriter& out);

Status encode_epoch_record(const longhaul_EpochRecord& record, ByteWriter& out);
// Refuses other versions, empty identities, stream indexes out of range or repeated.
Status parse_epoch_record(Bytes bytes, longhaul_EpochRecord& record);

// What a signed epoch says of the epoch before it; takes of the source what it needs.
Result<longhaul_EpochBefore> parse_epoch_before(ByteSource& signed_epoch);

// Entries of the system stream's section: each varint length, SystemEntry.
Status write_system_entry(const longhaul_SystemEntry& entry, ByteWriter& out);
Status read_system_entry(ByteReader& in, longhaul_SystemEntry& entry);

}  // namespace longhaul
