#include "collector/net/log.hpp"

#include <spdlog/sinks/ostream_sink.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <sstream>

#include "collector/net/refusals.hpp"

using namespace longhaul::collector;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::EndsWith;

namespace {

struct Written {
    std::ostringstream text;
    Log log{std::make_shared<spdlog::sinks::ostream_sink_mt>(text)};
};

}  // namespace

TEST_CASE("log: a line has a happening and fields, quoted when they would be two of them") {
    Written written;
    written.log.warn("refused", {{"peer", "10.0.0.7:4711"},
                                 {"count", 3},
                                 {"reason", "is \"revoked\""},
                                 {"none", ""},
                                 {"sum", "a=b"}});
    CHECK_THAT(written.text.str(),
               EndsWith("warning refused peer=10.0.0.7:4711 count=3 "
                        "reason=\"is \\\"revoked\\\"\" none=\"\" sum=\"a=b\"\n"));
}

TEST_CASE("log: what comes from outside neither ends a line nor steers a terminal") {
    struct Case {
        std::string value;
        const char* written;
    };
    const Case cases[] = {
        {"a\nb", R"("a\u000ab")"},
        {"a\x1b[2J", R"("a\u001b[2J")"},
        {"\x7f", R"("\u007f")"},
        {"back\\slash", R"("back\\slash")"},
        {"gr\xc3\xbc\xc3\x9f", "\"gr\xc3\xbc\xc3\x9f\""},
        {"bad\xff", R"("bad\u00ff")"},
        {"\xc2\x9b"
         "2J",
         R"("\u009b2J")"},
    };
    for (const LogFormat format : {LogFormat::text, LogFormat::json}) {
        for (const Case& each : cases) {
            Written written;
            written.log.set_format(format);
            written.log.info("x", {{"value", each.value}});
            CHECK_THAT(written.text.str(), ContainsSubstring(each.written));
        }
    }
}

TEST_CASE("log: as JSON a line is one object") {
    Written written;
    written.log.set_format(LogFormat::json);
    written.log.error("a \"thing\"", {{"bytes", std::uint64_t{7}}, {"text", "is so"}});
    CHECK_THAT(written.text.str(),
               EndsWith(R"("level":"error","what":"a \"thing\"","bytes":7,"text":"is so"})"
                        "\n"));
    CHECK(written.text.str().starts_with(R"({"time":"2)"));
}

TEST_CASE("log: below its level nothing is written") {
    Written written;
    written.log.debug("not this");
    written.log.set_level(log_level_of("debug"));
    written.log.debug("but this");
    CHECK_THAT(written.text.str(), EndsWith("debug but this\n"));
    CHECK(written.text.str().find("not this") == std::string::npos);
}

TEST_CASE("line limit: a burst, then some a second; what is left out is counted") {
    LineLimit limit;
    std::int64_t now_ms = 1'000'000;
    const auto taken = [&](int wanted) {
        int count = 0;
        for (int i = 0; i < wanted; ++i) count += limit.take(now_ms) ? 1 : 0;
        return count;
    };
    CHECK(taken(500) == LineLimit::burst);
    CHECK(limit.left_out() == 400);
    CHECK(limit.left_out() == 0);
    now_ms += 1'000;
    CHECK(taken(500) == 1'000 / LineLimit::ms_per_line);
    now_ms += LineLimit::ms_per_line - 1;
    CHECK(taken(1) == 0);
    now_ms += 1;
    CHECK(taken(2) == 1);
    now_ms += 3'600'000;
    CHECK(taken(500) == LineLimit::burst);
}

TEST_CASE("refusal notes: the last one of each device, and no more than fit") {
    RefusalNotes notes;
    notes.add({"acme", "bus-1", {1}, "revoked", "first"});
    notes.add({"acme", "bus-1", {2}, "revoked", "second"});
    for (std::size_t i = 0; i < 2 * RefusalNotes::notes_max; ++i)
        notes.add({"acme", "other-" + std::to_string(i), {3}, "revoked", ""});
    const auto taken = notes.take();
    CHECK(taken.size() == RefusalNotes::notes_max);
    CHECK(taken.front().text == "second");
    CHECK(notes.take().empty());
}
