// Trains the model of one schema: starting contexts, a dictionary, and what codec 3 does with which
// column. Nothing in it is random: the same samples give the same bytes.
#pragma once

#include <string>
#include <vector>

#include "tools/model/recordings.hpp"

namespace longhaul {

struct TrainingLimits {
    std::size_t samples = 8000;  // looked at, spread over the runs
    std::size_t dictionary_bytes = 4096;
    std::size_t example_bytes = 9000;
};

// The encoded model; at most limits::model_bytes_max.
std::vector<std::byte> train_model(const Schema& schema, std::span<const SampleRun> runs,
                                   const TrainingLimits& limits = {});

}  // namespace longhaul
