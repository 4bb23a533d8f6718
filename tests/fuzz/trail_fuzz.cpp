// Attacks the reader of audit trails with any bytes as lines, and with sound chains of which one
// byte was changed: that must always be found.
#include <cstddef>
#include <cstdint>

#include "collector/registry/trail_line.hpp"
#include "common/block/crypto.hpp"

using namespace longhaul;
using namespace longhaul::collector;

namespace {

void verify(std::string_view text, TrailVerifier& verifier) {
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        if (end == std::string_view::npos) return verifier.rest(text, "end");
        verifier.line(text.substr(0, end), "line");
        text.remove_prefix(end + 1);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    LH_CHECK(crypto_init().ok());
    if (size < 4) return 0;
    const std::string text{as_text(std::as_bytes(std::span{data, size})).substr(3)};
    TrailVerifier any{"acme"};
    verify(text, any);

    TrailPlace place;
    std::string chain;
    for (int i = 0; i < 3; ++i)
        chain += trail_line({"acme", {i}, text, "refused", text, text}, place) + "\n";
    TrailVerifier sound{"acme"};
    verify(chain, sound);
    LH_CHECK(sound.problems().empty() && sound.torn().empty() && sound.lines() == 3);

    const std::size_t at = (data[0] + std::size_t{256} * data[1]) % chain.size();
    if (data[2] == 0) return 0;
    chain[at] = static_cast<char>(chain[at] ^ data[2]);
    TrailVerifier changed{"acme"};
    verify(chain, changed);
    LH_CHECK(!changed.problems().empty() || !changed.torn().empty());
    return 0;
}
