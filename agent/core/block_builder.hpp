// The block builder: one open block per class, filled sample by sample, encoded and sealed in one
// go.
//
// A block is due when a stream has as many samples in it as a section may have, at the earliest
// deadline among its streams, and at once when its class is alarm. Every class stages its samples
// in a part of the arena of its own, so that one that cannot be sealed takes no room from the
// others.
//
// The size limit is met without trial encoding. Every open section keeps an upper bound of its size
// in codec 0, and every stream the ratio that its last sections had to theirs: what a section is
// expected to take is the one times the other, and a sixteenth of it. A block is full when that
// sums up to its room. Its first samples, up to where the bounds alone sum up to the room, fit
// surely: when the block turns out to be too large after all, they are coded once more without the
// others, which stay for the next block.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <utility>

#include "agent/core/model_fit.hpp"
#include "agent/core/sampler.hpp"
#include "agent/core/spool.hpp"
#include "agent/core/staging.hpp"
#include "common/base/result.hpp"
#include "common/block/block.hpp"
#include "common/block/section_bound.hpp"
#include "common/block/section_codec.hpp"

namespace longhaul::agent {

// How large a stream's sections become, as a part of their bound in codec 0.
class SizeRatio {
 public:
    std::size_t expected_bytes(std::size_t bound_bytes) const;
    // More counts at once, less bit by bit. Nothing is expected of it before settle().
    void learn(std::size_t coded_bytes, std::size_t bound_bytes);
    void settle() { ratio_ = learned_; }

 private:
    static constexpr std::size_t one = 256;
    std::size_t ratio_ = one;
    std::size_t learned_ = one;
};

// What one stream has in the open block of its class.
struct OpenSection {
    SectionBound bound;
    SizeRatio ratio;
    StagedAt first = staged_nowhere;
    StagedAt last = staged_nowhere;
    StagedAt rest = staged_nowhere;  // what did not fit into the last block, when the next begins
    std::uint16_t count = 0;
    std::uint16_t sure = 0;      // of them, from the first one on
    std::size_t sure_bytes = 0;  // bound of those
    std::uint32_t sealed = 0;    // samples in blocks that were sealed and not yet stored
    ModelFit fit;                // of a stream with a model of its own
};

// What the codecs work with. All agents of a thread may share it; without any of it they write
// codec 0.
struct CodecTools {
    Codec2Encoder* range = nullptr;      // for codec 2
    Compression* compression = nullptr;  // for codec 1, and for texts and floats of codec 2
    // Texts and floats of codec 2 go through it: a body's length without compression. With it
    // twice limits::section_plain_bytes_max, so that nothing is too large.
    MutableBytes plain;
    Mixing* mixing = nullptr;  // for codec 3
};

// Memory of a builder; everything outlives it.
struct BuilderRooms {
    std::span<OpenSection> sections;         // one a stream
    std::span<SectionBound::Column> fields;  // one a field of every stream
    std::span<std::uint64_t> arena;          // shared out equally to the classes that have streams
    MutableBytes body;                       // as long as a block's body may be
    std::span<Value> column;                 // as long as a section may become
};

// Entries of the system stream, already encoded.
struct SystemEntries {
    std::uint16_t count = 0;
    Bytes content;
};

class BlockBuilder {
 public:
    // What samples that surely fit leave to system entries.
    static constexpr std::size_t system_bytes_kept = 64;

    // Sections are coded by whichever codec in `allowed` makes them smallest.
    BlockBuilder(std::span<const AgentStream> streams, const BuilderRooms& rooms,
                 CodecSet allowed = usual_codecs, const CodecTools& tools = {});

    enum class Fit {
        yes,
        after_class,  // the open block of its class has to be sealed first
        never,        // it is larger than any block
    };
    // `reserve` bytes of the body are kept free for system entries, unless the sample needs the
    // whole block.
    Fit fit(const Sample& sample, std::size_t reserve) const;
    // Relies on fit() having said yes. `elapsed_us` since the epoch began.
    void add(const Sample& sample, MonotonicMs now, std::int64_t elapsed_us);

    bool empty(BlockClass block_class) const { return block(block_class).samples == 0; }
    bool empty() const;
    BlockClass class_of(const Sample& sample) const;
    // When the class's block has to be sealed; never() when it is empty.
    MonotonicMs due_at(BlockClass block_class) const { return block(block_class).due_at; }
    // A deadline is not why it is due: it is an alarm, or a stream's section is full.
    bool cannot_wait(BlockClass block_class) const { return block(block_class).at_once; }
    // How many bytes of system entries still fit into the class's block.
    std::size_t system_room(BlockClass block_class) const;

    // Seals the open block under `name` into `out` (block header and body long) and begins a new
    // one, with the samples that did not fit after all. A block may have system entries alone.
    // After an error the open block is as it was.
    Result<SpoolBlock> seal(const BlockName& name, const BlockKey& key, const SystemEntries& system,
                            MutableBytes out);
    // The model of the stream at this place makes its sections larger than the built-in one would.
    bool model_is_worse(std::size_t index) const { return sections_[index].fit.is_worse(); }
    // How many samples of the stream at this place were sealed since the last call.
    std::uint32_t take_sealed_samples(std::size_t index) {
        return std::exchange(sections_[index].sealed, 0U);
    }

 private:
    struct OpenBlock {
        std::size_t bytes = 0;  // that its sections are expected to take
        std::uint16_t samples = 0;
        std::uint16_t sure = 0;  // of them, from the first one on
        std::size_t sure_bytes = 0;
        MonotonicMs due_at = MonotonicMs::never();
        bool at_once = false;
        // Milliseconds since staged_us, of the first sample and the last ones.
        std::uint32_t first = 0;
        std::uint32_t last = 0;
        std::uint32_t sure_last = 0;
        std::int64_t staged_us = 0;  // of what was staged first, sealed by now or not
    };
    enum class Part { all, sure };
    OpenBlock& block(BlockClass block_class) {
        return blocks_[static_cast<std::size_t>(block_class)];
    }
    const OpenBlock& block(BlockClass block_class) const {
        return blocks_[static_cast<std::size_t>(block_class)];
    }
    std::size_t plain_bytes_max() const { return body_.size() - block_tag_bytes; }
    // What did not fit into the last block may be more than one again.
    Part part_to_seal(const OpenBlock& open) const {
        return open.bytes <= plain_bytes_max() ? Part::all : Part::sure;
    }
    const Schema& schema(std::size_t index) const { return *streams_[index].info.schema; }
    void append(std::size_t index, StagedAt at);
    bool encode(BlockClass block_class, Part part, const SystemEntries& system,
                MutableBytes scratch, ByteWriter& body);
    bool encode_section(std::size_t index, Part part, MutableBytes scratch, ByteWriter& body);
    void compare_models(Bytes body, MutableBytes scratch);
    void share_out(std::span<std::uint64_t> arena);
    Staging& staging(BlockClass block_class) {
        return stagings_[static_cast<std::size_t>(block_class)];
    }
    const Staging& staging(BlockClass block_class) const {
        return stagings_[static_cast<std::size_t>(block_class)];
    }
    void begin_next(BlockClass block_class, Part sealed);
    void append_rest(BlockClass block_class);

    std::span<const AgentStream> streams_;
    std::span<OpenSection> sections_;
    std::array<Staging, block_class_count> stagings_;
    MutableBytes body_;
    std::span<Value> column_;
    CodecSet allowed_;
    CodecTools tools_;
    std::array<OpenBlock, block_class_count> blocks_{};
};

}  // namespace longhaul::agent
