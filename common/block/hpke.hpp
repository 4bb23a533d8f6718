// HPKE (RFC 9180), base mode, single shot: DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-128-GCM.
// Wraps the block key of an epoch to the collector's public sealing key. The RFC's vectors are
// tests.
#pragma once

#include "common/block/crypto.hpp"

namespace longhaul {

// The ephemeral key comes by DeriveKeyPair from `ephemeral_key_material` (32 bytes), which the
// caller derives and never uses twice. `out` holds plain.size() + aead_tag_bytes. Returns `enc`.
Result<PublicKey> hpke_seal(const PublicKey& receiver, Bytes ephemeral_key_material, Bytes info,
                            Bytes aad, Bytes plain, MutableBytes out);

// `out` holds sealed.size() - aead_tag_bytes. Error corrupt: other key, info or bytes.
Status hpke_open(const PrivateKey& receiver, const PublicKey& enc, Bytes info, Bytes aad,
                 Bytes sealed, MutableBytes out);

}  // namespace longhaul
