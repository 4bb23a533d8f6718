#include "tools/longhaul/commands.hpp"

#include <chrono>
#include <cstdio>

namespace longhaul::tools {

int complain(const Message& message, int exit_code) {
    std::fprintf(stderr, "longhaul: %s\n", message.text.c_str());
    return exit_code;
}

WallUs wall_now() {
    using namespace std::chrono;
    return {duration_cast<microseconds>(system_clock::now().time_since_epoch()).count()};
}

}  // namespace longhaul::tools
