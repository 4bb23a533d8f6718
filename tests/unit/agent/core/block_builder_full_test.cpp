// Blocks that are full by what their streams were coded to before.
#include <array>
#include <random>

#include "tests/support/model.hpp"
#include "tests/unit/agent/core/builder_bench.hpp"

using namespace longhaul;
using namespace longhaul::agent;
using namespace longhaul::test;

namespace {

// Rows of three fields whose manner changes now and then: constant, a walk, noise, texts. Their
// time is the moment at which they are added, in milliseconds.
class ChangingRows {
 public:
    explicit ChangingRows(std::uint64_t seed) : random_{seed} {}
    std::span<const Value> next() {
        if (left_-- == 0) {
            left_ = random_() % 400;
            manner_ = random_() % 4;
        }
        walk_ += static_cast<std::int64_t>(random_() % 5) - 2;
        std::int64_t number = manner_ == 0 ? 7 : walk_;
        if (manner_ == 2) number = static_cast<std::int64_t>(random_());
        std::string text(manner_ == 3 ? random_() % 60 : 0, static_cast<char>('a' + walk_ % 9));
        if (manner_ == 2) text = std::to_string(random_());
        texts_.push_back(text);
        row_ = {Value::of_integer(number), Value::of_integer(walk_ / 16),
                Value::of_text(as_bytes(texts_.back()))};
        return row_;
    }
    static std::vector<Field> fields() {
        return {field_of(FieldKind::integer, "a"), field_of(FieldKind::integer, "b"),
                field_of(FieldKind::text, "c")};
    }

 private:
    std::mt19937_64 random_;
    std::size_t left_ = 0;
    std::size_t manner_ = 0;
    std::int64_t walk_ = 1000;
    std::array<Value, 3> row_;
    std::deque<std::string> texts_;
};

// The samples of a stream as they were added.
struct Added {
    std::vector<std::int64_t> times;
    std::vector<std::vector<Value>> rows;
};

void check_same(const BuilderBench& bench, std::span<const Added> added) {
    std::vector<std::size_t> next(added.size());
    for (const DecodedSection& section : bench.sections) {
        const Added& stream = added[section.stream - 1U];
        std::size_t& n = next[section.stream - 1U];
        for (std::size_t i = 0; i < section.times.size(); ++i, ++n) {
            REQUIRE(n < stream.times.size());
            REQUIRE(section.times[i] == stream.times[n]);
            for (std::size_t f = 0; f < section.columns.size(); ++f)
                REQUIRE(same_value(section.columns[f][i], stream.rows[n][f]));
        }
    }
    for (std::size_t i = 0; i < added.size(); ++i) CHECK(next[i] == added[i].times.size());
}

// What a block's tag says of its times is that of its samples, which came in milliseconds.
void check_tags(const BuilderBench& bench) {
    for (std::size_t i = 0; i < bench.blocks.size(); ++i) {
        const std::size_t end =
            i + 1 < bench.blocks.size() ? bench.sections_before[i + 1] : bench.sections.size();
        std::int64_t first = INT64_MAX;
        std::int64_t last = 0;
        for (std::size_t s = bench.sections_before[i]; s < end; ++s) {
            first = std::min(first, bench.sections[s].times.front());
            last = std::max(last, bench.sections[s].times.back());
        }
        REQUIRE(bench.blocks[i].first_us == 1000 * first);
        REQUIRE(bench.blocks[i].last_us == 1000 * last);
    }
}

}  // namespace

TEST_CASE("builder: however the data change, no block is too large and no sample is lost") {
    const OwnedSchema schema{"changing", ChangingRows::fields()};
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        CAPTURE(seed);
        std::mt19937_64 random{seed};
        const std::size_t body_bytes = 256 + random() % 1500;
        const auto codecs = static_cast<CodecSet>(random() % (usual_codecs + 1U));
        CAPTURE(body_bytes, static_cast<int>(codecs));
        const std::size_t arena_bytes = seed % 2 == 0 ? 8 * 1024 : 64 * 1024;
        BuilderBench bench{{schema.stream(), schema.stream(), schema.stream(BlockClass::bulk)},
                           body_bytes,
                           arena_bytes,
                           codecs};
        std::deque<ChangingRows> sources;
        for (std::uint64_t i = 0; i < 3; ++i) sources.emplace_back(seed * 3 + i);
        std::array<Added, 3> added;
        for (std::int64_t ms = 0; ms < 3000; ++ms) {
            const std::size_t i = random() % 3;
            const std::span<const Value> row = sources[i].next();
            REQUIRE(bench.add({static_cast<std::uint8_t>(i + 1), ms, row}, {ms}));
            added[i].times.push_back(ms);
            added[i].rows.emplace_back(row.begin(), row.end());
        }
        while (!bench.builder->empty()) bench.seal_all();
        check_same(bench, added);
        check_tags(bench);
        for (const std::size_t size : bench.sizes) CHECK(size <= block_header_bytes + body_bytes);
        for (std::size_t i = 0; i < 3; ++i)
            CHECK(bench.builder->take_sealed_samples(i) == added[i].times.size());
    }
}

TEST_CASE("builder: a block that turned out too large is coded once more, and the rest goes next") {
    const OwnedSchema schema{
        "flow", {field_of(FieldKind::integer, "a"), field_of(FieldKind::integer, "b")}};
    for (const CodecSet codecs : {CodecSet{1U << codec_zstd}, CodecSet{1U << codec_range}}) {
        CAPTURE(static_cast<int>(codecs));
        BuilderBench bench{{schema.stream()}, 300, 64 * 1024, codecs};
        std::mt19937_64 random{9};
        Added added;
        const auto add = [&](std::int64_t a, std::int64_t b) {
            const std::array row{Value::of_integer(a), Value::of_integer(b)};
            const auto ms = static_cast<std::int64_t>(added.times.size());
            REQUIRE(bench.add({1, ms, row}, {ms}));
            added.times.push_back(ms);
            added.rows.emplace_back(row.begin(), row.end());
        };
        std::int64_t walk = 0;
        for (int i = 0; i < 4000; ++i) {
            walk += static_cast<std::int64_t>(random() % 16) * 8;
            add(walk, i / 50 * 70'000);
        }
        // Learned by now.
        const std::size_t quiet = bench.sizes.size();
        std::size_t bytes = 0;
        for (std::size_t i = quiet / 2; i < quiet; ++i) bytes += bench.sizes[i];
        CHECK(bytes / (quiet - quiet / 2) > 215);  // of 320

        const unsigned compressed_before = bench.zstd.compressed;
        for (int i = 0; i < 2000; ++i)
            add(static_cast<std::int64_t>(random()), static_cast<std::int64_t>(random()));
        bench.seal_all();
        while (!bench.builder->empty()) bench.seal_all();
        check_same(bench, {&added, 1});
        check_tags(bench);
        for (const std::size_t size : bench.sizes) CHECK(size <= block_header_bytes + 300);
        // Of blocks of noise, of which the bounds are right, none is coded twice.
        const auto sealed = static_cast<unsigned>(bench.sizes.size() - quiet);
        if (codecs == 1U << codec_zstd)
            CHECK(bench.zstd.compressed - compressed_before <= sealed + 3);
    }
}

TEST_CASE("builder: what is left of the room for system entries holds them, whatever is coded") {
    constexpr std::size_t kept = BlockBuilder::system_bytes_kept;
    const OwnedSchema schema{"changing", ChangingRows::fields()};
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        CAPTURE(seed);
        BuilderBench bench{{schema.stream(), schema.stream()}, 600, 64 * 1024, usual_codecs};
        std::deque<ChangingRows> sources{ChangingRows{seed}, ChangingRows{seed + 100}};
        std::mt19937_64 random{seed};
        std::array<Added, 2> added;
        // What was left of a block before may fill the next one by itself.
        unsigned with_entries = 0;
        unsigned without_entries = 0;
        for (std::int64_t ms = 0; ms < 1500; ++ms) {
            const std::size_t i = random() % 2;
            const std::span<const Value> row = sources[i].next();
            const Sample sample{static_cast<std::uint8_t>(i + 1), ms, row};
            while (bench.builder->fit(sample, kept) == BlockBuilder::Fit::after_class) {
                const std::size_t room = bench.builder->system_room(BlockClass::normal);
                longhaul_SystemEntry entry = longhaul_SystemEntry_init_zero;
                entry.which_entry = longhaul_SystemEntry_anchor_tag;
                entry.entry.anchor = {INT64_MAX, INT64_MAX, UINT64_MAX, 3};
                std::array<std::byte, kept> notes;
                ByteWriter out{notes};
                LH_CHECK(write_system_entry(entry, out).ok());
                LH_CHECK(out.size() + limits::section_header_bytes_max <= kept);
                const bool fits = out.size() <= room;
                ++(fits ? with_entries : without_entries);
                bench.seal(BlockClass::normal,
                           fits ? SystemEntries{1, out.written()} : SystemEntries{});
            }
            bench.builder->add(sample, {ms}, 1000 * ms);
            added[i].times.push_back(ms);
            added[i].rows.emplace_back(row.begin(), row.end());
        }
        while (!bench.builder->empty()) bench.seal_all();
        CHECK(with_entries > 4 * without_entries);
        check_same(bench, added);
    }
}

TEST_CASE("builder: a section that is coded twice is compared with the built-in model once") {
    constexpr std::size_t opinion_at = 3 * ModelFit::sections_apart + 1;  // the fourth comparison
    const OwnedSchema schema{"flow", {field_of(FieldKind::integer, "a")}};
    BuilderBench bench{{schema.stream(), schema.stream()}, 300, 64 * 1024, 1U << codec_range};
    const auto model = small_model();
    bench.use_model(0, model);
    std::mt19937_64 random{9};
    std::vector<std::byte> sealed(block_header_bytes + 300);
    std::vector<std::byte> opened(sealed.size());
    std::uint32_t number = 0;
    std::size_t with_model = 0;
    unsigned coded_twice = 0;
    for (std::int64_t ms = 0; with_model < opinion_at; ++ms) {
        // Quiet for so long that the noise after it makes a block too large.
        const bool noise = ms % 2000 > 1900;
        const std::array row{Value::of_integer(noise ? static_cast<std::int64_t>(random()) : 7)};
        const Sample sample{static_cast<std::uint8_t>(ms % 2 + 1), ms, row};
        while (bench.builder->fit(sample, 0) == BlockBuilder::Fit::after_class) {
            const BlockName name{{1}, {1}, BlockSeq::of(BlockClass::normal, ++number)};
            const auto block = bench.builder->seal(name, {}, {}, sealed);
            REQUIRE(block.ok());
            if (!bench.builder->empty(BlockClass::normal)) ++coded_twice;
            const auto body = open_block({}, block.value().sealed, opened);
            for (SectionReader reader{body.value()}; !reader.at_end();)
                with_model += reader.next().value().stream == 1 ? 1U : 0U;
            REQUIRE(bench.builder->model_is_worse(0) == (with_model >= opinion_at));
        }
        bench.builder->add(sample, {ms}, 1000 * ms);
    }
    CHECK(coded_twice > 0);
}
