// Sections of the bundled recordings: how many bytes each codec takes for a sample, and how fast it
// is. Only samples that model 0 was not trained on.
//
//   codec_bench names                of the recordings
//   codec_bench sizes [RECORDING]    a line a recording, codec and number of samples
//   codec_bench speed [RECORDING]    million values a second, the best of several rounds
//   codec_bench check                decodes every section of every recording and compares
//   codec_bench random SEED SECTIONS    the same with drawn schemas and values of every kind
//   codec_bench dump RECORDING       the samples as JSON lines, for codec.py
//   codec_bench arm                  numbers of some recordings as C++, for tools/dev codec-arm
#include <cstdio>
#include <cstring>
#include <ctime>
#include <fstream>
#include <functional>

#include "common/mix/mixing_codec.hpp"
#include "common/zstd/zstd_compression.hpp"
#include "tests/bench/codec_bench_print.hpp"
#include "tests/support/section.hpp"
#include "tools/model/recordings.hpp"
#include "tools/model/schema_trainer.hpp"

using namespace longhaul;

namespace {

constexpr std::array<std::size_t, 5> section_samples{1, 4, 16, 60, 256};

struct Way {
    const char* name;
    std::uint8_t codec;
    bool cold = false;
    bool compression = true;
    bool model = false;  // trained for the recording
};
constexpr std::array<Way, 10> ways{{{"codec 0", codec_columns},
                                    {"codec 1", codec_zstd},
                                    {"codec 2 cold", codec_range, true},
                                    {"codec 2", codec_range},
                                    {"codec 2 without zstd", codec_range, false, false},
                                    {"codec 2 with model", codec_range, false, true, true},
                                    {"codec 3", codec_mixed},
                                    {"codec 3 with model", codec_mixed, false, true, true},
                                    {"smallest", 255},
                                    {"smallest with model", 255, false, true, true}}};

struct Bench {
    explicit Bench(const Recording& recording)
        : trained_bytes{train_model(recording.schema(), recording.model_training())},
          trained{Model::parse(trained_bytes).value()} {
        rooms.mixing = &mixing;
    }
    std::vector<std::byte> trained_bytes;
    Model trained;
    ZstdCompression zstd;
    MixingCodec mixing;
    test::SectionRooms rooms;
    std::vector<std::byte> out = std::vector<std::byte>(256 << 10);

    // Nothing where the codec has nothing to do in this schema.
    std::optional<std::size_t> encode(const Way& way, const Recording& recording,
                                      const SampleRun& run, std::uint8_t* codec = nullptr) {
        rooms.model = way.cold ? Model::cold() : way.model ? trained : Model{};
        rooms.compression = way.compression ? &zstd : nullptr;
        RowSource source{run, recording.schema().fields.size()};
        if (way.codec == 255) {
            const auto chosen =
                encode_smallest_section(0b1111, recording.schema(), run.times.size(), source,
                                        rooms.aids(), rooms.memory(), out);
            LH_CHECK(chosen.has_value());
            if (codec != nullptr) *codec = chosen->codec;
            return chosen->bytes;
        }
        const auto size = encode_section(way.codec, recording.schema(), run.times.size(), source,
                                         rooms.aids(), rooms.memory(), out);
        LH_CHECK(size.has_value() || way.codec == codec_mixed);
        if (codec != nullptr) *codec = way.codec;
        return size;
    }
};

// Consecutive sections of `samples` each; what is left of a run at its end is not counted.
void for_each_section(const std::vector<SampleRun>& runs, std::size_t samples,
                      const std::function<void(const SampleRun&)>& take) {
    for (const SampleRun& run : runs) {
        for (std::size_t at = 0; at + samples <= run.times.size(); at += samples)
            take(run.part(at, samples));
    }
}

void sizes(const Recording& recording) {
    Bench bench{recording};
    for (const std::size_t samples : section_samples) {
        for (const Way& way : ways) {
            std::size_t bytes = 0;
            std::size_t sections = 0;
            for_each_section(recording.model_test(), samples, [&](const SampleRun& run) {
                const auto size = bench.encode(way, recording, run);
                bytes += size.value_or(0);
                sections += size ? 1U : 0U;
            });
            if (sections == 0) continue;
            std::printf("%s\t%zu\t%s\t%zu\t%zu\n", recording.name().c_str(), samples, way.name,
                        sections * samples, bytes);
        }
    }
}

// Every sample of all devices, trained on or not, in sections of all sizes in turn.
std::size_t check(const Recording& recording) {
    Bench bench{recording};
    const std::size_t fields = recording.schema().fields.size();
    std::size_t values = 0;
    std::size_t turn = 0;
    for (const auto* runs : {&recording.training(), &recording.test()}) {
        for (const SampleRun& whole : *runs) {
            for (std::size_t at = 0; at < whole.times.size();) {
                const std::size_t wanted = section_samples[turn++ % section_samples.size()];
                const SampleRun run = whole.part(at, std::min(wanted, whole.times.size() - at));
                at += run.times.size();
                for (const Way& way : ways) {
                    std::uint8_t codec = 0;
                    const auto bytes = bench.encode(way, recording, run, &codec);
                    if (!bytes) continue;
                    test::SectionData back{run.times.size(), fields};
                    LH_CHECK(decode_section(codec, recording.schema(),
                                            Bytes{bench.out}.first(*bytes), bench.rooms.aids(),
                                            *bench.rooms.decoder, back.times, back.spans())
                                 .ok());
                    for (std::size_t i = 0; i < run.times.size(); ++i) {
                        LH_CHECK(back.times[i] == run.times[i]);
                        for (std::size_t c = 0; c < fields; ++c)
                            LH_CHECK(
                                test::same_value(back.columns[c][i], run.values[i * fields + c]));
                    }
                    values += run.times.size() * (fields + 1);
                }
            }
        }
    }
    return values;
}

// Sections of drawn schemas and values, in every codec, with model 0 and without.
void check_random(std::uint64_t seed, std::size_t sections) {
    constexpr std::size_t mixed_in = 20;  // codec 3 takes its time
    std::mt19937_64 random{seed};
    ZstdCompression zstd;
    MixingCodec mixing;
    test::SectionRooms rooms;
    std::vector<std::byte> out(1 << 20);
    rooms.plain.resize(1 << 20);
    std::size_t values = 0;
    for (std::size_t i = 0; i < sections; ++i) {
        const test::RandomSection section{random};
        const std::size_t samples = section.data.times.size();
        rooms.model = i % 4 == 0 ? Model::cold() : Model{};
        rooms.compression = &zstd;
        rooms.mixing = i % mixed_in == 0 ? &mixing : nullptr;
        for (const std::uint8_t codec : {codec_columns, codec_zstd, codec_range, codec_mixed}) {
            test::SpanSource source{section.data};
            const auto bytes = encode_section(codec, section.schema, samples, source, rooms.aids(),
                                              rooms.memory(), out);
            // What codec 1 compresses has a limit, and some of these are larger.
            LH_CHECK(bytes.has_value() || codec == codec_zstd || codec == codec_mixed);
            if (!bytes) continue;
            test::SectionData back{samples, section.schema.fields.size()};
            LH_CHECK(decode_section(codec, section.schema, Bytes{out}.first(*bytes), rooms.aids(),
                                    *rooms.decoder, back.times, back.spans())
                         .ok());
            LH_CHECK(test::same_samples(section.data, back));
            values += samples * (section.schema.fields.size() + 1);
        }
    }
    std::printf("%zu values, seed %llu\n", values, static_cast<unsigned long long>(seed));
}

// Of the processor, because the machine is shared.
double seconds_of(const std::function<void()>& work) {
    const std::clock_t begin = std::clock();
    work();
    return static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
}

// As many values as sections of this way hold.
struct Coded {
    std::vector<std::vector<std::byte>> sections;
    std::size_t values = 0;
};

Coded coded(Bench& bench, const Way& way, const Recording& recording, std::size_t samples) {
    Coded made;
    for_each_section(recording.model_test(), samples, [&](const SampleRun& run) {
        const auto size = bench.encode(way, recording, run);
        if (!size) return;
        made.sections.emplace_back(bench.out.begin(),
                                   bench.out.begin() + static_cast<std::ptrdiff_t>(*size));
        made.values += samples * (recording.schema().fields.size() + 1);
    });
    return made;
}

// Keeps what codec 2 hands to zstd.
class KeepLiterals final : public Compression {
 public:
    std::optional<std::size_t> compress(Bytes plain, Bytes, MutableBytes) override {
        kept.emplace_back(plain.begin(), plain.end());
        return std::nullopt;
    }
    Result<Bytes> decompress(Bytes, Bytes, MutableBytes) override {
        return Error{ErrorCode::unsupported, "nothing is decompressed here"};
    }
    std::vector<std::vector<std::byte>> kept;
};

// What zstd alone takes of codec 2's time: a coder that took none would be as fast as this.
void speed_of_literals(Bench& bench, const Recording& recording, std::size_t samples, int rounds) {
    KeepLiterals literals;
    std::size_t values = 0;
    bench.rooms.model = Model{};
    bench.rooms.compression = &literals;
    for_each_section(recording.model_test(), samples, [&](const SampleRun& run) {
        RowSource source{run, recording.schema().fields.size()};
        LH_CHECK(encode_section(codec_range, recording.schema(), samples, source,
                                bench.rooms.aids(), bench.rooms.memory(), bench.out)
                     .has_value());
        values += samples * (recording.schema().fields.size() + 1);
    });
    if (literals.kept.empty()) return;
    double best_s = 1e9;
    for (int round = 0; round < rounds; ++round)
        best_s =
            std::min(best_s, seconds_of([&] {
                         for (const auto& plain : literals.kept)
                             bench.zstd.compress(plain, Model{}.dictionary(),
                                                 MutableBytes{bench.out}.first(plain.size() - 1));
                     }));
    std::printf("%s\t%zu\tcodec 2, its zstd alone\t%.2f\t0\n", recording.name().c_str(), samples,
                static_cast<double>(values) / 1e6 / best_s);
}

// Rounds of all ways in turn, so that what else the machine does is the same for all.
void speed(const Recording& recording) {
    constexpr int rounds = 7;
    constexpr std::array<std::size_t, 6> timed{0, 1, 3, 4, 6, 7};
    Bench bench{recording};
    for (const std::size_t samples : {std::size_t{60}, std::size_t{256}}) {
        std::array<Coded, ways.size()> all;
        std::array<double, ways.size()> encode_s;
        std::array<double, ways.size()> decode_s;
        encode_s.fill(1e9);
        decode_s.fill(1e9);
        for (const std::size_t way : timed) all[way] = coded(bench, ways[way], recording, samples);
        test::SectionData back{samples, recording.schema().fields.size()};
        const auto spans = back.spans();
        const auto decode = [&](const Way& way, const std::vector<std::byte>& section) {
            LH_CHECK(decode_section(way.codec, recording.schema(), section, bench.rooms.aids(),
                                    *bench.rooms.decoder, back.times, spans)
                         .ok());
        };
        for (int round = 0; round < rounds; ++round) {
            for (const std::size_t way : timed) {
                if (all[way].sections.empty() || (ways[way].codec == codec_mixed && round > 1))
                    continue;
                encode_s[way] = std::min(
                    encode_s[way], seconds_of([&] {
                        for_each_section(
                            recording.model_test(), samples,
                            [&](const SampleRun& run) { bench.encode(ways[way], recording, run); });
                    }));
                decode_s[way] = std::min(decode_s[way], seconds_of([&] {
                                             for (const auto& section : all[way].sections)
                                                 decode(ways[way], section);
                                         }));
            }
        }
        for (const std::size_t way : timed) {
            if (all[way].sections.empty()) continue;
            const auto values = static_cast<double>(all[way].values) / 1e6;
            std::printf("%s\t%zu\t%s\t%.2f\t%.2f\n", recording.name().c_str(), samples,
                        ways[way].name, values / encode_s[way], values / decode_s[way]);
        }
        speed_of_literals(bench, recording, samples, rounds);
    }
}

}  // namespace

int main(int argument_count, char** arguments) {
    const std::string what = argument_count > 1 ? arguments[1] : "";
    const std::string only = argument_count > 2 ? arguments[2] : "";
    if (what == "arm") return bench::print_arm();
    if (what == "random" && argument_count == 4) {
        check_random(std::stoull(only), std::stoull(arguments[3]));
        return 0;
    }
    std::size_t checked = 0;
    for (const char* mapping : bundled_recordings()) {
        const auto loaded = Recording::load(mapping);
        if (!loaded.ok()) {
            std::fprintf(stderr, "%s\n", loaded.error().text.c_str());
            return 1;
        }
        const Recording& recording = *loaded.value();
        if (!only.empty() && recording.name() != only) continue;
        if (what == "names") std::printf("%s\n", recording.name().c_str());
        if (what == "sizes") sizes(recording);
        if (what == "speed") speed(recording);
        if (what == "dump") bench::print_samples(recording);
        if (what == "check") checked += check(recording);
    }
    if (what == "check") std::printf("%zu values\n", checked);
    return 0;
}
