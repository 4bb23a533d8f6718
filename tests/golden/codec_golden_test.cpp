// Sections in codec 0: docs/spec/codec.md.
#include "tests/golden/examples.hpp"
#include "tests/golden/golden_file.hpp"

using namespace longhaul;

namespace {

void check_decoding(Bytes bytes, const Schema& schema, const test::SectionExample& expected) {
    ByteReader in{bytes};
    std::vector<std::int64_t> times(expected.times.size());
    REQUIRE(decode_times(in, times).ok());
    CHECK(times == expected.times);
    for (std::size_t column = 0; column < schema.fields.size(); ++column) {
        CAPTURE(column);
        std::vector<Value> values(times.size());
        REQUIRE(decode_column(schema.fields[column], in, values).ok());
        for (std::size_t i = 0; i < values.size(); ++i) {
            CAPTURE(i);
            CHECK(test::same(values[i], expected.columns[column][i]));
        }
    }
    CHECK(in.at_end());
}

std::string encode(const Schema& schema, const test::SectionExample& example) {
    std::vector<std::byte> room(4096);
    ByteWriter out{room};
    encode_times(example.times, out);
    for (std::size_t column = 0; column < schema.fields.size(); ++column) {
        encode_column(schema.fields[column], example.columns[column], out);
    }
    REQUIRE(out.ok());
    return test::to_hex(out.written());
}

}  // namespace

TEST_CASE("golden codec 0: every kind of field, with nulls and exceptions") {
    const test::EveryKindSchema example;
    const auto bytes = test::golden("codec/every-kind-v1.hex");
    check_decoding(bytes, example.schema, test::every_kind_section());
    CHECK(encode(example.schema, test::every_kind_section()) == test::to_hex(bytes));
}

TEST_CASE("golden codec 0: every predictor") {
    const test::PredictorsSchema example;
    const auto bytes = test::golden("codec/predictors-v1.hex");
    check_decoding(bytes, example.schema, test::predictors_section());
    CHECK(encode(example.schema, test::predictors_section()) == test::to_hex(bytes));
}
