#include "common/mix/mix_decoder.hpp"

namespace longhaul {

Status MixDecoder::section(const Schema& schema, const MixPlan& plan, std::span<std::int64_t> times,
                           std::span<const std::span<Value>> columns) {
    keys_.fill({});
    LH_TRY(plan.for_each(schema, [&](std::size_t column) -> Status {
        const MixPlan::Column& how = plan.columns[column];
        keys(how.key, columns);
        if (column == 0) return this->times(how, times);
        const Field& field = schema.fields[column - 1];
        if (is_literal(field.kind)) return literals(column, field, columns[column - 1]);
        return numbers(column, how, field, times, columns[column - 1]);
    }));
    return so_far();
}

void MixDecoder::keys(std::uint8_t field, std::span<const std::span<Value>> columns) {
    if (field == 0) return keys_.fill({});
    const std::span<const Value> values = columns[std::size_t{field} - 1];
    for (std::size_t row = 0; row < values.size(); ++row) {
        const bool there = values[row].form == ValueForm::integer;
        keys_[row] = there ? ByteMixer::Key{values[row].integer} : ByteMixer::Key{};
    }
}

// The coded part left in each value the row whose literal it has.
Status MixDecoder::literals(std::size_t column, const Field& field, std::span<Value> values) {
    for (std::size_t row = 0; row < values.size(); ++row) {
        Value& value = values[row];
        if (value.form == ValueForm::null) continue;
        const auto own = static_cast<std::size_t>(value.integer);
        value.integer = 0;
        if (own != row) {
            value = values[own];
        } else {
            LH_TRY(literal(column, keys_[row], field, value));
        }
    }
    return {};
}

Status MixDecoder::numbers(std::size_t column, const MixPlan::Column& how, const Field& field,
                           std::span<const std::int64_t> times, std::span<Value> values) {
    const Domain domain = domain_of(field);
    bool first = true;
    std::int64_t before = 0;
    for (std::size_t row = 0; row < values.size(); ++row) {
        Value& value = values[row];
        if (value.form != ValueForm::integer) continue;
        if (!first) {
            LH_TRY_ASSIGN(value.integer,
                          number(column, keys_[row], how, mix_base(how.form, before, times[row])));
        }
        if (!domain.has(value.integer)) return Error{ErrorCode::malformed, "value out of its kind"};
        before = value.integer;
        first = false;
    }
    return {};
}

Status MixDecoder::times(const MixPlan::Column& how, std::span<std::int64_t> times) {
    for (std::size_t row = 1; row < times.size(); ++row) {
        LH_TRY_ASSIGN(times[row],
                      number(0, keys_[row], how, mix_base(how.form, times[row - 1], 0)));
    }
    return {};
}

Status MixDecoder::literal(std::size_t column, const ByteMixer::Key& key, const Field& field,
                           Value& value) {
    mixer_.begin_value(column, key);
    Status status;
    if (has_length(field.kind)) {
        status = text(value);
    } else {
        value.real_bits = highest_first(field.kind == FieldKind::float32 ? 4 : 8);
    }
    mixer_.end_value();
    LH_TRY(so_far());
    return status;
}

Status MixDecoder::text(Value& value) {
    std::uint64_t head = 0;
    unsigned last = 0x80;
    bool many = false;
    for (int shift = 0; shift < 21 && (last & 0x80) != 0; shift += 7) {
        many = shift > 0;
        last = static_cast<unsigned>(byte());
        head |= std::uint64_t{last & 0x7f} << shift;
    }
    if (last == 0 && many) return Error{ErrorCode::malformed, "length of a text"};
    const auto form = static_cast<TextForm>(head & 3);
    const auto size = static_cast<std::size_t>(head >> 2);
    const std::size_t whole = unpacked_bytes(form, size);
    if ((last & 0x80) != 0 || whole > limits::text_bytes_max || size > left_)
        return Error{ErrorCode::too_large, "text"};
    if (whole > plain_.size()) return Error{ErrorCode::too_large, "texts"};
    std::array<std::byte, limits::text_bytes_max> packed;
    for (std::size_t i = 0; i < size; ++i) packed[i] = byte();
    unpack_text(form, Bytes{packed}.first(size), plain_.first(whole));
    value.text = plain_.first(whole);
    plain_ = plain_.subspan(whole);
    return {};
}

Result<std::int64_t> MixDecoder::number(std::size_t column, const ByteMixer::Key& key,
                                        const MixPlan::Column& how, std::int64_t base) {
    mixer_.begin_value(column, key);
    std::uint64_t bits = highest_first(how.width);
    const std::uint64_t escape =
        how.width == 8 ? UINT64_MAX : (std::uint64_t{1} << (8 * how.width)) - 1;
    if (bits == escape) bits = highest_first(8);
    mixer_.end_value();
    LH_TRY(so_far());
    if (how.form == MixForm::as_it_is) return static_cast<std::int64_t>(bits);
    return wrapping_add(base, unzigzag(bits));
}

std::uint64_t MixDecoder::highest_first(std::size_t count) {
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < count; ++i) bits = bits << 8 | static_cast<std::uint64_t>(byte());
    return bits;
}

std::byte MixDecoder::byte() {
    if (left_ == 0) {
        too_much_ = true;
        return {};
    }
    --left_;
    return static_cast<std::byte>(mixer_.byte(
        [this](std::uint32_t probability, int) { return range_.decide(4096 - probability); }));
}

Status MixDecoder::so_far() const {
    if (too_much_) return Error{ErrorCode::too_large, "values of the mixed part"};
    return range_.plausible() ? Status{} : Error{ErrorCode::truncated, "mixed part"};
}

}  // namespace longhaul
