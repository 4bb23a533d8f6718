#include "common/mix/mixing_codec.hpp"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <deque>
#include <random>

#include "common/block/section_codec.hpp"
#include "tests/support/section.hpp"

using namespace longhaul;
using test::SectionData;

namespace {

std::vector<std::byte> encode(std::uint8_t codec, const Schema& schema, const SectionData& data,
                              test::SectionRooms& rooms, std::size_t room_bytes = 128 << 10) {
    std::vector<std::byte> out(room_bytes);
    test::SpanSource source{data};
    const auto size =
        encode_section(codec, schema, data.times.size(), source, rooms.aids(), rooms.memory(), out);
    if (!size) return {};
    out.resize(*size);
    return out;
}

// Moves every second column, in any form; keys are fields before, so that they are known.
std::vector<std::byte> mixing_model(const Schema& schema, std::mt19937_64& random) {
    std::vector<std::uint8_t> bytes{1, 0, 0, 0};
    for (std::size_t column = 0; column <= schema.fields.size(); ++column) {
        if (random() % 2 == 0) continue;
        ++bytes[3];
        const std::uint64_t forms = column == 0 ? 2 : 5;
        bytes.push_back(static_cast<std::uint8_t>(column));
        bytes.push_back(static_cast<std::uint8_t>(1 + random() % forms));
        bytes.push_back(0);
        bytes.push_back(static_cast<std::uint8_t>(1 + random() % 8));
    }
    // A key that is not moved may be anywhere.
    for (std::size_t i = 0; i < bytes[3]; ++i) {
        const auto key = static_cast<std::uint8_t>(1 + random() % schema.fields.size());
        bool moved = false;
        for (std::size_t j = 0; j < bytes[3]; ++j) moved = moved || bytes[4 + 4 * j] == key;
        if (!moved) bytes[4 + 4 * i + 2] = key;
    }
    const Bytes all = std::as_bytes(std::span{bytes});
    return {all.begin(), all.end()};
}

// Lines of one kind, each with its number.
struct Lines {
    Field field = test::field_of(FieldKind::text, "line");
    Schema schema{.name = "s", .fields = {&field, 1}, .time = TimeKind::source, .tick_us = 1};
    std::deque<std::string> texts;
    SectionData data{40, 1};

    explicit Lines(const std::string& thing) {
        for (std::size_t i = 0; i < data.times.size(); ++i) {
            data.times[i] = static_cast<std::int64_t>(i);
            texts.push_back("the " + thing + " " + std::to_string(i * i % 97) +
                            " was started by its keeper");
            data.columns[0][i] = Value::of_text(as_bytes(texts.back()));
        }
    }
    Lines(const Lines&) = delete;
    Lines& operator=(const Lines&) = delete;
};

std::vector<std::byte> model_of(Bytes example, std::size_t samples) {
    std::vector<std::byte> model(limits::model_bytes_max);
    ByteWriter out{model};
    out.u32(1);  // version, no columns, no dictionary, no entries
    out.u8(static_cast<std::uint8_t>(samples - 1));
    out.varint(example.size());
    out.bytes(example);
    model.resize(out.size());
    return model;
}

struct Codec {
    MixingCodec mixing;
    test::SectionRooms rooms;
    Codec() { rooms.mixing = &mixing; }
    Codec(const Codec&) = delete;
    Codec& operator=(const Codec&) = delete;

    std::vector<std::byte> code(const Lines& lines) {
        return encode(codec_mixed, lines.schema, lines.data, rooms);
    }
    bool comes_back(const Lines& lines, Bytes content) {
        SectionData back{lines.data.times.size(), 1};
        const Status status = decode_section(codec_mixed, lines.schema, content, rooms.aids(),
                                             *rooms.decoder, back.times, back.spans());
        return status.ok() && test::same_samples(lines.data, back);
    }
    std::vector<std::byte> model_from(const Lines& lines) {
        mixing.begin_examples();
        const auto example = code(lines);
        mixing.end_examples();
        return model_of(example, lines.data.times.size());
    }
};

}  // namespace

TEST_CASE("codec 3: whatever columns a model moves, in every form and by any key, comes back") {
    constexpr std::uint64_t seed = 20261129;
    CAPTURE(seed);
    std::mt19937_64 random{seed};
    MixingCodec mixing;
    test::SectionRooms rooms;
    rooms.mixing = &mixing;
    int coded = 0;
    for (int round = 0; round < 300; ++round) {
        CAPTURE(round);
        const test::RandomSection section{random};
        const auto model = mixing_model(section.schema, random);
        rooms.model = Model::parse(model).value();
        const auto content = encode(codec_mixed, section.schema, section.data, rooms);
        if (content.empty()) continue;  // more values than a section of its size may hold
        ++coded;
        SectionData back{section.data.times.size(), section.schema.fields.size()};
        REQUIRE(decode_section(codec_mixed, section.schema, content, rooms.aids(), *rooms.decoder,
                               back.times, back.spans())
                    .ok());
        REQUIRE(test::same_samples(section.data, back));
    }
    CHECK(coded > 200);
}

TEST_CASE("codec 3: an example teaches, and a reader that was not taught alike gets it wrong") {
    const Lines lines{"pump"};
    Codec codec;
    const auto untaught = codec.code(lines);
    const auto model = codec.model_from(lines);
    CHECK(model == model_of(untaught, 40));  // the first one begins from nothing
    codec.rooms.model = Model::parse(model).value();
    const auto taught = codec.code(lines);
    CHECK(3 * taught.size() < untaught.size());

    CHECK(codec.comes_back(lines, taught));
    CHECK_FALSE(codec.comes_back(lines, untaught));
    codec.rooms.model = Model{};
    CHECK(codec.comes_back(lines, untaught));
    CHECK_FALSE(codec.comes_back(lines, taught));
}

TEST_CASE("codec 3: what a model taught is known by its bytes, not by their place") {
    const Lines pumps{"pump"};
    const Lines doors{"door"};
    Codec codec;
    const auto of_pumps = codec.model_from(pumps);
    const auto of_doors = codec.model_from(doors);
    // Both in the same memory, one after the other, the shorter one's end without meaning.
    std::vector<std::byte> memory(std::max(of_pumps.size(), of_doors.size()));
    const auto put = [&](const std::vector<std::byte>& model) {
        std::copy(model.begin(), model.end(), memory.begin());
        codec.rooms.model = Model::parse(Bytes{memory}.first(model.size())).value();
    };
    put(of_pumps);
    const auto content = codec.code(doors);
    put(of_doors);
    CHECK_FALSE(codec.comes_back(doors, content));
    CHECK(codec.code(doors).size() < content.size());
    put(of_pumps);
    CHECK(codec.comes_back(doors, content));
}

TEST_CASE("codec 3: a model teaches each schema by itself, and none for which it is none") {
    const Lines lines{"pump"};
    Codec codec;
    const auto model = codec.model_from(lines);
    codec.rooms.model = Model::parse(model).value();
    Lines numbers{"pump"};
    numbers.field = test::field_of(FieldKind::float64, "line");
    for (int round = 0; round < 2; ++round) {  // the second time from what is remembered
        CAPTURE(round);
        CHECK_FALSE(codec.mixing.prepare(numbers.schema, codec.rooms.model).ok());
        CHECK(codec.mixing.prepare(lines.schema, codec.rooms.model).ok());
        CHECK(codec.comes_back(lines, codec.code(lines)));
    }
}

TEST_CASE("codec 3: hexadecimal and base 64 come back as they were, whatever looks like them") {
    const Field field = test::field_of(FieldKind::text, "t");
    const Schema schema{.name = "s", .fields = {&field, 1}, .time = TimeKind::source, .tick_us = 1};
    static constexpr std::array<std::string_view, 12> texts{
        "00ff7a",   "00FF7A",   "00fF7A",  "0ff",  "TWE9",
        "TWE9Cg==", "TWE9Ch==", "TWE9Cg=", "=A1a", "AQCrAjUDx+vzBw35CwAAAAANAA8AEgA=",
        "A1a=A1a=", ""};
    SectionData data{texts.size(), 1};
    for (std::size_t i = 0; i < texts.size(); ++i)
        data.columns[0][i] = Value::of_text(as_bytes(texts[i]));
    MixingCodec mixing;
    test::SectionRooms rooms;
    rooms.mixing = &mixing;
    const auto content = encode(codec_mixed, schema, data, rooms);
    REQUIRE(!content.empty());
    SectionData back{texts.size(), 1};
    REQUIRE(decode_section(codec_mixed, schema, content, rooms.aids(), *rooms.decoder, back.times,
                           back.spans())
                .ok());
    CHECK(test::same_samples(data, back));
}

TEST_CASE("codec 3: no section holds more than its size allows") {
    const Field field = test::field_of(FieldKind::text, "t");
    const Schema schema{.name = "s", .fields = {&field, 1}, .time = TimeKind::source, .tick_us = 1};
    std::deque<std::string> texts;
    SectionData data{60, 1};
    for (std::size_t i = 0; i < data.times.size(); ++i) {
        texts.emplace_back(limits::text_bytes_max - i, 'a');
        data.columns[0][i] = Value::of_text(as_bytes(texts.back()));
    }
    MixingCodec mixing;
    test::SectionRooms rooms;
    rooms.mixing = &mixing;
    CHECK(encode(codec_mixed, schema, data, rooms).empty());
    CHECK(!encode(codec_range, schema, data, rooms).empty());
    // Cut short, whatever is there is read as zeros for a while, and then refused.
    texts[0] = "a door";
    SectionData one{1, 1};
    one.columns[0][0] = Value::of_text(as_bytes(texts[0]));
    auto content = encode(codec_mixed, schema, one, rooms);
    content.resize(content.size() - 3);
    SectionData back{1, 1};
    CHECK((!decode_section(codec_mixed, schema, content, rooms.aids(), *rooms.decoder, back.times,
                           back.spans())
                .ok() ||
           !test::same_samples(one, back)));
}

TEST_CASE("models: a mixing part that is none is refused") {
    const auto parsed = [](std::initializer_list<int> bytes) {
        std::vector<std::byte> model{std::byte{1}, std::byte{0}, std::byte{0}};
        for (const int byte : bytes) model.push_back(static_cast<std::byte>(byte));
        return Model::parse(model).ok();
    };
    CHECK(parsed({}));
    CHECK(parsed({0}));
    CHECK(parsed({1, 1, 2, 0, 3}));
    CHECK(parsed({1, 1, 2, 0, 3, 11, 2, 7, 7}));     // an example
    CHECK_FALSE(parsed({1, 1, 2, 0}));               // cut short
    CHECK_FALSE(parsed({1, 1, 2, 0, 3, 11, 3, 7}));  // the example too
    CHECK_FALSE(parsed({1, 65, 2, 0, 3}));           // no such column
    CHECK_FALSE(parsed({1, 1, 6, 0, 3}));            // no such form
    CHECK_FALSE(parsed({1, 1, 2, 0, 0}));            // no width
    CHECK_FALSE(parsed({1, 1, 2, 0, 9}));
    CHECK_FALSE(parsed({1, 1, 0, 0, 1}));              // a width, and not moved
    CHECK_FALSE(parsed({1, 0, 3, 0, 1}));              // times from times
    CHECK_FALSE(parsed({1, 2, 0, 2, 0}));              // its own key
    CHECK_FALSE(parsed({2, 2, 1, 0, 1, 1, 1, 0, 1}));  // not in order
    CHECK_FALSE(parsed({2, 1, 1, 0, 1, 1, 1, 0, 1}));
    CHECK(parsed({2, 1, 1, 0, 1, 2, 1, 1, 1}));
    CHECK_FALSE(parsed({2, 1, 1, 2, 1, 2, 1, 0, 1}));  // the key comes later
    CHECK(parsed({1, 1, 1, 2, 1}));                    // unless it is not moved
    CHECK_FALSE(parsed({2, 0, 2, 1, 1, 1, 4, 0, 1}));  // after the times, whose key it is
}
