// The journal's files: docs/spec/journal.md. The vectors were computed by another program.
#include "collector/journal/connection_cost.hpp"
#include "collector/journal/journal_meta.hpp"
#include "collector/journal/segment.hpp"
#include "tests/golden/golden_file.hpp"

using namespace longhaul;
using namespace longhaul::collector;
using test::to_hex;

namespace {

constexpr std::uint64_t salt = 0x1122334455667788;
constexpr WallUs received{1'700'000'000'000'000};

JournalMeta example_meta() {
    JournalMeta meta;
    for (std::size_t i = 0; i < 16; ++i) meta.id.uuid[i] = static_cast<std::byte>(i);
    meta.salt = salt;
    return meta;
}

}  // namespace

TEST_CASE("golden journal 1: journal.meta") {
    const auto bytes = test::golden("journal/meta-v1.hex");
    const auto meta = parse_journal_meta(bytes);
    REQUIRE(meta.ok());
    CHECK(meta.value().id == example_meta().id);
    CHECK(meta.value().shards == 1);
    CHECK(meta.value().salt == salt);
    CHECK(to_hex(write_journal_meta(example_meta())) == to_hex(bytes));
}

TEST_CASE("golden journal 1: a segment with two entries") {
    const auto bytes = test::golden("journal/segment-v1.hex");
    const Bytes header = Bytes{bytes}.first(segment_header_bytes);
    const Bytes entries = Bytes{bytes}.subspan(segment_header_bytes);
    CHECK(check_segment_header(header, {0, 0, salt}).ok());
    CHECK(to_hex(write_segment_header({0, 0, salt})) == to_hex(header));

    const auto schema = parse_entry(entries, {salt, 0});
    REQUIRE(schema.ok());
    CHECK(schema.value().entry.receive_time == received);
    CHECK(schema.value().entry.kind == JournalKind::schema);
    CHECK(schema.value().entry.tenant == "acme");
    CHECK(schema.value().entry.device.empty());
    CHECK(as_text(schema.value().entry.body) == "schema");
    REQUIRE(schema.value().bytes == 29);
    const auto block = parse_entry(entries.subspan(29), {salt, 29});
    REQUIRE(block.ok());
    CHECK(block.value().entry.kind == JournalKind::block);
    CHECK(block.value().entry.device == "bus-1");
    CHECK(as_text(block.value().entry.body) == "block");
    CHECK(29 + block.value().bytes == entries.size());

    std::vector<std::byte> again;
    REQUIRE(add_entry(schema.value().entry, {salt, 0}, again).ok());
    REQUIRE(add_entry(block.value().entry, {salt, 29}, again).ok());
    CHECK(to_hex(again) == to_hex(entries));
}

TEST_CASE("golden journal 1: a segment with a model and a release") {
    const auto bytes = test::golden("journal/segment-models-v1.hex");
    const Bytes entries = Bytes{bytes}.subspan(segment_header_bytes);
    CHECK(check_segment_header(Bytes{bytes}.first(segment_header_bytes), {0, 1000, salt}).ok());

    const auto model = parse_entry(entries, {salt, 1000});
    REQUIRE(model.ok());
    CHECK(model.value().entry.kind == JournalKind::model);
    CHECK(model.value().entry.tenant == "acme");
    CHECK(model.value().entry.device.empty());
    CHECK(as_text(model.value().entry.body) == "model");
    const std::size_t first = model.value().bytes;
    const auto release = parse_entry(entries.subspan(first), {salt, 1000 + first});
    REQUIRE(release.ok());
    CHECK(release.value().entry.kind == JournalKind::release);
    CHECK(release.value().entry.device == "bus-1");
    CHECK(as_text(release.value().entry.body) == "block");

    std::vector<std::byte> again;
    REQUIRE(add_entry(model.value().entry, {salt, 1000}, again).ok());
    REQUIRE(add_entry(release.value().entry, {salt, 1000 + first}, again).ok());
    CHECK(to_hex(again) == to_hex(entries));
}

TEST_CASE("golden journal 1: a segment with what a connection cost") {
    const auto bytes = test::golden("journal/segment-connection-v1.hex");
    const Bytes entries = Bytes{bytes}.subspan(segment_header_bytes);
    CHECK(check_segment_header(Bytes{bytes}.first(segment_header_bytes), {0, 2000, salt}).ok());

    const auto connection = parse_entry(entries, {salt, 2000});
    REQUIRE(connection.ok());
    CHECK(connection.value().bytes == entries.size());
    CHECK(connection.value().entry.kind == JournalKind::connection);
    CHECK(connection.value().entry.tenant == "acme");
    CHECK(connection.value().entry.device == "bus-1");
    const Bytes body = connection.value().entry.body;
    const auto cost = parse_connection_cost(body);
    REQUIRE(cost.ok());
    CHECK(cost.value() == ConnectionCost{2'500, {6'000, 2'100}, true});
    std::array<std::byte, connection_cost_bytes_max> room;
    ByteWriter again{room};
    write_connection_cost(cost.value(), again);
    CHECK(to_hex(again.written()) == to_hex(body));
    for (std::size_t length = 0; length < body.size(); ++length)
        CHECK(parse_connection_cost(body.first(length)).error().code == ErrorCode::malformed);

    std::vector<std::byte> entry;
    REQUIRE(add_entry(connection.value().entry, {salt, 2000}, entry).ok());
    CHECK(to_hex(entry) == to_hex(entries));
}

TEST_CASE("golden journal 1: a segment with what a device had to send when it connected") {
    const auto bytes = test::golden("journal/segment-backlog-v1.hex");
    const Bytes entries = Bytes{bytes}.subspan(segment_header_bytes);
    CHECK(check_segment_header(Bytes{bytes}.first(segment_header_bytes), {0, 3000, salt}).ok());

    const auto connection = parse_entry(entries, {salt, 3000});
    REQUIRE(connection.ok());
    CHECK(connection.value().bytes == entries.size());
    const Bytes body = connection.value().entry.body;
    const auto cost = parse_connection_cost(body);
    REQUIRE(cost.ok());
    CHECK(cost.value() == ConnectionCost{2'500, {6'000, 2'100}, false, 300});
    std::array<std::byte, connection_cost_bytes_max> room;
    ByteWriter again{room};
    write_connection_cost(cost.value(), again);
    CHECK(to_hex(again.written()) == to_hex(body));
    for (std::size_t length = 0; length < body.size(); ++length)
        CHECK(parse_connection_cost(body.first(length)).error().code == ErrorCode::malformed);
    write_connection_cost({1, {}, true, UINT32_MAX}, again = ByteWriter{room});
    CHECK(parse_connection_cost(again.written()).value().backlog == UINT32_MAX);
    ByteWriter more{room};
    for (const std::uint64_t number : {1U, 0U, 0U, 2U}) more.varint(number);
    more.varint(std::uint64_t{UINT32_MAX} + 1);
    CHECK(parse_connection_cost(more.written()).error().code == ErrorCode::malformed);
}
