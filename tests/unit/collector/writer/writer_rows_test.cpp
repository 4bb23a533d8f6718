// What rows an entry of the journal becomes.
#include <catch2/catch_test_macros.hpp>
#include <cmath>

#include "tests/unit/collector/writer/writer_bench.hpp"

using namespace longhaul;
using namespace longhaul::collector;
using namespace longhaul::test;

namespace {

using Rows = std::vector<std::string>;

const std::string all_identity[] = {"device", "stream", "incarnation", "epoch", "seq", "row"};
constexpr std::uint32_t normal = 0x8000'0000;  // the class in a seq

std::string seq(std::uint32_t number) { return std::to_string(normal + number); }

std::unique_ptr<StoredSchema> all_kinds() {
    Field state = field("state", FieldKind::enumeration);
    state.labels = "off\non\n";
    return make_schema("all_kinds", TimeKind::source,
                       {field("count", FieldKind::integer), field("level", FieldKind::decimal, 2),
                        field("ready", FieldKind::boolean), state, field("note", FieldKind::text),
                        field("raw", FieldKind::bytes), field("single", FieldKind::float32),
                        field("real", FieldKind::float64)});
}

}  // namespace

TEST_CASE("writer: every kind of value becomes a cell of its column, null included") {
    WriterBench bench;
    const auto schema = all_kinds();
    EpochMaker epoch{"acme", "probe-1", 11, 1};
    epoch.stream(1, "probe", *schema);
    bench.schema(*schema);
    bench.epoch(epoch);
    const Value null;
    const Body body =
        Body{}.samples(1, *schema, {noon_us, noon_us - 1, noon_us + 5},
                       {{Value::of_integer(INT64_MIN), null, Value::of_integer(7)},
                        {Value::of_integer(-12345), Value::of_real(0.125), null},
                        {Value::of_integer(1), Value::of_integer(0), null},
                        {Value::of_integer(0), Value::of_integer(1), null},
                        {Value::of_text(as_bytes("Grüße")), Value::of_text({}), null},
                        {Value::of_text(as_bytes("\xff")), null, Value::of_text(as_bytes("ab"))},
                        {Value::of_float32(0.5F), null, Value::of_float32(-INFINITY)},
                        {Value::of_real(1e300), Value::of_real(NAN), null}});
    bench.block(epoch, epoch.block(1, body));
    REQUIRE(bench.drain() == "");

    CHECK(bench.rows("acme/all_kinds",
                     {"row", "event_time", "count", "level", "ready", "state", "note"}) ==
          Rows{"0|2026-11-21 12:00:00.000000Z|-9223372036854775808|-123.45|true|off|Grüße",
               "1|2026-11-21 11:59:59.999999Z||0.125|false|on|",
               "2|2026-11-21 12:00:00.000005Z|7||||"});
    CHECK(bench.rows("acme/all_kinds", {"row", "single", "real"}) ==
          Rows{"0|0.5|1e+300", "1||nan", "2|-inf|"});
    CHECK(bench.rows("acme/all_kinds",
                     {"device", "stream", "incarnation", "epoch", "seq", "receive_time"})[0] ==
          "probe-1|probe|11|1|" + seq(1) + "|2026-11-21 12:00:00.000000Z");
    CHECK(bench.rows("acme/all_kinds", {"anchor", "time_error_us"})[0] == "|");
    CHECK(bench.rows("acme/_epochs", {"device", "incarnation", "epoch", "streams"}) ==
          Rows{"probe-1|11|1|probe"});
}

TEST_CASE("writer: the last words of the boot before stand beside its epoch, and no others") {
    const auto schema = make_schema("notes", TimeKind::source, {field("n", FieldKind::integer)});
    WriterBench bench;
    bench.schema(*schema);
    for (std::uint32_t number = 1; number <= 2; ++number) {
        EpochMaker epoch{"acme", "probe-1", 11, number};
        epoch.stream(1, "notes", *schema);
        if (number == 2) std::strcpy(epoch.record.last_words, "uplink.cpp:123");
        bench.epoch(epoch);
    }
    REQUIRE(bench.drain() == "");
    CHECK(bench.rows("acme/_epochs", {"epoch", "last_words"}) == Rows{"1|", "2|uplink.cpp:123"});
}

TEST_CASE("writer: sections of any codec become the same rows, each with its own texts") {
    const auto schema = make_schema("notes", TimeKind::source,
                                    {field("n", FieldKind::integer), field("a", FieldKind::text)});
    EpochMaker epoch{"acme", "probe-1", 11, 1};
    epoch.stream(1, "notes", *schema);
    const std::array<std::string, 3> texts{"first " + std::string(60, 'a'),
                                           "second " + std::string(60, 'b'),
                                           "third " + std::string(60, 'c')};
    const auto rows_in = [&](std::array<std::uint8_t, 3> codecs) {
        WriterBench bench;
        bench.schema(*schema);
        bench.epoch(epoch);
        Body body;
        for (std::size_t i = 0; i < codecs.size(); ++i) {
            const Value text = Value::of_text(as_bytes(texts[i]));
            const auto n = static_cast<std::int64_t>(i);
            body.samples(1, *schema, {n, n + 10},
                         {{Value::of_integer(n), Value::of_integer(-n)}, {text, text}}, codecs[i]);
        }
        bench.block(epoch, epoch.block(1, body));
        REQUIRE(bench.drain() == "");
        return bench.rows("acme/notes", {"row", "event_time", "n", "a"});
    };
    const Rows plain = rows_in({codec_columns, codec_columns, codec_columns});
    REQUIRE(plain.size() == 6);
    CHECK(plain[2].ends_with("|1|" + texts[1]));
    CHECK(rows_in({codec_zstd, codec_zstd, codec_zstd}) == plain);
    CHECK(rows_in({codec_range, codec_range, codec_range}) == plain);
    CHECK(rows_in({codec_range, codec_columns, codec_zstd}) == plain);
    CHECK(rows_in({codec_range, codec_mixed, codec_zstd}) == plain);
}

TEST_CASE("writer: a decimal is the double that its text would give") {
    WriterBench bench;
    const auto schema =
        make_schema("d", TimeKind::source,
                    {field("x", FieldKind::decimal, 15), field("y", FieldKind::decimal, 1)});
    EpochMaker epoch{"acme", "probe-1", 11, 1};
    epoch.stream(1, "d", *schema);
    bench.schema(*schema);
    bench.epoch(epoch);
    std::vector<Value> fine;
    std::vector<Value> coarse;
    std::vector<std::int64_t> times;
    Rows expected;
    for (std::int64_t i = 0; i < 200; ++i) {
        const std::int64_t n = i * i * 200'000'000'003 + i;
        times.push_back(i);
        fine.push_back(Value::of_integer(n));
        coarse.push_back(Value::of_integer(-n / 7));
        const double x = std::stod(std::to_string(n) + "e-15");
        const double y = std::stod(std::to_string(-n / 7) + "e-1");
        char text[100];
        std::snprintf(text, sizeof(text), "%lld %.17g %.17g", static_cast<long long>(i), x, y);
        expected.push_back(text);
    }
    bench.block(epoch, epoch.block(1, Body{}.samples(1, *schema, times, {fine, coarse})));
    REQUIRE(bench.drain() == "");
    Rows rows;
    for (const std::string& row : bench.rows("acme/d", {"row", "x", "y"})) {
        const std::size_t first = row.find('|');
        const std::size_t second = row.find('|', first + 1);
        char text[100];
        std::snprintf(text, sizeof(text), "%s %.17g %.17g", row.substr(0, first).c_str(),
                      std::stod(row.substr(first + 1)), std::stod(row.substr(second + 1)));
        rows.push_back(text);
    }
    std::sort(expected.begin(), expected.end());
    std::sort(rows.begin(), rows.end());
    CHECK(rows == expected);
}

TEST_CASE("writer: rows are counted on over all sections of a block, whatever table they go to") {
    WriterBench bench;
    const auto first = counter();
    const auto second = make_schema("other", TimeKind::source, {field("n", FieldKind::integer)});
    EpochMaker epoch{"acme", "probe-1", 11, 1};
    epoch.stream(1, "one", *first).stream(2, "two", *second);
    bench.schema(*first);
    bench.schema(*second);
    bench.epoch(epoch);
    const std::vector<Value> two{Value::of_integer(5), Value::of_integer(6)};
    const Body body = Body{}
                          .samples(1, *first, {1, 2}, {two})
                          .samples(2, *second, {3, 4}, {two})
                          .samples(1, *first, {5, 6}, {two});
    bench.block(epoch, epoch.block(1, body));
    REQUIRE(bench.drain() == "");
    CHECK(bench.rows("acme/counter", {"row", "stream"}) ==
          Rows{"0|one", "1|one", "4|one", "5|one"});
    CHECK(bench.rows("acme/other", {"row", "stream"}) == Rows{"2|two", "3|two"});
}

TEST_CASE("writer: a block that comes twice gives its rows once") {
    WriterBench bench;
    const auto schema = counter();
    EpochMaker epoch{"acme", "probe-1", 11, 1};
    epoch.stream(1, "c", *schema);
    bench.schema(*schema);
    bench.epoch(epoch);
    const auto block = epoch.block(1, count_body(*schema, {1, 2, 3}));
    bench.block(epoch, block);
    REQUIRE(bench.drain() == "");
    bench.block(epoch, block);
    bench.epoch(epoch);  // a session sends it again
    bench.block(epoch, block);
    REQUIRE(bench.drain() == "");
    REQUIRE(bench.start());
    bench.block(epoch, block);
    REQUIRE(bench.drain() == "");

    CHECK(bench.rows("acme/counter", {"seq", "row"}) ==
          Rows{seq(1) + "|0", seq(1) + "|1", seq(1) + "|2"});
    CHECK(bench.writer->counters().duplicates == 3);
    CHECK(bench.rows("acme/_epochs", {"epoch"}) == Rows{"1"});
    CHECK(bench.rows("acme/_quarantine", {"reason"}).empty());
}

TEST_CASE(
    "writer: what cannot become rows is kept with its reason, and the next block is not touched") {
    const auto schema = counter();
    const auto texts = make_schema("texts", TimeKind::source, {field("t", FieldKind::text)});
    EpochMaker epoch{"acme", "probe-1", 11, 1};
    epoch.stream(1, "c", *schema).stream(3, "t", *texts);
    EpochMaker other{"acme", "probe-1", 11, 2};
    const Body good = count_body(*schema, {1});
    const auto spoiled = [&](std::size_t at) {
        auto block = epoch.block(1, good);
        block[at] ^= std::byte{1};
        return block;
    };
    const std::vector<std::byte> zeros(8);
    const Value text = Value::of_text(as_bytes("a door"));
    struct Case {
        const char* reason;
        std::vector<std::byte> block;
    };
    const Case cases[] = {
        {"block header", spoiled(0)},
        {"block header", {}},
        {"no epoch record", other.block(1, good)},
        {"the block does not open", spoiled(16)},
        {"the block does not open", spoiled(20)},
        {"the block does not open", spoiled(epoch.block(1, good).size() - 1)},
        {"malformed: other number of samples than the header says", epoch.block(1, good, 2)},
        {"malformed: other number of samples than the header says", epoch.block(1, good, 0)},
        {"not found: a stream that the epoch does not list, or whose schema is missing",
         epoch.block(1, Body{}.samples(2, *schema, {1}, {{Value::of_integer(1)}}))},
        {"malformed: ", epoch.block(1, Body{}.section(200, 1, as_bytes("x")), 1)},
        {"unsupported: codec", epoch.block(1, Body{}.section(1, 1, as_bytes("x"), 9), 1)},
        {"truncated", epoch.block(1, Body{}.section(1, 1, Bytes{zeros}.first(3)), 1)},
        {"malformed: bytes after the columns", epoch.block(1, Body{}.section(1, 1, zeros), 1)},
        {"malformed: a text that is not UTF-8",
         epoch.block(1, Body{}.samples(3, *texts, {1}, {{Value::of_text(as_bytes("\xff"))}}))},
        {"truncated: system entry",
         epoch.block(1, Body{}.section(system_stream, 1, as_bytes("\x7f")))},
        {"malformed: a second section of a stream in codec 3",
         epoch.block(1, Body{}
                            .samples(3, *texts, {1}, {{text}}, codec_mixed)
                            .samples(3, *texts, {2}, {{text}}, codec_mixed))},
        {"malformed: samples of a section", epoch.block(1, Body{}.section(1, 0, {}))},
    };
    for (const Case& each : cases) {
        CAPTURE(each.reason, &each - cases);
        WriterBench bench;
        bench.schema(*schema);
        bench.schema(*texts);
        bench.epoch(epoch);
        bench.block(epoch, each.block);
        bench.block(epoch, epoch.block(2, good));
        REQUIRE(bench.drain() == "");
        const Rows kept = bench.rows("acme/_quarantine", {"device", "reason"});
        REQUIRE(kept.size() == 1);
        CHECK(kept[0].starts_with("probe-1|" + std::string{each.reason}));
        CHECK(bench.rows("acme/counter", {"seq", "row"}) == Rows{seq(2) + "|0"});
        CHECK(bench.rows("acme/texts", {"row"}).empty());
    }
}

TEST_CASE(
    "writer: other content under a name that is taken is a fork, and the first keeps its rows") {
    WriterBench bench;
    const auto schema = counter();
    EpochMaker epoch{"acme", "probe-1", 11, 1};
    epoch.stream(1, "c", *schema);
    bench.schema(*schema);
    bench.epoch(epoch);
    bench.block(epoch, epoch.block(1, count_body(*schema, {1})));
    bench.block(epoch, epoch.block(1, count_body(*schema, {2})));
    EpochMaker second = epoch;
    std::strcpy(second.record.firmware, "another");
    bench.epoch(second);
    REQUIRE(bench.drain() == "");
    CHECK(bench.rows("acme/counter", {"row", "event_time"}) ==
          Rows{"0|1970-01-01 00:00:00.000001Z"});
    CHECK(bench.rows("acme/_quarantine", {"epoch", "seq", "reason"}) ==
          Rows{"1|" + seq(1) + "|fork: other content under the same name",
               "1||fork: a second record of this epoch"});
}

TEST_CASE("writer: entries that are no schema and no epoch record are kept with their reason") {
    WriterBench bench;
    EpochMaker epoch{"acme", "probe-1", 11, 1};
    EpochMaker sealed_to_others{"acme", "probe-2", 11, 1};
    sealed_to_others.record.wrapped_block_key[0] ^= 1;
    bench.append(JournalKind::schema, "acme", "", as_bytes("x"));
    bench.append(JournalKind::epoch, "acme", "probe-1", as_bytes("x"));
    bench.epoch(sealed_to_others);
    REQUIRE(bench.drain() == "");
    CHECK(bench.rows("acme/_quarantine", {"reason", "device"}) ==
          Rows{"epoch record cannot be read|probe-1", "schema cannot be read|",
               "the epoch's block key does not open|probe-2"});
}

TEST_CASE("writer: a schema that comes late, and what rests on it again, becomes rows") {
    WriterBench bench;
    const auto schema = counter();
    EpochMaker epoch{"acme", "probe-1", 11, 1};
    epoch.stream(1, "c", *schema);
    const auto block = epoch.block(1, count_body(*schema, {1, 2}));
    bench.epoch(epoch);
    bench.block(epoch, block);
    bench.schema(*schema);
    bench.epoch(epoch);
    bench.block(epoch, block);
    bench.block(epoch, block);
    REQUIRE(bench.drain() == "");
    CHECK(bench.rows("acme/counter", {"row"}) == Rows{"0", "1"});
    CHECK(bench.rows("acme/_quarantine", {"reason"}).size() == 1);
    CHECK(bench.writer->counters().duplicates == 1);
}

TEST_CASE("writer: tenants never meet, not even under the same names") {
    WriterBench bench;
    const auto schema = counter();
    for (const char* tenant : {"acme", "zeta"}) {
        EpochMaker epoch{tenant, "probe-1", 11, 1};
        epoch.stream(1, tenant, *schema);
        bench.schema(*schema, tenant);
        bench.epoch(epoch);
        bench.block(epoch, epoch.block(1, count_body(*schema, {1})));
    }
    REQUIRE(bench.drain() == "");
    CHECK(bench.rows("acme/counter", {"stream"}) == Rows{"acme"});
    CHECK(bench.rows("zeta/counter", {"stream"}) == Rows{"zeta"});
}

TEST_CASE("writer: a schema that grew adds columns, a changed kind gets one of its own") {
    WriterBench bench;
    const auto make = [](std::vector<Field> fields) {
        return make_schema("s", TimeKind::source, std::move(fields));
    };
    const std::unique_ptr<StoredSchema> schemas[] = {
        make({field("speed", FieldKind::integer)}),
        make({field("speed", FieldKind::integer), field("gear", FieldKind::integer)}),
        // Both fields would go to speed__float64.
        make({field("speed", FieldKind::float64), field("speed__float64", FieldKind::float64)}),
    };
    std::uint32_t number = 0;
    for (const auto& schema : schemas) {
        EpochMaker epoch{"acme", "probe-1", 11, ++number};
        epoch.stream(1, "s", *schema);
        bench.schema(*schema);
        bench.epoch(epoch);
        std::vector<std::vector<Value>> columns;
        for (std::size_t i = 0; i < schema->schema().fields.size(); ++i) {
            const auto value = static_cast<std::int64_t>(10 * number + i);
            columns.push_back({number == 3 ? Value::of_real(static_cast<double>(value))
                                           : Value::of_integer(value)});
        }
        bench.block(epoch, epoch.block(1, Body{}.samples(1, *schema, {1}, columns)));
        REQUIRE(bench.drain() == "");
        if (number == 2) REQUIRE(bench.start());
    }
    REQUIRE(bench.start());
    REQUIRE(bench.drain() == "");
    DeltaTable table{*bench.store, "acme/s"};
    REQUIRE(table.refresh().ok());
    Rows names;
    for (const Column& column : table.state().columns) names.push_back(column.name);
    CHECK(Rows{names.begin() + 10, names.end()} ==
          Rows{"speed", "gear", "speed__float64", "speed__float64__float64"});
    CHECK(table.state().version == 2);
    // Each row has its values where they belong, and none in the other columns.
    CHECK(bench.rows("acme/s", {"speed", "gear", "speed__float64", "speed__float64__float64"}) ==
          Rows{"10|||", "20|21||", "||30|31"});
}
