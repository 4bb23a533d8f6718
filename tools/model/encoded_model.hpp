// A model's parts, and their bytes. Specification: docs/spec/codec2.md, docs/spec/codec3.md.
#pragma once

#include <vector>

#include "common/block/model.hpp"

namespace longhaul {

struct EncodedModel {
    struct Example {
        std::uint8_t samples_less_1 = 0;
        std::vector<std::byte> content;
    };
    std::vector<std::vector<std::byte>> columns;  // as write_model_column writes them
    std::vector<std::byte> dictionary;
    std::vector<MixEntry> entries;
    std::vector<Example> examples;
};

std::vector<std::byte> encode_model(const EncodedModel& parts);

}  // namespace longhaul
