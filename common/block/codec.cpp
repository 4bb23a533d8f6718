#include "common/block/codec.hpp"

#include <algorithm>
#include <array>

#include "common/block/domain.hpp"
#include "common/block/integer_column.hpp"

namespace longhaul {
namespace {

using Integers = std::array<std::int64_t, limits::section_samples_max>;

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

void encode_integer_column(std::span<const Value> values, std::uint8_t head, ByteWriter& out) {
    Integers integers;
    std::size_t count = 0;
    std::size_t exceptions = 0;
    for (const Value& value : values) {
        if (value.form == ValueForm::integer) integers[count++] = value.integer;
        if (value.form == ValueForm::real) ++exceptions;
    }
    const std::span<const std::int64_t> used = std::span{integers}.first(count);
    const IntegerCoding coding = choose_coding(used);
    head |= coding.head();
    if (exceptions != 0) head |= column_head::exceptions;
    out.u8(head);
    if ((head & column_head::nulls) != 0) encode_null_runs(values, out);
    if (exceptions != 0) encode_exceptions(values, exceptions, out);
    encode_integers(used, coding, out);
}

Status decode_integer_column(const Field& field, ByteReader& in, std::uint8_t head,
                             std::span<Value> values) {
    if ((head & column_head::exceptions) != 0) {
        if (field.kind != FieldKind::decimal) return Error{ErrorCode::malformed, "exceptions"};
        LH_TRY(decode_exceptions(in, values));
    }
    Integers integers;
    const auto count = static_cast<std::size_t>(std::count_if(
        values.begin(), values.end(), [](const Value& v) { return v.form == ValueForm::integer; }));
    LH_TRY(decode_integers(in, head, std::span{integers}.first(count)));
    const Domain domain = domain_of(field);
    std::size_t next = 0;
    for (Value& value : values) {
        if (value.form != ValueForm::integer) continue;
        value.integer = integers[next++];
        if (!domain.has(value.integer)) return Error{ErrorCode::malformed, "value out of its kind"};
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
    if (first != nullptr && constant) head |= column_head::constant;
    out.u8(head);
    if ((head & column_head::nulls) != 0) encode_null_runs(values, out);
    for (const Value& value : values) {
        if (value.form == ValueForm::null) continue;
        put_float(field, value, out);
        if ((head & column_head::constant) != 0) break;
    }
}

Status decode_float_column(const Field& field, ByteReader& in, std::uint8_t head,
                           std::span<Value> values) {
    if ((head & ~(column_head::nulls | column_head::constant)) != 0)
        return Error{ErrorCode::malformed, "column head"};
    const Value* first = nullptr;
    for (Value& value : values) {
        if (value.form == ValueForm::null) continue;
        value.form = ValueForm::real;
        if (first != nullptr && (head & column_head::constant) != 0) {
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
    if ((head & column_head::nulls) != 0) encode_null_runs(values, out);
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
    if ((head & ~column_head::nulls) != 0) return Error{ErrorCode::malformed, "column head"};
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
    if ((head & ~column_head::known) != 0) return Error{ErrorCode::unsupported, "column head"};
    if ((head & column_head::constant) != 0 &&
        (head & (column_head::predictor_mask | column_head::divisor)) != 0) {
        return Error{ErrorCode::malformed, "column head"};
    }
    return {};
}

bool is_float(FieldKind kind) { return kind == FieldKind::float32 || kind == FieldKind::float64; }
bool is_text(FieldKind kind) { return kind == FieldKind::text || kind == FieldKind::bytes; }

}  // namespace

void encode_times(std::span<const std::int64_t> times, ByteWriter& out) {
    LH_CHECK(times.size() <= limits::section_samples_max);
    const IntegerCoding coding = choose_coding(times);
    out.u8(coding.head());
    encode_integers(times, coding, out);
}

Status decode_times(ByteReader& in, std::span<std::int64_t> times) {
    LH_CHECK(times.size() <= limits::section_samples_max);
    const std::uint8_t head = in.u8();
    if ((head & (column_head::nulls | column_head::exceptions)) != 0)
        return Error{ErrorCode::malformed, "time column"};
    LH_TRY(check_head(head));
    return decode_integers(in, head, times);
}

void encode_column(const Field& field, std::span<const Value> values, ByteWriter& out) {
    LH_CHECK(values.size() <= limits::section_samples_max);
    const bool nulls = std::any_of(values.begin(), values.end(),
                                   [](const Value& v) { return v.form == ValueForm::null; });
    LH_CHECK(field.nullable || !nulls);
    const std::uint8_t head = nulls ? column_head::nulls : 0;
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
    if ((head & column_head::nulls) != 0) {
        if (!field.nullable) return Error{ErrorCode::malformed, "nulls in a field that has none"};
        LH_TRY(decode_null_runs(in, values));
    }
    if (is_float(field.kind)) return decode_float_column(field, in, head, values);
    if (is_text(field.kind)) return decode_text_column(in, head, values);
    return decode_integer_column(field, in, head, values);
}

}  // namespace longhaul
