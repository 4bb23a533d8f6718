// What a TLS link has to say about certificates, and their dates.
#pragma once

#include <mbedtls/x509_crt.h>

#include <chrono>
#include <cstdint>

namespace longhaul::agent {

inline const char* words_for_certificate(std::uint32_t flags) {
    if ((flags & MBEDTLS_X509_BADCERT_CN_MISMATCH) != 0) {
        return "the collector's certificate is for another name";
    }
    if ((flags & MBEDTLS_X509_BADCERT_EXPIRED) != 0)
        return "the collector's certificate has expired";
    if ((flags & MBEDTLS_X509_BADCERT_FUTURE) != 0) {
        return "the collector's certificate is not valid yet: is the clock right?";
    }
    return "the collector's certificate is not from the pinned root";
}

inline std::int64_t seconds_of(const mbedtls_x509_time& time) {
    using namespace std::chrono;
    const year_month_day date{year{time.year}, month{static_cast<unsigned>(time.mon)},
                              day{static_cast<unsigned>(time.day)}};
    const auto moment = sys_days{date} + hours{time.hour} + minutes{time.min} + seconds{time.sec};
    return moment.time_since_epoch().count();
}

}  // namespace longhaul::agent
