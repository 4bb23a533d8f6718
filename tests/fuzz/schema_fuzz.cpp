// Attacks the canonical encoding of a schema: what is read is written again as the same bytes,
// because a schema is known by their hash.
#include <array>

#include "common/block/schema.hpp"

using namespace longhaul;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Bytes bytes = std::as_bytes(std::span{data, size});
    std::array<Field, limits::schema_fields_max> storage;
    const Result<Schema> schema = parse_schema(bytes, storage);
    if (!schema.ok()) return 0;

    std::array<std::byte, limits::schema_bytes_max> room;
    ByteWriter out{room};
    LH_CHECK(encode_schema(schema.value(), out).ok());
    LH_CHECK(equal(out.written(), bytes));
    for (const Field& field : schema.value().fields) {
        const std::size_t labels = field.label_count();
        LH_CHECK(field.label(labels).empty());
        LH_CHECK(labels == 0 || !field.label(labels - 1).empty());
    }
    return 0;
}
