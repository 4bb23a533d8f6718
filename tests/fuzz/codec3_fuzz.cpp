// Attacks codec 3; see section_fuzz.hpp.
#include "tests/fuzz/section_fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    return longhaul::test::fuzz_section(longhaul::codec_mixed, data, size);
}
