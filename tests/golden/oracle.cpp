// What our own decoders make of bytes, for compare.py: lines "format hexadecimal" come in, one line
// of what was found goes out for each; "refused" when the bytes were.
#include <array>
#include <iostream>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "collector/writer/decoded_block.hpp"
#include "common/block/epoch.hpp"
#include "common/block/stored_schema.hpp"
#include "common/wire/frame.hpp"
#include "common/zstd/zstd_compression.hpp"
#include "tests/support/hex.hpp"
#include "tests/support/section.hpp"

using namespace longhaul;

namespace {

using Found = std::optional<std::string>;

Found when(bool ok) { return ok ? Found{"ok"} : std::nullopt; }

std::string text_of(const Value& value) {
    switch (value.form) {
        case ValueForm::null:
            return "null";
        case ValueForm::integer:
            return std::to_string(value.integer);
        case ValueForm::real:
            return "bits " + std::to_string(value.real_bits);
        case ValueForm::text:
            return "text " + test::to_hex(value.text);
    }
    return {};
}

Found schema(Bytes bytes) {
    std::array<Field, limits::schema_fields_max> storage;
    return when(parse_schema(bytes, storage).ok());
}

Found record(Bytes bytes) {
    longhaul_EpochRecord parsed;
    return when(parse_epoch_record(bytes, parsed).ok());
}

Found signed_epoch(Bytes bytes) { return when(parse_signed_epoch(bytes).ok()); }

Found header(Bytes bytes) { return when(parse_block_header(bytes).ok()); }

template <class Message>
bool reads(Bytes body) {
    Message message;
    return parse_message(body, message).ok();
}

bool body_reads(const Frame& frame) {
    switch (frame.type) {
        case FrameType::hello:
            return reads<longhaul_Hello>(frame.body);
        case FrameType::welcome:
            return reads<longhaul_Welcome>(frame.body);
        case FrameType::ack:
            return reads<longhaul_Ack>(frame.body);
        case FrameType::window:
            return reads<longhaul_Window>(frame.body);
        case FrameType::bye:
        case FrameType::collector_bye:
            return reads<longhaul_Bye>(frame.body);
        default:
            return true;
    }
}

// Whole frames only, to the last byte.
Found frames(Bytes bytes) {
    std::vector<std::byte> buffer(frame_bytes_max);
    FrameReader reader{buffer};
    for (;;) {
        const auto frame = reader.next(bytes);
        if (!frame.ok()) return when(frame.error() == ErrorCode::not_found && reader.empty());
        if (!body_reads(frame.value())) return std::nullopt;
    }
}

template <class Columns>
std::string samples_text(std::span<const std::int64_t> times, const Columns& columns) {
    std::string text;
    for (const std::int64_t time : times) text += " " + std::to_string(time) + ",";
    for (const auto& column : columns) {
        for (const Value& value : column) text += " " + text_of(value) + ",";
    }
    return text;
}

using Streams = std::vector<std::unique_ptr<StoredSchema>>;

// A body with 14 samples in all, of the first two schemas as streams 1 and 2.
Found body(Bytes bytes, const Streams& streams) {
    const std::array<collector::StreamFormat, 3> formats{
        {{}, {&streams[0]->schema()}, {&streams[1]->schema()}}};
    collector::BlockDecoder decoder;
    const auto block = decoder.decode(bytes, formats, 14);
    if (!block.ok()) return std::nullopt;
    std::string text;
    for (const collector::DecodedSection& section : block.value().sections) {
        text += "stream " + std::to_string(section.stream) + ":" +
                samples_text(section.times, section.columns) + ";";
    }
    return text;
}

// "section schema codec samples model", where model is 0 or 1: the one that was given.
Found section(std::string_view format, Bytes bytes, const Streams& streams, Bytes model) {
    std::istringstream words{std::string{format}};
    std::string word;
    std::size_t place = 0;
    unsigned codec = 0;
    std::size_t samples = 0;
    bool with_model = false;
    std::getline(words, word, '-');
    char dash = 0;
    words >> place >> dash >> codec >> dash >> samples >> dash >> with_model;
    const Schema& schema = streams.at(place)->schema();
    ZstdCompression zstd;
    test::SectionRooms rooms;
    rooms.compression = &zstd;
    if (with_model) rooms.model = Model::parse(model).value();
    test::SectionData back{samples, schema.fields.size()};
    const Status status = decode_section(static_cast<std::uint8_t>(codec), schema, bytes,
                                         rooms.aids(), *rooms.decoder, back.times, back.spans());
    if (!status.ok()) return std::nullopt;
    return samples_text(back.times, back.columns);
}

}  // namespace

// oracle MODEL SCHEMA...   in hexadecimal
int main(int argc, char** argv) {
    if (!crypto_init().ok()) return 1;
    if (argc < 4) return 64;
    const auto model_bytes = test::from_hex(argv[1]);
    Streams streams;
    for (int i = 2; i < argc; ++i) {
        streams.push_back(StoredSchema::parse(test::from_hex(argv[i])).value());
    }
    std::string format;
    std::string hex;
    while (std::cin >> format >> hex) {
        const auto bytes = test::from_hex(hex == "-" ? "" : hex);
        Found found;
        if (format == "schema") found = schema(bytes);
        if (format == "record") found = record(bytes);
        if (format == "signed") found = signed_epoch(bytes);
        if (format == "header") found = header(bytes);
        if (format == "frames") found = frames(bytes);
        if (format == "body") found = body(bytes, streams);
        if (format == "model") found = when(Model::parse(bytes).ok());
        if (format.starts_with("section-")) found = section(format, bytes, streams, model_bytes);
        std::cout << found.value_or("refused") << '\n';
    }
    return 0;
}
