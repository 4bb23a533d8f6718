// What the tests of the agent share: a clock and randomness that are known, an identity, sources of
// lists.
#pragma once

#include <array>
#include <deque>
#include <random>
#include <string>
#include <vector>

#include "agent/port/clock.hpp"
#include "agent/port/entropy.hpp"
#include "agent/port/identity.hpp"
#include "agent/port/source.hpp"
#include "common/block/block.hpp"
#include "common/block/epoch.hpp"
#include "common/block/section_codec.hpp"
#include "common/zstd/zstd_compression.hpp"

namespace longhaul::test {

class SeededEntropy final : public agent::Entropy {
 public:
    explicit SeededEntropy(std::uint64_t seed = 1) : random_{seed} {}
    Status fill(MutableBytes room) override {
        for (std::byte& byte : room) byte = static_cast<std::byte>(random_());
        return {};
    }

 private:
    std::mt19937_64 random_;
};

class SetClock final : public agent::WallClock {
 public:
    agent::WallReading reading{true, true, {1'700'000'000'000'000}, 500};
    agent::WallReading read() override { return reading; }
};

// A private key that every test may know.
inline PrivateKey known_key(std::uint8_t last_byte) {
    PrivateKey key;
    key.bytes.back() = static_cast<std::byte>(last_byte);
    return key;
}

class KeyIdentity final : public agent::Identity {
 public:
    Result<Signature> sign(Bytes message) override { return longhaul::sign(known_key(7), message); }
    Bytes certificate() const override { return as_bytes("certificate in DER"); }
    Bytes device_secret() const override { return as_bytes("sixteen bytes and more"); }
};

// A schema with its encoding, in one place that does not move.
class OwnedSchema {
 public:
    OwnedSchema(std::string name, std::vector<Field> fields, std::uint32_t deadline_ms = 60'000)
        : name_{std::move(name)}, fields_{std::move(fields)} {
        schema.name = name_;
        schema.fields = fields_;
        schema.time = TimeKind::source;
        schema.tick_us = 1;
        schema.deadline_ms = deadline_ms;
        encoded_.resize(limits::schema_bytes_max);
        ByteWriter out{encoded_};
        LH_CHECK(encode_schema(schema, out).ok());
        encoded_.resize(out.size());
    }
    OwnedSchema(const OwnedSchema&) = delete;
    OwnedSchema& operator=(const OwnedSchema&) = delete;
    Bytes encoded() const { return encoded_; }
    agent::StreamInfo stream(BlockClass block_class = BlockClass::normal) const {
        return {schema.name, &schema, encoded_, block_class};
    }
    Schema schema;

 private:
    std::string name_;
    std::vector<Field> fields_;
    std::vector<std::byte> encoded_;
};

inline Field field_of(FieldKind kind, std::string_view name, std::uint8_t scale = 0,
                      bool nullable = false) {
    Field field;
    field.name = name;
    field.kind = kind;
    field.scale = scale;
    field.nullable = nullable;
    if (kind == FieldKind::enumeration) field.labels = "red\ngreen\nblue\n";
    return field;
}

// One stream; gives the samples that were put in, each when its time has come.
class ListSource final : public agent::Source {
 public:
    explicit ListSource(agent::StreamInfo stream) : streams_{stream} {}

    void put(std::int64_t time, std::vector<Value> values, MonotonicMs due = {}) {
        waiting_.push_back({time, std::move(values), due});
    }
    bool ended = false;
    std::size_t left() const { return waiting_.size(); }

    std::span<const agent::StreamInfo> streams() const override { return streams_; }
    const Sample* next(MonotonicMs now) override {
        if (waiting_.empty() || waiting_.front().due > now) return nullptr;
        given_ = std::move(waiting_.front());
        waiting_.pop_front();
        sample_ = {0, given_.time, given_.values};
        return &sample_;
    }
    MonotonicMs next_at() const override {
        if (!waiting_.empty()) return waiting_.front().due;
        return ended ? MonotonicMs::never() : agent::until_woken;
    }
    void stored(std::uint8_t stream, std::uint32_t samples) override {
        LH_CHECK(stream == 0);
        samples_stored += samples;
    }
    void lost(std::uint8_t stream, std::uint32_t samples) override {
        LH_CHECK(stream == 0);
        samples_lost += samples;
    }
    void refused(std::uint8_t stream) override {
        LH_CHECK(stream == 0);
        ++samples_refused;
    }
    std::uint32_t samples_stored = 0;
    std::uint32_t samples_lost = 0;
    std::uint32_t samples_refused = 0;

 private:
    struct Entry {
        std::int64_t time;
        std::vector<Value> values;
        MonotonicMs due;
    };
    std::array<agent::StreamInfo, 1> streams_;
    std::deque<Entry> waiting_;
    Entry given_{};
    Sample sample_;
};

// One stream of an opened block.
struct DecodedSection {
    std::uint8_t stream = 0;
    std::uint8_t codec = 0;
    std::vector<std::int64_t> times;
    std::vector<std::vector<Value>> columns;
};

// Opens a sealed block, in any codecs. Texts point into `room`. `schemas[i]` is that of stream i
// + 1.
inline std::vector<DecodedSection> decode_block(
    const BlockKey& key, Bytes sealed, std::span<const Schema* const> schemas,
    std::vector<std::byte>& room, std::vector<longhaul_SystemEntry>* system = nullptr) {
    std::vector<std::byte> body_room(sealed.size());
    const Result<Bytes> body = open_block(key, sealed, body_room);
    LH_CHECK(body.ok());
    // Room for what zstd gives back, one part a section.
    std::size_t count = 0;
    for (SectionReader reader{body.value()}; !reader.at_end(); ++count)
        LH_CHECK(reader.next().ok());
    room.assign(body.value().begin(), body.value().end());
    const std::size_t body_bytes = room.size();
    room.resize(body_bytes + count * limits::section_plain_bytes_max);
    MutableBytes plain = MutableBytes{room}.subspan(body_bytes);

    ZstdCompression zstd;
    Codec2Decoder range;
    std::vector<DecodedSection> sections;
    for (SectionReader reader{Bytes{room}.first(body_bytes)}; !reader.at_end();) {
        const Section section = reader.next().value();
        if (section.stream == system_stream) {
            ByteReader in{section.content};
            for (std::uint16_t i = 0; i < section.count; ++i) {
                longhaul_SystemEntry entry;
                LH_CHECK(read_system_entry(in, entry).ok());
                if (system != nullptr) system->push_back(entry);
            }
            continue;
        }
        const Schema& schema = *schemas[section.stream - 1U];
        DecodedSection decoded{section.stream, section.codec,
                               std::vector<std::int64_t>(section.count),
                               std::vector<std::vector<Value>>(schema.fields.size(),
                                                               std::vector<Value>(section.count))};
        const std::vector<std::span<Value>> columns{decoded.columns.begin(), decoded.columns.end()};
        LH_CHECK(decode_section(section.codec, schema, section.content,
                                {{}, &zstd, plain.first(limits::section_plain_bytes_max)}, range,
                                decoded.times, columns)
                     .ok());
        plain = plain.subspan(limits::section_plain_bytes_max);
        sections.push_back(std::move(decoded));
    }
    return sections;
}

inline bool same_value(const Value& a, const Value& b) {
    if (a.form != b.form) return false;
    switch (a.form) {
        case ValueForm::null:
            return true;
        case ValueForm::integer:
            return a.integer == b.integer;
        case ValueForm::real:
            return a.real_bits == b.real_bits;
        case ValueForm::text:
            return equal(a.text, b.text);
    }
    return false;
}

}  // namespace longhaul::test
