// A block builder over streams that a test names, and all that comes out of its blocks.
#pragma once

#include <catch2/catch_test_macros.hpp>
#include <deque>
#include <optional>

#include "agent/core/block_builder.hpp"
#include "tests/unit/agent/fixtures.hpp"

namespace longhaul::test {

using namespace longhaul::agent;

// zstd that counts how often it is asked.
class CountedZstd final : public Compression {
 public:
    std::optional<std::size_t> compress(Bytes plain, Bytes dictionary, MutableBytes room) override {
        ++compressed;
        return zstd_.compress(plain, dictionary, room);
    }
    Result<Bytes> decompress(Bytes frame, Bytes dictionary, MutableBytes room) override {
        return zstd_.decompress(frame, dictionary, room);
    }
    unsigned compressed = 0;

 private:
    ZstdCompression zstd_;
};

// A builder over streams that the test names, with memory of its own.
class BuilderBench {
 public:
    explicit BuilderBench(std::vector<StreamInfo> streams, std::size_t body_bytes = 4096,
                          std::size_t arena_bytes = 64 * 1024, CodecSet codecs = 0)
        : sections_(streams.size()),
          arena_(arena_bytes / 8),
          body_(body_bytes),
          column_(limits::section_samples_max),
          sealed_(block_header_bytes + body_bytes) {
        LH_CHECK(crypto_init().ok());
        std::size_t fields = 0;
        for (const StreamInfo& info : streams) {
            fields += info.schema->fields.size();
            streams_.push_back({info, schema_hash(info.encoded_schema)});
            schemas_.push_back(info.schema);
        }
        fields_.resize(fields);
        builder.emplace(streams_, BuilderRooms{sections_, fields_, arena_, body_, column_}, codecs,
                        CodecTools{&range_, &zstd, plain_});
    }

    // Of the stream at this place, before anything is added; the bytes outlive the bench.
    void use_model(std::size_t index, Bytes model) {
        streams_[index].model = Model::parse(model).value();
        streams_[index].model_hash = model_hash(model);
    }

    // Seals blocks as they become due and keeps what comes out of them; false: it fits into no
    // block.
    bool add(const Sample& sample, MonotonicMs now = {}) {
        for (;;) {
            switch (builder->fit(sample, 0)) {
                case BlockBuilder::Fit::yes:
                    builder->add(sample, now, 1000 * now.value);
                    return true;
                case BlockBuilder::Fit::after_class:
                    seal(builder->class_of(sample));
                    break;
                case BlockBuilder::Fit::never:
                    return false;
            }
        }
    }
    void seal(BlockClass block_class, const SystemEntries& system = {}) {
        const BlockName name{
            {1},
            {1},
            BlockSeq::of(block_class, ++last_number_[static_cast<std::size_t>(block_class)])};
        const auto block = builder->seal(name, {}, system, sealed_);
        REQUIRE(block.ok());
        blocks.push_back(block.value().tag);
        sections_before.push_back(sections.size());
        sizes.push_back(block.value().sealed.size());
        auto& room = rooms_.emplace_back();
        for (DecodedSection& section : decode_block({}, block.value().sealed, schemas_, room)) {
            sections.push_back(std::move(section));
        }
    }
    void seal_all() {
        for (std::size_t i = 0; i < block_class_count; ++i) {
            if (!builder->empty(static_cast<BlockClass>(i))) seal(static_cast<BlockClass>(i));
        }
    }

    std::optional<BlockBuilder> builder;
    std::vector<SpoolTag> blocks;
    std::vector<std::size_t> sizes;
    std::vector<DecodedSection> sections;
    std::vector<std::size_t> sections_before;  // for each block, of the blocks before it
    CountedZstd zstd;

 private:
    std::vector<AgentStream> streams_;
    std::vector<const Schema*> schemas_;
    std::vector<OpenSection> sections_;
    std::vector<SectionBound::Column> fields_;
    std::vector<std::uint64_t> arena_;
    std::vector<std::byte> body_;
    std::vector<Value> column_;
    std::vector<std::byte> sealed_;
    Codec2Encoder range_;
    std::vector<std::byte> plain_ = std::vector<std::byte>(2 * limits::section_plain_bytes_max);
    std::deque<std::vector<std::byte>> rooms_;
    std::array<std::uint32_t, block_class_count> last_number_{};
};

}  // namespace longhaul::test
