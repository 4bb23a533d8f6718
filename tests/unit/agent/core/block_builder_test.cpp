#include "agent/core/block_builder.hpp"

#include <catch2/catch_test_macros.hpp>
#include <limits>
#include <optional>
#include <random>

#include "tests/unit/agent/fixtures.hpp"

using namespace longhaul;
using namespace longhaul::agent;
using namespace longhaul::test;

namespace {

constexpr BlockKey key{};

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
class Bench {
 public:
    explicit Bench(std::vector<StreamInfo> streams, std::size_t body_bytes = 4096,
                   std::size_t arena_bytes = 64 * 1024, CodecSet codecs = 0)
        : sections_(streams.size()),
          arena_(arena_bytes / 8),
          body_(body_bytes),
          column_(limits::section_samples_max),
          sealed_(block_header_bytes + body_bytes) {
        LH_CHECK(crypto_init().ok());
        for (const StreamInfo& info : streams) {
            streams_.push_back({info, schema_hash(info.encoded_schema)});
            schemas_.push_back(info.schema);
        }
        builder.emplace(streams_, BuilderRooms{sections_, arena_, body_, column_}, codecs,
                        CodecTools{&range_, &zstd, plain_});
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
        const auto block = builder->seal(name, key, system, sealed_);
        REQUIRE(block.ok());
        blocks.push_back(block.value().tag);
        sections_before.push_back(sections.size());
        sizes.push_back(block.value().sealed.size());
        auto& room = rooms_.emplace_back();
        for (DecodedSection& section : decode_block(key, block.value().sealed, schemas_, room)) {
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
    std::vector<std::uint64_t> arena_;
    std::vector<std::byte> body_;
    std::vector<Value> column_;
    std::vector<std::byte> sealed_;
    Codec2Encoder range_;
    std::vector<std::byte> plain_ = std::vector<std::byte>(2 * limits::section_plain_bytes_max);
    std::deque<std::vector<std::byte>> rooms_;
    std::array<std::uint32_t, block_class_count> last_number_{};
};

const std::vector<Field> every_kind = {
    field_of(FieldKind::integer, "a"),          field_of(FieldKind::decimal, "b", 3, true),
    field_of(FieldKind::boolean, "c"),          field_of(FieldKind::enumeration, "d", 0, true),
    field_of(FieldKind::text, "e", 0, true),    field_of(FieldKind::bytes, "f"),
    field_of(FieldKind::float32, "g", 0, true), field_of(FieldKind::float64, "h"),
};

// Values of every form that a field of this kind may have; the texts live in `texts`.
Value random_value(const Field& field, std::mt19937_64& random, std::deque<std::string>& texts) {
    if (field.nullable && random() % 5 == 0) return {};
    switch (field.kind) {
        case FieldKind::integer:
            return Value::of_integer(static_cast<std::int64_t>(random()));
        case FieldKind::decimal:
            if (random() % 7 == 0) return Value::of_real(std::numeric_limits<double>::quiet_NaN());
            return Value::of_integer(static_cast<std::int64_t>(random() % 100'000) - 50'000);
        case FieldKind::boolean:
            return Value::of_integer(static_cast<std::int64_t>(random() % 2));
        case FieldKind::enumeration:
            return Value::of_integer(static_cast<std::int64_t>(random() % 3));
        case FieldKind::text:
        case FieldKind::bytes:
            return Value::of_text(
                as_bytes(texts.emplace_back(random() % 40, static_cast<char>('a' + random() % 3))));
        case FieldKind::float32:
            return Value::of_float32(static_cast<float>(random() % 1000) / 8);
        case FieldKind::float64:
            return Value::of_real(-0.0);
    }
    return {};
}

}  // namespace

TEST_CASE("builder: samples of every kind come back from the blocks, in order and bit-exact") {
    const OwnedSchema schema{"all", every_kind};
    const std::array<std::size_t, 4> sizes{300, 1100, 4096, 16384};
    for (unsigned round = 0; round < sizes.size() * (every_codec + 1U); ++round) {
        const std::size_t body_bytes = sizes[round % sizes.size()];
        const auto codecs = static_cast<CodecSet>(round / sizes.size());
        CAPTURE(body_bytes, static_cast<int>(codecs));
        Bench bench{{schema.stream()}, body_bytes, 32 * 1024, codecs};
        std::mt19937_64 random{round};
        std::deque<std::string> texts;
        std::vector<std::int64_t> times;
        std::vector<std::vector<Value>> rows;
        for (int i = 0; i < 700; ++i) {
            times.push_back(static_cast<std::int64_t>(random() % 1'000'000) - 500'000);
            auto& row = rows.emplace_back();
            for (const Field& field : every_kind) row.push_back(random_value(field, random, texts));
            REQUIRE(bench.add({1, times.back(), row}));
        }
        bench.seal_all();

        std::size_t n = 0;
        for (const DecodedSection& section : bench.sections) {
            CHECK((section.codec == codec_columns || (codecs >> section.codec & 1) != 0));
            for (std::size_t i = 0; i < section.times.size(); ++i, ++n) {
                REQUIRE(section.times[i] == times[n]);
                for (std::size_t f = 0; f < every_kind.size(); ++f) {
                    REQUIRE(same_value(section.columns[f][i], rows[n][f]));
                }
            }
        }
        CHECK(n == rows.size());
        for (const std::size_t size : bench.sizes) CHECK(size <= block_header_bytes + body_bytes);
        CHECK(bench.builder->empty());
    }
}

TEST_CASE("builder: blocks are filled close to their limit") {
    const OwnedSchema schema{
        "flow", {field_of(FieldKind::integer, "a"), field_of(FieldKind::integer, "b")}};
    Bench bench{{schema.stream()}, 512};
    std::mt19937_64 random{5};
    for (int i = 0; i < 2000; ++i) {
        const std::array row{Value::of_integer(static_cast<std::int64_t>(random() % 200)),
                             Value::of_integer(static_cast<std::int64_t>(random() % 50'000))};
        REQUIRE(bench.add({1, i * 1000, row}));
    }
    REQUIRE(bench.sizes.size() > 3);
    for (const std::size_t size : bench.sizes) CHECK(size > 400);
}

TEST_CASE("builder: a block is due at the earliest deadline among its streams, an alarm at once") {
    const OwnedSchema slow{"slow", {field_of(FieldKind::integer, "a")}, 60'000};
    const OwnedSchema fast{"fast", {field_of(FieldKind::integer, "a")}, 500};
    Bench bench{{slow.stream(), fast.stream(), slow.stream(BlockClass::alarm)}};
    const std::array row{Value::of_integer(1)};

    CHECK(bench.builder->due_at(BlockClass::normal) == MonotonicMs::never());
    REQUIRE(bench.add({1, 0, row}, {100}));
    CHECK(bench.builder->due_at(BlockClass::normal) == MonotonicMs{60'100});
    REQUIRE(bench.add({2, 0, row}, {200}));
    CHECK(bench.builder->due_at(BlockClass::normal) == MonotonicMs{700});
    REQUIRE(bench.add({2, 0, row}, {300}));
    CHECK(bench.builder->due_at(BlockClass::normal) == MonotonicMs{700});
    REQUIRE(bench.add({3, 0, row}, {400}));
    CHECK(bench.builder->due_at(BlockClass::alarm) == MonotonicMs{400});

    bench.seal(BlockClass::alarm);
    CHECK(bench.builder->empty(BlockClass::alarm));
    CHECK_FALSE(bench.builder->empty(BlockClass::normal));
    bench.seal(BlockClass::normal);
    REQUIRE(bench.blocks.size() == 2);
    CHECK(bench.blocks[1].samples == 3);
    CHECK(bench.blocks[1].first_us == 100'000);
    CHECK(bench.blocks[1].last_us == 300'000);
    CHECK(bench.builder->due_at(BlockClass::normal) == MonotonicMs::never());
}

TEST_CASE(
    "builder: 256 samples of a stream make its block due, another stream's samples stay in it") {
    const OwnedSchema schema{"tick", {field_of(FieldKind::boolean, "a")}};
    Bench bench{{schema.stream(), schema.stream()}, 16384};
    const std::array row{Value::of_integer(1)};
    for (int i = 0; i < 255; ++i) REQUIRE(bench.add({1, i, row}, {1}));
    REQUIRE(bench.add({2, 0, row}, {1}));
    CHECK(bench.builder->due_at(BlockClass::normal) > MonotonicMs{9});
    REQUIRE(bench.add({1, 255, row}, {9}));
    CHECK(bench.builder->due_at(BlockClass::normal) == MonotonicMs{9});
    CHECK(bench.builder->fit({1, 256, row}, 0) == BlockBuilder::Fit::after_class);
    CHECK(bench.builder->fit({2, 256, row}, 0) == BlockBuilder::Fit::yes);
}

TEST_CASE("builder: a class that is not sealed takes no room from the others") {
    const OwnedSchema schema{"note", {field_of(FieldKind::text, "a")}};
    Bench bench{{schema.stream(), schema.stream(BlockClass::bulk)}, 16384, 2048};
    const std::string text(200, 'x');
    const std::array row{Value::of_text(as_bytes(text))};
    int bulk = 0;
    while (bench.builder->fit({2, bulk, row}, 0) == BlockBuilder::Fit::yes)
        bench.builder->add({2, bulk++, row}, {}, 0);
    CHECK(bench.builder->fit({2, bulk, row}, 0) == BlockBuilder::Fit::after_class);
    for (int i = 0; i < 40; ++i) REQUIRE(bench.add({1, i, row}));
    CHECK(bench.blocks.size() >= 9);
    bench.seal_all();
    CHECK(bench.builder->empty());
    std::size_t samples = 0;
    for (const SpoolTag& tag : bench.blocks) samples += tag.samples;
    CHECK(samples == 40 + static_cast<std::size_t>(bulk));
}

TEST_CASE("builder: a sample that is larger than a block or the arena fits never") {
    const OwnedSchema schema{"note", {field_of(FieldKind::text, "a")}};
    const std::string text(400, 'x');
    const std::array row{Value::of_text(as_bytes(text))};
    Bench small_block{{schema.stream()}, 300};
    CHECK_FALSE(small_block.add({1, 0, row}));
    Bench small_arena{{schema.stream()}, 4096, 256};
    CHECK_FALSE(small_arena.add({1, 0, row}));
}

TEST_CASE("builder: room for system entries is kept free") {
    const OwnedSchema schema{"flow", {field_of(FieldKind::integer, "a")}};
    Bench bench{{schema.stream()}, 300};
    std::mt19937_64 random{3};
    constexpr std::size_t reserve = 60;
    for (;;) {
        const std::array row{Value::of_integer(static_cast<std::int64_t>(random()))};
        const Sample sample{1, 0, row};
        if (bench.builder->fit(sample, reserve) != BlockBuilder::Fit::yes) break;
        bench.builder->add(sample, {}, 0);
        CHECK(bench.builder->system_room(BlockClass::normal) + limits::section_header_bytes_max >=
              reserve);
    }
    CHECK(bench.builder->system_room(BlockClass::normal) + limits::section_header_bytes_max <
          reserve + 40);
}

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

void check_same(const Bench& bench, std::span<const Added> added) {
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
void check_tags(const Bench& bench) {
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
        const auto codecs = static_cast<CodecSet>(random() % (every_codec + 1U));
        CAPTURE(body_bytes, static_cast<int>(codecs));
        const std::size_t arena_bytes = seed % 2 == 0 ? 8 * 1024 : 64 * 1024;
        Bench bench{{schema.stream(), schema.stream(), schema.stream(BlockClass::bulk)},
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
        Bench bench{{schema.stream()}, 300, 64 * 1024, codecs};
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
        Bench bench{{schema.stream(), schema.stream()}, 600, 64 * 1024, every_codec};
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
