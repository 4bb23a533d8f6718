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
    // Bits that the coder takes for all of it when each section begins with this stored entry.
    double cost(std::uint16_t entry) const;
    // The entry with the least cost; that of no knowledge when too little was seen.
    std::uint16_t best() const;
    std::size_t count() const { return count_; }

 private:
    static constexpr std::uint8_t section_end = 2;
    std::vector<std::uint8_t> answers_;
    std::size_t count_ = 0;
};

class ModelTrainer {
 public:
    // Looks at how these samples are coded.
    void add(const Schema& schema, std::size_t samples, SectionSource& source);
    StoredContexts train(ContextSet set) const;

    // The Coder that the section's encoder talks to.
    void begin_column(ContextSet set);
    void bit(std::size_t context, bool yes) { (*column_)[context].add(yes); }
    void raw(std::uint64_t, int) {}
    ModelTrainer& begin_residuals() { return *this; }
    void end_residuals(ModelTrainer&) {}

 private:
    using Histories = std::array<DecisionHistory, codec2_context::count>;
    std::array<Histories, context_set_count> histories_;
    Histories* column_ = nullptr;
    Codec2Encoder memory_;
    std::vector<std::byte> literals_ = std::vector<std::byte>(limits::section_plain_bytes_max);
};

}  // namespace longhaul
