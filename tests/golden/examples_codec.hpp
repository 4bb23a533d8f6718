// What the golden files of codecs 1 and 2 and of models hold, as values.
#pragma once

#include <array>
#include <string_view>

#include "common/block/model.hpp"
#include "tests/golden/examples.hpp"

namespace longhaul::test {

// Texts that compress, and numbers beside them.
struct TextsSchema {
    std::array<Field, 3> fields{plain_field("line", FieldKind::text, true),
                                plain_field("load", FieldKind::decimal, true),
                                plain_field("door", FieldKind::boolean)};
    Schema schema{.name = "texts", .fields = fields, .time = TimeKind::device, .tick_us = 1000};
};

inline SectionExample texts_section() {
    static constexpr std::array<std::string_view, 4> lines{
        "the door of the northern hall was opened", "the door of the northern hall was closed",
        "the door of the southern hall was opened", "the lamp of the northern hall was lit"};
    SectionExample example{{}, std::vector<std::vector<Value>>(3)};
    for (std::int64_t i = 0; i < 12; ++i) {
        example.times.push_back(5000 + 20 * i + (i == 7 ? 1 : 0));
        const auto line = static_cast<std::size_t>(i % 5);
        example.columns[0].push_back(line == 4 ? Value{} : Value::of_text(as_bytes(lines[line])));
        example.columns[1].push_back(i == 3   ? Value{}
                                     : i == 9 ? Value::of_real(0.1)
                                              : Value::of_integer(100 - 3 * i));
        example.columns[2].push_back(Value::of_integer(i / 4 % 2));
    }
    return example;
}

// A model with two columns, time and the first field, and a dictionary.
inline std::vector<std::byte> small_model() {
    static constexpr std::string_view dictionary{"the door of the hall was opened"};
    std::vector<std::byte> room(256);
    ByteWriter out{room};
    out.u8(1);
    out.u8(2);
    StoredContexts time;
    time.fill(stored_half);
    time[codec2_context::constant] = 0xff4c;
    time[codec2_context::divisor] = 0x1007;
    time[codec2_context::first_length + 1] = 0xf00f;
    write_model_column(time, out);
    StoredContexts line;
    line.fill(stored_half);
    for (std::size_t i = 0; i < 6; ++i)
        line[codec2_context::zero + i] = static_cast<std::uint16_t>(0x3004 + 0x1001 * i);
    line[codec2_context::count - 1] = 0x2001;
    write_model_column(line, out);
    out.varint(dictionary.size());
    out.text(dictionary);
    LH_CHECK(out.ok());
    room.resize(out.size());
    return room;
}

}  // namespace longhaul::test
