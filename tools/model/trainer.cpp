#include "tools/model/trainer.hpp"

#include <cmath>

#include "common/block/codec2_section.hpp"

namespace longhaul {
namespace {

constexpr std::size_t answers_min = 24;
constexpr std::uint16_t counts = 16;

// Bits of a decision with a probability in units of 2^-12.
const std::array<double, 4097>& bits_of_probability() {
    static const std::array<double, 4097> table = [] {
        std::array<double, 4097> bits{};
        for (std::size_t i = 1; i < bits.size(); ++i)
            bits[i] = 12 - std::log2(static_cast<double>(i));
        return bits;
    }();
    return table;
}

// Probabilities that are worth trying, closer together towards certainty.
std::vector<std::uint16_t> candidates() {
    std::vector<std::uint16_t> entries;
    for (int quarter = -25; quarter <= 25; ++quarter) {
        const double logit = quarter / 4.0;
        const auto probability =
            static_cast<std::uint16_t>(std::lround(4096 / (1 + std::exp(-logit))));
        for (std::uint16_t count = 0; count < counts; ++count)
            entries.push_back(static_cast<std::uint16_t>(probability << 4 | count));
    }
    return entries;
}

}  // namespace

double DecisionHistory::cost(std::uint16_t entry) const {
    const auto& bits = bits_of_probability();
    double cost = 0;
    BitModel model = BitModel::stored(entry);
    for (const std::uint8_t answer : answers_) {
        if (answer == section_end) {
            model = BitModel::stored(entry);
        } else if (answer == 1) {
            cost += bits[4096 - model.probability_of_no()];
            model.saw_yes();
        } else {
            cost += bits[model.probability_of_no()];
            model.saw_no();
        }
    }
    return cost;
}

std::uint16_t DecisionHistory::best() const {
    if (count_ < answers_min) return stored_half;
    static const std::vector<std::uint16_t> tried = candidates();
    std::uint16_t best = stored_half;
    double best_cost = cost(best);
    for (const std::uint16_t entry : tried) {
        const double now = cost(entry);
        if (now >= best_cost) continue;
        best = entry;
        best_cost = now;
    }
    return best;
}

std::uint16_t DecisionHistory::best_beside(std::uint16_t builtin) const {
    constexpr double entry_bits = 16;
    const std::uint16_t own = best();
    return cost(own) + entry_bits < cost(builtin) ? own : builtin;
}

void ModelTrainer::begin_column(ContextSet set) {
    column_ =
        &histories_[tables_ == Tables::of_kinds ? static_cast<std::size_t>(set) : next_column_++];
    for (DecisionHistory& history : *column_) history.begin_section();
}

void ModelTrainer::add(const Schema& schema, std::size_t samples, SectionSource& source) {
    next_column_ = 0;
    SectionEncoder<ModelTrainer> section{samples, source, *this, memory_, literals_};
    section.times();
    for (std::size_t i = 0; i < schema.fields.size(); ++i) section.field(i, schema.fields[i]);
}

StoredContexts ModelTrainer::train(ContextSet set) const {
    StoredContexts entries;
    const Histories& histories = histories_[static_cast<std::size_t>(set)];
    for (std::size_t i = 0; i < entries.size(); ++i) entries[i] = histories[i].best();
    return entries;
}

StoredContexts ModelTrainer::train_column(std::size_t column, ContextSet set) const {
    StoredContexts entries;
    ColumnContexts builtin;
    ModelReader{Model{}}.next_column(set, builtin);
    for (std::size_t i = 0; i < entries.size(); ++i) {
        const DecisionHistory& history = histories_[column][i];
        entries[i] = history.seen() ? history.best_beside(builtin[i].entry()) : stored_half;
    }
    return entries;
}

}  // namespace longhaul
