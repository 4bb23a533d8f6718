#include "agent/platform/cortexm/entropy.hpp"

#include <mbedtls/sha256.h>

#include <algorithm>
#include <array>

#include "agent/platform/cortexm/board.hpp"
#include "common/block/crypto.hpp"

namespace longhaul::agent {
namespace {

using Pool = std::array<unsigned char, 32>;
Pool pool;
std::uint32_t drawn = 0;

void stir(mbedtls_sha256_context& hash, Bytes bytes) {
    static_cast<void>(mbedtls_sha256_update(
        &hash, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()));
}

void stir(mbedtls_sha256_context& hash, std::uint32_t number) {
    stir(hash, std::as_bytes(std::span{&number, 1}));
}

template <class Feed>
Pool hashed(Feed feed) {
    Pool out;
    mbedtls_sha256_context hash;
    mbedtls_sha256_init(&hash);
    static_cast<void>(mbedtls_sha256_starts(&hash, 0));
    feed(hash);
    static_cast<void>(mbedtls_sha256_finish(&hash, out.data()));
    mbedtls_sha256_free(&hash);
    return out;
}

}  // namespace

void feed_entropy(Bytes seed, Bytes secret, std::uint32_t boot_count) {
    pool = hashed([&](auto& hash) {
        stir(hash, seed);
        stir(hash, secret);
        stir(hash, boot_count);
        stir(hash, board::noise());
    });
}

Status CryptoEntropy::fill(MutableBytes room) { return random_bytes(room); }

}  // namespace longhaul::agent

// mbedTLS asks here.
extern "C" int mbedtls_hardware_poll(void* /*context*/, unsigned char* out, std::size_t size,
                                     std::size_t* got) {
    using namespace longhaul::agent;
    *got = size;
    while (size != 0) {
        const Pool next = hashed([](auto& hash) {
            stir(hash, std::as_bytes(std::span{pool}));
            stir(hash, ++drawn);
            stir(hash, board::noise());
        });
        const std::size_t count = std::min(size, next.size());
        std::copy_n(next.begin(), count, out);
        out += count;
        size -= count;
    }
    return 0;
}
