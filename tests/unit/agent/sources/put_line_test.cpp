#include "agent/sources/put_line.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace longhaul;
using namespace longhaul::agent;

namespace {

Field field_of(std::string_view name, FieldKind kind, bool nullable) {
    Field field;
    field.name = name;
    field.kind = kind;
    field.nullable = nullable;
    if (kind == FieldKind::decimal) field.scale = 2;
    if (kind == FieldKind::enumeration) field.labels = "open\nclosed\n";
    return field;
}

const Field fields[] = {
    field_of("temperature", FieldKind::decimal, false), field_of("note", FieldKind::text, true),
    field_of("state", FieldKind::enumeration, true), field_of("count", FieldKind::integer, true),
    field_of("frame", FieldKind::bytes, true)};

Schema climate() {
    Schema schema;
    schema.name = "climate";
    schema.fields = fields;
    return schema;
}

std::string complaint(std::string_view line) {
    const auto put = parse_put_line(line);
    if (!put.ok()) return put.error().text;
    ByteArena arena;
    const auto values = put_values(put.value(), climate(), arena);
    return values.ok() ? "" : values.error().text;
}

}  // namespace

TEST_CASE("put line: values are bare or in quotes") {
    const auto put =
        parse_put_line("  climate temperature=21.5  note=\"a \\\"b\\\" \\\\ \\n=c\" state=\r");
    REQUIRE(put.ok());
    CHECK(put.value().stream == "climate");
    using Pairs = std::vector<std::pair<std::string, std::string>>;
    CHECK(put.value().fields ==
          Pairs{{"temperature", "21.5"}, {"note", "a \"b\" \\ \n=c"}, {"state", ""}});
    ByteArena arena;
    const auto values = put_values(put.value(), climate(), arena);
    REQUIRE(values.ok());
    CHECK(values.value()[0].integer == 2150);
    CHECK(as_text(values.value()[1].text) == "a \"b\" \\ \n=c");
    CHECK(values.value()[2].form == ValueForm::null);
    CHECK(values.value()[3].form == ValueForm::null);
}

TEST_CASE("put line: bytes are pairs of hexadecimal digits") {
    const auto put = parse_put_line("climate temperature=1 frame=00fF1a");
    REQUIRE(put.ok());
    ByteArena arena{0};
    const auto values = put_values(put.value(), climate(), arena);
    REQUIRE(values.ok());
    CHECK(as_text(values.value()[4].text) == std::string_view{"\x00\xff\x1a", 3});
}

TEST_CASE("put line: what is written is read back") {
    const PutLine put{"a stream", {{"x", "1 2"}, {"y", "\"\\\n="}, {"z", ""}}};
    const auto back = parse_put_line(write_put_line(put));
    REQUIRE(back.ok());
    CHECK(back.value().stream == put.stream);
    CHECK(back.value().fields == put.fields);
}

TEST_CASE("put line: what is wrong is said") {
    const struct {
        const char* line;
        const char* said;
    } cases[] = {
        {"", "the line names no stream"},
        {"climate", "the line has no field=value"},
        {"climate temperature", "\"temperature\" is not field=value"},
        {"climate temperature =1", "\"temperature\" is not field=value"},
        {"climate note=\"a", "a quote is not closed"},
        {"climate note=\"a\"b", "after a quote comes a space"},
        {"climate note=\"\\t\"", "after \\ in quotes comes n, \" or \\"},
        {"climate note=x", "field \"temperature\" is missing"},
        {"climate temperatur=1",
         "stream \"climate\" has no field \"temperatur\", did you mean \"temperature\"?"},
        {"climate temperature=1 temperature=2", "field \"temperature\" is named twice"},
        {"climate temperature=warm", "field \"temperature\" is \"warm\", has to be a number"},
        {"climate temperature=", "field \"temperature\" is \"\", has to be a number"},
        {"climate temperature=1 state=ajar",
         "field \"state\" is \"ajar\", has to be one of open, closed"},
        {"climate temperature=1 count=1.5", "field \"count\" is \"1.5\", has to be a whole number"},
        {"climate temperature=1 note=\xff",
         "field \"note\" is \"\xff\", has to be UTF-8 of at most 1024 bytes"},
        {"climate temperature=1 frame=abc",
         "field \"frame\" is \"abc\", has to be pairs of hexadecimal digits, at most 1024"},
    };
    for (const auto& each : cases) {
        CAPTURE(each.line);
        CHECK(complaint(each.line) == each.said);
    }
}
