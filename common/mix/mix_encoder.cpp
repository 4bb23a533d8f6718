#include "common/mix/mix_encoder.hpp"

namespace longhaul {

void MixEncoder::section(const Schema& schema, const MixPlan& plan, std::size_t samples,
                         SectionSource& source) {
    samples_ = samples;
    source.read_times(std::span{times_}.first(samples));
    const Status all = plan.for_each(schema, [&](std::size_t column) {
        keys(plan.columns[column].key, source);
        if (column == 0) {
            numbers_ = times_;
            there_.fill(true);
            numbers(0, plan.columns[0]);
            return Status{};
        }
        source.begin_column(column - 1);
        const Field& field = schema.fields[column - 1];
        if (is_literal(field.kind)) {
            literals(column, field, source);
        } else {
            read_numbers(source);
            numbers(column, plan.columns[column]);
        }
        return Status{};
    });
    LH_CHECK(all.ok());
}

void MixEncoder::read_numbers(SectionSource& source) {
    for (std::size_t row = 0; row < samples_; ++row) {
        const Value value = source.next();
        there_[row] = value.form == ValueForm::integer;
        numbers_[row] = value.integer;
    }
}

void MixEncoder::keys(std::uint8_t field, SectionSource& source) {
    std::fill_n(keys_.begin(), samples_, ByteMixer::Key{});
    if (field == 0) return;
    source.begin_column(std::size_t{field} - 1);
    for (std::size_t row = 0; row < samples_; ++row) {
        const Value value = source.next();
        if (value.form == ValueForm::integer) keys_[row] = ByteMixer::Key{value.integer};
    }
}

// Those that are not the same as one shortly before, as the coded part says it: a value that was
// written anew there was not found in the values that it looks back over.
void MixEncoder::literals(std::size_t column, const Field& field, SectionSource& source) {
    std::size_t before = 0;
    for (std::size_t row = 0; row < samples_; ++row) {
        const Value value = source.next();
        if (value.form == ValueForm::null) continue;
        bool again = false;
        for (std::size_t back = 1; back <= std::min(before, seen_.size() - 1) && !again; ++back) {
            const Value& other = seen_[(before - back) % seen_.size()];
            again = has_length(field.kind) ? equal(other.text, value.text)
                                           : other.real_bits == value.real_bits;
        }
        seen_[before++ % seen_.size()] = value;
        if (!again) literal(column, keys_[row], field, value);
    }
}

void MixEncoder::numbers(std::size_t column, const MixPlan::Column& how) {
    bool first = true;
    std::int64_t before = 0;
    for (std::size_t row = 0; row < samples_; ++row) {
        if (!there_[row]) continue;
        const std::int64_t now = numbers_[row];
        if (!first) {
            const std::int64_t rest =
                wrapping_subtract(now, mix_base(how.form, before, times_[row]));
            const bool plain = how.form == MixForm::as_it_is;
            number(column, keys_[row], plain ? static_cast<std::uint64_t>(rest) : zigzag(rest),
                   how.width);
        }
        before = now;
        first = false;
    }
}

void MixEncoder::literal(std::size_t column, const ByteMixer::Key& key, const Field& field,
                         const Value& given) {
    if (!has_length(field.kind)) {
        std::array<std::byte, 8> bits;
        const Bytes bytes = literal_bytes(field.kind, given, bits);
        std::array<std::byte, 8> highest_first;
        std::reverse_copy(bytes.begin(), bytes.end(), highest_first.begin());
        return value(column, key, {}, Bytes{highest_first}.first(bytes.size()));
    }
    std::array<std::byte, limits::text_bytes_max> room;
    PackedText packed{TextForm::plain, given.text};
    if (field.kind == FieldKind::text) packed = pack_text(given.text, room);
    std::array<std::byte, varint_bytes_max> head;
    ByteWriter length{head};
    length.varint(4 * packed.bytes.size() + static_cast<std::size_t>(packed.form));
    value(column, key, length.written(), packed.bytes);
}

void MixEncoder::number(std::size_t column, const ByteMixer::Key& key, std::uint64_t bits,
                        std::size_t width) {
    std::array<std::byte, 16> bytes;
    const std::uint64_t escape = width == 8 ? UINT64_MAX : (std::uint64_t{1} << (8 * width)) - 1;
    const bool has_room = bits < escape;
    std::size_t size = 0;
    for (std::size_t i = width; i-- > 0;)
        bytes[size++] = static_cast<std::byte>((has_room ? bits : escape) >> (8 * i));
    for (std::size_t i = has_room ? 0 : 8; i-- > 0;)
        bytes[size++] = static_cast<std::byte>(bits >> (8 * i));
    value(column, key, {}, Bytes{bytes}.first(size));
}

void MixEncoder::value(std::size_t column, const ByteMixer::Key& key, Bytes head, Bytes bytes) {
    values_bytes_ += head.size() + bytes.size();
    fits_ = fits_ && values_bytes_ <= limits::section_plain_bytes_max && range_.ok();
    if (!fits_ || mixer_.room() < head.size() + bytes.size()) {
        fits_ = false;
        return;
    }
    mixer_.begin_value(column, key);
    for (const std::byte one : head) byte(one);
    for (const std::byte one : bytes) byte(one);
    mixer_.end_value();
}

void MixEncoder::byte(std::byte byte) {
    mixer_.byte([this, byte](std::uint32_t probability, int number) {
        const bool bit = (static_cast<unsigned>(byte) >> number & 1) != 0;
        range_.decide(4096 - probability, bit);
        return bit;
    });
}

}  // namespace longhaul
