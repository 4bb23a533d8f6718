// Attacks the decoder of one codec: the first byte says how many fields the schema has and which
// kinds they are, the second how many samples there are, the third which model there is. What
// is decoded and encoded again decodes to the same samples.
#pragma once

#include <array>

#include "common/mix/mixing_codec.hpp"
#include "common/zstd/zstd_compression.hpp"
#include "tests/support/section.hpp"

namespace longhaul::test {

inline constexpr std::size_t fuzz_fields_max = 8;

// Beginning with any kind, the next ones in turn; every second field is nullable.
inline std::vector<Field> fuzz_fields(std::uint8_t choice) {
    static constexpr std::array<std::string_view, fuzz_fields_max> names{"a", "b", "c", "d",
                                                                         "e", "f", "g", "h"};
    std::vector<Field> fields;
    for (std::size_t i = 0; i < 1U + choice / 8 % fuzz_fields_max; ++i) {
        const auto kind = static_cast<FieldKind>(1 + (choice + i) % 8);
        fields.push_back(field_of(kind, names[i], (choice / 64 + i) % 2 == 0));
    }
    return fields;
}

// Moves what can be moved, in all forms.
inline Model fuzz_mixing_model() {
    static constexpr std::array<std::uint8_t, 28> encoded{1, 0, 0, 6,              //
                                                          0, 2, 1, 2,              //
                                                          1, 0, 2, 0, 3, 1, 1, 3,  //
                                                          4, 2, 3, 1, 5, 4, 0, 2,  //
                                                          6, 5, 0, 8};
    return Model::parse(std::as_bytes(std::span{encoded})).value();
}

inline Model fuzz_model(std::uint8_t choice) {
    if (choice % 3 == 0) return {};
    if (choice % 3 == 2) return fuzz_mixing_model();
    static constexpr std::array<std::uint8_t, 13> encoded{1, 1,   1,   2,   1,   0x4c, 0xff,
                                                          5, 't', 'h', 'e', ' ', 'd'};
    return Model::parse(std::as_bytes(std::span{encoded})).value();
}

inline int fuzz_section(std::uint8_t codec, const std::uint8_t* data, std::size_t size) {
    static ZstdCompression zstd;
    static MixingCodec mixing;
    static SectionRooms rooms;
    static SectionRooms rooms_again;  // texts of the first samples lie in the first rooms
    static std::vector<std::byte> out(1 << 20);
    if (size < 3) return 0;
    rooms.compression = rooms_again.compression = &zstd;
    rooms.mixing = rooms_again.mixing = &mixing;
    rooms.model = rooms_again.model = fuzz_model(data[2]);
    rooms_again.plain.resize(1 << 20);
    const std::vector<Field> fields = fuzz_fields(data[0]);
    const Schema schema{.name = "s", .fields = fields, .time = TimeKind::source, .tick_us = 1};
    SectionData first{1U + data[1], fields.size()};
    const Bytes content = std::as_bytes(std::span{data, size}).subspan(3);
    if (!decode_section(codec, schema, content, rooms.aids(), *rooms.decoder, first.times,
                        first.spans())
             .ok())
        return 0;
    for (const std::uint8_t again : {codec_columns, codec_range, codec_mixed}) {
        SpanSource source{first};
        const auto bytes = encode_section(again, schema, first.times.size(), source,
                                          rooms_again.aids(), rooms_again.memory(), out);
        // Texts that codec 2 writes once may be too many for anyone who writes them out.
        if (!bytes) continue;
        SectionData second{first.times.size(), fields.size()};
        LH_CHECK(decode_section(again, schema, Bytes{out}.first(*bytes), rooms_again.aids(),
                                *rooms_again.decoder, second.times, second.spans())
                     .ok());
        LH_CHECK(same_samples(first, second));
    }
    return 0;
}

}  // namespace longhaul::test
