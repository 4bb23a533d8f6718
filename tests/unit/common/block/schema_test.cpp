#include "common/block/schema.hpp"

#include <catch2/catch_test_macros.hpp>
#include <string>

#include "common/block/crypto.hpp"
#include "tests/support/hex.hpp"

using namespace longhaul;

namespace {

struct Example {
    std::array<Field, 3> fields{Field{.name = "value",
                                      .unit = "1",
                                      .help = "bit error ratio",
                                      .labels = {},
                                      .kind = FieldKind::decimal,
                                      .scale = 8},
                                Field{.name = "side",
                                      .unit = "",
                                      .help = "",
                                      .labels = "A\nZ\n",
                                      .kind = FieldKind::enumeration,
                                      .nullable = true},
                                Field{.name = "och",
                                      .unit = "",
                                      .help = "",
                                      .labels = {},
                                      .kind = FieldKind::integer,
                                      .bounded = true,
                                      .minimum = 1,
                                      .maximum = 96}};
    Schema schema{.name = "pre_fec_ber", .fields = fields, .time = TimeKind::source, .tick_us = 1};
};

using Storage = std::array<Field, limits::schema_fields_max>;

std::vector<std::byte> encoded(const Schema& schema) {
    std::vector<std::byte> room(limits::schema_bytes_max);
    ByteWriter out{room};
    REQUIRE(encode_schema(schema, out).ok());
    return {room.begin(), room.begin() + static_cast<std::ptrdiff_t>(out.size())};
}

}  // namespace

TEST_CASE("schema: the canonical encoding of the specification's example") {
    REQUIRE(crypto_init().ok());
    const auto bytes = encoded(Example{}.schema);
    CHECK(test::to_hex(bytes) ==
          "010b7072655f6665635f6265720201000000"
          "0260ea000003"
          "0576616c7565020800"
          "01310f626974206572726f7220726174696f"
          "047369646504000100000400410a5a0a"
          "036f63680100020000000000000000f03f0000000000005840");
    CHECK(test::to_hex(schema_hash(bytes)) == test::to_hex(sha256(bytes)));
}

TEST_CASE("schema: what is encoded comes back") {
    const auto bytes = encoded(Example{}.schema);
    Storage storage;
    const auto parsed = parse_schema(bytes, storage);
    REQUIRE(parsed.ok());
    const Schema& schema = parsed.value();
    CHECK(schema.name == "pre_fec_ber");
    CHECK(schema.time == TimeKind::source);
    REQUIRE(schema.fields.size() == 3);
    CHECK(schema.fields[0].scale == 8);
    CHECK(schema.fields[1].label_count() == 2);
    CHECK(schema.fields[1].label(1) == "Z");
    CHECK(schema.fields[1].label(2).empty());
    CHECK(schema.fields[2].maximum == 96);
    CHECK(encoded(schema) == bytes);
}

TEST_CASE("schema: any cut and any byte behind is refused") {
    const auto bytes = encoded(Example{}.schema);
    Storage storage;
    for (std::size_t length = 0; length < bytes.size(); ++length) {
        CHECK_FALSE(parse_schema(Bytes{bytes}.first(length), storage).ok());
    }
    auto longer = bytes;
    longer.push_back({});
    CHECK_FALSE(parse_schema(longer, storage).ok());
}

TEST_CASE("schema: what no table could hold is refused with its reason") {
    struct Case {
        const char* reason;
        void (*spoil)(Example&);
    };
    const Case cases[] = {
        {"schema name, which is a-z, 0-9 and _", [](Example& e) { e.schema.name = "Gnss"; }},
        {"a schema without fields", [](Example& e) { e.schema.fields = {}; }},
        {"tick length", [](Example& e) { e.schema.tick_us = 1000; }},
        {"field name, which is a-z, 0-9 and _", [](Example& e) { e.fields[0].name = "1st"; }},
        {"field has the name of a fixed column", [](Example& e) { e.fields[0].name = "device"; }},
        {"two fields of one name", [](Example& e) { e.fields[0].name = "och"; }},
        {"scale", [](Example& e) { e.fields[0].scale = 16; }},
        {"scale", [](Example& e) { e.fields[2].scale = 1; }},
        {"an enumeration's labels each end in a line feed",
         [](Example& e) { e.fields[1].labels = "A\nZ"; }},
        {"an empty label", [](Example& e) { e.fields[1].labels = "A\n\n"; }},
        {"bounds", [](Example& e) { e.fields[2].minimum = 97; }},
        {"field kind", [](Example& e) { e.fields[2].kind = static_cast<FieldKind>(9); }},
    };
    for (const Case& c : cases) {
        CAPTURE(c.reason);
        Example example;
        c.spoil(example);
        const Status status = validate(example.schema);
        REQUIRE_FALSE(status.ok());
        CHECK(std::string{status.error().detail} == c.reason);
    }
}
