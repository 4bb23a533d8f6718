#include "common/block/section_codec.hpp"

#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <limits>
#include <random>

#include "common/block/section_bound.hpp"
#include "common/mix/mixing_codec.hpp"
#include "common/zstd/zstd_compression.hpp"
#include "tests/support/hex.hpp"
#include "tests/support/section.hpp"

using namespace longhaul;
using test::SectionData;

namespace {

std::vector<std::byte> encode(std::uint8_t codec, const Schema& schema, const SectionData& data,
                              test::SectionRooms& rooms, std::size_t room_bytes = 128 << 10) {
    std::vector<std::byte> out(room_bytes);
    test::SpanSource source{data};
    const auto size =
        encode_section(codec, schema, data.times.size(), source, rooms.aids(), rooms.memory(), out);
    if (!size) return {};
    out.resize(*size);
    return out;
}

void check_round_trip(const Schema& schema, const SectionData& data, test::SectionRooms& rooms) {
    for (const std::uint8_t codec : {codec_columns, codec_zstd, codec_range, codec_mixed}) {
        CAPTURE(static_cast<int>(codec));
        const auto content = encode(codec, schema, data, rooms);
        // Without a model codec 3 is for texts, bytes and floats only, and not for very many.
        if (codec == codec_mixed && content.empty()) continue;
        REQUIRE(!content.empty());
        SectionData back{data.times.size(), schema.fields.size()};
        const Status status = decode_section(codec, schema, content, rooms.aids(), *rooms.decoder,
                                             back.times, back.spans());
        CAPTURE(status.ok() ? "" : status.error().detail);
        REQUIRE(status.ok());
        REQUIRE(test::same_samples(data, back));
    }
}

}  // namespace

TEST_CASE("section codecs: whatever a seeded source yields comes back in every codec") {
    constexpr std::uint64_t seed = 20261128;
    CAPTURE(seed);
    std::mt19937_64 random{seed};
    ZstdCompression zstd;
    MixingCodec mixing;
    test::SectionRooms rooms;
    rooms.compression = &zstd;
    rooms.mixing = &mixing;
    for (int round = 0; round < 600; ++round) {
        CAPTURE(round);
        const test::RandomSection section{random};
        rooms.model = random() % 4 == 0 ? Model::cold() : Model{};
        check_round_trip(section.schema, section.data, rooms);
    }
}

TEST_CASE("section codecs: a small device without compression writes codec 2 in its rooms") {
    constexpr std::uint64_t seed = 20261129;
    CAPTURE(seed);
    std::mt19937_64 random{seed};
    test::SectionRooms rooms;
    for (int round = 0; round < 200; ++round) {
        CAPTURE(round);
        const test::RandomSection section{random};
        const auto content = encode(codec_range, section.schema, section.data, rooms);
        REQUIRE(!content.empty());
        // Exactly as much room as is needed beside the longest head, and one byte less.
        CHECK(encode(codec_range, section.schema, section.data, rooms, content.size() + 3) ==
              content);
        CHECK(encode(codec_range, section.schema, section.data, rooms, content.size() - 1).empty());
    }
}

TEST_CASE("section codecs: the smallest of those allowed is taken, and codec 0 always fits") {
    constexpr std::uint64_t seed = 20261130;
    CAPTURE(seed);
    std::mt19937_64 random{seed};
    ZstdCompression zstd;
    test::SectionRooms rooms;
    rooms.compression = &zstd;
    for (int round = 0; round < 200; ++round) {
        CAPTURE(round);
        const test::RandomSection section{random};
        test::SpanSource source{section.data};
        const std::size_t samples = section.data.times.size();
        const auto allowed = static_cast<CodecSet>(random() % 8);
        CAPTURE(static_cast<int>(allowed));
        const std::size_t bound = test::bound_of(section.schema, section.data);
        std::vector<std::byte> out(random() % 2 == 0 ? bound : 256 << 10);
        const auto found = encode_smallest_section(allowed, section.schema, samples, source,
                                                   rooms.aids(), rooms.memory(), out);
        REQUIRE(found);
        const ChosenSection chosen = *found;
        CHECK((chosen.codec == codec_columns || (allowed >> chosen.codec & 1) != 0));
        CHECK(chosen.bytes <= out.size());
        SectionData back{samples, section.schema.fields.size()};
        REQUIRE(decode_section(chosen.codec, section.schema, Bytes{out}.first(chosen.bytes),
                               rooms.aids(), *rooms.decoder, back.times, back.spans())
                    .ok());
        REQUIRE(test::same_samples(section.data, back));
    }
}

TEST_CASE("section codecs: integers of any distance come back") {
    constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min();
    constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
    ZstdCompression zstd;
    test::SectionRooms rooms;
    rooms.compression = &zstd;
    const std::vector<std::vector<std::int64_t>> cases{{least, most, 0, -1, 1, least, least, most},
                                                       {0, least, 0, least},
                                                       {-5, most - 4, -5},
                                                       {most, most, most - 1, least},
                                                       {least},
                                                       {0},
                                                       {0, most - 1, 1 - most, most - 1},
                                                       {7, 7, 7},
                                                       {-1, 0}};
    const Field field = test::field_of(FieldKind::integer, "x");
    const Schema schema{.name = "s", .fields = {&field, 1}, .time = TimeKind::source, .tick_us = 1};
    for (const auto& values : cases) {
        SectionData data{values.size(), 1};
        data.times = values;
        for (std::size_t i = 0; i < values.size(); ++i)
            data.columns[0][i] = Value::of_integer(values[values.size() - 1 - i]);
        check_round_trip(schema, data, rooms);
    }
}

TEST_CASE("section codecs: floats, exceptions and texts come back bit by bit") {
    const double payload = std::bit_cast<double>(0x7ff8'dead'beef'0001);
    const std::array fields{test::field_of(FieldKind::decimal, "d", true),
                            test::field_of(FieldKind::float64, "f", true),
                            test::field_of(FieldKind::float32, "g"),
                            test::field_of(FieldKind::text, "t", true)};
    const Schema schema{.name = "s", .fields = fields, .time = TimeKind::device};
    SectionData data{6, fields.size()};
    data.times = {0, 1, 2, 3, 4, 4};
    const std::array<double, 6> reals{payload, -0.0, 0.0, INFINITY, 5e-324, -0.0};
    const std::array<float, 6> floats{-0.0F, NAN, 1.5F, -0.0F, 0.0F, INFINITY};
    const std::array<std::string_view, 6> texts{"", "door", "door", "", "T\xc3\xbcr", "door"};
    for (std::size_t i = 0; i < 6; ++i) {
        data.columns[0][i] = i == 3 ? Value{} : Value::of_real(reals[i]);
        data.columns[1][i] = i == 0 ? Value{} : Value::of_real(reals[i]);
        data.columns[2][i] = Value::of_float32(floats[i]);
        data.columns[3][i] = i == 5 ? Value{} : Value::of_text(as_bytes(texts[i]));
    }
    ZstdCompression zstd;
    test::SectionRooms rooms;
    check_round_trip(schema, data, [&]() -> test::SectionRooms& {
        rooms.compression = &zstd;
        return rooms;
    }());
}

TEST_CASE(
    "zstd: after a frame that did not fit, and one that was none, all goes on with any "
    "dictionary") {
    ZstdCompression zstd;
    const Bytes plain = as_bytes("the door was opened, the door was closed, the lamp was lit");
    const Bytes dictionary = as_bytes("the door was opened by hand");
    std::vector<std::byte> frame(256);
    std::vector<std::byte> back(256);
    CHECK_FALSE(zstd.compress(plain, {}, MutableBytes{frame}.first(10)).has_value());
    CHECK_FALSE(zstd.decompress(plain, {}, back).ok());
    const auto with = zstd.compress(plain, dictionary, frame);
    REQUIRE(with.has_value());
    const Bytes first = Bytes{frame}.first(*with);
    CHECK(equal(zstd.decompress(first, dictionary, back).value(), plain));
    CHECK_FALSE(zstd.decompress(first, {}, back).ok());

    // Not one byte more or less, and no more room than is said.
    CHECK_FALSE(zstd.decompress(Bytes{frame}.first(*with + 1), dictionary, back).ok());
    CHECK_FALSE(zstd.decompress(Bytes{frame}.first(*with - 1), dictionary, back).ok());
    const auto small = MutableBytes{back}.first(plain.size() - 1);
    CHECK(zstd.decompress(first, dictionary, small).error() == ErrorCode::too_large);

    const auto without = zstd.compress(plain, {}, frame);
    REQUIRE(without.has_value());
    CHECK(equal(zstd.decompress(Bytes{frame}.first(*without), {}, back).value(), plain));
}

TEST_CASE("codec 2: content that no encoder writes is refused") {
    const Field field = test::field_of(FieldKind::integer, "x");
    const Schema schema{.name = "s", .fields = {&field, 1}, .time = TimeKind::source, .tick_us = 1};
    ZstdCompression zstd;
    test::SectionRooms rooms;
    SectionData data{3, 1};
    data.times = {10, 20, 35};
    data.columns[0] = {Value::of_integer(1), Value::of_integer(5), Value::of_integer(-3)};
    const auto good = encode(codec_range, schema, data, rooms);
    const auto refused = [&](std::vector<std::byte> content, Compression* compression = nullptr) {
        rooms.compression = compression;
        SectionData back{3, 1};
        return !decode_section(codec_range, schema, content, rooms.aids(), *rooms.decoder,
                               back.times, back.spans())
                    .ok();
    };
    CHECK_FALSE(refused(good));
    CHECK(refused({}));
    auto changed = good;
    changed[0] = std::byte{4};  // an unknown bit of the head
    CHECK(refused(changed));
    changed[0] = std::byte{2};  // compressed nothing
    CHECK(refused(changed, &zstd));
    changed = good;
    changed.insert(changed.end(), 5, std::byte{7});  // more than the coder looks ahead
    CHECK(refused(changed));
    CHECK(refused({good.begin(), good.begin() + 1}));  // all of it implied
    // Literals that nothing asks for; a length that is more than there is, or 0.
    changed = good;
    changed[0] = std::byte{1};
    changed.insert(changed.begin() + 1, std::byte{1});
    changed.push_back(std::byte{0});
    CHECK(refused(changed));
    changed[1] = std::byte{100};
    CHECK(refused(changed));
    changed[1] = std::byte{0};
    CHECK(refused(changed));
    CHECK(refused({std::byte{3}, std::byte{1}, std::byte{0}}));  // no decompressor
}

TEST_CASE("models: a table comes back, and what is no model is refused") {
    std::mt19937_64 random{20261128};
    for (std::size_t round = 0; round < 50; ++round) {
        CAPTURE(round);
        StoredContexts contexts;
        contexts.fill(stored_half);
        for (std::size_t i = random() % 30; i < contexts.size();
             i += 1 + random() % (1 + round * 8))
            contexts[i] = static_cast<std::uint16_t>(random());
        std::vector<std::byte> encoded(2048);
        ByteWriter out{encoded};
        out.u8(1);
        out.u8(1);
        write_model_column(contexts, out);
        out.varint(0);
        REQUIRE(out.ok());
        const auto model = Model::parse(out.written());
        REQUIRE(model.ok());
        ColumnContexts loaded;
        ModelReader{model.value()}.next_column(ContextSet::time, loaded);
        for (std::size_t i = 0; i < loaded.size(); ++i)
            CHECK(loaded[i].probability_of_no() ==
                  BitModel::stored(contexts[i]).probability_of_no());
        for (std::size_t cut = 0; cut < out.size(); ++cut)
            CHECK_FALSE(Model::parse(out.written().first(cut)).ok());
    }
    for (const char* hex :
         {"020000", "014200", "01010200ff00", "0101019000", "010001", "01000001"}) {
        CAPTURE(hex);
        CHECK_FALSE(Model::parse(test::from_hex(hex)).ok());
    }
}
