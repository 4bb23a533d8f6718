// check_failed() for programs on a host; a device port brings its own.
#include "common/base/check.hpp"

#include <cstdio>
#include <cstdlib>

namespace longhaul {

void check_failed(const char* condition, const char* file, int line) {
    std::fprintf(stderr, "%s:%d: broken invariant: %s\n", file, line, condition);
    std::abort();
}

}  // namespace longhaul
