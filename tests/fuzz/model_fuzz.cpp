// Attacks the reader of models; whatever it takes, every table can be filled from it.
#include <array>
#include <span>

#include "common/block/model.hpp"

using namespace longhaul;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto parsed = Model::parse(std::as_bytes(std::span{data, size}));
    if (!parsed.ok()) return 0;
    ModelReader reader{parsed.value()};
    ColumnContexts contexts;
    for (int column = 0; column < 70; ++column) {
        reader.next_column(ContextSet::number, contexts);
        for (const BitModel& context : contexts) {
            LH_CHECK(context.probability_of_no() >= 8 && context.probability_of_no() <= 4088);
        }
    }
    return 0;
}
