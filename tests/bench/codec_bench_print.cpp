// The bundled recordings in the forms that other programs read.
#include "tests/bench/codec_bench_print.hpp"

#include <bit>
#include <cmath>
#include <cstdio>

#include "common/block/codec2_contexts.hpp"
#include "tools/model/recordings.hpp"

namespace longhaul::bench {
namespace {

void print_text(Bytes text) {
    std::printf("\"");
    for (const std::byte byte : text) {
        const auto letter = static_cast<unsigned>(byte);
        if (letter < 0x20 || letter >= 0x7f || letter == '"' || letter == '\\')
            std::printf("\\u%04x", letter);
        else
            std::printf("%c", static_cast<int>(letter));
    }
    std::printf("\"");
}

// Numbers of decimals keep their scale: [integer, scale]; floats are ["f", bits].
void print_value(const Field& field, const Value& value) {
    if (value.form == ValueForm::null) {
        std::printf("null");
    } else if (value.form == ValueForm::integer) {
        std::printf("%lld", static_cast<long long>(value.integer));
    } else if (value.form == ValueForm::real) {
        const bool single = field.kind == FieldKind::float32;
        const double real = single
                                ? std::bit_cast<float>(static_cast<std::uint32_t>(value.real_bits))
                                : value.real();
        if (std::isfinite(real))
            std::printf("[%.17g]", real);
        else
            std::printf("[null]");
    } else {
        print_text(value.text);
    }
}

// The first test run's numbers, without texts, floats and columns that have exceptions.
void print_arm(const Recording& recording, std::size_t place) {
    constexpr std::size_t samples_max = 1024;
    const SampleRun& run = recording.test()[0];
    const std::size_t samples = std::min(run.times.size(), samples_max);
    const std::size_t fields = recording.schema().fields.size();
    std::vector<std::size_t> columns;
    for (std::size_t c = 0; c < fields; ++c) {
        bool numbers = !is_literal(recording.schema().fields[c].kind);
        for (std::size_t i = 0; i < samples; ++i)
            numbers = numbers && run.values[i * fields + c].form != ValueForm::real;
        if (numbers) columns.push_back(c);
    }
    std::printf("inline constexpr Field fields_%zu[] = {\n", place);
    for (const std::size_t c : columns) {
        const Field& field = recording.schema().fields[c];
        std::printf("    {.labels = \"");
        for (std::size_t i = 0; i < field.label_count(); ++i) std::printf("x\\n");
        std::printf("\", .kind = static_cast<FieldKind>(%d), .nullable = %d},\n",
                    static_cast<int>(field.kind), static_cast<int>(field.nullable));
    }
    std::printf("};\ninline constexpr std::int64_t times_%zu[] = {", place);
    for (std::size_t i = 0; i < samples; ++i)
        std::printf("%lldLL,", static_cast<long long>(run.times[i]));
    std::printf("};\ninline constexpr std::int64_t values_%zu[] = {", place);
    for (std::size_t i = 0; i < samples; ++i)
        for (const std::size_t c : columns)
            std::printf("%lldLL,", static_cast<long long>(run.values[i * fields + c].integer));
    std::printf("};\ninline constexpr bool nulls_%zu[] = {", place);
    for (std::size_t i = 0; i < samples; ++i)
        for (const std::size_t c : columns)
            std::printf("%d,", run.values[i * fields + c].form == ValueForm::null ? 1 : 0);
    std::printf(
        "};\n#define ARM_%zu {\"%s\", {.fields = fields_%zu}, %zu, times_%zu, values_%zu, "
        "nulls_%zu}\n",
        place, recording.name().c_str(), place, samples, place, place, place);
}

void print_arm_head() {
    std::printf(
        "#include \"common/block/schema.hpp\"\nnamespace longhaul::arm {\n"
        "inline constexpr std::size_t fields_max = 20;\n"
        "struct Recording { const char* name; Schema schema; std::size_t samples;\n"
        "const std::int64_t* times; const std::int64_t* values; const bool* nulls; };\n");
}

// Those whose samples are mostly numbers.
constexpr std::array arm_recordings{"optical-prefec-ber/mapping", "tracker-balloon/mapping",
                                    "sensors-lorawan/mapping", "ais-vessels/mapping"};

}  // namespace

void print_samples(const Recording& recording) {
    std::printf("[");
    for (const Field& field : recording.schema().fields) {
        std::printf("%s[\"%.*s\",%d,%d,", &field == recording.schema().fields.data() ? "" : ",",
                    static_cast<int>(field.name.size()), field.name.data(),
                    static_cast<int>(field.kind), field.scale);
        print_text(as_bytes(field.labels));
        std::printf("]");
    }
    std::printf("]\n");
    const std::size_t fields = recording.schema().fields.size();
    for (const SampleRun& run : recording.model_test()) {
        std::printf("%zu\n", run.times.size());
        for (std::size_t i = 0; i < run.times.size(); ++i) {
            std::printf("[%lld", static_cast<long long>(run.times[i]));
            for (std::size_t c = 0; c < fields; ++c) {
                std::printf(",");
                print_value(recording.schema().fields[c], run.values[i * fields + c]);
            }
            std::printf("]\n");
        }
    }
}

int print_arm() {
    print_arm_head();
    for (std::size_t i = 0; i < arm_recordings.size(); ++i) {
        const auto loaded = Recording::load(arm_recordings[i]);
        if (!loaded.ok()) return 1;
        print_arm(*loaded.value(), i);
    }
    std::printf("inline constexpr Recording recordings[] = {ARM_0, ARM_1, ARM_2, ARM_3};\n}\n");
    return 0;
}

}  // namespace longhaul::bench
