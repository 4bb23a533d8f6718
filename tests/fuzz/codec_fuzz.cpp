// Attacks codec 0: the first byte chooses the field (or the times), the second and third how many
// values there are. What is decoded and encoded again decodes to the same values, within the
// SectionBound.
#include <algorithm>
#include <array>

#include "common/block/codec.hpp"
#include "common/block/section_bound.hpp"

using namespace longhaul;

namespace {

constexpr std::size_t count_max = limits::section_samples_max;
using Room = std::array<std::byte, count_max*(limits::text_bytes_max + 2)>;
using Values = std::array<Value, count_max>;

Field field_of(std::uint8_t choice) {
    Field field;
    field.name = "x";
    field.kind = static_cast<FieldKind>(1 + choice % 8);
    field.nullable = (choice & 0x80) != 0;
    if (field.kind == FieldKind::enumeration) field.labels = "a\nb\nc\n";
    if (field.kind == FieldKind::decimal) field.scale = 2;
    return field;
}

bool same(const Value& a, const Value& b) {
    if (a.form != b.form) return false;
    if (a.form == ValueForm::integer) return a.integer == b.integer;
    if (a.form == ValueForm::real) return a.real_bits == b.real_bits;
    return equal(a.text, b.text);
}

// What a section of these samples may take at most, without its header.
std::size_t bound_of(const Field& field, std::span<const std::int64_t> times,
                     std::span<const Value> values) {
    const Schema schema{.name = "s", .fields = {&field, 1}};
    std::array<SectionBound::Column, 1> column;
    SectionBound bound{column};
    bound.begin(schema);
    for (std::size_t i = 0; i < values.size(); ++i) bound.add({1, times[i], values.subspan(i, 1)});
    return bound.bytes() - limits::section_header_bytes_max;
}

void times_again(std::span<const std::int64_t> first) {
    static Room room;
    ByteWriter out{room};
    encode_times(first, out);
    LH_CHECK(out.ok());
    const Field field = field_of(0);
    const std::array<Value, count_max> zeros{};
    LH_CHECK(out.size() <= bound_of(field, first, std::span{zeros}.first(first.size())));
    std::array<std::int64_t, count_max> second;
    ByteReader in{out.written()};
    LH_CHECK(decode_times(in, std::span{second}.first(first.size())).ok());
    LH_CHECK(in.at_end());
    LH_CHECK(std::equal(first.begin(), first.end(), second.begin()));
}

void column_again(const Field& field, std::span<const Value> first) {
    static Room room;
    ByteWriter out{room};
    encode_column(field, first, out);
    LH_CHECK(out.ok());
    const std::array<std::int64_t, count_max> zeros{};
    LH_CHECK(out.size() <= bound_of(field, zeros, first));
    Values second;
    ByteReader in{out.written()};
    LH_CHECK(decode_column(field, in, std::span{second}.first(first.size())).ok());
    LH_CHECK(in.at_end());
    for (std::size_t i = 0; i < first.size(); ++i) LH_CHECK(same(first[i], second[i]));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 3) return 0;
    ByteReader in{std::as_bytes(std::span{data, size}).subspan(3)};
    const std::size_t count = 1 + (data[1] + 256U * data[2]) % count_max;
    if (data[0] % 16 == 15) {
        std::array<std::int64_t, count_max> times;
        if (decode_times(in, std::span{times}.first(count)).ok())
            times_again(std::span{times}.first(count));
    } else {
        Values values;
        const Field field = field_of(data[0]);
        if (decode_column(field, in, std::span{values}.first(count)).ok()) {
            column_again(field, std::span{values}.first(count));
        }
    }
    return 0;
}
