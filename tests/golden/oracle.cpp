// What our own decoders make of bytes, for compare.py: lines "format hexadecimal" come in, one line
// of what was found goes out for each; "refused" when the bytes were.
#include <array>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "collector/writer/decoded_block.hpp"
#include "common/block/epoch.hpp"
#include "common/block/stored_schema.hpp"
#include "common/wire/frame.hpp"
#include "tests/support/hex.hpp"

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
    std::vector<std::byte> buffer(bytes.size() + frame_bytes_max);
    FrameReader reader{buffer};
    reader.feed(bytes);
    std::size_t used = 0;
    for (;;) {
        const auto frame = reader.next();
        if (!frame.ok()) return when(frame.error() == ErrorCode::not_found && used == bytes.size());
        if (!body_reads(frame.value())) return std::nullopt;
        used += frame_header_bytes + frame.value().body.size();
    }
}

// A body with 14 samples in all; streams[i] is the schema of stream i + 1.
Found body(Bytes bytes, const std::vector<std::unique_ptr<StoredSchema>>& streams) {
    std::vector<const Schema*> schemas{nullptr};
    for (const auto& stream : streams) schemas.push_back(&stream->schema());
    const auto block = collector::decode_block(bytes, schemas, 14);
    if (!block.ok()) return std::nullopt;
    std::string text;
    for (const collector::DecodedSection& section : block.value().sections) {
        text += "stream " + std::to_string(section.stream) + ":";
        for (const std::int64_t time : section.times) text += " " + std::to_string(time) + ",";
        for (const std::vector<Value>& column : section.columns) {
            for (const Value& value : column) text += " " + text_of(value) + ",";
        }
        text += ";";
    }
    return text;
}

}  // namespace

// oracle SCHEMA...   in hexadecimal, of stream 1 and so on
int main(int argc, char** argv) {
    if (!crypto_init().ok()) return 1;
    std::vector<std::unique_ptr<StoredSchema>> streams;
    for (int i = 1; i < argc; ++i) {
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
        std::cout << found.value_or("refused") << '\n';
    }
    return 0;
}
