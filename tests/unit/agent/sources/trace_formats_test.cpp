// Recordings of every format, dirty as they come, from the file to the samples.
#include <catch2/catch_test_macros.hpp>
#include <map>

#include "agent/sources/trace_file.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace longhaul;
using namespace longhaul::agent;
using longhaul::test::TemporaryFolder;

namespace {

struct Loaded {
    std::unique_ptr<TraceMapping> mapping;
    std::unique_ptr<TraceFile> file;

    const DeviceTrace& of(const std::string& device) const {
        const DeviceTrace* const trace = file->find(device);
        REQUIRE(trace != nullptr);
        return *trace;
    }
    std::map<std::string, std::uint64_t> refused() const {
        std::map<std::string, std::uint64_t> counts;
        for (std::size_t i = 0; i < refusal_count; ++i) {
            const std::uint64_t count = file->refusals()[i];
            if (count != 0) counts[name_of(static_cast<Refusal>(i))] = count;
        }
        return counts;
    }
};

Loaded load(std::string_view mapping_text, std::string_view recording,
            const std::set<std::string>& wanted = {}) {
    const TemporaryFolder folder;
    folder.write("recording", recording);
    Loaded loaded;
    auto mapping = TraceMapping::parse(mapping_text, folder / "mapping.toml");
    if (!mapping.ok()) FAIL(mapping.error().text);
    loaded.mapping = std::move(mapping).value();
    auto file = TraceFile::load(*loaded.mapping, loaded.mapping->file, wanted);
    if (!file.ok()) FAIL(file.error().text);
    loaded.file = std::move(file).value();
    return loaded;
}

std::string problem_of(std::string_view mapping_text) {
    const auto mapping = TraceMapping::parse(mapping_text, "mapping.toml");
    return mapping.ok() ? "" : mapping.error().text;
}

std::vector<std::string> texts(const DeviceTrace& trace, std::size_t fields, std::size_t field) {
    std::vector<std::string> found;
    for (std::size_t i = field; i < trace.values.size(); i += fields)
        found.emplace_back(as_text(trace.values[i].text));
    return found;
}

using Counts = std::map<std::string, std::uint64_t>;

}  // namespace

TEST_CASE("trace: CSV without a head, its last column with the rest of the line") {
    constexpr const char* mapping = R"(
[trace]
file = "recording"
columns = ["time", "type", "frame"]
rest = true
device_name = "train-1"
stream = "frame"
[time]
column = "time"
format = "%H:%M:%S.%f"
[schema]
name = "frame"
[[field]]
name = "type"
kind = "enumeration"
labels = ["I", "N"]
[[field]]
name = "frame"
)";
    const Loaded loaded = load(mapping,
                               "00:01:31.815875,I,0701\r\n"
                               "00:01:31.5,N,\"$GNRMC,,V*4D\r\n"
                               "\r\n"
                               "00:01:31.5,N\r\n"
                               "00:01:31,I,00\r\n"
                               "00:01:31.5,X,00\r\n"
                               "00:01:32.0,I,");
    const DeviceTrace& trace = loaded.of("train-1");
    CHECK(trace.times == std::vector<std::int64_t>{91'815'875, 91'500'000, 92'000'000});
    CHECK(texts(trace, 2, 1) == std::vector<std::string>{"0701", "\"$GNRMC,,V*4D", ""});
    CHECK(loaded.refused() == Counts{{"empty", 1}, {"columns", 1}, {"time", 1}, {"value", 1}});
}

TEST_CASE("trace: NDJSON keeps every digit, and tells what is missing from what is empty") {
    constexpr const char* mapping = R"(
[trace]
file = "recording"
format = "ndjson"
device = ["site", "dev.id"]
device_prefix = "lora-"
stream = "frame"
[time]
column = "at"
format = "unix_ms"
[schema]
name = "frame"
[[field]]
name = "temperature"
column = "dev.t"
kind = "decimal"
scale = 1
nullable = true
[[field]]
name = "note"
nullable = true
[[field]]
name = "rssi"
column = "seen.0.rssi"
kind = "integer"
)";
    const Loaded loaded = load(
        mapping,
        R"({"site":"G","dev":{"id":7,"t":20.30},"at":1672867882173,"seen":[{"rssi":-111}],"note":""}
{"site":"G","dev":{"id":7,"t":20.30},"at":1672867882173,"seen":[{"rssi":-111}],"note":""}
{"site":"G","dev":{"id":7},"at":1672867882172,"seen":[{"rssi":-9,"x":1},{"rssi":0}]}
{"dev":{"id":"8","t":null},"at":"1.5","seen":[{"rssi":"5"}],"note":"\u00fc\n"}

not json
{"dev":{},"at":1,"seen":[{"rssi":1}]}
{"site":"G","dev":{"id":7},"at":"noon","seen":[{"rssi":1}]}
{"site":"G","dev":{"id":7},"at":1e3,"seen":[{"rssi":1}]}
{"site":"G","dev":{"id":7},"at":1,"seen":[]}
{"site":"G","dev":{"id":7},"at":1,"seen":[{"rssi":1.5}]}
{"site":"G","dev":{"id":7,"t":[]},"at":1,"seen":[{"rssi":1}]}
{"site":"G","site":"H","dev":{"id":7},"at":1,"seen":[{"rssi":1}]}
)");
    const DeviceTrace& trace = loaded.of("lora-g-7");
    constexpr std::int64_t at = 1'672'867'882'173'000;
    CHECK(trace.times == std::vector<std::int64_t>{at, at, at - 1000});
    CHECK(trace.values[0].integer == 203);
    CHECK(trace.values[1].form == ValueForm::text);
    CHECK(trace.values[1].text.empty());
    CHECK(trace.values[2].integer == -111);
    CHECK(trace.values[6].form == ValueForm::null);
    CHECK(trace.values[7].form == ValueForm::null);
    CHECK(trace.values[8].integer == -9);
    const DeviceTrace& other = loaded.of("lora-8");
    CHECK(other.times == std::vector<std::int64_t>{1500});
    CHECK(other.values[0].form == ValueForm::null);
    CHECK(as_text(other.values[1].text) == "ü\n");
    CHECK(loaded.refused() == Counts{{"empty", 1},
                                     {"malformed", 1},
                                     {"device", 1},
                                     {"time", 2},
                                     {"value", 3},
                                     {"columns", 1}});
}

TEST_CASE("trace: candump, one device a bus or all of one") {
    constexpr std::string_view log =
        "# Name: a boat\n"
        "(1.000002) can0 09F80102#36\n"
        "(1.000001) can1 123#\n"
        "\n"
        "(1.000003) can0 123#R\n"
        "(x) can0 123#00\r\n"
        "(1.000004) can0 124#00ff\r\n";
    const Loaded all = load(
        "[trace]\nfile='recording'\nformat='candump'\ndevice_name='boat'\nstream='can'\n", log);
    CHECK(all.mapping->schema().name == "can_frame");
    CHECK(all.of("boat").times == std::vector<std::int64_t>{1'000'002, 1'000'001, 1'000'004});
    CHECK(texts(all.of("boat"), 4, 0) == std::vector<std::string>{"can0", "can1", "can0"});
    CHECK(all.of("boat").values[11].text.size() == 2);
    CHECK(all.refused() == Counts{{"malformed", 1}, {"empty", 1}, {"value", 1}, {"time", 1}});

    const Loaded each = load(
        "[trace]\nfile='recording'\nformat='candump'\ndevice=['interface']\n"
        "device_prefix='boat-'\nstream='can'\n",
        log, {"boat-can1"});
    CHECK(each.file->devices().size() == 1);
    CHECK(each.of("boat-can1").times.size() == 1);
}

TEST_CASE("trace: NMEA sentences become fixes; those that are damaged are counted") {
    const Loaded loaded =
        load("[trace]\nfile='recording'\nformat='nmea'\ndevice_name='gps'\nstream='gnss'\n",
             "# Name: eg25-g\r\n"
             "\r\n"
             "$GNRMC,223745.00,A,3806.62964,N,12237.61382,W,0.040,,110720,,,D,V*0E\r\n"
             "$GNVTG,,T,,M,0.040,N,0.075,K,D*3E\r\n"
             "$GNGSA,A,3,29,20,18,16,51,13,44,26,,,,,0.99,0.54,0.83,1*0E\r\n"
             "$GPGSA,A,3,20,,,,31,13,,04,,,,,02.6,01.4,02.1\r\n"
             "$GNGGA,223745.00,3806.62964,N,12237.61382,W,2,12,0.54,83.1,M,-29.5,M,,0000*45\r\n"
             "$GNRMC,223746.00,A,,,,,,,110720,,,D,V*07\r\n");
    CHECK(loaded.mapping->schema().name == "gnss");
    CHECK(loaded.mapping->schema().time == TimeKind::device);
    const DeviceTrace& trace = loaded.of("gps");
    REQUIRE(trace.times == std::vector<std::int64_t>{0, 0});
    CHECK(texts(trace, loaded.mapping->schema().fields.size(), 1) ==
          std::vector<std::string>{"GN", "GN"});
    CHECK(loaded.refused() ==
          Counts{{"not_nmea", 1}, {"empty", 1}, {"checksum_missing", 1}, {"checksum_wrong", 1}});
}

TEST_CASE("trace: syslog lines are kept unchanged") {
    const std::string line = "<13>Dec 14 12:08:59 HOSTNAME Bgp: %BGP-5-ADJCHANGE: peer  x ";
    const Loaded loaded =
        load("[trace]\nfile='recording'\nformat='syslog'\ndevice_name='relay'\nstream='log'\n",
             line + "\n\n" + std::string(1025, 'x') + "\n<13>\xff\n" + line);
    const DeviceTrace& trace = loaded.of("relay");
    const std::size_t fields = loaded.mapping->schema().fields.size();
    CHECK(texts(trace, fields, 0) == std::vector<std::string>{line, "", line});
    CHECK(texts(trace, fields, 1) == std::vector<std::string>{"", "<13>\xff", ""});
    CHECK(loaded.refused() == Counts{{"empty", 1}, {"too_long", 1}});
}

TEST_CASE("trace: a mapping that makes no sense says which key is wrong") {
    constexpr const char* trace = "[trace]\nfile='r'\nstream='s'\n";
    constexpr const char* schema = "[schema]\nname='x'\n[[field]]\nname='a'\n";
    const std::pair<std::string, const char*> cases[] = {
        {std::string{trace} + "format='nmea'\ndevice_name='d'\n[time]\ncolumn='t'\n", "\"time\""},
        {std::string{trace} + "format='nmea'\ndevice=['speed']\n", "texts of the schema gnss"},
        {std::string{trace} + "format='syslog'\ndevice_name='d'\nseparator=','\n", "\"separator\""},
        {std::string{trace} + "format='xml'\ndevice_name='d'\n", "\"xml\""},
        {std::string{trace} + "device_name='D'\n[time]\ncolumn='t'\n" + schema, "a-z, 0-9"},
        {std::string{trace} + "device_name='d'\ndevice=['e']\n[time]\ncolumn='t'\n" + schema,
         "one of the two"},
        {std::string{trace} + "device_name='d'\n" + schema, "\"column\""},
        {std::string{trace} + "device_name='d'\n[time]\nkind='gps'\ncolumn='t'\n" + schema,
         "\"gps\""},
        {std::string{trace} + "device_name='d'\n[time]\nformat='unix'\ncolumn='t'\n" + schema,
         "unix_ms"},
        {std::string{trace} + "device_name='d'\n[time]\nkind='device'\n[schema]\nname='x'\n",
         "the schema is not valid"},
    };
    for (const auto& [text, said] : cases) {
        CAPTURE(text, said);
        const std::string problem = problem_of(text);
        CAPTURE(problem);
        CHECK(problem.find(said) != std::string::npos);
    }
    CHECK(problem_of(std::string{trace} + "device_name='d'\n[time]\nkind='device'\n" + schema)
              .empty());
}
