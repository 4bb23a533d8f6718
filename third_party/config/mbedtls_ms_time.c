/* The clock of mbedTLS that tickets are aged by (MBEDTLS_PLATFORM_MS_TIME_ALT): the date in milliseconds. */
#include <mbedtls/platform_time.h>
#include <time.h>

mbedtls_ms_time_t mbedtls_ms_time(void) {
    struct timespec now;
    if (clock_gettime(CLOCK_REALTIME, &now) != 0) return (mbedtls_ms_time_t) time(NULL) * 1000;
    return (mbedtls_ms_time_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
