// How every program of ours ends (after sysexits.h, as far as it goes).
#pragma once

namespace longhaul::exit_code {

inline constexpr int done = 0;
inline constexpr int check_failed = 1;
inline constexpr int usage = 64;
inline constexpr int bad_data = 65;
inline constexpr int unreachable = 69;
inline constexpr int retry_later = 75;
inline constexpr int denied = 77;
inline constexpr int configuration = 78;

}  // namespace longhaul::exit_code
