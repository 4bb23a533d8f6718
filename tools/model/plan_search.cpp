#include "tools/model/plan_search.hpp"

#include <algorithm>
#include <set>

#include "common/base/wrapping.hpp"
#include "common/mix/mix_plan.hpp"
#include "tools/model/encoded_model.hpp"
#include "tools/model/section_sizes.hpp"

namespace longhaul {
namespace {

constexpr std::size_t keys_tried = 6;
constexpr std::size_t key_values_max = 200;
// What moving a column must save, in hundredths: mixing takes time.
constexpr std::size_t saving_min = 4;
constexpr std::size_t row_saving_min = 40;  // a byte in so many rows

// One column, and the one that may be its key, as a schema of its own.
struct Cut {
    Schema schema;
    std::vector<Field> fields;
    std::vector<std::vector<Value>> values;  // of each section
    std::vector<std::vector<std::int64_t>> times;
    std::vector<SampleRun> sections;
    std::vector<std::size_t> columns{0};  // where they were, time first

    Cut(const Schema& whole, const std::vector<SampleRun>& all, std::size_t column, std::size_t key,
        bool with_times) {
        for (const std::size_t one : {key, column}) {
            if (one == 0) continue;
            columns.push_back(one);
            fields.push_back(whole.fields[one - 1]);
        }
        schema.name = "cut";
        schema.fields = fields;
        for (const SampleRun& run : all) {
            std::vector<Value>& rows = values.emplace_back();
            for (std::size_t row = 0; row < run.times.size(); ++row)
                for (std::size_t i = 1; i < columns.size(); ++i)
                    rows.push_back(run.values[row * whole.fields.size() + columns[i] - 1]);
            times.emplace_back(run.times.begin(), run.times.end());
            if (!with_times) times.back().assign(run.times.size(), 0);
        }
        for (std::size_t i = 0; i < all.size(); ++i) sections.push_back({times[i], values[i]});
    }
};

class Search {
 public:
    Search(const Schema& schema, const std::vector<SampleRun>& sections, const ColumnOf& column_of)
        : schema_{schema}, sections_{sections}, column_of_{column_of} {}

    std::vector<MixEntry> entries() {
        std::vector<MixEntry> found;
        for (std::size_t column = 1; column <= schema_.fields.size(); ++column)
            consider(column, found);
        consider(0, found);
        std::sort(found.begin(), found.end(),
                  [](const MixEntry& a, const MixEntry& b) { return a.column < b.column; });
        return found;
    }

 private:
    // Moves the column, or gives its texts a key, where that saves enough. Each trial has the key's
    // own column beside it, with and without, so that it cancels out.
    void consider(std::size_t column, std::vector<MixEntry>& found) {
        const bool literal = column != 0 && is_literal(schema_.fields[column - 1].kind);
        MixEntry best;
        std::size_t best_saving = 0;
        std::size_t whole = 0;
        const bool with_times =
            column == 0 || (!literal && (near_time(column, MixForm::from_time_us) ||
                                         near_time(column, MixForm::from_time_ms) ||
                                         near_time(column, MixForm::from_time_s)));
        for (const std::size_t key : keys_for(column)) {
            const Cut cut{schema_, sections_, column, key, with_times};
            // The times, which all of these have beside them, come last where they are moved.
            const std::size_t in_place = bytes_of(cut, nullptr);
            if (key == 0) whole = in_place;
            for (const MixForm form :
                 {MixForm::in_place, MixForm::as_it_is, MixForm::difference, MixForm::from_time_us,
                  MixForm::from_time_ms, MixForm::from_time_s}) {
                if (literal != (form == MixForm::in_place)) continue;
                if (is_from_time(form) && (column == 0 || !near_time(column, form))) continue;
                const std::uint8_t width = literal ? std::uint8_t{0} : width_of(column, form);
                MixEntry entry{static_cast<std::uint8_t>(column), form,
                               static_cast<std::uint8_t>(key), width};
                const std::size_t bytes = bytes_of(cut, &entry);
                const std::size_t saving = in_place - std::min(in_place, bytes);
                if (saving <= best_saving + (key == 0 ? 0 : whole / 100)) continue;
                best = entry;
                best_saving = saving;
            }
        }
        std::size_t rows = 0;
        for (const SampleRun& run : sections_) rows += run.times.size();
        if (100 * best_saving <= saving_min * whole || best_saving <= rows / row_saving_min) return;
        after_time_[column] = is_from_time(best.form);
        found.push_back(best);
    }

    // Fields before this one whose values come again and again; for times, which come last, all.
    std::vector<std::size_t> keys_for(std::size_t column) const {
        std::vector<std::size_t> keys{0};
        for (std::size_t key = 1; key <= schema_.fields.size(); ++key) {
            if ((column != 0 && key >= column) || keys.size() > keys_tried) break;
            if (!is_literal(schema_.fields[key - 1].kind) && !after_time_[key] && comes_again(key))
                keys.push_back(key);
        }
        return keys;
    }

    bool comes_again(std::size_t key) const {
        std::set<std::int64_t> seen;
        std::size_t rows = 0;
        for (const SampleRun& run : sections_) {
            for (std::size_t row = 0; row < run.times.size(); ++row, ++rows)
                seen.insert(run.values[row * schema_.fields.size() + key - 1].integer);
        }
        return seen.size() > 1 && seen.size() <= key_values_max && 8 * seen.size() < rows;
    }

    // Whether it may be a time too: always within a day of that of the sample.
    bool near_time(std::size_t column, MixForm form) const {
        constexpr std::int64_t day_us = 86'400'000'000;
        bool near = true;
        const std::int64_t unit = form == MixForm::from_time_us   ? 1
                                  : form == MixForm::from_time_ms ? 1000
                                                                  : 1'000'000;
        for_each_number(column, [&](std::int64_t number, std::int64_t, std::int64_t time) {
            const std::int64_t away = wrapping_subtract(number, mix_base(form, 0, time));
            near =
                near && away <= day_us / unit && away >= -day_us / unit && number > day_us / unit;
        });
        return near;
    }

    template <class Take>
    void for_each_number(std::size_t column, Take take) const {
        for (const SampleRun& run : sections_) {
            bool first = true;
            std::int64_t before = 0;
            for (std::size_t row = 0; row < run.times.size(); ++row) {
                std::int64_t number = run.times[row];
                if (column != 0) {
                    const Value& value = run.values[row * schema_.fields.size() + column - 1];
                    if (value.form != ValueForm::integer) continue;
                    number = value.integer;
                }
                if (!first) take(number, before, run.times[row]);
                first = false;
                before = number;
            }
        }
    }

    // Bytes that hold all but one in two hundred; the others take an escape.
    std::uint8_t width_of(std::size_t column, MixForm form) const {
        std::array<std::size_t, 9> count{};
        std::size_t all = 0;
        for_each_number(column, [&](std::int64_t number, std::int64_t before, std::int64_t time) {
            const std::int64_t rest = wrapping_subtract(number, mix_base(form, before, time));
            const std::uint64_t bits =
                form == MixForm::as_it_is ? static_cast<std::uint64_t>(rest) : zigzag(rest);
            ++count[std::min<std::size_t>(
                8, (static_cast<std::size_t>(std::bit_width(bits + 1)) + 7) / 8)];
            ++all;
        });
        std::size_t width = 8;
        for (std::size_t above = 0; width > 1; --width) {
            above += count[width];
            if (200 * above > all) break;
        }
        return static_cast<std::uint8_t>(width);
    }

    // All sections one after the other, each going on from the one before.
    std::size_t bytes_of(const Cut& cut, const MixEntry* given) const {
        EncodedModel parts;
        for (const std::size_t column : cut.columns) parts.columns.push_back(column_of_(column));
        if (given != nullptr && (given->key != 0 || given->form != MixForm::in_place)) {
            MixEntry entry = *given;
            entry.column = static_cast<std::uint8_t>(given->column == 0 ? 0 : cut.fields.size());
            entry.key = given->key == 0 ? 0 : 1;
            parts.entries.push_back(entry);
        }
        const bool mixed =
            !parts.entries.empty() || (!cut.fields.empty() && is_literal(cut.fields.back().kind));
        const std::vector<std::byte> bytes = encode_model(parts);
        const auto model = Model::parse(bytes);
        SectionSizes sizes{cut.schema};
        sizes.begin_examples();
        std::size_t sum = 0;
        for (const SampleRun& section : cut.sections) {
            const std::size_t size = mixed ? sizes.example(model.value(), section).size()
                                           : sizes.smallest(0b100, model.value(), section);
            sum += size;
        }
        return sum;
    }

    const Schema& schema_;
    const std::vector<SampleRun>& sections_;
    const ColumnOf& column_of_;
    std::array<bool, limits::schema_fields_max + 1> after_time_{};
};

}  // namespace

std::vector<MixEntry> search_plan(const Schema& schema, const std::vector<SampleRun>& sections,
                                  const ColumnOf& column_of) {
    return Search{schema, sections, column_of}.entries();
}

}  // namespace longhaul
