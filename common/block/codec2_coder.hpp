// The range coder as the encoder of a section's columns talks to it.
#pragma once

#include "common/block/codec2_contexts.hpp"
#include "common/block/model.hpp"
#include "common/block/range_coder.hpp"

namespace longhaul {

// Decisions into the range coder, with the probabilities of a model.
struct RangeCoder {
    ModelReader model;
    ColumnContexts& contexts;
    RangeEncoder range;

    static constexpr bool moved(std::size_t) { return false; }
    void begin_column(ContextSet set) { model.next_column(set, contexts); }
    void bit(std::size_t context, bool yes) { range.bit(contexts[context], yes); }
    void raw(std::uint64_t value, int count) { range.raw(value, count); }

    // Nothing points to the copy, so that it stays in registers.
    struct Quick {
        RangeEncoder range;
        BitModel* contexts;
        void bit(std::size_t context, bool yes) { range.bit(contexts[context], yes); }
        void raw(std::uint64_t value, int count) { range.raw(value, count); }
    };
    Quick begin_residuals() const { return {range, contexts.data()}; }
    void end_residuals(const Quick& quick) { range = quick.range; }
};

}  // namespace longhaul
