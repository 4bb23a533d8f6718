#include "agent/sources/trace_file.hpp"

#include <catch2/catch_test_macros.hpp>

#include "agent/sources/trace_source.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace longhaul;
using namespace longhaul::agent;
using longhaul::test::TemporaryFolder;

namespace {

constexpr const char* mapping_text = R"(
[trace]
file = "recording.csv"
device = ["site", "port"]
device_prefix = "port-"
stream = "level"
[time]
column = "when"
format = "%Y/%m/%d %H:%M"
utc_offset = "+01:00"
[schema]
name = "levels"
class = "live"
deadline_ms = 250
[[field]]
name = "level"
kind = "decimal"
scale = 2
unit = "dBm"
[[field]]
name = "state"
column = "State"
kind = "enumeration"
labels = ["up", "down"]
[[field]]
name = "note"
nullable = true
)";

constexpr std::string_view recording =
    "site,port,when,level,State,note,extra\r\n"
    "T3,/1/1/L1,2000/1/1 01:00,-3.25,up,,x\r\n"
    "T3,/1/1/L1,2000/1/1 01:00,-3.25,up,,x\r\n"  // a repeated row
    "T4,/1/2/L1,2000/1/1 01:05,1.5,down,\"a, b\",x\r\n"
    "T3,/1/1/L1,2000/1/1 00:30,9999,down,,x\r\n"     // a step back, an absurd value
    ",,,,,,\r\n"                                     // empty
    "T3,/1/1/L1,2000/1/1 02:00,1.0,up\r\n"           // too few columns
    "T3,/1/1/L1,2000/1/1 02:00,1.0,up,,x,y\r\n"      // too many
    ",,2000/1/1 02:00,1.0,up,,x\r\n"                 // of nobody
    "T3,/1/1/L1,2000/1/41 02:00,1.0,up,,x\r\n"       // a day that does not exist
    "T3,/1/1/L1,2000/1/1 02:00,high,up,,x\r\n"       // no number
    "T3,/1/1/L1,2000/1/1 02:00,1.0,sideways,,x\r\n"  // no label
    "T3,/1/1/L1,2000/1/1 02:00,,up,,x\r\n";          // empty where it may not be

std::uint64_t count(const TraceFile& file, Refusal reason) {
    return file.refusals()[static_cast<std::size_t>(reason)];
}

}  // namespace

TEST_CASE("trace: names of devices are lower case, and everything else becomes one dash") {
    CHECK(device_name("port-", {"T3", "/1/1/L1"}) == "port-t3-1-1-l1");
    CHECK(device_name("bus-", {"2228"}) == "bus-2228");
    CHECK(device_name("", {"  Müller & Co. "}) == "m-ller-co");
    CHECK(device_name("", {"--a--"}) == "a");
}

TEST_CASE("trace: a dirty recording is carried as it is, and what cannot be carried is counted") {
    const TemporaryFolder folder;
    folder.write("recording.csv", recording);
    const auto mapping = TraceMapping::load(folder.write("mapping.toml", mapping_text));
    REQUIRE(mapping.ok());
    const TraceMapping& how = *mapping.value();
    CHECK(how.schema().name == "levels");
    CHECK(how.schema().time == TimeKind::source);
    CHECK(how.schema().default_class == BlockClass::live);
    CHECK(how.schema().deadline_ms == 250);

    const auto loaded = TraceFile::load(how, how.file, {});
    REQUIRE(loaded.ok());
    const TraceFile& file = *loaded.value();
    REQUIRE(file.devices().size() == 2);
    const DeviceTrace* const trace = file.find("port-t3-1-1-l1");
    REQUIRE(trace != nullptr);
    constexpr std::int64_t midnight = 946'684'800'000'000;
    CHECK(trace->times == std::vector<std::int64_t>{midnight, midnight, midnight - 1'800'000'000});
    REQUIRE(trace->values.size() == 9);
    CHECK(trace->values[0].integer == -325);
    CHECK(trace->values[2].form == ValueForm::null);
    CHECK(trace->values[6].integer == 999'900);
    CHECK(trace->values[7].integer == 1);
    CHECK(as_text(file.find("port-t4-1-2-l1")->values[2].text) == "a, b");

    CHECK(count(file, Refusal::empty) == 1);
    CHECK(count(file, Refusal::columns) == 2);
    CHECK(count(file, Refusal::device) == 1);
    CHECK(count(file, Refusal::time) == 1);
    CHECK(count(file, Refusal::value) == 3);
}

TEST_CASE("trace: only the devices that are wanted are kept") {
    const TemporaryFolder folder;
    folder.write("recording.csv", recording);
    const auto mapping = TraceMapping::load(folder.write("mapping.toml", mapping_text));
    REQUIRE(mapping.ok());
    const auto file = TraceFile::load(*mapping.value(), mapping.value()->file, {"port-t4-1-2-l1"});
    REQUIRE(file.ok());
    CHECK(file.value()->devices().size() == 1);
    CHECK(count(*file.value(), Refusal::empty) == 1);
    CHECK(count(*file.value(), Refusal::value) == 0);
}

TEST_CASE("trace: mappings and recordings that do not fit say what is wrong") {
    struct Case {
        const char* from;
        const char* to;
        const char* said;
    };
    const Case cases[] = {
        {"column = \"when\"", "column = \"time\"", "no column \"time\""},
        {"scale = 2", "scael = 2", "did you mean \"scale\"?"},
        {"kind = \"decimal\"", "kind = \"number\"", "\"number\""},
        {"name = \"level\"\n", "name = \"Level\"\n", "field name, which is a-z"},
        {"format = \"%Y/%m/%d %H:%M\"", "format = \"now\"", "iso8601"},
        {"file = \"recording.csv\"", "file = \"elsewhere.csv\"", "elsewhere.csv"},
        {"device = [\"site\", \"port\"]", "", "device"},
        {"device = [\"site\", \"port\"]", "device = [\"site\"]\ncolumns = [\"site\", \"site\"]",
         "two columns are called \"site\""},
    };
    for (const Case& each : cases) {
        CAPTURE(each.from);
        const TemporaryFolder folder;
        folder.write("recording.csv", recording);
        std::string text = mapping_text;
        text.replace(text.find(each.from), std::string_view{each.from}.size(), each.to);
        const auto mapping = TraceMapping::load(folder.write("mapping.toml", text));
        std::string said;
        if (!mapping.ok()) {
            said = mapping.error().text;
        } else {
            const auto file = TraceFile::load(*mapping.value(), mapping.value()->file, {});
            REQUIRE_FALSE(file.ok());
            said = file.error().text;
        }
        CAPTURE(said);
        CHECK(said.find(each.said) != std::string::npos);
    }
}

TEST_CASE("trace: a source replays at its speed, a step back in time is due at once") {
    const TemporaryFolder folder;
    folder.write("recording.csv",
                 "site,port,when,level,State,note\n"
                 "a,1,2000/1/1 01:00,1,up,\na,1,2000/1/1 01:02,2,up,\na,1,2000/1/1 01:01,3,up,\n");
    const auto mapping = TraceMapping::load(folder.write("mapping.toml", mapping_text));
    REQUIRE(mapping.ok());
    const auto file = TraceFile::load(*mapping.value(), mapping.value()->file, {});
    REQUIRE(file.ok());
    const DeviceTrace& trace = *file.value()->find("port-a-1");

    TraceSource fast{*mapping.value(), trace, 0, false};
    for (const std::int64_t reading : {100, 200, 300}) {
        const Sample* const sample = fast.next({50});
        REQUIRE(sample != nullptr);
        CHECK(sample->values[0].integer == reading);
    }
    CHECK(fast.next({50}) == nullptr);
    CHECK(fast.next_at() == MonotonicMs::never());

    TraceSource timed{*mapping.value(), trace, 60, false};
    CHECK(timed.next_at() <= MonotonicMs{1000});
    REQUIRE(timed.next({1000}) != nullptr);
    CHECK(timed.next_at() == MonotonicMs{3000});
    CHECK(timed.next({2999}) == nullptr);
    REQUIRE(timed.next({3000}) != nullptr);
    CHECK(timed.next_at() == MonotonicMs{2000});
    REQUIRE(timed.next({3000}) != nullptr);
    CHECK(timed.next({9000}) == nullptr);
}

TEST_CASE("trace: the stream needs a name that an epoch record can hold") {
    const TemporaryFolder folder;
    for (const std::string& name : {std::string{}, std::string(49, 'x')}) {
        std::string text = mapping_text;
        text.replace(text.find("\"level\""), 7, '"' + name + '"');
        const auto mapping = TraceMapping::load(folder.write("mapping.toml", text));
        REQUIRE_FALSE(mapping.ok());
        CHECK(mapping.error().text.find("line 6") != std::string::npos);
        CHECK(mapping.error().text.find("48 bytes") != std::string::npos);
    }
}
