// Schemas: docs/spec/schema.md.
#include "common/block/crypto.hpp"
#include "tests/golden/examples.hpp"
#include "tests/golden/golden_file.hpp"

using namespace longhaul;

namespace {

void check(const std::string& file, const Schema& expected, const std::string& hash) {
    REQUIRE(crypto_init().ok());
    const auto bytes = test::golden(file);
    std::array<Field, limits::schema_fields_max> storage;
    const auto parsed = parse_schema(bytes, storage);
    REQUIRE(parsed.ok());
    const Schema& schema = parsed.value();
    CHECK(schema.name == expected.name);
    CHECK(schema.time == expected.time);
    CHECK(schema.tick_us == expected.tick_us);
    CHECK(schema.default_class == expected.default_class);
    CHECK(schema.deadline_ms == expected.deadline_ms);
    REQUIRE(schema.fields.size() == expected.fields.size());
    for (std::size_t i = 0; i < schema.fields.size(); ++i) {
        CAPTURE(i);
        CHECK(test::same(schema.fields[i], expected.fields[i]));
    }
    CHECK(test::to_hex(schema_hash(bytes)) == hash);

    std::array<std::byte, limits::schema_bytes_max> room;
    ByteWriter out{room};
    REQUIRE(encode_schema(expected, out).ok());
    CHECK(test::to_hex(out.written()) == test::to_hex(bytes));
}

}  // namespace

TEST_CASE("golden schema 1: the optical example") {
    check("schema/optical-v1.hex", test::OpticalSchema{}.schema,
          "6eb0e3bd432eaef04a08c3dadb0c310e75e844425475cee6e72f0a9738f1a87f");
}

TEST_CASE("golden schema 1: every kind of field") {
    check("schema/every-kind-v1.hex", test::EveryKindSchema{}.schema,
          "5264c9ca880f3ca884b9f2be53e8f6e7b16dd1a085d7c70a4596faaee33e8c24");
}

TEST_CASE("golden schema 1: integers for every predictor") {
    check("schema/predictors-v1.hex", test::PredictorsSchema{}.schema,
          "79bcebc3ed908f30139e3a8a77cd52b2a740c149cb2613cb421a0197d868ae06");
}
