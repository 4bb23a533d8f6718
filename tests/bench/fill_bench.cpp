// How full blocks of 1,100 bytes become with the bundled recordings, when only size closes them:
// one device with one stream each, by what its codecs are, from its first block on. A line a
// recording, which is played ten times.
//
//   fill_bench [BLOCK_BYTES [ARENA_BYTES]]
#include <cstdio>
#include <cstdlib>
#include <optional>

#include "agent/core/block_builder.hpp"
#include "common/zstd/zstd_compression.hpp"
#include "tools/model/recordings.hpp"

using namespace longhaul;
using namespace longhaul::agent;

namespace {

constexpr int rounds = 10;  // of a recording, for some are short

struct Filled {
    std::size_t blocks = 0;
    std::size_t bytes = 0;
    std::size_t samples = 0;
    std::size_t full_of_samples = 0;  // 256 of them close a block, whatever its size
    std::size_t split = 0;            // coded again, because they did not fit
};

// Memory of a device, dealt out for each anew.
class Device {
 public:
    Device(const Schema& schema, std::size_t block_bytes, std::size_t arena_bytes, CodecSet codecs,
           bool compression)
        : streams_{AgentStream{{"s", &schema, {}, BlockClass::normal}, {}, {}}},
          fields_(schema.fields.size()),
          arena_(arena_bytes / 8),
          body_(block_bytes - block_header_bytes),
          column_(limits::section_samples_max),
          sealed_(block_bytes),
          plain_(compression ? 2 * limits::section_plain_bytes_max : block_bytes),
          builder_{streams_,
                   BuilderRooms{sections_, fields_, arena_, body_, column_},
                   codecs,
                   {&range_, compression ? &zstd_ : nullptr, plain_}} {}

    void add(const Sample& sample, Filled& filled) {
        while (builder_.fit(sample, 0) == BlockBuilder::Fit::after_class) seal(filled);
        if (builder_.fit(sample, 0) == BlockBuilder::Fit::yes) builder_.add(sample, {}, 0);
    }

 private:
    void seal(Filled& filled) {
        const bool full = builder_.cannot_wait(BlockClass::normal);
        const BlockName name{{1}, {1}, BlockSeq::of(BlockClass::normal, ++number_)};
        const SpoolBlock block = builder_.seal(name, {}, {}, sealed_).value();
        ++filled.blocks;
        filled.bytes += block.sealed.size();
        filled.samples += block.tag.samples;
        if (full) ++filled.full_of_samples;
        if (!builder_.empty()) ++filled.split;
    }

    std::array<AgentStream, 1> streams_;
    std::array<OpenSection, 1> sections_;
    std::vector<SectionBound::Column> fields_;
    std::vector<std::uint64_t> arena_;
    std::vector<std::byte> body_;
    std::vector<Value> column_;
    std::vector<std::byte> sealed_;
    std::vector<std::byte> plain_;
    Codec2Encoder range_;
    ZstdCompression zstd_;
    BlockBuilder builder_;
    std::uint32_t number_ = 0;
};

Filled fill(const Recording& recording, std::size_t block_bytes, std::size_t arena_bytes,
            CodecSet codecs, bool compression) {
    Filled filled;
    const std::size_t fields = recording.schema().fields.size();
    for (const auto* runs : {&recording.training(), &recording.test()}) {
        for (const SampleRun& run : *runs) {
            Device device{recording.schema(), block_bytes, arena_bytes, codecs, compression};
            for (int round = 0; round < rounds; ++round) {
                for (std::size_t i = 0; i < run.times.size(); ++i)
                    device.add({1, run.times[i], run.values.subspan(i * fields, fields)}, filled);
            }
        }
    }
    return filled;
}

void print(const char* name, const Filled& filled, std::size_t block_bytes) {
    const auto per_block = [&](std::size_t count) {
        return static_cast<double>(count) /
               static_cast<double>(std::max(filled.blocks, std::size_t{1}));
    };
    std::printf("  %s %5zu %5.1f %% %6.1f %5.1f %% %4.1f %%", name, filled.blocks,
                100 * per_block(filled.bytes) / static_cast<double>(block_bytes),
                per_block(filled.samples), 100 * per_block(filled.full_of_samples),
                100 * per_block(filled.split));
}

}  // namespace

int main(int argc, char** argv) {
    const std::size_t block_bytes = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 1100;
    const std::size_t arena_bytes = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 64 * 1024;
    if (!crypto_init().ok()) return 1;
    std::printf("each: blocks, filled, samples a block, closed by 256 samples, coded twice\n");
    for (const char* const name : bundled_recordings()) {
        const auto recording = Recording::load(name);
        if (!recording.ok()) return 1;
        std::printf("%-24s", name);
        const auto with = [&](const char* title, CodecSet codecs, bool compression) {
            print(title, fill(*recording.value(), block_bytes, arena_bytes, codecs, compression),
                  block_bytes);
        };
        with("codec 0", 0, false);
        with("all", usual_codecs, true);
        with("without zstd", usual_codecs, false);
        std::printf("\n");
    }
    return 0;
}
