// What a model is worth: measured on devices, or on a time, that it was not trained on.
#pragma once

#include <string>
#include <vector>

#include "tools/model/recordings.hpp"

namespace longhaul {

// Every other device for training, beginning with the first; of a single device the first three
// fifths.
struct HeldOut {
    std::vector<SampleRun> training;
    std::vector<SampleRun> rest;
    bool by_time = false;

    explicit HeldOut(std::span<const SampleRun> devices);
    static std::size_t samples_of(const std::vector<SampleRun>& runs);
};

struct ModelGain {
    std::string codecs;
    std::size_t builtin_bytes = 0;  // contents of the sections held out
    std::size_t model_bytes = 0;
    double percent() const {
        if (builtin_bytes == 0) return 0;
        return 100 * (1 - static_cast<double>(model_bytes) / static_cast<double>(builtin_bytes));
    }
};

// In sections of 60 samples, for agents that have codec 2, 1 and 2, or 1 to 3.
std::vector<ModelGain> measure_model(const Schema& schema, Bytes model,
                                     const std::vector<SampleRun>& rest);

}  // namespace longhaul
