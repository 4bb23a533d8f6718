// What mbedTLS calls from a TLS link: random numbers, and the link below it.
#pragma once

#include <mbedtls/net_sockets.h>
#include <mbedtls/pk.h>
#include <mbedtls/ssl.h>

#include <span>

#include "agent/port/link.hpp"
#include "common/block/crypto.hpp"

namespace longhaul::agent {

inline const unsigned char* raw(Bytes bytes) {
    return reinterpret_cast<const unsigned char*>(bytes.data());
}

inline int random_numbers(void*, unsigned char* out, std::size_t size) {
    return random_bytes(std::as_writable_bytes(std::span{out, size})).ok()
               ? 0
               : MBEDTLS_ERR_PK_BAD_INPUT_DATA;
}

inline int send_below(void* context, const unsigned char* bytes, std::size_t size) {
    const Result<std::size_t> sent =
        static_cast<Link*>(context)->write(std::as_bytes(std::span{bytes, size}));
    if (!sent.ok()) return MBEDTLS_ERR_NET_SEND_FAILED;
    return sent.value() == 0 ? MBEDTLS_ERR_SSL_WANT_WRITE : static_cast<int>(sent.value());
}

inline int receive_below(void* context, unsigned char* bytes, std::size_t size) {
    const Result<std::size_t> got =
        static_cast<Link*>(context)->read(std::as_writable_bytes(std::span{bytes, size}));
    if (!got.ok()) return MBEDTLS_ERR_NET_RECV_FAILED;
    return got.value() == 0 ? MBEDTLS_ERR_SSL_WANT_READ : static_cast<int>(got.value());
}

}  // namespace longhaul::agent
