#include "tools/model/schema_trainer.hpp"

#include "common/zstd/zstd_dictionary.hpp"
#include "tools/model/encoded_model.hpp"
#include "tools/model/plan_search.hpp"
#include "tools/model/section_sizes.hpp"
#include "tools/model/trainer.hpp"

namespace longhaul {
namespace {

constexpr std::size_t section_samples = 60;
constexpr std::size_t search_samples = 2400;
constexpr std::size_t example_samples = 30;

std::vector<std::vector<std::byte>> train_columns(const Schema& schema,
                                                  std::span<const SampleRun> runs,
                                                  std::size_t samples_max) {
    const auto trainer = std::make_unique<ModelTrainer>(ModelTrainer::Tables::of_columns);
    // Small sections and large ones in turn, as devices seal them.
    for (const std::size_t samples : {std::size_t{16}, section_samples, std::size_t{256}}) {
        for (const SampleRun& run : spread_sections(runs, samples, samples_max / 3)) {
            RowSource source{run, schema.fields.size()};
            trainer->add(schema, run.times.size(), source);
        }
    }
    std::vector<std::vector<std::byte>> columns;
    for (std::size_t column = 0; column <= schema.fields.size(); ++column) {
        const ContextSet set =
            column == 0 ? ContextSet::time : context_set_of(schema.fields[column - 1].kind);
        std::vector<std::byte> room(4 * codec2_context::count);
        ByteWriter out{room};
        write_model_column(trainer->train_column(column, set), out);
        room.resize(out.size());
        columns.push_back(std::move(room));
    }
    return columns;
}

// Of the literals, where there are enough for zstd to find something in.
std::vector<std::byte> train_dictionary(const Schema& schema, std::span<const SampleRun> runs,
                                        const TrainingLimits& limits) {
    SectionSizes sizes{schema};
    std::vector<std::byte> all;
    std::vector<std::size_t> samples;
    for (const SampleRun& run : spread_sections(runs, section_samples, limits.samples)) {
        const Bytes literals = sizes.literals(run);
        if (literals.empty()) continue;
        all.insert(all.end(), literals.begin(), literals.end());
        samples.push_back(literals.size());
    }
    if (all.size() < 4 * limits.dictionary_bytes) return {};
    return train_zstd_dictionary(all, samples, limits.dictionary_bytes);
}

// Sections that show the mixer what the data are like, taken from everywhere.
void add_examples(const Schema& schema, std::span<const SampleRun> runs, std::size_t bytes_max,
                  EncodedModel& parts) {
    const std::vector<std::byte> bare = encode_model(parts);
    const auto model = Model::parse(bare);
    SectionSizes sizes{schema};
    // As many as there is room for, which the first ones tell.
    std::size_t wanted = 8;
    for (int round = 0; round < 3; ++round) {
        parts.examples.clear();
        std::size_t bytes = 0;
        sizes.begin_examples();
        for (const SampleRun& run :
             spread_sections(runs, example_samples, wanted * example_samples)) {
            const Bytes content = sizes.example(model.value(), run);
            if (content.empty()) continue;  // too large
            if (bytes + content.size() + 3 > bytes_max) break;
            bytes += content.size() + 3;
            parts.examples.push_back({static_cast<std::uint8_t>(run.times.size() - 1),
                                      {content.begin(), content.end()}});
        }
        if (bytes == 0) break;
        wanted = std::max<std::size_t>(1, parts.examples.size() * bytes_max / bytes);
    }
    sizes.end_examples();
}

// Of a wide schema not everything fits. Columns that are left out begin as in model 0; only the
// last ones can be.
void make_room(const Schema& schema, EncodedModel& parts) {
    const std::size_t entries = 1 + 4 * (schema.fields.size() + 1);
    const auto fits = [&] {
        return encode_model(parts).size() + entries <= limits::model_bytes_max;
    };
    if (!fits()) parts.dictionary.clear();
    while (!fits()) parts.columns.pop_back();
}

}  // namespace

std::vector<std::byte> train_model(const Schema& schema, std::span<const SampleRun> runs,
                                   const TrainingLimits& limits) {
    EncodedModel parts;
    parts.columns = train_columns(schema, runs, limits.samples);
    parts.dictionary = train_dictionary(schema, runs, limits);
    parts.entries =
        search_plan(schema, spread_sections(runs, section_samples, search_samples),
                    [&columns = parts.columns](std::size_t column) { return columns[column]; });
    make_room(schema, parts);
    const std::size_t used = encode_model(parts).size() + 8;
    const bool mixes = !parts.entries.empty() ||
                       std::any_of(schema.fields.begin(), schema.fields.end(),
                                   [](const Field& field) { return is_literal(field.kind); });
    if (mixes && used < limits::model_bytes_max)
        add_examples(schema, runs, std::min(limits.example_bytes, limits::model_bytes_max - used),
                     parts);
    return encode_model(parts);
}

}  // namespace longhaul
