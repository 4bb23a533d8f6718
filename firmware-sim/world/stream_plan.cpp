#include "firmware-sim/world/stream_plan.hpp"

#include <algorithm>

#include "common/base/check.hpp"

namespace longhaul::sim {
namespace {

constexpr Field sample_field{.name = "sample", .unit = {}, .help = "counts from 0", .labels = {}};

class Recorded final : public StreamPlan {
 public:
    Recorded(const RecordingUse& use, std::uint64_t seed,
             std::unique_ptr<agent::TraceMapping> mapping, std::unique_ptr<agent::TraceFile> file)
        : StreamPlan{mapping->stream,
                     schema_of(*mapping, use),
                     {mapping->schema().fields.begin(), mapping->schema().fields.end()}},
          use_{use},
          seed_{seed},
          mapping_{std::move(mapping)},
          file_{std::move(file)} {
        for (const auto& [name, trace] : file_->devices()) traces_.push_back(&trace);
    }

    void make(std::uint32_t device, std::int64_t n, SampleValues& out) const override {
        const agent::DeviceTrace& trace = trace_of(device);
        const std::size_t fields = mapping_->schema().fields.size();
        const auto first =
            trace.values.begin() + static_cast<std::ptrdiff_t>(place(trace, device, n) * fields);
        out.values.assign(1, Value::of_integer(n));
        out.values.insert(out.values.end(), first, first + static_cast<std::ptrdiff_t>(fields));
    }
    std::int64_t gap_ms(std::uint32_t device, std::int64_t n) const override {
        const agent::DeviceTrace& trace = trace_of(device);
        const std::size_t at = place(trace, device, n);
        const std::size_t next = at + 1;
        constexpr std::int64_t second_us = 1'000'000;
        constexpr std::int64_t day_ms = 86'400'000;
        const std::int64_t gap_us = next < trace.times.size() ? trace.times[next] - trace.times[at]
                                                              : second_us;  // begins again
        return std::clamp<std::int64_t>(gap_us / 1000 / use_.speed, 1, day_ms);
    }

 private:
    static Schema schema_of(const agent::TraceMapping& mapping, const RecordingUse& use) {
        Schema schema = mapping.schema();
        schema.time = use.source_time ? TimeKind::source : TimeKind::device;
        schema.tick_us = use.source_time ? 1 : 1000;
        schema.default_class = use.block_class;
        schema.deadline_ms = static_cast<std::uint32_t>(use.deadline_s * 1000);
        return schema;
    }
    const agent::DeviceTrace& trace_of(std::uint32_t device) const {
        return *traces_[device % traces_.size()];
    }
    std::size_t place(const agent::DeviceTrace& trace, std::uint32_t device, std::int64_t n) const {
        const std::size_t phase = plan_noise(seed_, device, 0) % trace.times.size();
        return (phase + static_cast<std::size_t>(n)) % trace.times.size();
    }

    RecordingUse use_;
    std::uint64_t seed_;
    std::unique_ptr<agent::TraceMapping> mapping_;
    std::unique_ptr<agent::TraceFile> file_;
    std::vector<const agent::DeviceTrace*> traces_;
};

}  // namespace

std::uint64_t plan_noise(std::uint64_t seed, std::uint32_t device, std::int64_t n) {
    Random random{seed ^ (std::uint64_t{device} << 40) ^ static_cast<std::uint64_t>(n), "noise"};
    return random.next();
}

StreamPlan::StreamPlan(std::string name, Schema schema, std::vector<Field> own_fields)
    : name_{std::move(name)} {
    own_fields.insert(own_fields.begin(), sample_field);
    schema.fields = own_fields;
    std::vector<std::byte> encoded(limits::schema_bytes_max);
    ByteWriter out{encoded};
    LH_CHECK(encode_schema(schema, out).ok());
    schema_ = std::move(StoredSchema::parse(out.written())).value();
}

Result<std::unique_ptr<StreamPlan>, Message> make_recorded(const RecordingUse& use,
                                                           std::uint64_t seed) {
    LH_TRY_ASSIGN(auto mapping, agent::TraceMapping::load(use.mapping));
    LH_TRY_ASSIGN(auto file, agent::TraceFile::load(*mapping, mapping->file, {}));
    if (file->devices().empty()) return Message{use.mapping + ": the recording has no sample"};
    const std::span<const Field> fields = mapping->schema().fields;
    const bool has_sample = std::any_of(fields.begin(), fields.end(), [](const Field& each) {
        return each.name == sample_field.name;
    });
    if (has_sample || fields.size() == limits::schema_fields_max)
        return Message{use.mapping +
                       ": the simulator adds a field `sample`, and has no room for it"};
    return std::unique_ptr<StreamPlan>{
        new Recorded{use, seed, std::move(mapping), std::move(file)}};
}

}  // namespace longhaul::sim
