#include "common/wire/frame.hpp"

#include <catch2/catch_test_macros.hpp>
#include <cstring>
#include <vector>

#include "tests/support/hex.hpp"

using namespace longhaul;

TEST_CASE("frame: frames come out whole however the bytes arrive") {
    std::vector<std::byte> room(64);
    ByteWriter out{room};
    write_frame(FrameType::block, as_bytes("first"), out);
    write_frame(FrameType::schema, as_bytes("second"), out);
    for (std::size_t step = 1; step <= out.size(); ++step) {
        CAPTURE(step);
        std::vector<std::byte> buffer(frame_bytes_max);
        FrameReader reader{buffer};
        std::vector<std::string> seen;
        for (std::size_t at = 0; at < out.size(); at += step) {
            Bytes part = out.written().subspan(at, std::min(step, out.size() - at));
            for (auto frame = reader.next(part); frame.ok(); frame = reader.next(part)) {
                seen.emplace_back(as_text(frame.value().body));
            }
            CHECK(part.empty());
        }
        CHECK(seen == std::vector<std::string>{"first", "second"});
        CHECK(reader.empty());
    }
}

TEST_CASE("frame: one that has come whole is read where it lies") {
    std::vector<std::byte> room(64);
    ByteWriter out{room};
    write_frame(FrameType::block, as_bytes("first"), out);
    write_frame(FrameType::schema, as_bytes("second"), out);
    FrameReader reader{{}};
    Bytes in = out.written().first(out.size() - 1);
    const auto frame = reader.next(in);
    REQUIRE(frame.ok());
    CHECK(frame.value().body.data() == room.data() + frame_header_bytes);
    // The other one lacks a byte, and there is no buffer for what it has.
    CHECK(reader.next(in).error().code == ErrorCode::not_found);
    CHECK(as_text(in.subspan(frame_header_bytes)) == "secon");
}

TEST_CASE("frame: unknown types and lengths over the limit are refused at the header") {
    struct Case {
        const char* what;
        const char* header;
        ErrorCode code;
    };
    const Case cases[] = {
        {"type 0", "00010000", ErrorCode::unsupported},
        {"a reserved type", "05010000", ErrorCode::unsupported},
        {"a block longer than any", "04ffffff", ErrorCode::too_large},
        {"half a header", "0401", ErrorCode::not_found},
    };
    for (const Case& c : cases) {
        CAPTURE(c.what);
        std::vector<std::byte> buffer(frame_bytes_max);
        FrameReader reader{buffer};
        const auto header = test::from_hex(c.header);
        Bytes in = header;
        CHECK(reader.next(in).error().code == c.code);
    }
}

TEST_CASE("frame: every frame that is allowed fits the reader's buffer") {
    for (int type = 0; type < 256; ++type) {
        CHECK(frame_header_bytes + frame_body_bytes_max(static_cast<FrameType>(type)) <=
              frame_bytes_max);
    }
}

TEST_CASE("frame: the bytes of a Hello") {
    longhaul_Hello hello = longhaul_Hello_init_zero;
    hello.protocol = 1;
    std::strcpy(hello.firmware, "0.1.0");
    hello.incarnation = 0x01020304;
    hello.oldest_epoch = 2;
    hello.newest_epoch = 3;
    hello.epochs = 2;
    std::vector<std::byte> room(512);
    ByteWriter out{room};
    REQUIRE(write_message(hello, out).ok());
    CHECK(test::to_hex(out.written()) ==
          "01140000"
          "0801"
          "1205302e312e30"
          "1d04030201"
          "2002"
          "2803"
          "3002");
    longhaul_Hello back;
    REQUIRE(parse_message(out.written().subspan(frame_header_bytes), back).ok());
    CHECK(back.newest_epoch == 3);
    CHECK_FALSE(parse_message(test::from_hex("12ff"), back).ok());
}
