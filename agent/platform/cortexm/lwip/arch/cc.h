/* What lwIP asks of a compiler. */
#ifndef LH_LWIP_CC_H
#define LH_LWIP_CC_H
#include <stdint.h>
#define LWIP_NO_UNISTD_H 1
#define LWIP_PLATFORM_DIAG(text) \
    do {                         \
    } while (0)
#ifdef __cplusplus
extern "C"
#endif
void lh_lwip_failed(const char *file, int line);
#define LWIP_PLATFORM_ASSERT(text) lh_lwip_failed(__FILE_NAME__, __LINE__)
#endif
