// Sections in codecs 1 to 3, and models: docs/spec/codec.md, docs/spec/codec2.md,
// docs/spec/codec3.md.
#include "common/mix/mixing_codec.hpp"
#include "common/zstd/zstd_compression.hpp"
#include "tests/golden/examples_codec.hpp"
#include "tests/golden/golden_file.hpp"
#include "tests/support/section.hpp"

using namespace longhaul;

namespace {

test::SectionData data_of(const test::SectionExample& example) {
    test::SectionData data;
    data.times = example.times;
    data.columns = example.columns;
    return data;
}

struct Codecs {
    ZstdCompression zstd;
    MixingCodec mixing;
    test::SectionRooms rooms;
    explicit Codecs(bool compression = true) {
        rooms.mixing = &mixing;
        if (compression) rooms.compression = &zstd;
    }

    std::vector<std::byte> encode(std::uint8_t codec, const Schema& schema,
                                  const test::SectionExample& example) {
        const test::SectionData data = data_of(example);
        test::SpanSource source{data};
        std::vector<std::byte> out(4096);
        const auto size = encode_section(codec, schema, data.times.size(), source, rooms.aids(),
                                         rooms.memory(), out);
        REQUIRE(size.has_value());
        out.resize(*size);
        return out;
    }
    void check_decoding(std::uint8_t codec, const Schema& schema, Bytes content,
                        const test::SectionExample& expected) {
        test::SectionData back{expected.times.size(), schema.fields.size()};
        REQUIRE(decode_section(codec, schema, content, rooms.aids(), *rooms.decoder, back.times,
                               back.spans())
                    .ok());
        CHECK(test::same_samples(data_of(expected), back));
    }
};

// A key, numbers moved as they are and as differences, and an example.
std::vector<std::byte> mixing_model() {
    const test::TextsSchema texts;
    const auto encoded = [](Bytes example) {
        std::vector<std::byte> room(4096);
        ByteWriter out{room};
        out.u8(1);
        out.u8(0);
        out.varint(0);
        out.u8(3);
        for (const char byte : std::string_view{"\0\2\3\1\1\0\3\0\2\1\0\1", 12})
            out.u8(static_cast<std::uint8_t>(byte));
        if (!example.empty()) {
            out.u8(11);
            out.varint(example.size());
            out.bytes(example);
        }
        room.resize(out.size());
        return room;
    };
    const auto bare = encoded({});
    Codecs codecs;
    codecs.rooms.model = Model::parse(bare).value();
    codecs.mixing.begin_examples();
    return encoded(codecs.encode(codec_mixed, texts.schema, test::texts_section()));
}

}  // namespace

TEST_CASE("golden codec 3: without a model, and with one that moves columns and has an example") {
    const test::EveryKindSchema kinds;
    const test::TextsSchema texts;
    const auto model = mixing_model();
    CHECK(test::to_hex(model) == test::to_hex(test::golden("model/mixing-v1.hex")));
    Codecs codecs;
    const auto check = [&codecs](const Schema& schema, const test::SectionExample& example,
                                 const char* name) {
        const auto bytes = codecs.encode(codec_mixed, schema, example);
        CHECK(test::to_hex(bytes) == test::to_hex(test::golden(name)));
        codecs.check_decoding(codec_mixed, schema, bytes, example);
    };
    check(kinds.schema, test::every_kind_section(), "codec/every-kind-codec3-v1.hex");
    check(texts.schema, test::texts_section(), "codec/texts-codec3-v1.hex");
    codecs.rooms.model = Model::parse(model).value();
    check(texts.schema, test::texts_section(), "codec/texts-codec3-model-v1.hex");
}

TEST_CASE("golden codec 2: every kind of field, with nulls and exceptions") {
    const test::EveryKindSchema example;
    Codecs codecs{false};
    const auto bytes = test::golden("codec/every-kind-codec2-v1.hex");
    codecs.check_decoding(codec_range, example.schema, bytes, test::every_kind_section());
    CHECK(test::to_hex(codecs.encode(codec_range, example.schema, test::every_kind_section())) ==
          test::to_hex(bytes));
}

TEST_CASE("golden codec 2: every predictor") {
    const test::PredictorsSchema example;
    Codecs codecs;
    const auto bytes = test::golden("codec/predictors-codec2-v1.hex");
    codecs.check_decoding(codec_range, example.schema, bytes, test::predictors_section());
    CHECK(test::to_hex(codecs.encode(codec_range, example.schema, test::predictors_section())) ==
          test::to_hex(bytes));
}

// What zstd makes of the same bytes may change with its version, so that frames are only decoded.
TEST_CASE("golden codecs 1 and 2: frames of zstd, with and without a model") {
    const test::TextsSchema texts;
    const test::EveryKindSchema kinds;
    Codecs codecs;
    codecs.check_decoding(codec_zstd, kinds.schema, test::golden("codec/every-kind-codec1-v1.hex"),
                          test::every_kind_section());
    codecs.check_decoding(codec_zstd, texts.schema, test::golden("codec/texts-codec1-v1.hex"),
                          test::texts_section());
    codecs.check_decoding(codec_range, texts.schema, test::golden("codec/texts-codec2-v1.hex"),
                          test::texts_section());

    const auto model = test::golden("model/small-v1.hex");
    codecs.rooms.model = Model::parse(model).value();
    codecs.check_decoding(codec_zstd, texts.schema, test::golden("codec/texts-codec1-model-v1.hex"),
                          test::texts_section());
    codecs.check_decoding(codec_range, texts.schema,
                          test::golden("codec/texts-codec2-model-v1.hex"), test::texts_section());
}

TEST_CASE("golden model: two columns and a dictionary") {
    CHECK(test::to_hex(test::golden("model/small-v1.hex")) == test::to_hex(test::small_model()));
    CHECK(as_text(Model::parse(test::golden("model/small-v1.hex")).value().dictionary()) ==
          "the door of the hall was opened");
}

TEST_CASE("golden model: the built-in one never changes") {
    std::vector<std::byte> all;
    for (std::size_t set = 0; set < context_set_count; ++set) {
        const Bytes column = builtin_column(static_cast<ContextSet>(set));
        all.insert(all.end(), column.begin(), column.end());
    }
    CHECK(test::to_hex(all) == test::to_hex(test::golden("model/builtin-v1.hex")));
}
