// Blocks, sealed and open: docs/spec/block.md.
#include "tests/golden/examples_block.hpp"

using namespace longhaul;
using test::to_hex;

TEST_CASE("golden block 1: the header is read, and the block opens") {
    REQUIRE(crypto_init().ok());
    const auto sealed = test::golden("block/sealed-v1.hex");
    const auto header = parse_block_header(sealed);
    REQUIRE(header.ok());
    CHECK(header.value().name == test::example_block_name);
    CHECK(header.value().samples == test::example_block_samples);
    std::array<std::byte, block_bytes_max> room;
    const auto body = open_block(test::example_epoch_keys().block_key, sealed, room);
    REQUIRE(body.ok());
    CHECK(to_hex(body.value()) == to_hex(test::golden("block/body-v1.hex")));
}

TEST_CASE("golden block 1: the block is sealed again byte for byte") {
    REQUIRE(crypto_init().ok());
    std::array<std::byte, block_bytes_max> room;
    const auto size =
        seal_block(test::example_epoch_keys().block_key, test::example_block_name,
                   test::example_block_samples, test::golden("block/body-v1.hex"), room);
    REQUIRE(size.ok());
    CHECK(to_hex(Bytes{room}.first(size.value())) == to_hex(test::golden("block/sealed-v1.hex")));
}

TEST_CASE("golden block 1: the sections of the body are read") {
    const auto body = test::golden("block/body-v1.hex");
    SectionReader reader{body};
    const auto system = reader.next();
    REQUIRE(system.ok());
    CHECK(system.value().stream == system_stream);
    REQUIRE(system.value().count == 2);
    ByteReader in{system.value().content};
    longhaul_SystemEntry entry;
    REQUIRE(read_system_entry(in, entry).ok());
    REQUIRE(entry.which_entry == longhaul_SystemEntry_anchor_tag);
    CHECK(entry.entry.anchor.elapsed_us == 5'000'000);
    CHECK(entry.entry.anchor.wall_us == 1'700'000'000'000'000);
    CHECK(entry.entry.anchor.error_us == 2000);
    REQUIRE(read_system_entry(in, entry).ok());
    REQUIRE(entry.which_entry == longhaul_SystemEntry_loss_tag);
    CHECK(entry.entry.loss.epoch == 2);
    CHECK(entry.entry.loss.first_seq == 0x8000'0003);
    CHECK(entry.entry.loss.last_seq == 0x8000'0005);
    CHECK(entry.entry.loss.samples == 700);
    CHECK(entry.entry.loss.reason == longhaul_LossReason_LOSS_REASON_FULL);
    CHECK(entry.entry.loss.from_us == 1'000'000);
    CHECK(entry.entry.loss.to_us == 9'000'000);
    CHECK(in.at_end());

    struct Expected {
        std::uint8_t stream;
        std::uint16_t count;
        const char* file;
    };
    for (const Expected& expected :
         {Expected{1, 6, "codec/every-kind-v1.hex"}, Expected{2, 8, "codec/predictors-v1.hex"}}) {
        const auto section = reader.next();
        REQUIRE(section.ok());
        CHECK(section.value().stream == expected.stream);
        CHECK(section.value().codec == codec_columns);
        CHECK(section.value().count == expected.count);
        CHECK(to_hex(section.value().content) == to_hex(test::golden(expected.file)));
    }
    CHECK(reader.at_end());
}

TEST_CASE("golden block 1: the body is written again byte for byte") {
    std::array<std::byte, 256> entries;
    ByteWriter system{entries};
    REQUIRE(write_system_entry(test::example_anchor(), system).ok());
    REQUIRE(write_system_entry(test::example_loss(), system).ok());
    std::array<std::byte, 1024> room;
    ByteWriter out{room};
    write_section({system_stream, codec_columns, 2, system.written()}, out);
    write_section({1, codec_columns, 6, test::golden("codec/every-kind-v1.hex")}, out);
    write_section({2, codec_columns, 8, test::golden("codec/predictors-v1.hex")}, out);
    CHECK(to_hex(out.written()) == to_hex(test::golden("block/body-v1.hex")));
}

TEST_CASE("golden block 1: sections of other codecs are read and written") {
    const auto body = test::golden("block/body-codecs-v1.hex");
    std::array<std::byte, 1024> room;
    ByteWriter out{room};
    write_section({1, codec_zstd, 6, test::golden("codec/every-kind-codec1-v1.hex")}, out);
    write_section({2, codec_range, 8, test::golden("codec/predictors-codec2-v1.hex")}, out);
    CHECK(to_hex(out.written()) == to_hex(body));
    SectionReader reader{body};
    CHECK(reader.next().value().codec == codec_zstd);
    CHECK(reader.next().value().codec == codec_range);
    CHECK(reader.at_end());
}

TEST_CASE("golden block 1: later fields of the system entries are read and written") {
    const auto body = test::golden("block/system-v1.hex");
    SectionReader reader{body};
    const auto system = reader.next();
    REQUIRE(system.ok());
    REQUIRE(system.value().count == 3);
    ByteReader in{system.value().content};
    std::array<longhaul_SystemEntry, 3> read;
    for (longhaul_SystemEntry& entry : read) REQUIRE(read_system_entry(in, entry).ok());
    CHECK(in.at_end());
    CHECK(read[0].entry.anchor.source == longhaul_AnchorSource_ANCHOR_SOURCE_COLLECTOR);
    CHECK(read[1].entry.loss.epoch == 2);
    CHECK(read[1].entry.loss.last_epoch == 4);
    CHECK(read[1].entry.loss.last_seq == 0xc000'0002);
    CHECK(read[2].entry.loss.epoch == 0);
    CHECK(read[2].entry.loss.reason == longhaul_LossReason_LOSS_REASON_UNREADABLE);

    std::array<std::byte, 256> entries;
    ByteWriter out{entries};
    for (const longhaul_SystemEntry& entry : test::example_system_entries())
        REQUIRE(write_system_entry(entry, out).ok());
    std::array<std::byte, 256> room;
    ByteWriter again{room};
    write_section({system_stream, codec_columns, 3, out.written()}, again);
    CHECK(to_hex(again.written()) == to_hex(body));
}
