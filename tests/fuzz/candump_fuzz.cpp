// Attacks the reader of candump's lines: a frame that is read can be written again, and reads the
// same then.
#include <cstdio>

#include "agent/sources/candump.hpp"
#include "common/base/check.hpp"
#include "common/base/utf8.hpp"

using namespace longhaul;
using namespace longhaul::agent;

namespace {

std::string written(const CanFrame& frame) {
    char buffer[64];
    const bool negative = frame.time_us < 0;
    const std::uint64_t us = static_cast<std::uint64_t>(negative ? -frame.time_us : frame.time_us);
    std::snprintf(buffer, sizeof(buffer), "(%s%llu.%06llu) ", negative ? "-" : "",
                  static_cast<unsigned long long>(us / 1'000'000),
                  static_cast<unsigned long long>(us % 1'000'000));
    std::string line = buffer;
    line += as_text(frame.values[0].text);
    std::snprintf(buffer, sizeof(buffer), frame.values[2].integer == 1 ? " %08llX#" : " %03llX#",
                  static_cast<unsigned long long>(frame.values[1].integer));
    line += buffer;
    for (const std::byte byte : frame.values[3].text) {
        std::snprintf(buffer, sizeof(buffer), "%02x", static_cast<unsigned>(byte));
        line += buffer;
    }
    return line;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view line{reinterpret_cast<const char*>(data), size};
    ByteArena arena;
    CanFrame frame;
    if (read_candump(line, arena, frame)) return 0;
    LH_CHECK(is_utf8(as_text(frame.values[0].text)));
    LH_CHECK(frame.values[3].text.size() <= 8);

    const std::string again = written(frame);
    CanFrame same;
    LH_CHECK(!read_candump(again, arena, same));
    LH_CHECK(same.time_us == frame.time_us);
    for (std::size_t i = 0; i < can_field_count; ++i) {
        LH_CHECK(same.values[i].integer == frame.values[i].integer);
        LH_CHECK(equal(same.values[i].text, frame.values[i].text));
    }
    return 0;
}
