#include "agent/sources/ndjson.hpp"

#include <catch2/catch_test_macros.hpp>
#include <string>

using namespace longhaul::agent;

namespace {

// The only line of a text, cut for these paths.
CellReader::Line line_of(NdjsonCells& reader) {
    CellReader::Line line;
    REQUIRE(reader.next(line));
    return line;
}

}  // namespace

TEST_CASE("ndjson: cells are the values at their paths, in the words of the recording") {
    const std::string text =
        R"({"id":"a\"b","decoded":{"t":7.10,"n":-0,"big":123456789012345678901.5e-2,"ok":true},)"
        R"("list":[{"r":-3.799999952316284},{"r":2}],"none":null,"empty":"","u":"\u00fc€"})";
    NdjsonCells reader{text,
                       {"id", "decoded.t", "decoded.n", "decoded.big", "decoded.ok", "list.0.r",
                        "list.1.r", "list.2.r", "none", "absent", "empty", "u", "decoded.t"}};
    const CellReader::Line line = line_of(reader);
    REQUIRE_FALSE(line.refused);
    const std::string_view expected[] = {"a\"b", "7.10",
                                         "-0",   "123456789012345678901.5e-2",
                                         "true", "-3.799999952316284",
                                         "2",    "",
                                         "",     "",
                                         "",     "ü€",
                                         "7.10"};
    REQUIRE(line.cells.size() == std::size(expected));
    for (std::size_t i = 0; i < line.cells.size(); ++i) {
        CAPTURE(i);
        CHECK(line.cells[i] == expected[i]);
        const bool missing = i >= 7 && i <= 9;
        CHECK((line.cells[i].data() == nullptr) == missing);
    }
}

TEST_CASE("ndjson: lines that are no JSON object, or not one that is clear, are refused") {
    struct Case {
        const char* text;
        Refusal reason;
    };
    const Case cases[] = {
        {"\n", Refusal::empty},
        {" \t\r\n", Refusal::empty},
        {"{\"a\":1", Refusal::malformed},
        {"{\"a\":1}}", Refusal::malformed},
        {"{\"a\":1} {\"a\":2}", Refusal::malformed},
        {"{\"a\":01}", Refusal::malformed},
        {"{\"a\":NaN}", Refusal::malformed},
        {"{\"a\":1,}", Refusal::malformed},
        {"{'a':1}", Refusal::malformed},
        {"{\"a\":\"\xff\"}", Refusal::malformed},
        {"{\"a\":\"\\ud800\"}", Refusal::malformed},
        {"[1]", Refusal::malformed},
        {"7", Refusal::malformed},
        {"null", Refusal::malformed},
        {"a=1", Refusal::malformed},
        {"{\"a\":1,\"a\":1}", Refusal::columns},
        {"{\"a\":null,\"a\":1}", Refusal::columns},
        {"{\"a\":{\"b\":1}}", Refusal::value},
        {"{\"a\":[]}", Refusal::value},
    };
    for (const Case& each : cases) {
        CAPTURE(each.text);
        NdjsonCells reader{each.text, {"a"}};
        const CellReader::Line line = line_of(reader);
        REQUIRE(line.refused);
        CHECK(*line.refused == each.reason);
    }
    std::string deep;
    for (int i = 0; i < 1000; ++i) deep += "{\"b\":";
    NdjsonCells reader{deep, {"a"}};
    CHECK(line_of(reader).refused == Refusal::malformed);
}

TEST_CASE("ndjson: a refused line leaves nothing behind") {
    NdjsonCells reader{"\xef\xbb\xbf{\"a\":1,\"x\":[{\n{\"b\":2}\r\n{\"a\":3}", {"a", "b"}};
    CHECK(line_of(reader).refused == Refusal::malformed);
    const CellReader::Line second = line_of(reader);
    REQUIRE_FALSE(second.refused);
    CHECK(second.cells[0].data() == nullptr);
    CHECK(second.cells[1] == "2");
    CHECK(line_of(reader).cells[0] == "3");
    CellReader::Line line;
    CHECK_FALSE(reader.next(line));
}

TEST_CASE("ndjson: a text that says true by an escape stays as it is when the next ones come") {
    const std::string text = R"({"a":"tru\u0065","b":"f\u0061lse","c":"\u0078\u0078\u0078\u0078"})";
    NdjsonCells reader{text, {"a", "b", "c"}};
    const CellReader::Line line = line_of(reader);
    REQUIRE_FALSE(line.refused);
    CHECK(line.cells[0] == "true");
    CHECK(line.cells[1] == "false");
    CHECK(line.cells[2] == "xxxx");
}
