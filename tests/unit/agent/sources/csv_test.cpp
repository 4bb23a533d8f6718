#include "agent/sources/csv.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace longhaul::agent;

namespace {

using Lines = std::vector<std::vector<std::string>>;

Lines read_all(std::string_view text, char separator = ',') {
    CsvReader reader{text, separator};
    std::vector<std::string_view> cells;
    Lines lines;
    while (reader.next(cells)) lines.emplace_back(cells.begin(), cells.end());
    return lines;
}

}  // namespace

TEST_CASE("csv: lines and cells as RFC 4180 has them, and as they are found") {
    struct Case {
        const char* what;
        const char* text;
        Lines lines;
    };
    const Case cases[] = {
        {"nothing", "", {}},
        {"two lines", "a,b\n1,2\n", {{"a", "b"}, {"1", "2"}}},
        {"no end of the last line", "a,b\n1,2", {{"a", "b"}, {"1", "2"}}},
        {"carriage returns", "a,b\r\n1,2\r\n", {{"a", "b"}, {"1", "2"}}},
        {"empty cells", ",,\n", {{"", "", ""}}},
        {"an empty last cell", "1,\r\n2,", {{"1", ""}, {"2", ""}}},
        {"an empty line", "a\n\nb\n", {{"a"}, {""}, {"b"}}},
        {"quotes", "\"a\",\"b,c\"\n", {{"a", "b,c"}}},
        {"quoted line ends", "\"a\nb\",c\r\n\"d\r\n\",e", {{"a\nb", "c"}, {"d\r\n", "e"}}},
        {"doubled quotes", "\"a \"\"b\"\"\",\"\"\"\"\n", {{"a \"b\"", "\""}}},
        {"an empty quoted cell", "\"\",x\n", {{"", "x"}}},
        {"a quoted cell before a carriage return", "1,\"2\"\r\n3,4\r\n", {{"1", "2"}, {"3", "4"}}},
        {"a quote inside", "5\" pipe,x\n", {{"5\" pipe", "x"}}},
        {"something behind a quote", "\"a\"b,c\n", {{"ab", "c"}}},
        {"a quote that never ends", "a,\"b \"\"\nc\nd", {{"a", "b \"\""}, {"c"}, {"d"}}},
        {"a byte order mark",
         "\xef\xbb\xbf"
         "a,b\n",
         {{"a", "b"}}},
    };
    for (const Case& each : cases) {
        CAPTURE(each.what);
        CHECK(read_all(each.text) == each.lines);
    }
    CHECK(read_all("a;b,c\n", ';') == Lines{{"a", "b,c"}});
}

TEST_CASE("csv: lines are counted as an editor counts them") {
    CsvReader reader{"a\n\"b\nc\"\nd\n", ','};
    std::vector<std::string_view> cells;
    std::vector<std::size_t> lines;
    while (reader.next(cells)) lines.push_back(reader.line());
    CHECK(lines == std::vector<std::size_t>{1, 2, 4});
}

TEST_CASE("csv: a quote that never ends is told, for its line alone") {
    CsvReader reader{"\"a\nb\",c\n1,\"2\n3,4\n", ','};
    std::vector<std::string_view> cells;
    std::vector<bool> torn;
    while (reader.next(cells)) torn.push_back(reader.torn());
    CHECK(torn == std::vector<bool>{false, true, false});
}
