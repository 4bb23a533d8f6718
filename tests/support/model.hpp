// A small model, for tests that need one which is not the built-in one.
#pragma once

#include <string_view>
#include <vector>

#include "common/block/model.hpp"

namespace longhaul::test {

// Two columns whose every decision begins nearer to "no", or with another number nearer to "yes",
// than one half; and a dictionary.
inline std::vector<std::byte> small_model(std::uint16_t half = 0x9000) {
    std::vector<std::byte> room(limits::model_bytes_max);
    ByteWriter out{room};
    out.u8(1);
    out.u8(2);
    for (int column = 0; column < 2; ++column) {
        StoredContexts contexts;
        contexts.fill(half);
        write_model_column(contexts, out);
    }
    constexpr std::string_view dictionary = "the door of the hall was opened";
    out.varint(dictionary.size());
    out.bytes(as_bytes(dictionary));
    LH_CHECK(out.ok());
    LH_CHECK(Model::parse(out.written()).ok());
    return {out.written().begin(), out.written().end()};
}

}  // namespace longhaul::test
