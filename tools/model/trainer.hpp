// Trains the starting probabilities of codec 2: from how sections are coded, which probability and
// which confidence each decision had best begun with.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "common/block/codec2.hpp"

namespace longhaul {

// What one decision was, section by section.
class DecisionHistory {
 public:
    void begin_section() {
        if (!answers_.empty() && answers_.back() != section_end) answers_.push_back(section_end);
    }
    void add(bool yes) {
        answers_.push_back(yes ? 1 : 0);
        ++count_;
    }
    bool seen() const { return count_ != 0; }
    // Bits that the coder takes for all of it when each section begins with this stored entry.
    double cost(std::uint16_t entry) const;
    // The entry with the least cost; that of no knowledge when too little was seen.
    std::uint16_t best() const;
    // That of the built-in model, unless another one saves more than it takes in a model.
    std::uint16_t best_beside(std::uint16_t builtin) const;
    std::size_t count() const { return count_; }

 private:
    static constexpr std::uint8_t section_end = 2;
    std::vector<std::uint8_t> answers_;
    std::size_t count_ = 0;
};

class ModelTrainer {
 public:
    // Columns of one kind together, as the built-in model has them, or each column by itself.
    enum class Tables { of_kinds, of_columns };
    explicit ModelTrainer(Tables tables = Tables::of_kinds)
        : tables_{tables},
          histories_(tables == Tables::of_kinds ? context_set_count
                                                : limits::schema_fields_max + 1) {}

    // Looks at how these samples are coded.
    void add(const Schema& schema, std::size_t samples, SectionSource& source);
    StoredContexts train(ContextSet set) const;
    // Of a column, 0 for time; contexts that were never met are left out.
    StoredContexts train_column(std::size_t column, ContextSet set) const;

    // The Coder that the section's encoder talks to.
    static constexpr bool moved(std::size_t) { return false; }
    void begin_column(ContextSet set);
    void bit(std::size_t context, bool yes) { (*column_)[context].add(yes); }
    void raw(std::uint64_t, int) {}
    ModelTrainer& begin_residuals() { return *this; }
    void end_residuals(ModelTrainer&) {}

 private:
    using Histories = std::array<DecisionHistory, codec2_context::count>;
    Tables tables_;
    std::vector<Histories> histories_;
    std::size_t next_column_ = 0;
    Histories* column_ = nullptr;
    Codec2Encoder memory_;
    std::vector<std::byte> literals_ = std::vector<std::byte>(limits::section_plain_bytes_max);
};

}  // namespace longhaul
