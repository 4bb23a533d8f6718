#include "firmware-sim/world/stream_plan.hpp"

#include <algorithm>
#include <array>

#include "common/base/check.hpp"

namespace longhaul::sim {
namespace {

constexpr Field sample_field{.name = "sample", .unit = {}, .help = "counts from 0", .labels = {}};

std::uint64_t noise(std::uint64_t seed, std::uint32_t device, std::int64_t n) {
    Random random{seed ^ (std::uint64_t{device} << 40) ^ static_cast<std::uint64_t>(n), "noise"};
    return random.next();
}

// Up and down between -height and height, with noise of `rough`.
std::int64_t wave(std::int64_t n, std::int64_t period, std::int64_t height, std::uint64_t noise,
                  std::int64_t rough) {
    const std::int64_t at = n % period;
    const std::int64_t triangle = at < period / 2 ? at : period - at;
    const std::int64_t level = triangle * 4 * height / period - height;
    return level + static_cast<std::int64_t>(noise % static_cast<std::uint64_t>(2 * rough + 1)) -
           rough;
}

struct GeneratorKind {
    std::string_view name;
    std::string_view schema;
    TimeKind time;
    BlockClass block_class;
    std::uint32_t deadline_ms;
    std::int64_t gap_ms;
    std::int64_t gap_rough_ms;
    std::vector<Field> fields;
    void (*make)(std::uint64_t noise, std::uint32_t device, std::int64_t n, SampleValues& out);
};

void make_optical(std::uint64_t noise, std::uint32_t device, std::int64_t n, SampleValues& out) {
    out.values.push_back(Value::of_integer(844 + wave(n, 96, 60, noise, 25)));
    out.values.push_back(Value::of_integer(static_cast<std::int64_t>(noise >> 8) & 3));
    out.values.push_back(Value::of_integer(191'300'000 + 50'000 * (device % 96)));
}

void make_vehicle(std::uint64_t noise, std::uint32_t device, std::int64_t n, SampleValues& out) {
    const double goes = n / 30 % 4 == 0 ? 0 : 1;
    out.values.push_back(
        Value::of_integer(30'250'000 + device * 100 + wave(n, 4'000, 90'000, noise, 4)));
    out.values.push_back(Value::of_integer(-97'740'000 + wave(n, 3'000, 80'000, noise >> 8, 4)));
    out.values.push_back(
        Value::of_real(goes * static_cast<double>(80 + (noise >> 16) % 200) * 0.25));
    if (noise >> 60 == 0) {
        out.values.emplace_back();
    } else {
        out.text = "route-" + std::to_string(n / 500 % 20);
        out.values.push_back(Value::of_text(as_bytes(out.text)));
    }
}

void make_sensor(std::uint64_t noise, std::uint32_t, std::int64_t n, SampleValues& out) {
    out.values.push_back(Value::of_integer(2'150 + wave(n, 1'440, 600, noise, 12)));
    out.values.push_back(Value::of_integer(55 + wave(n, 1'440, 20, noise >> 8, 2)));
    out.values.push_back(Value::of_float32(3.6F - static_cast<float>(n % 4'096) * 0.000'25F));
    out.values.push_back(Value::of_integer(static_cast<std::int64_t>(noise >> 63)));
}

void make_alarm(std::uint64_t noise, std::uint32_t, std::int64_t n, SampleValues& out) {
    out.values.push_back(Value::of_integer(static_cast<std::int64_t>(noise & 1)));
    out.text = "threshold " + std::to_string(n);
    out.values.push_back(Value::of_text(as_bytes(out.text)));
}

void make_log(std::uint64_t noise, std::uint32_t device, std::int64_t n, SampleValues& out) {
    out.text = "unit " + std::to_string(device % 7) + ": cycle " + std::to_string(n) + " took " +
               std::to_string(noise % 900 + 100) + " ms";
    out.values.push_back(Value::of_text(as_bytes(out.text)));
    out.values.push_back(Value::of_integer(static_cast<std::int64_t>(noise) >> 20));
}

Field field(std::string_view name, FieldKind kind, std::uint8_t scale = 0, bool nullable = false,
            std::string_view labels = {}) {
    Field made = sample_field;
    made.name = name;
    made.help = {};
    made.kind = kind;
    made.scale = scale;
    made.nullable = nullable;
    made.labels = labels;
    return made;
}

const std::vector<GeneratorKind>& generator_kinds() {
    using enum FieldKind;
    static const std::vector<GeneratorKind> kinds{
        {"optical",
         "pre_fec_ber",
         TimeKind::device,
         BlockClass::normal,
         900'000,
         60'000,
         0,
         {field("ber", decimal, 8),
          field("statistic", enumeration, 0, false, "avg\nmax\nmin\ninstant\n"),
          field("frequency", integer)},
         make_optical},
        {"vehicle",
         "position",
         TimeKind::source,
         BlockClass::live,
         120'000,
         10'000,
         2'000,
         {field("lat", decimal, 6), field("lon", decimal, 6), field("speed", float64),
          field("route", text, 0, true)},
         make_vehicle},
        {"sensor",
         "climate",
         TimeKind::device,
         BlockClass::normal,
         1'800'000,
         60'000,
         500,
         {field("temperature", decimal, 2), field("humidity", integer), field("battery", float32),
          field("open", boolean)},
         make_sensor},
        {"alarm",
         "alarm",
         TimeKind::device,
         BlockClass::alarm,
         1'000,
         600'000,
         500'000,
         {field("severity", enumeration, 0, false, "minor\nmajor\n"), field("text", text)},
         make_alarm},
        {"log",
         "log_line",
         TimeKind::device,
         BlockClass::bulk,
         300'000,
         5'000,
         4'000,
         {field("line", text), field("word", integer)},
         make_log},
    };
    return kinds;
}

GeneratorKind at_pace(GeneratorKind kind, const Pace& pace) {
    kind.gap_ms = pace.gap_ms;
    kind.gap_rough_ms = 0;
    kind.deadline_ms = pace.deadline_ms;
    return kind;
}

class Generator final : public StreamPlan {
 public:
    Generator(const GeneratorKind& kind, std::uint64_t seed)
        : StreamPlan{std::string{kind.name},
                     {.name = kind.schema,
                      .fields = {},
                      .time = kind.time,
                      .tick_us = kind.time == TimeKind::source ? 1U : 1000U,
                      .default_class = kind.block_class,
                      .deadline_ms = kind.deadline_ms},
                     kind.fields},
          kind_{kind},
          seed_{seed} {}

    void make(std::uint32_t device, std::int64_t n, SampleValues& out) const override {
        out.values.clear();
        out.values.push_back(Value::of_integer(n));
        kind_.make(noise(seed_, device, n), device, n, out);
    }
    std::int64_t gap_ms(std::uint32_t device, std::int64_t n) const override {
        const auto rough = static_cast<std::uint64_t>(kind_.gap_rough_ms);
        if (rough == 0) return kind_.gap_ms;
        const auto more = static_cast<std::int64_t>((noise(seed_, device, n) >> 24) % (2 * rough));
        return kind_.gap_ms - kind_.gap_rough_ms + more + 1;
    }

 private:
    GeneratorKind kind_;
    std::uint64_t seed_;
};

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
        const std::size_t phase = noise(seed_, device, 0) % trace.times.size();
        return (phase + static_cast<std::size_t>(n)) % trace.times.size();
    }

    RecordingUse use_;
    std::uint64_t seed_;
    std::unique_ptr<agent::TraceMapping> mapping_;
    std::unique_ptr<agent::TraceFile> file_;
    std::vector<const agent::DeviceTrace*> traces_;
};

}  // namespace

StreamPlan::StreamPlan(std::string name, Schema schema, std::vector<Field> own_fields)
    : name_{std::move(name)} {
    own_fields.insert(own_fields.begin(), sample_field);
    schema.fields = own_fields;
    std::vector<std::byte> encoded(limits::schema_bytes_max);
    ByteWriter out{encoded};
    LH_CHECK(encode_schema(schema, out).ok());
    schema_ = std::move(StoredSchema::parse(out.written())).value();
}

std::vector<std::string_view> generator_names() {
    std::vector<std::string_view> names;
    for (const GeneratorKind& kind : generator_kinds()) names.push_back(kind.name);
    return names;
}

std::unique_ptr<StreamPlan> make_generator(std::string_view name, std::uint64_t seed,
                                           const std::optional<Pace>& pace) {
    for (const GeneratorKind& kind : generator_kinds()) {
        if (kind.name == name)
            return std::make_unique<Generator>(pace ? at_pace(kind, *pace) : kind, seed);
    }
    return nullptr;
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
