// What the C++ library's headers expect of its archive, which an image does not have: what would
// throw ends in last words. And the time that mbedTLS ages tickets by, which is this boot's.
#include <ctime>

#include "agent/platform/cortexm/tick.hpp"
#include "common/base/check.hpp"

extern "C" void __cxa_pure_virtual() { longhaul::check_failed("", "pure virtual call", 0); }

namespace std {
// NOLINTBEGIN(bugprone-reserved-identifier): the names are the library's.
void __throw_out_of_range_fmt(const char* text, ...) { longhaul::check_failed("", text, 0); }
void __throw_length_error(const char* text) { longhaul::check_failed("", text, 0); }
void __throw_bad_optional_access() { longhaul::check_failed("", "optional", 0); }
// NOLINTEND(bugprone-reserved-identifier)
}  // namespace std

extern "C" std::int64_t mbedtls_ms_time() { return longhaul::agent::tick_now().value; }
extern "C" std::time_t lh_seconds(std::time_t* out) {
    const auto now = static_cast<std::time_t>(mbedtls_ms_time() / 1000);
    if (out != nullptr) *out = now;
    return now;
}
