#include "agent/core/staging.hpp"

#include <cstring>

#include "common/base/check.hpp"

namespace longhaul::agent {
namespace {

constexpr std::size_t next_offset = 0;
constexpr std::size_t when_offset = 4;
constexpr std::size_t time_offset = 8;
constexpr std::size_t slots_offset = 16;

constexpr std::size_t forms_bytes(std::size_t fields) { return (fields + 3) / 4; }
constexpr std::size_t texts_offset(std::size_t fields) {
    return slots_offset + 8 * fields + forms_bytes(fields);
}

template <class T>
void store(MutableBytes arena, std::size_t at, T value) {
    std::memcpy(arena.data() + at, &value, sizeof(value));
}
template <class T>
T load(Bytes arena, std::size_t at) {
    T value;
    std::memcpy(&value, arena.data() + at, sizeof(value));
    return value;
}

}  // namespace

Staging::Staging(std::span<std::uint64_t> arena) : arena_{std::as_writable_bytes(arena)} {
    LH_CHECK(arena_.size() < staged_nowhere);
}

std::size_t Staging::bytes_of(const Sample& sample) {
    std::size_t bytes = texts_offset(sample.values.size());
    for (const Value& value : sample.values) {
        if (value.form == ValueForm::text) bytes += value.text.size();
    }
    return (bytes + 7) / 8 * 8;
}

StagedAt Staging::put(const Sample& sample, std::uint32_t when) {
    LH_CHECK(has_room_for(sample));
    const std::size_t at = used_;
    const std::size_t fields = sample.values.size();
    store(arena_, at + next_offset, staged_nowhere);
    store(arena_, at + when_offset, when);
    store(arena_, at + time_offset, sample.time);
    const std::size_t forms_at = at + slots_offset + 8 * fields;
    std::memset(arena_.data() + forms_at, 0, forms_bytes(fields));
    std::size_t text_at = at + texts_offset(fields);
    for (std::size_t i = 0; i < fields; ++i) {
        const Value& value = sample.values[i];
        std::uint64_t slot = value.real_bits;
        if (value.form == ValueForm::integer) slot = static_cast<std::uint64_t>(value.integer);
        if (value.form == ValueForm::text) {
            slot = static_cast<std::uint64_t>(text_at) << 32 | value.text.size();
            if (!value.text.empty())
                std::memcpy(arena_.data() + text_at, value.text.data(), value.text.size());
            text_at += value.text.size();
        }
        store(arena_, at + slots_offset + 8 * i, slot);
        arena_[forms_at + i / 4] |=
            static_cast<std::byte>(static_cast<unsigned>(value.form) << (i % 4 * 2));
    }
    used_ += bytes_of(sample);
    return static_cast<StagedAt>(at);
}

void Staging::link(StagedAt before, StagedAt after) { store(arena_, before + next_offset, after); }

StagedAt Staging::next(StagedAt at) const { return load<StagedAt>(arena_, at + next_offset); }

std::uint32_t Staging::when(StagedAt at) const {
    return load<std::uint32_t>(arena_, at + when_offset);
}

std::int64_t Staging::time(StagedAt at) const {
    return load<std::int64_t>(arena_, at + time_offset);
}

Value Staging::value(StagedAt at, std::size_t fields, std::size_t index) const {
    const auto slot = load<std::uint64_t>(arena_, at + slots_offset + 8 * index);
    const auto forms = static_cast<unsigned>(arena_[at + slots_offset + 8 * fields + index / 4]);
    Value value;
    value.form = static_cast<ValueForm>(forms >> (index % 4 * 2) & 3);
    if (value.form == ValueForm::integer) value.integer = static_cast<std::int64_t>(slot);
    if (value.form == ValueForm::real) value.real_bits = slot;
    if (value.form == ValueForm::text) {
        value.text = Bytes{arena_}.subspan(static_cast<std::size_t>(slot >> 32), slot & UINT32_MAX);
    }
    return value;
}

void StagedSource::read_times(std::span<std::int64_t> times) {
    StagedAt at = first_;
    for (std::int64_t& time : times) {
        time = staging_.time(at);
        at = staging_.next(at);
    }
}

void StagedSource::begin_column(std::size_t field) {
    field_ = field;
    at_ = first_;
}

Value StagedSource::next() {
    const Value value = staging_.value(at_, fields_, field_);
    at_ = staging_.next(at_);
    return value;
}

}  // namespace longhaul::agent
