// How our programs end: the same numbers in every one of them, those of sysexits.h where it has
// one.
#pragma once

namespace longhaul {

inline constexpr int exit_done = 0;
inline constexpr int exit_check_failed = 1;
inline constexpr int exit_usage = 64;
inline constexpr int exit_bad_data = 65;
inline constexpr int exit_unreachable = 69;
inline constexpr int exit_retry_later = 75;
inline constexpr int exit_denied = 77;
inline constexpr int exit_configuration = 78;

}  // namespace longhaul
