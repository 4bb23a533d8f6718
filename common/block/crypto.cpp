#include "common/block/crypto.hpp"

#include <psa/crypto.h>

namespace longhaul {
namespace {

const std::uint8_t* raw(Bytes bytes) { return reinterpret_cast<const std::uint8_t*>(bytes.data()); }
std::uint8_t* raw(MutableBytes bytes) { return reinterpret_cast<std::uint8_t*>(bytes.data()); }

// A key in PSA's store for as long as the object lives.
class StoredKey {
 public:
    StoredKey(psa_key_type_t type, psa_algorithm_t algorithm, psa_key_usage_t usage, Bytes bytes) {
        psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
        psa_set_key_type(&attributes, type);
        psa_set_key_algorithm(&attributes, algorithm);
        psa_set_key_usage_flags(&attributes, usage);
        status_ = psa_import_key(&attributes, raw(bytes), bytes.size(), &id_);
    }
    ~StoredKey() { psa_destroy_key(id_); }
    StoredKey(const StoredKey&) = delete;
    StoredKey& operator=(const StoredKey&) = delete;

    bool ok() const { return status_ == PSA_SUCCESS; }
    psa_key_id_t id() const { return id_; }

 private:
    psa_key_id_t id_ = 0;
    psa_status_t status_;
};

constexpr psa_key_type_t p256_pair = PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1);
constexpr psa_key_type_t p256_public = PSA_KEY_TYPE_ECC_PUBLIC_KEY(PSA_ECC_FAMILY_SECP_R1);
constexpr psa_algorithm_t ecdsa_sha256 = PSA_ALG_ECDSA(PSA_ALG_SHA_256);
// RFC 6979: the same signatures to whoever checks them, and no random number that could give the
// key away.
constexpr psa_algorithm_t ecdsa_by_message = PSA_ALG_DETERMINISTIC_ECDSA(PSA_ALG_SHA_256);

// HMAC-SHA256 of the concatenation of up to three parts.
Status hmac(Bytes key_bytes, Bytes a, Bytes b, Bytes c, Sha256& out) {
    // HMAC pads short keys with zeros, so an empty key is the same as one zero byte.
    const std::byte zero{};
    if (key_bytes.empty()) key_bytes = Bytes{&zero, 1};
    const StoredKey key{PSA_KEY_TYPE_HMAC, PSA_ALG_HMAC(PSA_ALG_SHA_256),
                        PSA_KEY_USAGE_SIGN_MESSAGE, key_bytes};
    if (!key.ok()) return Error{ErrorCode::io, "HMAC key"};
    psa_mac_operation_t operation = PSA_MAC_OPERATION_INIT;
    psa_status_t status = psa_mac_sign_setup(&operation, key.id(), PSA_ALG_HMAC(PSA_ALG_SHA_256));
    for (const Bytes part : {a, b, c}) {
        if (status == PSA_SUCCESS) status = psa_mac_update(&operation, raw(part), part.size());
    }
    std::size_t length = 0;
    if (status == PSA_SUCCESS) {
        status = psa_mac_sign_finish(&operation, raw(MutableBytes{out}), out.size(), &length);
    }
    psa_mac_abort(&operation);
    return status == PSA_SUCCESS ? Status{} : Error{ErrorCode::io, "HMAC"};
}

Result<Signature> sign_with(psa_key_id_t key, psa_algorithm_t algorithm, Bytes message) {
    Signature out{};
    std::size_t length = 0;
    const psa_status_t status = psa_sign_message(key, algorithm, raw(message), message.size(),
                                                 raw(MutableBytes{out}), out.size(), &length);
    return status == PSA_SUCCESS ? Result<Signature>{out} : Error{ErrorCode::io, "signature"};
}

}  // namespace

Status crypto_init() {
    return psa_crypto_init() == PSA_SUCCESS ? Status{} : Error{ErrorCode::io, "no random source"};
}

Sha256 sha256(Bytes bytes) {
    Sha256 hash{};
    std::size_t length = 0;
    const psa_status_t status = psa_hash_compute(PSA_ALG_SHA_256, raw(bytes), bytes.size(),
                                                 raw(MutableBytes{hash}), hash.size(), &length);
    LH_CHECK(status == PSA_SUCCESS);
    return hash;
}

Status aead_seal(const BlockKey& key, const Nonce& nonce, Bytes aad, Bytes plain,
                 MutableBytes out) {
    const StoredKey stored{PSA_KEY_TYPE_AES, PSA_ALG_GCM, PSA_KEY_USAGE_ENCRYPT, key.bytes};
    if (!stored.ok()) return Error{ErrorCode::io, "AES key"};
    std::size_t length = 0;
    const psa_status_t status =
        psa_aead_encrypt(stored.id(), PSA_ALG_GCM, raw(Bytes{nonce}), nonce.size(), raw(aad),
                         aad.size(), raw(plain), plain.size(), raw(out), out.size(), &length);
    return status == PSA_SUCCESS ? Status{} : Error{ErrorCode::io, "AES-GCM"};
}

Status aead_open(const BlockKey& key, const Nonce& nonce, Bytes aad, Bytes sealed,
                 MutableBytes out) {
    if (sealed.size() < aead_tag_bytes) return ErrorCode::truncated;
    const StoredKey stored{PSA_KEY_TYPE_AES, PSA_ALG_GCM, PSA_KEY_USAGE_DECRYPT, key.bytes};
    if (!stored.ok()) return Error{ErrorCode::io, "AES key"};
    std::size_t length = 0;
    const psa_status_t status =
        psa_aead_decrypt(stored.id(), PSA_ALG_GCM, raw(Bytes{nonce}), nonce.size(), raw(aad),
                         aad.size(), raw(sealed), sealed.size(), raw(out), out.size(), &length);
    return status == PSA_SUCCESS ? Status{} : Error{ErrorCode::corrupt, "tag does not match"};
}

Sha256 hkdf_extract(Bytes salt, Bytes key_material) {
    Sha256 out{};
    const Status status = hmac(salt, key_material, {}, {}, out);
    LH_CHECK(status.ok());
    return out;
}

Status hkdf_expand(const Sha256& pseudo_random_key, Bytes info, MutableBytes out) {
    if (out.size() > 255 * sizeof(Sha256)) return ErrorCode::too_large;
    Sha256 block{};
    std::size_t done = 0;
    for (std::uint8_t counter = 1; done < out.size(); ++counter) {
        const std::byte count{counter};
        const Bytes previous = counter == 1 ? Bytes{} : Bytes{block};
        Sha256 next{};
        LH_TRY(hmac(pseudo_random_key, previous, info, Bytes{&count, 1}, next));
        block = next;
        const std::size_t take = std::min(block.size(), out.size() - done);
        std::memcpy(out.data() + done, block.data(), take);
        done += take;
    }
    return {};
}

Result<PublicKey> public_key_of(const PrivateKey& key) {
    const StoredKey stored{p256_pair, PSA_ALG_ECDH, PSA_KEY_USAGE_DERIVE, key.bytes};
    if (!stored.ok()) return Error{ErrorCode::denied, "not a private key of P-256"};
    PublicKey out{};
    std::size_t length = 0;
    const psa_status_t status =
        psa_export_public_key(stored.id(), raw(MutableBytes{out}), out.size(), &length);
    if (status != PSA_SUCCESS || length != out.size()) return Error{ErrorCode::io, "public key"};
    return out;
}

Result<Sha256> ecdh(const PrivateKey& own, const PublicKey& theirs) {
    const StoredKey stored{p256_pair, PSA_ALG_ECDH, PSA_KEY_USAGE_DERIVE, own.bytes};
    if (!stored.ok()) return Error{ErrorCode::denied, "not a private key of P-256"};
    Sha256 out{};
    std::size_t length = 0;
    const psa_status_t status =
        psa_raw_key_agreement(PSA_ALG_ECDH, stored.id(), raw(Bytes{theirs}), theirs.size(),
                              raw(MutableBytes{out}), out.size(), &length);
    if (status != PSA_SUCCESS) return Error{ErrorCode::denied, "not a public key of P-256"};
    return out;
}

Result<Signature> sign(const PrivateKey& key, Bytes message) {
    const StoredKey stored{p256_pair, ecdsa_by_message, PSA_KEY_USAGE_SIGN_MESSAGE, key.bytes};
    if (!stored.ok()) return Error{ErrorCode::denied, "not a private key of P-256"};
    return sign_with(stored.id(), ecdsa_by_message, message);
}

// TLS signs hashes, which includes messages.
Result<KeyHandle> keep_signing_key(const PrivateKey& key) {
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_set_key_type(&attributes, p256_pair);
    psa_set_key_algorithm(&attributes, ecdsa_sha256);
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_SIGN_HASH);
    psa_key_id_t id = 0;
    if (psa_import_key(&attributes, raw(Bytes{key.bytes}), key.bytes.size(), &id) != PSA_SUCCESS)
        return Error{ErrorCode::denied, "not a private key of P-256"};
    return KeyHandle{id};
}

void forget_key(KeyHandle key) { psa_destroy_key(key); }

Result<Signature> sign(KeyHandle key, Bytes message) {
    return sign_with(key, ecdsa_sha256, message);
}

Status verify(const PublicKey& key, Bytes message, const Signature& signature) {
    const StoredKey stored{p256_public, ecdsa_sha256, PSA_KEY_USAGE_VERIFY_MESSAGE, key};
    if (!stored.ok()) return Error{ErrorCode::denied, "not a public key of P-256"};
    const psa_status_t status =
        psa_verify_message(stored.id(), ecdsa_sha256, raw(message), message.size(),
                           raw(Bytes{signature}), signature.size());
    return status == PSA_SUCCESS ? Status{} : Error{ErrorCode::denied, "signature does not match"};
}

Status random_bytes(MutableBytes out) {
    return psa_generate_random(raw(out), out.size()) == PSA_SUCCESS
               ? Status{}
               : Error{ErrorCode::io, "no random source"};
}

}  // namespace longhaul
