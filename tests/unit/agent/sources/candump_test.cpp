#include "agent/sources/candump.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace longhaul;
using namespace longhaul::agent;

TEST_CASE("candump: a line is a frame") {
    struct Case {
        const char* line;
        std::int64_t time_us;
        std::string_view interface;
        std::int64_t id;
        bool extended;
        std::string_view data;
    };
    const Case cases[] = {
        {"(1410714882.622188) can0 09F80102#36729A16021AB80D", 1'410'714'882'622'188, "can0",
         0x09f80102, true, "\x36\x72\x9a\x16\x02\x1a\xb8\x0d"},
        {"(0.5)  vcan1  7ff#aB ", 500'000, "vcan1", 0x7ff, false, "\xab"},
        {"(0.000001) can0 000#", 1, "can0", 0, false, ""},
        {"(1.0) can0 00000001#", 1'000'000, "can0", 1, true, ""},
    };
    for (const Case& each : cases) {
        CAPTURE(each.line);
        ByteArena arena;
        CanFrame frame;
        REQUIRE_FALSE(read_candump(each.line, arena, frame));
        CHECK(frame.time_us == each.time_us);
        CHECK(as_text(frame.values[0].text) == each.interface);
        CHECK(frame.values[1].integer == each.id);
        CHECK(frame.values[2].integer == (each.extended ? 1 : 0));
        CHECK(as_text(frame.values[3].text) == each.data);
    }
}

TEST_CASE("candump: what is no frame with data is refused, with the reason") {
    struct Case {
        std::string_view line;
        Refusal reason;
    };
    const Case cases[] = {
        {"", Refusal::malformed},
        {"can0 123#00", Refusal::malformed},
        {"(1.0) can0", Refusal::malformed},
        {"(1.0) can0 12300", Refusal::malformed},
        {"(1.0) can0 1234#00", Refusal::malformed},
        {"(1.0) can0 #00", Refusal::malformed},
        {"(1.0) can0 123#00 R", Refusal::malformed},
        {"1.0 can0 123#00", Refusal::malformed},
        {"(1.0 can0 123#00", Refusal::malformed},
        {"() can0 123#00", Refusal::time},
        {"(yesterday) can0 123#00", Refusal::time},
        {"(1.0000001) can0 123#00", Refusal::time},
        {"(1.0) can0 800#00", Refusal::value},
        {"(1.0) can0 20000000#00", Refusal::value},
        {"(1.0) can0 -12#00", Refusal::value},
        {"(1.0) can0 12g#00", Refusal::value},
        {"(1.0) can0 123#0", Refusal::value},
        {"(1.0) can0 123#0g", Refusal::value},
        {"(1.0) can0 123#001122334455667788", Refusal::value},
        {"(1.0) can0 123#R", Refusal::value},
        {"(1.0) can0 123##100", Refusal::value},
        {"(1.0) c\xff 123#00", Refusal::value},
        {std::string_view{"(1.0) can0 123#0\0", 17}, Refusal::value},
    };
    for (const Case& each : cases) {
        CAPTURE(each.line);
        ByteArena arena;
        CanFrame frame;
        const auto refused = read_candump(each.line, arena, frame);
        REQUIRE(refused);
        CHECK(*refused == each.reason);
    }
}

TEST_CASE("candump: the schema is one that an agent can announce") {
    CHECK(validate(can_frame_schema).ok());
    CHECK(can_frame_schema.fields.size() == can_field_count);
}
