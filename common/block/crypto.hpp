// The cryptographic primitives that blocks and epochs rest on; the only file pair of common/ that
// knows mbedTLS (through its PSA interface). crypto_init() comes first, once per process.
#pragma once

#include <array>
#include <cstdint>

#include "common/base/bytes.hpp"
#include "common/base/result.hpp"

namespace longhaul {

Status crypto_init();

using Sha256 = std::array<std::byte, 32>;
Sha256 sha256(Bytes bytes);

// AES-128 key of one epoch's blocks.
struct BlockKey {
    std::array<std::byte, 16> bytes{};
};

using Nonce = std::array<std::byte, 12>;
inline constexpr std::size_t aead_tag_bytes = 16;

// AES-128-GCM. `out` holds plain.size() + aead_tag_bytes; it may not overlap `plain`.
Status aead_seal(const BlockKey& key, const Nonce& nonce, Bytes aad, Bytes plain, MutableBytes out);
// `out` holds sealed.size() - aead_tag_bytes. Error corrupt when the tag does not match.
Status aead_open(const BlockKey& key, const Nonce& nonce, Bytes aad, Bytes sealed,
                 MutableBytes out);

// HKDF (RFC 5869) with SHA-256, in its two steps as HPKE needs them.
Sha256 hkdf_extract(Bytes salt, Bytes key_material);
Status hkdf_expand(const Sha256& pseudo_random_key, Bytes info, MutableBytes out);

// P-256. Points are uncompressed (0x04 ‖ x ‖ y), private keys big-endian scalars.
using PublicKey = std::array<std::byte, 65>;
struct PrivateKey {
    std::array<std::byte, 32> bytes{};
};
Result<PublicKey> public_key_of(const PrivateKey& key);  // denied: not a valid scalar
Result<Sha256> ecdh(const PrivateKey& own, const PublicKey& theirs);

// ECDSA with SHA-256 over `message`; the signature is the raw r ‖ s. With a key that can be read it
// follows from key and message alone (RFC 6979), so a weak random source cannot give the key away.
using Signature = std::array<std::byte, 64>;
Result<Signature> sign(const PrivateKey& key, Bytes message);
Status verify(const PublicKey& key, Bytes message, const Signature& signature);  // denied

// A signing key of which only the library knows where it is: in its own memory, or where one of its
// drivers keeps it, as a secure element. Nobody can read it back.
using KeyHandle = std::uint32_t;                            // psa_key_id_t; 0: none
Result<KeyHandle> keep_signing_key(const PrivateKey& key);  // in memory; denied: not valid
void forget_key(KeyHandle key);
Result<Signature> sign(KeyHandle key, Bytes message);

// From the operating system's generator; on a bare target from the port's entropy.
Status random_bytes(MutableBytes out);

}  // namespace longhaul
