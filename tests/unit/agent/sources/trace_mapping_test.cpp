// Every key of a mapping: a wrong value is told with its line, its key and the reason.
#include "agent/sources/trace_mapping.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace longhaul;
using namespace longhaul::agent;

namespace {

constexpr std::string_view complete = R"([trace]
file = "r.csv"
format = "csv"
stream = "level"
device = ["site"]
device_prefix = "port-"
separator = ";"
columns = ["site", "t", "v", "s"]
rest = false
[time]
kind = "source"
column = "t"
format = "unix_s"
utc_offset = "+00:00"
[schema]
name = "levels"
class = "live"
deadline_ms = 250
[[field]]
name = "value"
column = "v"
kind = "decimal"
scale = 2
unit = "dBm"
help = "level"
nullable = true
minimum = -50
maximum = 10.5
[[field]]
name = "state"
column = "s"
kind = "enumeration"
labels = ["up", "down"]
)";

std::string with_line(std::size_t number, std::string_view line) {
    std::string text;
    std::string_view rest = complete;
    for (std::size_t at = 1; !rest.empty(); ++at) {
        const std::size_t end = rest.find('\n') + 1;
        text += at == number ? std::string{line} + "\n" : std::string{rest.substr(0, end)};
        rest.remove_prefix(end);
    }
    return text;
}

}  // namespace

TEST_CASE("mapping: every key of a complete one is taken") {
    const auto mapping = TraceMapping::parse(complete, "folder/mapping.toml");
    REQUIRE(mapping.ok());
    const TraceMapping& how = *mapping.value();
    CHECK(how.file == "folder/r.csv");
    CHECK(how.stream == "level");
    CHECK(how.device_columns == std::vector<std::string>{"site"});
    CHECK(how.device_prefix == "port-");
    CHECK(how.csv.separator == ';');
    CHECK(how.csv.head.size() == 4);
    CHECK_FALSE(how.csv.rest);
    CHECK(how.time_column == "t");
    CHECK(how.field_columns == std::vector<std::string>{"v", "s"});
    const Schema& schema = how.schema();
    CHECK(schema.name == "levels");
    CHECK(schema.time == TimeKind::source);
    CHECK(schema.default_class == BlockClass::live);
    CHECK(schema.deadline_ms == 250);
    REQUIRE(schema.fields.size() == 2);
    CHECK(schema.fields[0].scale == 2);
    CHECK(schema.fields[0].unit == "dBm");
    CHECK(schema.fields[0].nullable);
    CHECK(schema.fields[0].minimum == -50);
    CHECK(schema.fields[0].maximum == 10.5);
    CHECK(schema.fields[1].label(1) == "down");
}

TEST_CASE("mapping: a wrong value is told with its line, its key and the reason") {
    struct Case {
        std::size_t line;
        const char* text;
        const char* said;
    };
    const Case cases[] = {
        {2, "file = 7", "file"},
        {3, "format = \"excel\"", "csv"},
        {4, "stream = \"\"", "48 bytes"},
        {5, "device = 7", "device"},
        {5, "device_name = \"Port 1\"", "a-z, 0-9"},
        {6, "device_prefix = []", "device_prefix"},
        {7, "separator = \";;\"", "one character"},
        {7, "separator = \"\\n\"", "one character"},
        {8, "columns = 4", "columns"},
        {9, "rest = \"yes\"", "rest"},
        {9, "rset = true", "did you mean \"rest\""},
        {11, "kind = \"gps\"", "device"},
        {12, "column = 1", "column"},
        {13, "format = \"%Q\"", "unix_ms"},
        {14, "utc_offset = \"CET\"", "+01:00"},
        {16, "name = 1", "name"},
        {17, "class = \"urgent\"", "alarm"},
        {18, "deadline_ms = -1", "deadline_ms"},
        {18, "deadline_ms = 86400001", "deadline_ms"},
        {20, "name = false", "name"},
        {21, "column = []", "column"},
        {22, "kind = \"number\"", "decimal"},
        {23, "scale = 16", "scale"},
        {24, "unit = 1", "unit"},
        {25, "help = 1", "help"},
        {26, "nullable = \"no\"", "nullable"},
        {27, "minimum = \"low\"", "minimum"},
        {28, "maximum = true", "maximum"},
        {33, "labels = 2", "labels"},
    };
    for (const Case& each : cases) {
        CAPTURE(each.line, each.text);
        const auto mapping = TraceMapping::parse(with_line(each.line, each.text), "mapping.toml");
        REQUIRE_FALSE(mapping.ok());
        const std::string& said = mapping.error().text;
        CAPTURE(said);
        CHECK(said.find("mapping.toml") != std::string::npos);
        CHECK(said.find("line " + std::to_string(each.line)) != std::string::npos);
        CHECK(said.find(each.said) != std::string::npos);
    }
}

TEST_CASE(
    "mapping: keys of a field that contradict each other are told, without what follows from it") {
    const struct {
        const char* keys;
        const char* said;
    } cases[] = {
        {"scale = 2", "line 3: \"scale\" has a place in a field of kind \"decimal\" only"},
        {"kind = \"integer\"\nminimum = 2\nmaximum = 1",
         "line 4: \"minimum\" is above \"maximum\""},
        {"kind = \"enumeration\"", "line 3: \"kind\" is \"enumeration\", which needs \"labels\""},
        {"labels = [\"a\"]",
         "line 3: \"labels\" has a place in a field of kind \"enumeration\" only"},
        {"kind = \"enumeration\"\nlabels = [\"a\\nb\"]",
         "line 4: \"labels\" has to be texts of one line, none of them empty or there twice"},
        {"kind = \"enumeration\"\nlabels = [\"a\", \"\"]",
         "line 4: \"labels\" has to be texts of one line, none of them empty or there twice"},
        {"kind = \"enumeration\"\nlabels = [\"a\", \"b\", \"a\"]",
         "line 4: \"labels\" has to be texts of one line, none of them empty or there twice"},
        {"kind = \"decimals\"\nscale = 2",
         "line 3: \"kind\" is \"decimals\", must be one of \"integer\", \"decimal\", \"boolean\", "
         "\"enumeration\", \"text\", \"bytes\", \"float32\", \"float64\""},
    };
    for (const auto& each : cases) {
        CAPTURE(each.keys);
        const std::string field = std::string{"[[field]]\nname = \"f\"\n"} + each.keys;
        const auto mapping =
            TraceMapping::parse(field +
                                    "\n[trace]\nfile = \"x\"\nstream = \"s\"\ndevice_name = "
                                    "\"d\"\n[time]\ncolumn = \"t\"\n"
                                    "[schema]\nname = \"s\"\n",
                                "mapping.toml");
        REQUIRE_FALSE(mapping.ok());
        CHECK(mapping.error().text == std::string{"mapping.toml: "} + each.said);
    }
}

TEST_CASE("mapping: a key that has to be there is missed by its name") {
    struct Case {
        std::size_t line;
        const char* said;
    };
    const Case cases[] = {{2, "\"file\""},    {4, "\"stream\""}, {5, "device_name"},
                          {12, "\"column\""}, {16, "\"name\""},  {20, "\"name\""}};
    for (const Case& each : cases) {
        CAPTURE(each.line);
        const auto mapping = TraceMapping::parse(with_line(each.line, ""), "mapping.toml");
        REQUIRE_FALSE(mapping.ok());
        CAPTURE(mapping.error().text);
        CHECK(mapping.error().text.find(each.said) != std::string::npos);
    }
}
