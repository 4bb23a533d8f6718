// Attacks a device by what a collector may answer with: chains of certificates, and the
// certificates of whoever it enrols with.
#include "agent/platform/linux/certificate_request.hpp"

using namespace longhaul;
using namespace longhaul::agent;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const bool ready = crypto_init().ok();
    LH_CHECK(ready);
    static const auto key = make_private_key();
    LH_CHECK(key.ok());
    if (size < 2) return 0;
    const Bytes bytes = std::as_bytes(std::span{data + 1, size - 1});
    const Bytes first = bytes.first(std::min<std::size_t>(bytes.size(), data[0] * std::size_t{8}));
    const Bytes second = bytes.subspan(first.size());
    // Nobody has signed for this key.
    LH_CHECK(!take_chain(first, key.value(), "longhaul://demo/acme/bus-1", second).ok());
    static_cast<void>(take_sealing(first, as_text(second), second));
    static_cast<void>(
        enrolment_server({{first.begin(), first.end()}, {second.begin(), second.end()}}));
    static_cast<void>(dates_of(as_text(bytes)));
    return 0;
}
