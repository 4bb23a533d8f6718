#include "common/block/codec.hpp"

#include <algorithm>
#include <numeric>

namespace longhaul {
namespace {

enum class Predictor : std::uint8_t { none, delta, delta_of_delta, half_slope };

// The head byte of a column.
constexpr std::uint8_t predictor_mask = 0x03;
constexpr std::uint8_t flag_nulls = 0x04;
constexpr std::uint8_t flag_exceptions = 0x08;
constexpr std::uint8_t flag_constant = 0x10;
constexpr std::uint8_t flag_divisor = 0x20;
constexpr std::uint8_t flags_known = 0x3f;

constexpr std::int64_t decimal_magnitude_max = std::int64_t{1} << 53;

using Integers = std::array<std::int64_t, limits::section_samples_max>;

// All arithmetic wraps around 64 bits, so that any integers come back whatever their distance.
constexpr std::int64_t add(std::int64_t a, std::int64_t b) {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}
constexpr std::int64_t subtract(std::int64_t a, std::int64_t b) {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}
constexpr std::int64_t multiply(std::int64_t a, std::int64_t b) {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b));
}

std::int64_t predict(Predictor predictor, std::int64_t last, std::int64_t before_last) {
    const std::int64_t slope = subtract(last, before_last);
    switch (predictor) {
        case Predictor::none: return 0;
        case Predictor::delta: return last;
        case Predictor::delta_of_delta: return add(last, slope);
        case Predictor::half_slope: return add(last, slope >> 1);
    }
    return 0;
}

// The greatest common divisor of the distances to the first value; 1 when there is none worth saying.
std::int64_t common_divisor(std::span<const std::int64_t> values) {
    std::uint64_t divisor = 0;
    for (const std::int64_t value : values) {
        const std::int64_t distance = subtract(value, values[0]);
        const auto bits = static_cast<std::uint64_t>(distance);
        divisor = std::gcd(divisor, distance < 0 ? 0 - bits : bits);
        if (divisor == 1) break;
    }
    return divisor == 0 || divisor > INT64_MAX ? 1 : static_cast<std::int64_t>(divisor);
}

// Calls `take` with each residual of the values after the first.
template <class Take>
void for_each_residual(std::span<const std::int64_t> values, std::int64_t divisor, Predictor predictor,
                       Take take) {
    std::int64_t last = 0;
    std::int64_t before_last = 0;
    for (const std::int64_t value : values.subspan(1)) {
        const std::int64_t reduced = subtract(value, values[0]) / divisor;
        take(subtract(reduced, predict(predictor, last, before_last)));
        before_last = last;
        last = reduced;
    }
}

struct Choice {
    Predictor predictor = Predictor::none;
    std::int64_t divisor = 1;
    std::size_t bytes = SIZE_MAX;
};

Choice choose(std::span<const std::int64_t> values) {
    Choice best;
    const std::int64_t divisor = common_divisor(values);
    for (const std::int64_t candidate : {std::int64_t{1}, divisor}) {
        for (const Predictor predictor : {Predictor::delta, Predictor::none, Predictor::delta_of_delta,
                                          Predictor::half_slope}) {
            std::size_t bytes = candidate == 1 ? 0 : varint_size(static_cast<std::uint64_t>(candidate));
            for_each_residual(values, candidate, predictor,
                              [&bytes](std::int64_t residual) { bytes += varint_size(zigzag(residual)); });
            if (bytes < best.bytes) best = {predictor, candidate, bytes};
        }
        if (divisor == 1) break;
    }
    return best;
}

bool all_equal(std::span<const std::int64_t> values) {
    return std::all_of(values.begin(), values.end(), [&](std::int64_t v) { return v == values[0]; });
}

// What the head byte says of the integers, and how they are to be written.
std::uint8_t integer_flags(std::span<const std::int64_t> values, Choice& choice) {
    if (values.empty()) return 0;
    if (all_equal(values)) return flag_constant;
    choice = choose(values);
    return static_cast<std::uint8_t>(static_cast<std::uint8_t>(choice.predictor) |
                                     (choice.divisor == 1 ? 0 : flag_divisor));
}

void encode_integers(std::span<const std::int64_t> values, std::uint8_t head, const Choice& choice,
                     ByteWriter& out) {
    if (values.empty()) return;
    out.zigzag_varint(values[0]);
    if ((head & flag_constant) != 0) return;
    if ((head & flag_divisor) != 0) out.varint(static_cast<std::uint64_t>(choice.divisor));
    for_each_residual(values, choice.divisor, choice.predictor,
                      [&out](std::int64_t residual) { out.zigzag_varint(residual); });
}

Status decode_integers(ByteReader& in, std::uint8_t head, std::span<std::int64_t> values) {
    if (values.empty()) return {};
    values[0] = in.zigzag_varint();
    if ((head & flag_constant) != 0) {
        std::fill(values.begin(), values.end(), values[0]);
        return in.ok() ? Status{} : ErrorCode::truncated;
    }
    std::int64_t divisor = 1;
    if ((head & flag_divisor) != 0) {
        const std::uint64_t raw = in.varint();
        if (raw < 2 || raw > INT64_MAX) return Error{ErrorCode::malformed, "divisor of a column"};
        divisor = static_cast<std::int64_t>(raw);
    }
    const auto predictor = static_cast<Predictor>(head & predictor_mask);
    std::int64_t last = 0;
    std::int64_t before_last = 0;
    for (std::int64_t& value : values.subspan(1)) {
        const std::int64_t reduced = add(in.zigzag_varint(), predict(predictor, last, before_last));
        value = add(values[0], multiply(reduced, divisor));
        before_last = last;
        last = reduced;
    }
    return in.ok() ? Status{} : ErrorCode::truncated;
}

// Runs of present and null values in turn, beginning with present.
void encode_null_runs(std::span<const Value> values, ByteWriter& out) {
    bool null = false;
    std::size_t run = 0;
    for (const Value& value : values) {
        if ((value.form == ValueForm::null) != null) {
            out.varint(run);
            run = 0;
            null = !null;
        }
        ++run;
    }
    out.varint(run);
}

Status decode_null_runs(ByteReader& in, std::span<Value> values) {
    std::size_t done = 0;
    bool any_null = false;
    for (bool null = false; done < values.size(); null = !null) {
        const std::uint64_t run = in.varint();
        const bool empty_allowed = done == 0 && !null;
        if (run > values.size() - done || (run == 0 && !empty_allowed) || !in.ok()) {
            return Error{ErrorCode::malformed, "null runs"};
        }
        for (Value& value : values.subspan(done, static_cast<std::size_t>(run))) {
            value.form = null ? ValueForm::null : ValueForm::integer;
        }
        any_null = any_null || null;
        done += static_cast<std::size_t>(run);
    }
    return any_null ? Status{} : Error{ErrorCode::malformed, "null runs"};
}

void encode_exceptions(std::span<const Value> values, std::size_t count, ByteWriter& out) {
    out.varint(count);
    std::size_t gap = 0;
    for (const Value& value : values) {
        if (value.form == ValueForm::real) {
            out.varint(gap);
            out.u64(value.real_bits);
            gap = 0;
        } else if (value.form == ValueForm::integer) {
            ++gap;
        }
    }
}

// Marks the values that are exceptions and gives them their bits.
Status decode_exceptions(ByteReader& in, std::span<Value> values) {
    std::uint64_t left = in.varint();
    if (left == 0 || left > values.size()) return Error{ErrorCode::malformed, "exceptions"};
    std::uint64_t gap = in.varint();
    for (Value& value : values) {
        if (left == 0) break;
        if (value.form == ValueForm::null) continue;
        if (gap-- != 0) continue;
        value.form = ValueForm::real;
        value.real_bits = in.u64();
        if (--left != 0) gap = in.varint();
    }
    if (!in.ok()) return ErrorCode::truncated;
    return left == 0 ? Status{} : Error{ErrorCode::malformed, "exceptions"};
}

bool in_domain(const Field& field, std::int64_t value) {
    switch (field.kind) {
        case FieldKind::boolean: return value == 0 || value == 1;
        case FieldKind::enumeration:
            return value >= 0 && static_cast<std::uint64_t>(value) < field.label_count();
        case FieldKind::decimal:
            return value > -decimal_magnitude_max && value < decimal_magnitude_max;
        default: return true;
    }
}

void encode_integer_column(std::span<const Value> values, std::uint8_t head, ByteWriter& out) {
    Integers integers;
    std::size_t count = 0;
    std::size_t exceptions = 0;
    for (const Value& value : values) {
        if (value.form == ValueForm::integer) integers[count++] = value.integer;
        if (value.form == ValueForm::real) ++exceptions;
    }
    const std::span<const std::int64_t> used = std::span{integers}.first(count);
    Choice choice;
    head |= integer_flags(used, choice);
    if (exceptions != 0) head |= flag_exceptions;
    out.u8(head);
    if ((head & flag_nulls) != 0) encode_null_runs(values, out);
    if (exceptions != 0) encode_exceptions(values, exceptions, out);
    encode_integers(used, head, choice, out);
}

Status decode_integer_column(const Field& field, ByteReader& in, std::uint8_t head, std::span<Value> values) {
    if ((head & flag_exceptions) != 0) {
        if (field.kind != FieldKind::decimal) return Error{ErrorCode::malformed, "exceptions"};
        LH_TRY(decode_exceptions(in, values));
    }
    Integers integers;
    const auto count = static_cast<std::size_t>(std::count_if(
        values.begin(), values.end(), [](const Value& v) { return v.form == ValueForm::integer; }));
    LH_TRY(decode_integers(in, head, std::span{integers}.first(count)));
    std::size_t next = 0;
    for (Value& value : values) {
        if (value.form != ValueForm::integer) continue;
        value.integer = integers[next++];
        if (!in_domain(field, value.integer)) return Error{ErrorCode::malformed, "value out of its kind"};
    }
    return {};
}

void put_float(const Field& field, const Value& value, ByteWriter& out) {
    if (field.kind == FieldKind::float32) {
        out.u32(static_cast<std::uint32_t>(value.real_bits));
    } else {
        out.u64(value.real_bits);
    }
}

void encode_float_column(const Field& field, std::span<const Value> values, std::uint8_t head,
                         ByteWriter& out) {
    const Value* first = nullptr;
    bool constant = true;
    for (const Value& value : values) {
        if (value.form == ValueForm::null) continue;
        if (first == nullptr) first = &value;
        constant = constant && value.real_bits == first->real_bits;
    }
    if (first != nullptr && constant) head |= flag_constant;
    out.u8(head);
    if ((head & flag_nulls) != 0) encode_null_runs(values, out);
    for (const Value& value : values) {
        if (value.form == ValueForm::null) continue;
        put_float(field, value, out);
        if ((head & flag_constant) != 0) break;
    }
}

Status decode_float_column(const Field& field, ByteReader& in, std::uint8_t head, std::span<Value> values) {
    if ((head & ~(flag_nulls | flag_constant)) != 0) return Error{ErrorCode::malformed, "column head"};
    const Value* first = nullptr;
    for (Value& value : values) {
        if (value.form == ValueForm::null) continue;
        value.form = ValueForm::real;
        if (first != nullptr && (head & flag_constant) != 0) {
            value.real_bits = first->real_bits;
            continue;
        }
        value.real_bits = field.kind == FieldKind::float32 ? in.u32() : in.u64();
        first = &value;
    }
    return in.ok() ? Status{} : ErrorCode::truncated;
}

void encode_text_column(std::span<const Value> values, std::uint8_t head, ByteWriter& out) {
    out.u8(head);
    if ((head & flag_nulls) != 0) encode_null_runs(values, out);
    const Value* last = nullptr;
    for (const Value& value : values) {
        if (value.form == ValueForm::null) continue;
        if (last != nullptr && equal(last->text, value.text)) {
            out.varint(0);
        } else {
            out.varint(value.text.size() + 1);
            out.bytes(value.text);
        }
        last = &value;
    }
}

Status decode_text_column(ByteReader& in, std::uint8_t head, std::span<Value> values) {
    if ((head & ~flag_nulls) != 0) return Error{ErrorCode::malformed, "column head"};
    const Value* last = nullptr;
    for (Value& value : values) {
        if (value.form == ValueForm::null) continue;
        value.form = ValueForm::text;
        const std::uint64_t length = in.varint();
        if (length == 0) {
            if (last == nullptr) return Error{ErrorCode::malformed, "text without one before it"};
            value.text = last->text;
        } else {
            if (length - 1 > limits::text_bytes_max) return Error{ErrorCode::too_large, "text"};
            value.text = in.bytes(static_cast<std::size_t>(length - 1));
        }
        last = &value;
    }
    return in.ok() ? Status{} : ErrorCode::truncated;
}

Status check_head(std::uint8_t head) {
    if ((head & ~flags_known) != 0) return Error{ErrorCode::unsupported, "column head"};
    if ((head & flag_constant) != 0 && (head & (predictor_mask | flag_divisor)) != 0) {
        return Error{ErrorCode::malformed, "column head"};
    }
    return {};
}

bool is_float(FieldKind kind) { return kind == FieldKind::float32 || kind == FieldKind::float64; }
bool is_text(FieldKind kind) { return kind == FieldKind::text || kind == FieldKind::bytes; }

}  // namespace

void encode_times(std::span<const std::int64_t> times, ByteWriter& out) {
    LH_CHECK(times.size() <= limits::section_samples_max);
    Choice choice;
    const std::uint8_t head = integer_flags(times, choice);
    out.u8(head);
    encode_integers(times, head, choice, out);
}

Status decode_times(ByteReader& in, std::span<std::int64_t> times) {
    LH_CHECK(times.size() <= limits::section_samples_max);
    const std::uint8_t head = in.u8();
    if ((head & (flag_nulls | flag_exceptions)) != 0) return Error{ErrorCode::malformed, "time column"};
    LH_TRY(check_head(head));
    return decode_integers(in, head, times);
}

void encode_column(const Field& field, std::span<const Value> values, ByteWriter& out) {
    LH_CHECK(values.size() <= limits::section_samples_max);
    const bool nulls = std::any_of(values.begin(), values.end(),
                                   [](const Value& v) { return v.form == ValueForm::null; });
    LH_CHECK(field.nullable || !nulls);
    const std::uint8_t head = nulls ? flag_nulls : 0;
    if (is_float(field.kind)) return encode_float_column(field, values, head, out);
    if (is_text(field.kind)) return encode_text_column(values, head, out);
    encode_integer_column(values, head, out);
}

Status decode_column(const Field& field, ByteReader& in, std::span<Value> values) {
    LH_CHECK(values.size() <= limits::section_samples_max);
    std::fill(values.begin(), values.end(), Value::of_integer(0));
    const std::uint8_t head = in.u8();
    if (!in.ok()) return ErrorCode::truncated;
    LH_TRY(check_head(head));
    if ((head & flag_nulls) != 0) {
        if (!field.nullable) return Error{ErrorCode::malformed, "nulls in a field that has none"};
        LH_TRY(decode_null_runs(in, values));
    }
    if (is_float(field.kind)) return decode_float_column(field, in, head, values);
    if (is_text(field.kind)) return decode_text_column(in, head, values);
    return decode_integer_column(field, in, head, values);
}

void SectionBound::begin(const Schema& schema) {
    schema_ = &schema;
    samples_ = 0;
    last_time_ = 0;
    bytes_ = limits::section_header_bytes_max + 1 + schema.fields.size();  // and the heads of all columns
    columns_.fill({});
}

// Runs and gaps are below 256, so two bytes hold each.
std::size_t SectionBound::growth(const Field& field, const Column& column, const Value& value) {
    constexpr std::size_t run_bytes = 2;
    switch (value.form) {
        case ValueForm::null:
            return (column.in_nulls ? 0 : 2 * run_bytes) + (column.any_null ? 0 : run_bytes);
        case ValueForm::integer:
            return varint_size(zigzag(column.seen ? subtract(value.integer, column.last) : value.integer));
        case ValueForm::real:
            if (field.kind == FieldKind::float32) return 4;
            if (field.kind == FieldKind::float64) return 8;
            return run_bytes + 8 + (column.any_exception ? 0 : run_bytes);
        case ValueForm::text:
            if (column.seen && equal(value.text, column.last_text)) return 1;
            return varint_size(value.text.size() + 1) + value.text.size();
    }
    return 0;
}

std::size_t SectionBound::with(const Sample& sample) const {
    LH_CHECK(sample.values.size() == schema_->fields.size());
    std::size_t bytes = bytes_ + varint_size(zigzag(subtract(sample.time, last_time_)));
    for (std::size_t i = 0; i < sample.values.size(); ++i) {
        bytes += growth(schema_->fields[i], columns_[i], sample.values[i]);
    }
    return bytes;
}

void SectionBound::add(const Sample& sample) {
    bytes_ = with(sample);
    last_time_ = sample.time;
    ++samples_;
    for (std::size_t i = 0; i < sample.values.size(); ++i) {
        const Value& value = sample.values[i];
        Column& column = columns_[i];
        column.in_nulls = value.form == ValueForm::null;
        column.any_null = column.any_null || column.in_nulls;
        column.any_exception = column.any_exception || value.form == ValueForm::real;
        if (value.form == ValueForm::integer) column.last = value.integer;
        if (value.form == ValueForm::text) column.last_text = value.text;
        column.seen = column.seen || value.form == ValueForm::integer || value.form == ValueForm::text;
    }
}

}  // namespace longhaul
