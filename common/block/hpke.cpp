// Names follow RFC 9180: LabeledExtract, LabeledExpand, DeriveKeyPair (7.1.3), Encap, Decap (4.1),
// KeySchedule (5.1). Everything is for the one suite named in the header.
#include "common/block/hpke.hpp"

#include <algorithm>

namespace longhaul {
namespace {

constexpr std::size_t label_room =
    512;  // bounds `info`: environment, tenant, device and two numbers

constexpr std::array<std::byte, 5> kem_suite{std::byte{'K'}, std::byte{'E'}, std::byte{'M'},
                                             std::byte{0x00}, std::byte{0x10}};
constexpr std::array<std::byte, 10> hpke_suite{
    std::byte{'H'},  std::byte{'P'},  std::byte{'K'},  std::byte{'E'},  std::byte{0x00},
    std::byte{0x10}, std::byte{0x00}, std::byte{0x01}, std::byte{0x00}, std::byte{0x01}};

Sha256 labeled_extract(Bytes suite, Bytes salt, std::string_view label, Bytes key_material) {
    std::array<std::byte, label_room> room;
    ByteWriter out{room};
    out.text("HPKE-v1");
    out.bytes(suite);
    out.text(label);
    out.bytes(key_material);
    LH_CHECK(out.ok());
    return hkdf_extract(salt, out.written());
}

Status labeled_expand(Bytes suite, const Sha256& key, std::string_view label, Bytes info,
                      MutableBytes to) {
    std::array<std::byte, label_room> room;
    ByteWriter out{room};
    out.u8(static_cast<std::uint8_t>(to.size() >> 8));  // I2OSP(L, 2)
    out.u8(static_cast<std::uint8_t>(to.size()));
    out.text("HPKE-v1");
    out.bytes(suite);
    out.text(label);
    out.bytes(info);
    if (!out.ok()) return Error{ErrorCode::too_large, "HPKE info"};
    return hkdf_expand(key, out.written(), to);
}

Result<PrivateKey> derive_key_pair(Bytes key_material) {
    const Sha256 extracted = labeled_extract(kem_suite, {}, "dkp_prk", key_material);
    for (std::uint8_t counter = 0; counter < 255; ++counter) {
        const std::byte count{counter};
        PrivateKey key;
        LH_TRY(labeled_expand(kem_suite, extracted, "candidate", Bytes{&count, 1}, key.bytes));
        if (public_key_of(key).ok()) return key;  // a scalar out of range is tried again
    }
    return Error{ErrorCode::io, "DeriveKeyPair"};
}

struct Context {
    BlockKey key;
    Nonce base_nonce;
};

Result<Context> key_schedule(Bytes shared_point, const PublicKey& enc, const PublicKey& receiver,
                             Bytes info) {
    std::array<std::byte, sizeof(PublicKey) * 2> kem_context;
    std::copy(enc.begin(), enc.end(), kem_context.begin());
    std::copy(receiver.begin(), receiver.end(), kem_context.begin() + sizeof(PublicKey));
    const Sha256 eae_key = labeled_extract(kem_suite, {}, "eae_prk", shared_point);
    Sha256 shared_secret{};
    LH_TRY(labeled_expand(kem_suite, eae_key, "shared_secret", kem_context, shared_secret));

    const Sha256 psk_id_hash = labeled_extract(hpke_suite, {}, "psk_id_hash", {});
    const Sha256 info_hash = labeled_extract(hpke_suite, {}, "info_hash", info);
    std::array<std::byte, 1 + 2 * sizeof(Sha256)> context_bytes;
    ByteWriter context_out{context_bytes};
    context_out.u8(0);  // mode_base
    context_out.bytes(psk_id_hash);
    context_out.bytes(info_hash);
    const Sha256 secret = labeled_extract(hpke_suite, shared_secret, "secret", {});
    Context context;
    LH_TRY(labeled_expand(hpke_suite, secret, "key", context_bytes, context.key.bytes));
    LH_TRY(labeled_expand(hpke_suite, secret, "base_nonce", context_bytes, context.base_nonce));
    return context;
}

}  // namespace

Result<PublicKey> hpke_seal(const PublicKey& receiver, Bytes ephemeral_key_material, Bytes info,
                            Bytes aad, Bytes plain, MutableBytes out) {
    if (info.size() > label_room / 2) return Error{ErrorCode::too_large, "HPKE info"};
    LH_TRY_ASSIGN(const PrivateKey ephemeral, derive_key_pair(ephemeral_key_material));
    LH_TRY_ASSIGN(const PublicKey enc, public_key_of(ephemeral));
    LH_TRY_ASSIGN(const Sha256 shared, ecdh(ephemeral, receiver));
    LH_TRY_ASSIGN(const Context context, key_schedule(shared, enc, receiver, info));
    LH_TRY(aead_seal(context.key, context.base_nonce, aad, plain, out));
    return enc;
}

Status hpke_open(const PrivateKey& receiver, const PublicKey& enc, Bytes info, Bytes aad,
                 Bytes sealed, MutableBytes out) {
    if (info.size() > label_room / 2) return Error{ErrorCode::too_large, "HPKE info"};
    LH_TRY_ASSIGN(const PublicKey own_public, public_key_of(receiver));
    LH_TRY_ASSIGN(const Sha256 shared, ecdh(receiver, enc));
    LH_TRY_ASSIGN(const Context context, key_schedule(shared, enc, own_public, info));
    return aead_open(context.key, context.base_nonce, aad, sealed, out);
}

}  // namespace longhaul
