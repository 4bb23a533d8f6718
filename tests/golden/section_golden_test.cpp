// Sections in codecs 1 and 2, and models: docs/spec/codec.md, docs/spec/codec2.md.
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
    test::SectionRooms rooms;
    explicit Codecs(bool compression = true) {
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

}  // namespace

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
