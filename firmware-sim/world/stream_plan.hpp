// What the streams of a simulated fleet measure. The n-th sample of a device's stream follows from
// the seed, the device and n alone: so nobody has to remember it to know what a table must say.
//
// The first field of every schema is `sample`, which is n. The others come from a recording, or
// from a generator whose steps are like those of one of the recordings in firmware-sim/traces.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/sources/trace_file.hpp"
#include "firmware-sim/world/random.hpp"

namespace longhaul::sim {

// Values of one sample; they point into it, so it stays where it is.
class SampleValues {
 public:
    SampleValues() = default;
    SampleValues(const SampleValues&) = delete;
    SampleValues& operator=(const SampleValues&) = delete;

    std::vector<Value> values;
    std::string text;
};

class StreamPlan {
 public:
    virtual ~StreamPlan() = default;

    const std::string& name() const { return name_; }
    const Schema& schema() const { return schema_->schema(); }
    Bytes encoded_schema() const { return schema_->encoded(); }
    bool has_source_time() const { return schema().time == TimeKind::source; }

    // `device` is its number in the fleet.
    virtual void make(std::uint32_t device, std::int64_t n, SampleValues& out) const = 0;
    // From sample n to the next one, in milliseconds; at least 1.
    virtual std::int64_t gap_ms(std::uint32_t device, std::int64_t n) const = 0;

 protected:
    StreamPlan(std::string name, Schema schema, std::vector<Field> own_fields);

 private:
    std::string name_;
    std::unique_ptr<StoredSchema> schema_;
};

// The random number of a device's n-th sample.
std::uint64_t plan_noise(std::uint64_t seed, std::uint32_t device, std::int64_t n);

// Instead of a generator's own: the same gap between all samples, and when a block is due.
struct Pace {
    std::int64_t gap_ms = 0;
    std::uint32_t deadline_ms = 0;
};

// The generators, by name; they are in generators.cpp: "optical", "vehicle", "sensor", "alarm",
// "log".
std::vector<std::string_view> generator_names();
std::unique_ptr<StreamPlan> make_generator(std::string_view name, std::uint64_t seed,
                                           const std::optional<Pace>& pace = std::nullopt);

struct RecordingUse {
    std::string mapping;  // path of the recording's mapping.toml
    std::int64_t speed = 1;
    BlockClass block_class = BlockClass::normal;
    std::int64_t deadline_s = 60;
    bool source_time = false;
};
// Each device gets one of the recording's devices, beginning at a phase of its own.
Result<std::unique_ptr<StreamPlan>, Message> make_recorded(const RecordingUse& use,
                                                           std::uint64_t seed);

}  // namespace longhaul::sim
