// The bytes of docs/spec/journal.md: its test vectors, computed there by another program.
#include "collector/journal/segment.hpp"

#include <catch2/catch_test_macros.hpp>

#include "collector/journal/journal_meta.hpp"
#include "tests/support/hex.hpp"

using namespace longhaul;
using namespace longhaul::collector;
using test::from_hex;
using test::to_hex;

namespace {

constexpr std::uint64_t salt = 0x1122334455667788;
constexpr WallUs received{1'700'000'000'000'000};

const std::string meta_hex =
    "4c484a4d01000000000102030405060708090a0b0c0d0e0f00000000010000008877665544332211e4cec78d";
const std::string header_hex = "4c484a31010000000000000000000000000000008877665544332211a7b89aa1";
const std::string schema_hex = "1500000025bc19dc00401e18240a0600020461636d6500736368656d61";
const std::string block_hex = "190000003cbf65c600401e18240a0600030461636d65056275732d31626c6f636b";

}  // namespace

TEST_CASE("journal format: journal.meta is as specified") {
    JournalMeta meta;
    for (std::size_t i = 0; i < 16; ++i) meta.id.uuid[i] = static_cast<std::byte>(i);
    meta.salt = salt;
    CHECK(to_hex(write_journal_meta(meta)) == meta_hex);
    const auto parsed = parse_journal_meta(from_hex(meta_hex));
    REQUIRE(parsed.ok());
    CHECK(parsed.value().id == meta.id);
    CHECK(parsed.value().shards == 1);
    CHECK(parsed.value().salt == salt);
}

TEST_CASE("journal format: journal.meta of any other length is refused") {
    auto bytes = from_hex(meta_hex);
    bytes.push_back({});
    CHECK(parse_journal_meta(bytes).error().code == ErrorCode::malformed);
    for (std::size_t size = 0; size < journal_meta_bytes; ++size) {
        CHECK(parse_journal_meta(Bytes{bytes}.first(size)).error().code == ErrorCode::truncated);
    }
}

TEST_CASE("journal format: segment header and entries are as specified") {
    CHECK(to_hex(write_segment_header({0, 0, salt})) == header_hex);
    CHECK(check_segment_header(from_hex(header_hex), {0, 0, salt}).ok());
    std::vector<std::byte> entries;
    const JournalEntry schema{received, JournalKind::schema, "acme", "", as_bytes("schema")};
    const JournalEntry block{received, JournalKind::block, "acme", "bus-1", as_bytes("block")};
    REQUIRE(add_entry(schema, {salt, 0}, entries).ok());
    REQUIRE(add_entry(block, {salt, entries.size()}, entries).ok());
    CHECK(to_hex(entries) == schema_hex + block_hex);
}

TEST_CASE("journal format: an entry is one at its own place only") {
    const auto bytes = from_hex(block_hex);
    const auto parsed = parse_entry(bytes, {salt, 29});
    REQUIRE(parsed.ok());
    CHECK(parsed.value().bytes == bytes.size());
    CHECK(parsed.value().entry.receive_time == received);
    CHECK(parsed.value().entry.kind == JournalKind::block);
    CHECK(parsed.value().entry.tenant == "acme");
    CHECK(parsed.value().entry.device == "bus-1");
    CHECK(as_text(parsed.value().entry.body) == "block");
    CHECK(parse_entry(bytes, {salt, 30}).error().code == ErrorCode::corrupt);
    CHECK(parse_entry(bytes, {salt + 1, 29}).error().code == ErrorCode::corrupt);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        const auto cut = parse_entry(Bytes{bytes}.first(size), {salt, 29});
        CHECK(cut.error().code == ErrorCode::truncated);
    }
}

TEST_CASE("journal format: a header of another place or version is told from a damaged one") {
    const auto header = from_hex(header_hex);
    CHECK(check_segment_header(header, {1, 0, salt}).error().code == ErrorCode::malformed);
    CHECK(check_segment_header(header, {0, 9, salt}).error().code == ErrorCode::malformed);
    CHECK(check_segment_header(header, {0, 0, 1}).error().code == ErrorCode::malformed);
    CHECK(check_segment_header(Bytes{header}.first(31), {0, 0, salt}).error().code ==
          ErrorCode::corrupt);
    const auto later = from_hex("4c484a31020000000000000000000000000000008877665544332211c489a66a");
    CHECK(check_segment_header(later, {0, 0, salt}).error().code == ErrorCode::unsupported);
}

TEST_CASE("journal format: names of files say shard and base offset") {
    CHECK(segment_path(3, 1234) == "shard-0003/00000000000000001234.seg");
    CHECK(base_of_name("00000000000000001234.seg").value() == 1234);
    CHECK(base_of_name("18446744073709551615.seg").value() == UINT64_MAX);
    for (const char* name : {"", "1234.seg", "00000000000000001234.tmp", "0000000000000000123x.seg",
                             "99999999999999999999.seg", "-0000000000000001234.seg"}) {
        CAPTURE(name);
        CHECK_FALSE(base_of_name(name).ok());
    }
}
