// LH_CHECK: an invariant of ours, on in every build. When it does not hold we are wrong, not the
// world: the program says where and stops, a device keeps the reason and resets.
#pragma once

namespace longhaul {

// Called once, never returns. Hosts print the reason and abort; a device port stores it and resets.
[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace longhaul

#define LH_CHECK(condition)                                                \
    do {                                                                   \
        if (!(condition)) {                                                \
            ::longhaul::check_failed(#condition, __FILE_NAME__, __LINE__); \
        }                                                                  \
    } while (false)
