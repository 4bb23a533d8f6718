#include "collector/lake/delta_schema.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace longhaul;
using namespace longhaul::collector;

namespace {

Column column(const char* name, ColumnType type, const char* kind = "") {
    Column made;
    made.name = name;
    made.type = type;
    made.kind = kind;
    return made;
}

}  // namespace

TEST_CASE("delta schema: every column type comes back as it was") {
    std::vector<Column> columns{column("a", ColumnType::string, "text"),
                                column("b", ColumnType::long_integer, "integer"),
                                column("c", ColumnType::short_integer),
                                column("d", ColumnType::real, "float64"),
                                column("e", ColumnType::decimal_real, "decimal"),
                                column("f", ColumnType::single, "float32"),
                                column("g", ColumnType::boolean, "boolean"),
                                column("h", ColumnType::binary, "bytes"),
                                column("i", ColumnType::timestamp)};
    columns[4].unit = "Cel";
    columns[4].help = "what the \"probe\" says, in °C";
    columns[4].scale = 2;
    columns[0].labels = "on\noff\n";

    const auto schema = schema_with("", columns);
    REQUIRE(schema.ok());
    const auto back = columns_of_schema(schema.value());
    REQUIRE(back.ok());
    REQUIRE(back.value().size() == columns.size());
    for (std::size_t i = 0; i < columns.size(); ++i) {
        CAPTURE(i);
        CHECK(back.value()[i].name == columns[i].name);
        CHECK(back.value()[i].type == columns[i].type);
        CHECK(back.value()[i].kind == columns[i].kind);
        CHECK(back.value()[i].unit == columns[i].unit);
        CHECK(back.value()[i].help == columns[i].help);
        CHECK(back.value()[i].labels == columns[i].labels);
        CHECK(back.value()[i].scale == columns[i].scale);
    }
}

TEST_CASE("delta schema: what others have written stays, new columns follow it") {
    const std::string others =
        R"({"type":"struct","fields":[)"
        R"({"name":"device","type":"string","nullable":true,"metadata":{"their.note":5}},)"
        R"({"name":"receive_date","type":"date","nullable":true,"metadata":{}},)"
        R"({"name":"place","type":{"type":"struct","fields":[]},"nullable":true,"metadata":{}}]})";
    const auto grown = schema_with(others, {column("device", ColumnType::string),
                                            column("speed", ColumnType::real, "float64")});
    REQUIRE(grown.ok());
    CHECK(
        grown.value() ==
        others.substr(0, others.size() - 2) +
            R"(,{"name":"speed","type":"double","nullable":true,"metadata":{"longhaul.kind":"float64"}}]})");
    // A struct is nothing that we write.
    CHECK(columns_of_schema(grown.value()).value().size() == 2);
}

TEST_CASE("delta schema: notes of others that are none of ours are passed over") {
    for (const char* note : {R"("longhaul.scale":-1)", R"("longhaul.scale":99)",
                             R"("longhaul.scale":"2")", R"("longhaul.labels":["a"])"}) {
        CAPTURE(note);
        const auto columns = columns_of_schema(
            std::string{R"({"type":"struct","fields":[{"name":"a","type":"double","metadata":{)"} +
            note + "}}]}");
        REQUIRE(columns.ok());
        CHECK(columns.value()[0].scale == 0);
        CHECK(columns.value()[0].labels.empty());
    }
}

TEST_CASE("delta schema: labels of a column have a limit") {
    Column known = column("state", ColumnType::string, "enumeration");
    Column later = known;
    for (int i = 0; i < 5000; ++i) later.labels += "label " + std::to_string(i) + "\n";
    CHECK(widen(known, later));
    CHECK(known.labels.size() <= column_labels_bytes_max);
    CHECK_FALSE(widen(known, later));
}

TEST_CASE("delta schema: a column of another type is not taken over") {
    const std::string before = schema_with("", {column("speed", ColumnType::real)}).value();
    const auto refused = schema_with(before, {column("speed", ColumnType::string)});
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().code == ErrorCode::denied);
    CHECK_FALSE(schema_with(before, {column("Speed", ColumnType::real)}).ok());
}

TEST_CASE("delta schema: conditions of others that our files cannot keep are refused") {
    for (const char* rest : {R"("nullable":false,"metadata":{})",
                             R"("nullable":true,"metadata":{"delta.invariants":"{}"})"}) {
        CAPTURE(rest);
        const auto columns = columns_of_schema(
            std::string{R"({"type":"struct","fields":[{"name":"theirs","type":"string",)"} + rest +
            "}]}");
        REQUIRE_FALSE(columns.ok());
        CHECK(columns.error().code == ErrorCode::unsupported);
    }
}

TEST_CASE("delta schema: what is no schema is refused") {
    for (const char* text : {"{", "[]", "{}", R"({"fields":{}})", R"({"fields":[1]})", "null"}) {
        CAPTURE(text);
        CHECK_FALSE(columns_of_schema(text).ok());
        CHECK_FALSE(schema_with(text, {column("a", ColumnType::string)}).ok());
    }
}
