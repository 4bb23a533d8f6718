#include "tools/model/encoded_model.hpp"

namespace longhaul {

std::vector<std::byte> encode_model(const EncodedModel& parts) {
    std::vector<std::byte> room(std::size_t{1} << 20);
    ByteWriter out{room};
    out.u8(1);
    out.u8(static_cast<std::uint8_t>(parts.columns.size()));
    for (const auto& column : parts.columns) out.bytes(column);
    out.varint(parts.dictionary.size());
    out.bytes(parts.dictionary);
    if (!parts.entries.empty() || !parts.examples.empty()) {
        out.u8(static_cast<std::uint8_t>(parts.entries.size()));
        for (const MixEntry& entry : parts.entries) {
            out.u8(entry.column);
            out.u8(static_cast<std::uint8_t>(entry.form));
            out.u8(entry.key);
            out.u8(entry.width);
        }
        for (const EncodedModel::Example& example : parts.examples) {
            out.u8(example.samples_less_1);
            out.varint(example.content.size());
            out.bytes(example.content);
        }
    }
    LH_CHECK(out.ok());
    room.resize(out.size());
    return room;
}

}  // namespace longhaul
