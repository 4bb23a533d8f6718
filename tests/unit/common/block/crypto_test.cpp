#include "common/block/crypto.hpp"

#include <catch2/catch_test_macros.hpp>
#include <vector>

#include "common/block/hpke.hpp"
#include "tests/support/hex.hpp"

using namespace longhaul;
using test::from_hex;
using test::to_hex;

namespace {

template <class T>
T array_of(std::string_view hex) {
    T out{};
    const auto bytes = from_hex(hex);
    REQUIRE(bytes.size() == sizeof(out));
    std::copy(bytes.begin(), bytes.end(), reinterpret_cast<std::byte*>(&out));
    return out;
}

// RFC 9180, A.3.1: DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-128-GCM, base mode, sequence number
// 0.
const char* const rfc9180_ikm_e =
    "4270e54ffd08d79d5928020af4686d8f6b7d35dbe470265f1f5aa22816ce860e";
const char* const rfc9180_enc =
    "04a92719c6195d5085104f469a8b9814d5838ff72b60501e2c4466e5e67b325ac9"
    "8536d7b61a1af4b78e5b7f951c0900be863c403ce65c9bfcb9382657222d18c4";
const char* const rfc9180_receiver_private =
    "f3ce7fdae57e1a310d87f1ebbde6f328be0a99cdbcadf4d6589cf29de4b8ffd2";
const char* const rfc9180_receiver_public =
    "04fe8c19ce0905191ebc298a9245792531f26f0cece2460639e8bc39cb7f706a82"
    "6a779b4cf969b8a0e539c7f62fb3d30ad6aa8f80e30f1d128aafd68a2ce72ea0";
const char* const rfc9180_info = "4f6465206f6e2061204772656369616e2055726e";
const char* const rfc9180_plain = "4265617574792069732074727574682c20747275746820626561757479";
const char* const rfc9180_aad = "436f756e742d30";
const char* const rfc9180_sealed =
    "5ad590bb8baa577f8619db35a36311226a896e7342a6d836d8b7bcd2f20b6c7f9076ac232e3ab2523f39513434";

}  // namespace

TEST_CASE("crypto: HKDF gives the vectors of RFC 5869, A.1 and A.3") {
    REQUIRE(crypto_init().ok());
    const auto key_material = from_hex("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b");
    std::array<std::byte, 42> out;
    const Sha256 salted = hkdf_extract(from_hex("000102030405060708090a0b0c"), key_material);
    CHECK(to_hex(salted) == "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5");
    REQUIRE(hkdf_expand(salted, from_hex("f0f1f2f3f4f5f6f7f8f9"), out).ok());
    CHECK(to_hex(out) ==
          "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
    REQUIRE(hkdf_expand(hkdf_extract({}, key_material), {}, out).ok());
    CHECK(to_hex(out) ==
          "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
}

TEST_CASE("crypto: HPKE gives the vector of RFC 9180, A.3.1") {
    REQUIRE(crypto_init().ok());
    const auto plain = from_hex(rfc9180_plain);
    std::vector<std::byte> sealed(plain.size() + aead_tag_bytes);
    const auto enc =
        hpke_seal(array_of<PublicKey>(rfc9180_receiver_public), from_hex(rfc9180_ikm_e),
                  from_hex(rfc9180_info), from_hex(rfc9180_aad), plain, sealed);
    REQUIRE(enc.ok());
    CHECK(to_hex(enc.value()) == rfc9180_enc);
    CHECK(to_hex(sealed) == rfc9180_sealed);

    std::vector<std::byte> opened(plain.size());
    const PrivateKey receiver{array_of<std::array<std::byte, 32>>(rfc9180_receiver_private)};
    REQUIRE(hpke_open(receiver, enc.value(), from_hex(rfc9180_info), from_hex(rfc9180_aad), sealed,
                      opened)
                .ok());
    CHECK(opened == plain);
}

TEST_CASE("crypto: HPKE opens nothing but what was sealed for this key and info") {
    REQUIRE(crypto_init().ok());
    const PrivateKey receiver{array_of<std::array<std::byte, 32>>(rfc9180_receiver_private)};
    const auto enc = array_of<PublicKey>(rfc9180_enc);
    const auto info = from_hex(rfc9180_info);
    const auto aad = from_hex(rfc9180_aad);
    auto sealed = from_hex(rfc9180_sealed);
    std::vector<std::byte> opened(sealed.size() - aead_tag_bytes);

    CHECK_FALSE(hpke_open(receiver, enc, {}, aad, sealed, opened).ok());
    CHECK_FALSE(hpke_open(receiver, enc, info, {}, sealed, opened).ok());
    auto other_point = enc;
    other_point[64] ^= std::byte{1};
    CHECK_FALSE(hpke_open(receiver, other_point, info, aad, sealed, opened).ok());
    sealed[0] ^= std::byte{1};
    CHECK_FALSE(hpke_open(receiver, enc, info, aad, sealed, opened).ok());
}

TEST_CASE("crypto: a signature holds for its message and key only") {
    REQUIRE(crypto_init().ok());
    const PrivateKey key{array_of<std::array<std::byte, 32>>(rfc9180_receiver_private)};
    const auto public_key = public_key_of(key);
    REQUIRE(public_key.ok());
    CHECK(to_hex(public_key.value()) == rfc9180_receiver_public);
    const auto signature = sign(key, as_bytes("epoch"));
    REQUIRE(signature.ok());
    CHECK(verify(public_key.value(), as_bytes("epoch"), signature.value()).ok());
    CHECK_FALSE(verify(public_key.value(), as_bytes("epocH"), signature.value()).ok());
    CHECK_FALSE(
        verify(array_of<PublicKey>(rfc9180_enc), as_bytes("epoch"), signature.value()).ok());
    CHECK_FALSE(public_key_of(PrivateKey{}).ok());
}

TEST_CASE("crypto: a key that can be read signs as RFC 6979 says, A.2.5") {
    REQUIRE(crypto_init().ok());
    const PrivateKey key{array_of<std::array<std::byte, 32>>(
        "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721")};
    const auto signature = sign(key, as_bytes("sample"));
    REQUIRE(signature.ok());
    CHECK(to_hex(signature.value()) ==
          "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
          "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8");
}
