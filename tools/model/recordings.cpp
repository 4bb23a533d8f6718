#include "tools/model/recordings.hpp"

#include <algorithm>
#include <array>

namespace longhaul {
namespace {

constexpr std::array bundled{"optical-prefec-ber/mapping", "bus-fleet-austin/mapping",
                             "bus-liverpool/mapping",      "train-node/mapping",
                             "tracker-balloon/mapping",    "sensors-lorawan/mapping",
                             "gnss-receivers/eg25",        "gnss-receivers/gp320fw",
                             "boat-nmea2000/mapping",      "car-can/mapping",
                             "ais-vessels/mapping",        "network-syslog/mapping"};

// Of a recording of one device; too short ones are not trained on at all.
constexpr std::size_t training_share = 40;  // percent
constexpr std::size_t training_samples_min = 200;

}  // namespace

std::span<const char* const> bundled_recordings() { return bundled; }

Result<std::unique_ptr<Recording>, Message> Recording::load(const std::string& mapping) {
    std::unique_ptr<Recording> recording{new Recording};
    const std::size_t slash = mapping.find('/');
    recording->name_ = mapping.substr(0, slash);
    if (mapping.substr(slash + 1) != "mapping") recording->name_ += mapping.substr(slash);
    LH_TRY_ASSIGN(recording->mapping_,
                  agent::TraceMapping::load("firmware-sim/traces/" + mapping + ".toml"));
    LH_TRY_ASSIGN(recording->file_,
                  agent::TraceFile::load(*recording->mapping_, recording->mapping_->file, {}));
    recording->divide();
    return recording;
}

void Recording::divide() {
    std::size_t place = 0;
    const std::size_t devices = file_->devices().size();
    for (const auto& [name, trace] : file_->devices()) {
        const SampleRun all{trace.times, trace.values};
        const std::size_t samples = all.times.size();
        if (devices > 1) {
            (place++ % 2 == 0 ? training_ : test_).push_back(all);
        } else if (samples < training_samples_min) {
            test_.push_back(all);
        } else {
            const std::size_t begin = samples * training_share / 100;
            training_.push_back(all.part(0, begin));
            test_.push_back(all.part(begin, samples - begin));
        }
    }
    model_training_ = training_;
    model_test_ = test_;
    if (!training_.empty()) return;
    const SampleRun all = test_[0];
    const std::size_t begin = all.times.size() * training_share / 100;
    model_training_ = {all.part(0, begin)};
    model_test_ = {all.part(begin, all.times.size() - begin)};
}

void RowSource::read_times(std::span<std::int64_t> times) {
    std::copy_n(run_.times.begin(), times.size(), times.begin());
}

}  // namespace longhaul
