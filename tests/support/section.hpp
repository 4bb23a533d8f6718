// Samples of a section in columns, where encoders find them, and sections drawn from a seed.
#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "common/block/section_bound.hpp"
#include "common/block/section_codec.hpp"

namespace longhaul::test {

struct SectionData {
    std::vector<std::int64_t> times;
    std::vector<std::vector<Value>> columns;

    SectionData() = default;
    SectionData(std::size_t samples, std::size_t fields)
        : times(samples), columns(fields, std::vector<Value>(samples)) {}
    // Valid until the data move.
    std::span<const std::span<Value>> spans() {
        spans_.assign(columns.begin(), columns.end());
        return spans_;
    }

 private:
    std::vector<std::span<Value>> spans_;
};

class SpanSource final : public SectionSource {
 public:
    explicit SpanSource(const SectionData& data) : data_{data} {}
    void read_times(std::span<std::int64_t> times) override {
        std::copy_n(data_.times.begin(), times.size(), times.begin());
    }
    void begin_column(std::size_t field) override { next_ = data_.columns[field].data(); }
    Value next() override { return *next_++; }

 private:
    const SectionData& data_;
    const Value* next_ = nullptr;
};

// The memory that both sides need, for any section.
struct SectionRooms {
    Model model;
    Compression* compression = nullptr;
    Mixing* mixing = nullptr;
    std::vector<std::byte> plain = std::vector<std::byte>(128 << 10);
    std::unique_ptr<Codec2Encoder> encoder = std::make_unique<Codec2Encoder>();
    std::unique_ptr<Codec2Decoder> decoder = std::make_unique<Codec2Decoder>();
    std::vector<Value> column = std::vector<Value>(limits::section_samples_max);

    CodecAids aids() { return {model, compression, plain, mixing}; }
    SectionMemory memory() { return {encoder.get(), column}; }
};

inline bool same_value(const Value& a, const Value& b) {
    if (a.form != b.form) return false;
    if (a.form == ValueForm::integer) return a.integer == b.integer;
    if (a.form == ValueForm::real) return a.real_bits == b.real_bits;
    return a.form == ValueForm::null || equal(a.text, b.text);
}

inline bool same_samples(const SectionData& a, const SectionData& b) {
    if (a.times != b.times || a.columns.size() != b.columns.size()) return false;
    for (std::size_t i = 0; i < a.columns.size(); ++i) {
        if (!std::equal(a.columns[i].begin(), a.columns[i].end(), b.columns[i].begin(),
                        b.columns[i].end(), same_value))
            return false;
    }
    return true;
}

// What codec 0 takes at most for the content of these samples.
inline std::size_t bound_of(const Schema& schema, const SectionData& data) {
    std::vector<SectionBound::Column> columns(schema.fields.size());
    SectionBound bound{columns};
    bound.begin(schema);
    std::vector<Value> row(schema.fields.size());
    // The bound keeps the texts it is shown, which lie in the data.
    for (std::size_t i = 0; i < data.times.size(); ++i) {
        for (std::size_t c = 0; c < row.size(); ++c) row[c] = data.columns[c][i];
        bound.add({1, data.times[i], row});
    }
    return bound.bytes() - limits::section_header_bytes_max;
}

inline Field field_of(FieldKind kind, std::string_view name, bool nullable = false) {
    return {.name = name,
            .unit = {},
            .help = {},
            .labels = kind == FieldKind::enumeration ? "a\nb\nc\n" : "",
            .kind = kind,
            .scale = static_cast<std::uint8_t>(kind == FieldKind::decimal ? 2 : 0),
            .nullable = nullable};
}

// A schema of up to nine fields of any kinds, and up to 256 samples whose columns walk, jump,
// repeat, stand still or are noise.
class RandomSection {
 public:
    explicit RandomSection(std::mt19937_64& random) : random_{random} {
        static constexpr std::array<std::string_view, 9> names{"a", "b", "c", "d", "e",
                                                               "f", "g", "h", "i"};
        const std::size_t count = 1 + below(names.size());
        for (std::size_t i = 0; i < count; ++i) {
            const auto kind = static_cast<FieldKind>(1 + below(8));
            fields_.push_back(field_of(kind, names[i], below(2) == 0));
        }
        schema.name = "s";
        schema.fields = fields_;
        const std::size_t samples = below(4) == 0 ? 1 + below(4) : 1 + below(256);
        data = SectionData{samples, count};
        begin_column();
        for (std::int64_t& time : data.times) time = next_integer();
        for (std::size_t i = 0; i < count; ++i) fill(fields_[i], data.columns[i]);
    }
    RandomSection(const RandomSection&) = delete;
    RandomSection& operator=(const RandomSection&) = delete;

    Schema schema;
    SectionData data;

 private:
    std::size_t below(std::size_t limit) { return random_() % limit; }
    std::int64_t bits(std::size_t count) {
        if (count == 0) return 0;
        return static_cast<std::int64_t>(random_() >> (64 - count));
    }
    void begin_column() {
        manner_ = below(6);
        size_ = below(65);
        step_ = bits(below(65));
        last_ = bits(below(65));
        null_in_ = below(2) == 0 ? 2 + below(40) : 1000;
    }
    std::int64_t next_integer() {
        const auto last = static_cast<std::uint64_t>(last_);
        const auto step = static_cast<std::uint64_t>(step_);
        switch (manner_) {
            case 0:  // stands still
                break;
            case 1:  // noise
                last_ = bits(size_);
                break;
            case 2:  // steady
                last_ = static_cast<std::int64_t>(last + step);
                break;
            case 3:  // a walk
                last_ = static_cast<std::int64_t>(last + random_() % 7 - 3);
                break;
            case 4:  // jumps among the extremes
                last_ = std::array<std::int64_t, 4>{std::numeric_limits<std::int64_t>::min(),
                                                    std::numeric_limits<std::int64_t>::max(), 0,
                                                    -1}[below(4)];
                break;
            default:  // multiples of the step
                last_ = static_cast<std::int64_t>(step * (random_() % 9));
        }
        return last_;
    }
    void fill(const Field& field, std::vector<Value>& column) {
        begin_column();
        for (Value& value : column) {
            value = next_value(field);
            if (field.nullable && below(null_in_) == 0) value = {};
        }
    }
    Value next_value(const Field& field) {
        const std::int64_t number = next_integer();
        const auto unsigned_number = static_cast<std::uint64_t>(number);
        constexpr std::int64_t grid = std::int64_t{1} << 53;
        switch (field.kind) {
            case FieldKind::integer:
                return Value::of_integer(number);
            case FieldKind::decimal:
                if (below(9) == 0) return Value::of_real(std::bit_cast<double>(random_()));
                return Value::of_integer(number % grid);
            case FieldKind::boolean:
                return Value::of_integer(number & 1);
            case FieldKind::enumeration:
                return Value::of_integer(static_cast<std::int64_t>(unsigned_number % 3));
            case FieldKind::float32:
                return Value::of_float32(
                    std::bit_cast<float>(static_cast<std::uint32_t>(unsigned_number)));
            case FieldKind::float64:
                return Value::of_real(std::bit_cast<double>(unsigned_number));
            case FieldKind::text:
            case FieldKind::bytes:
                break;
        }
        const std::size_t length = below(50) == 0 ? limits::text_bytes_max : unsigned_number % 30;
        texts_.emplace_back(length, static_cast<char>('a' + unsigned_number % 3));
        return Value::of_text(as_bytes(texts_.back()));
    }

    std::mt19937_64& random_;
    std::vector<Field> fields_;
    std::deque<std::string> texts_;
    std::size_t manner_ = 0;
    std::size_t size_ = 0;
    std::size_t null_in_ = 0;
    std::int64_t step_ = 0;
    std::int64_t last_ = 0;
};

}  // namespace longhaul::test
