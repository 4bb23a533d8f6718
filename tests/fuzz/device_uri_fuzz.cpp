// Attacks the name in a certificate: what is read is exactly what would be written.
#include "collector/registry/certificate.hpp"

using namespace longhaul;
using namespace longhaul::collector;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view uri = as_text(std::as_bytes(std::span{data, size}));
    const auto name = parse_device_uri(uri);
    if (name.ok()) LH_CHECK(device_uri(name.value()) == uri);
    return 0;
}
