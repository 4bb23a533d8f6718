// Attacks sealed blocks and opened bodies. The first byte chooses: a block from outside, or a body
// that an honest key sealed (so that what lies behind the tag is reached).
#include <array>

#include "common/block/block.hpp"

using namespace longhaul;

namespace {

using Room = std::array<std::byte, block_bytes_max>;
constexpr BlockKey key{};

void walk_sections(Bytes body) {
    Room room;
    ByteWriter out{room};
    SectionReader reader{body};
    while (!reader.at_end()) {
        const Result<Section> section = reader.next();
        if (!section.ok()) return;
        LH_CHECK(section.value().stream < limits::streams_max);
        LH_CHECK(section.value().count >= 1);
        LH_CHECK(section.value().count <= limits::section_samples_max);
        write_section(section.value(), out);
        LH_CHECK(out.ok());
        LH_CHECK(equal(out.written(), body.first(out.size())));
    }
    LH_CHECK(out.size() == body.size());
}

void open_foreign(Bytes sealed) {
    const Result<BlockHeader> header = parse_block_header(sealed);
    Room room;
    const Result<Bytes> body = open_block(key, sealed, room);
    if (!header.ok()) {
        LH_CHECK(!body.ok());
        return;
    }
    LH_CHECK(sealed.size() == block_header_bytes + header.value().body_bytes);
    LH_CHECK(sealed.size() <= block_bytes_max);
    if (body.ok()) walk_sections(body.value());
}

void open_own(Bytes body) {
    static Room sealed;
    Room room;
    const BlockName name{{1}, {2}, BlockSeq::of(BlockClass::live, 3)};
    const Result<std::size_t> size = seal_block(key, name, 0, body, sealed);
    LH_CHECK(size.ok() == (body.size() + block_tag_bytes <= limits::block_body_bytes_max));
    if (!size.ok()) return;
    const Result<Bytes> opened = open_block(key, Bytes{sealed}.first(size.value()), room);
    LH_CHECK(opened.ok());
    LH_CHECK(equal(opened.value(), body));
    walk_sections(opened.value());
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
    LH_CHECK(crypto_init().ok());
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const Bytes rest = std::as_bytes(std::span{data + 1, size - 1});
    if (data[0] % 2 == 0) {
        open_foreign(rest);
    } else {
        open_own(rest);
    }
    return 0;
}
