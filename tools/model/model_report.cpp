#include "tools/model/model_report.hpp"

#include "tools/model/section_sizes.hpp"

namespace longhaul {

HeldOut::HeldOut(std::span<const SampleRun> devices) {
    constexpr std::size_t training_share = 60;  // percent of a single device
    by_time = devices.size() == 1;
    std::size_t place = 0;
    for (const SampleRun& device : devices) {
        if (!by_time) {
            (place++ % 2 == 0 ? training : rest).push_back(device);
            continue;
        }
        const std::size_t begin = device.times.size() * training_share / 100;
        training.push_back(device.part(0, begin));
        rest.push_back(device.part(begin, device.times.size() - begin));
    }
}

std::size_t HeldOut::samples_of(const std::vector<SampleRun>& runs) {
    std::size_t samples = 0;
    for (const SampleRun& run : runs) samples += run.times.size();
    return samples;
}

std::vector<ModelGain> measure_model(const Schema& schema, Bytes model,
                                     const std::vector<SampleRun>& rest) {
    constexpr std::size_t section_samples = 60;
    constexpr std::size_t samples_max = 30'000;
    const Model trained = Model::parse(model).value();
    SectionSizes sizes{schema};
    std::vector<ModelGain> gains{{"codec 2"}, {"codecs 1 and 2"}, {"codecs 1 to 3"}};
    constexpr std::array<CodecSet, 3> codecs{0b100, 0b110, 0b1110};
    for (const SampleRun& run : spread_sections(rest, section_samples, samples_max)) {
        for (std::size_t i = 0; i < gains.size(); ++i) {
            gains[i].builtin_bytes += sizes.smallest(codecs[i], Model{}, run);
            gains[i].model_bytes += sizes.smallest(codecs[i], trained, run);
        }
    }
    return gains;
}

}  // namespace longhaul
