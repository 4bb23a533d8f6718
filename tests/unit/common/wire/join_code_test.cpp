#include "common/wire/join_code.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace longhaul;

namespace {

JoinCode some_code() {
    JoinCode code;
    for (std::size_t i = 0; i < code.id.size(); ++i) code.id[i] = static_cast<std::byte>(i + 1);
    for (std::size_t i = 0; i < code.secret.size(); ++i)
        code.secret[i] = static_cast<std::byte>(255 - i);
    for (std::size_t i = 0; i < code.fingerprint.size(); ++i)
        code.fingerprint[i] = static_cast<std::byte>(i * 17);
    code.address = "127.0.0.1:7602";
    return code;
}

}  // namespace

TEST_CASE("join code: its text is what the specification says, and is read back") {
    const JoinCode code = some_code();
    const std::string text = text_of(code);
    CHECK(text ==
          "LH1-04106105-ZZZFVZ7V-ZBWZHXZP-YQTF7WQH-Y00128HK-8HAPCXW8-K6NBQK6X-XVZJH815"
          "@127.0.0.1:7602");
    CHECK(parse_join_code(text).value() == code);
    CHECK(text_of(code.id) == "04106105");
    CHECK(parse_join_code_id("04106105").value() == code.id);
    CHECK_FALSE(parse_join_code_id("0410610").ok());
}

TEST_CASE("join code: small letters, other groups and look-alikes are read") {
    const JoinCode code = some_code();
    std::string text = text_of(code);
    for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    CHECK(parse_join_code(text).value() == code);
    std::string alike;
    bool behind = false;
    for (const char c : text_of(code)) {
        if (c == '-') continue;
        if (c == '@') behind = true;
        if (!behind && alike.size() > 3 && c == '0') {
            alike += "o ";
        } else {
            alike += !behind && alike.size() > 3 && c == '1' ? 'l' : c;
        }
    }
    CHECK(parse_join_code(alike).value() == code);
}

TEST_CASE("join code: every mistyped character and every swapped pair is told") {
    const std::string text = text_of(some_code()).substr(0, 75);
    for (std::size_t at = 0; at < text.size(); ++at) {
        CAPTURE(at);
        if (text[at] == '-') continue;
        std::string wrong = text;
        wrong[at] = text[at] == '7' ? '8' : '7';
        CHECK_FALSE(parse_join_code(wrong).ok());
        wrong = text;
        if (at + 1 == text.size() || text[at + 1] == '-' || text[at] == text[at + 1]) continue;
        std::swap(wrong[at], wrong[at + 1]);
        CHECK_FALSE(parse_join_code(wrong).ok());
    }
    for (const char* const wrong : {"", "LH1", "LH2-04106105", "LH1-@", "@", "LH1-U"}) {
        CHECK_FALSE(parse_join_code(wrong).ok());
    }
    CHECK_FALSE(parse_join_code(std::string(100'000, '7')).ok());
}

TEST_CASE("join code: the fingerprint is of one name and one root") {
    REQUIRE(crypto_init().ok());
    const auto root = as_bytes("a root");
    CHECK(collector_fingerprint("a", root) == collector_fingerprint("a", root));
    CHECK(collector_fingerprint("a", root) != collector_fingerprint("b", root));
    CHECK(collector_fingerprint("a", root) != collector_fingerprint("a", as_bytes("another")));
}
