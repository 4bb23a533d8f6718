// Makes what a device would send: schemas, epoch records and sealed blocks, for tests of the
// writer.
#pragma once

#include <array>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "common/block/block.hpp"
#include "common/block/epoch.hpp"
#include "common/block/stored_schema.hpp"
#include "common/mix/mixing_codec.hpp"
#include "common/zstd/zstd_compression.hpp"
#include "tests/support/section.hpp"

namespace longhaul::test {

inline Field field(std::string_view name, FieldKind kind, std::uint8_t scale = 0) {
    Field made;
    made.name = name;
    made.kind = kind;
    made.scale = scale;
    made.nullable = true;
    return made;
}

inline std::unique_ptr<StoredSchema> make_schema(std::string_view name, TimeKind time,
                                                 std::vector<Field> fields) {
    Schema schema;
    schema.name = name;
    schema.fields = fields;
    schema.time = time;
    schema.tick_us = time == TimeKind::source ? 1 : 1000;
    std::vector<std::byte> room(limits::schema_bytes_max);
    ByteWriter out{room};
    LH_CHECK(encode_schema(schema, out).ok());
    return StoredSchema::parse(out.written()).value();
}

inline PrivateKey sealing_key(std::uint8_t number = 1) {
    PrivateKey key;
    key.bytes[31] = std::byte{number};
    return key;
}

// The plain body of a block.
class Body {
 public:
    Body& system(const longhaul_SystemEntry& entry) {
        std::array<std::byte, 256> room;
        ByteWriter out{room};
        LH_CHECK(write_system_entry(entry, out).ok());
        return section(system_stream, 1, out.written());
    }
    Body& anchor(std::int64_t elapsed_us, std::int64_t wall_us, std::uint64_t error_us) {
        longhaul_SystemEntry entry = longhaul_SystemEntry_init_zero;
        entry.which_entry = longhaul_SystemEntry_anchor_tag;
        entry.entry.anchor = {elapsed_us, wall_us, error_us, 0};
        return system(entry);
    }
    // `columns` by field, each of as many values as there are times.
    Body& samples(std::uint8_t stream, const StoredSchema& schema, std::vector<std::int64_t> times,
                  std::vector<std::vector<Value>> columns, std::uint8_t codec = codec_columns,
                  Bytes model = {}) {
        SectionData data;
        data.times = std::move(times);
        data.columns = std::move(columns);
        SpanSource source{data};
        ZstdCompression zstd;
        MixingCodec mixing;
        SectionRooms rooms;
        rooms.compression = &zstd;
        rooms.mixing = &mixing;
        if (!model.empty()) rooms.model = Model::parse(model).value();
        std::vector<std::byte> room(limits::block_body_bytes_max);
        const auto bytes = encode_section(codec, schema.schema(), data.times.size(), source,
                                          rooms.aids(), rooms.memory(), room);
        LH_CHECK(bytes.has_value());
        samples_ = static_cast<std::uint16_t>(samples_ + data.times.size());
        return section(stream, static_cast<std::uint16_t>(data.times.size()),
                       Bytes{room}.first(*bytes), codec);
    }
    Body& section(std::uint8_t stream, std::uint16_t count, Bytes content,
                  std::uint8_t codec = codec_columns) {
        std::vector<std::byte> room(content.size() + limits::section_header_bytes_max);
        ByteWriter out{room};
        write_section({stream, codec, count, content}, out);
        bytes_.insert(bytes_.end(), out.written().begin(), out.written().end());
        return *this;
    }
    Bytes bytes() const { return bytes_; }
    std::uint16_t sample_count() const { return samples_; }

 private:
    std::vector<std::byte> bytes_;
    std::uint16_t samples_ = 0;
};

// One epoch of one device.
class EpochMaker {
 public:
    EpochMaker(const char* tenant, const char* device, std::uint32_t incarnation,
               std::uint32_t epoch, const PrivateKey& seal_to = sealing_key(),
               const char* random = "random") {
        LH_CHECK(crypto_init().ok());
        record.version = epoch_record_version;
        std::strcpy(record.environment, "test");
        std::strcpy(record.tenant, tenant);
        std::strcpy(record.device, device);
        record.incarnation = incarnation;
        record.epoch = epoch;
        keys_ =
            derive_epoch_keys(as_bytes(random), as_bytes(device), {incarnation}, {epoch}).value();
        put_wrapped_key(
            wrap_block_key(public_key_of(seal_to).value(), keys_, epoch_name_of(record)).value(),
            record);
    }

    EpochMaker& stream(std::uint32_t index, const char* name, const StoredSchema& schema,
                       Bytes model = {}) {
        longhaul_StreamEntry& entry = record.streams[record.streams_count++];
        entry.index = index;
        std::strcpy(entry.name, name);
        std::memcpy(entry.schema_hash, schema.hash().data(), schema.hash().size());
        entry.block_class = static_cast<std::uint32_t>(BlockClass::normal);
        if (model.empty()) return *this;
        const ModelHash hash = model_hash(model);
        entry.model.size = static_cast<pb_size_t>(hash.size());
        std::memcpy(entry.model.bytes, hash.data(), hash.size());
        return *this;
    }

    // Signed by nobody: the session has verified what is in a journal.
    std::vector<std::byte> signed_record() const {
        std::vector<std::byte> room(signed_epoch_bytes_max);
        std::vector<std::byte> encoded(limits::epoch_record_bytes_max);
        ByteWriter inner{encoded};
        LH_CHECK(encode_epoch_record(record, inner).ok());
        ByteWriter out{room};
        write_signed_epoch({inner.written(), Signature{}, as_bytes("certificate")}, out);
        return {out.written().begin(), out.written().end()};
    }

    std::vector<std::byte> block(std::uint32_t number, const Body& body) const {
        return block(number, body, body.sample_count());
    }
    std::vector<std::byte> block(std::uint32_t number, const Body& body,
                                 std::uint16_t samples) const {
        std::vector<std::byte> sealed(block_bytes_max);
        const BlockName name{
            {record.incarnation}, {record.epoch}, BlockSeq::of(BlockClass::normal, number)};
        sealed.resize(seal_block(keys_.block_key, name, samples, body.bytes(), sealed).value());
        return sealed;
    }

    longhaul_EpochRecord record = longhaul_EpochRecord_init_zero;

 private:
    EpochKeys keys_;
};

}  // namespace longhaul::test
