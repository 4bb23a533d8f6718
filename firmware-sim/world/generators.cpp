// The generators of streams. Their values have the distribution of a recording's, by its
// deciles, and change within an hour about as much as it does; each device is at a place of its
// own. tests/unit/firmware_sim/generator_fit_test.cpp holds them against the recordings.
#include <algorithm>
#include <array>

#include "firmware-sim/world/stream_plan.hpp"

namespace longhaul::sim {
namespace {

// Deciles of a recorded field in the generator's units, and how it goes through them.
struct Fit {
    std::array<std::int64_t, 10> values;  // at 5, 15, … 95 percent
    std::int64_t period = 0;              // samples from the lowest to the lowest
    std::int64_t rough = 0;               // noise, at most
};

// What follows from seed, device and n.
struct Draw {
    std::uint64_t noise = 0;
    std::uint32_t device = 0;
    std::int64_t n = 0;
    std::int64_t place = 0;  // n, from the device's own beginning on
};

constexpr std::int64_t whole = 1'000;

// The value below which `share` of a thousand lie.
std::int64_t quantile(const Fit& fit, std::int64_t share) {
    constexpr std::int64_t first = 50;
    constexpr std::int64_t apart = 100;
    const std::int64_t above =
        std::clamp<std::int64_t>(share - first, 0, apart * (std::ssize(fit.values) - 1) - 1);
    const auto at = static_cast<std::size_t>(above / apart);
    return fit.values[at] + (fit.values[at + 1] - fit.values[at]) * (above % apart) / apart;
}

// Slowly up and down through all quantiles.
std::int64_t wave(const Fit& fit, const Draw& draw, std::uint64_t noise) {
    const std::int64_t at = draw.place % fit.period;
    const std::int64_t up = at < fit.period / 2 ? at : fit.period - at;
    const std::int64_t rough =
        static_cast<std::int64_t>(noise % static_cast<std::uint64_t>(2 * fit.rough + 1)) -
        fit.rough;
    return quantile(fit, 2 * whole * up / fit.period) + rough;
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
    void (*make)(const Draw& draw, SampleValues& out);
};

// A bit error ratio in 1e-8, from all ports of the recording.
void make_optical(const Draw& draw, SampleValues& out) {
    static constexpr Fit ratio{
        {1'290, 1'960, 4'610, 5'860, 69'900, 131'000, 161'000, 186'000, 221'000, 273'000},
        46'000,
        1'000};
    out.values.push_back(Value::of_integer(wave(ratio, draw, draw.noise)));
    out.values.push_back(Value::of_integer(static_cast<std::int64_t>(draw.noise >> 32) & 3));
    out.values.push_back(Value::of_integer(191'300'000 + 50'000 * (draw.device % 96)));
}

// What a bus covers in four minutes, in steps of ten seconds; whole miles an hour, in m/s.
void make_vehicle(const Draw& draw, SampleValues& out) {
    static constexpr Fit north{
        {-78'623, -41'167, -27'527, -13'585, -2'338, 2'421, 12'760, 27'664, 52'580, 94'545},
        770,
        20};
    static constexpr Fit east{
        {-53'330, -33'030, -18'654, -9'000, -1'992, 1'961, 9'090, 16'940, 28'315, 53'835}, 578, 20};
    static constexpr Fit miles_h{{0, 0, 0, 0, 6, 14, 20, 24, 28, 34}, 1, 0};
    const std::uint64_t noise = draw.noise;
    out.values.push_back(
        Value::of_integer(30'250'000 + draw.device * 100 + wave(north, draw, noise)));
    out.values.push_back(Value::of_integer(-97'740'000 + wave(east, draw, noise >> 8)));
    const auto share = static_cast<std::int64_t>((noise >> 16) % whole);
    out.values.push_back(Value::of_real(static_cast<double>(quantile(miles_h, share)) * 0.447'04));
    if ((noise >> 48) % 450 == 0) {
        out.values.emplace_back();
    } else {
        out.text = "route-" + std::to_string(draw.n / 500 % 20);
        out.values.push_back(Value::of_text(as_bytes(out.text)));
    }
}

// A day has 1,440 samples.
void make_sensor(const Draw& draw, SampleValues& out) {
    static constexpr Fit temperature{
        {400, 650, 860, 1'080, 1'220, 1'280, 1'370, 1'490, 1'680, 2'250}, 1'440, 5};
    static constexpr Fit humidity{{46, 60, 66, 70, 73, 76, 79, 83, 87, 92}, 1'440, 1};
    static constexpr Fit battery{
        {3'567, 3'570, 3'575, 3'575, 3'577, 3'580, 3'582, 3'585, 3'590, 3'603}, 40'000, 3};
    const std::uint64_t noise = draw.noise;
    out.values.push_back(Value::of_integer(wave(temperature, draw, noise)));
    out.values.push_back(Value::of_integer(wave(humidity, draw, noise >> 8)));
    out.values.push_back(
        Value::of_float32(static_cast<float>(wave(battery, draw, noise >> 16)) / 1'000.0F));
    out.values.push_back(Value::of_integer(static_cast<std::int64_t>(noise >> 63)));
}

void make_alarm(const Draw& draw, SampleValues& out) {
    out.values.push_back(Value::of_integer(static_cast<std::int64_t>(draw.noise & 1)));
    out.text = "threshold " + std::to_string(draw.n);
    out.values.push_back(Value::of_text(as_bytes(out.text)));
}

// A few sentences with numbers in them, and names and values, up to the length of a recorded line.
void make_log(const Draw& draw, SampleValues& out) {
    static constexpr Fit length{{40, 53, 65, 74, 83, 91, 110, 139, 156, 214}, 1, 0};
    static constexpr std::array words{"port", "peer", "slot", "queue", "lane"};
    const std::uint64_t noise = draw.noise;
    const auto wanted =
        static_cast<std::size_t>(quantile(length, static_cast<std::int64_t>((noise >> 8) % whole)));
    out.text = "unit " + std::to_string(draw.device % 7) + ": cycle " + std::to_string(draw.n) +
               " took " + std::to_string(noise % 900 + 100) + " ms";
    for (std::uint64_t i = 0; out.text.size() < wanted; ++i) {
        out.text += std::string{i == 0 ? "; " : ", "} + words[(noise + i) % words.size()] + " ";
        out.text += std::to_string(((noise >> 20) + i) % 48) + " is up";
    }
    out.values.push_back(Value::of_text(as_bytes(out.text)));
    out.values.push_back(Value::of_integer(static_cast<std::int64_t>(noise) >> 20));
}

Field field(std::string_view name, FieldKind kind, std::uint8_t scale = 0, bool nullable = false,
            std::string_view labels = {}) {
    return {.name = name,
            .unit = {},
            .help = {},
            .labels = labels,
            .kind = kind,
            .scale = scale,
            .nullable = nullable};
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
        const auto beginning = static_cast<std::int64_t>(plan_noise(seed_, device, -1) >> 40);
        kind_.make({plan_noise(seed_, device, n), device, n, beginning + n}, out);
    }
    std::int64_t gap_ms(std::uint32_t device, std::int64_t n) const override {
        const auto rough = static_cast<std::uint64_t>(kind_.gap_rough_ms);
        if (rough == 0) return kind_.gap_ms;
        const auto more =
            static_cast<std::int64_t>((plan_noise(seed_, device, n) >> 24) % (2 * rough));
        return kind_.gap_ms - kind_.gap_rough_ms + more + 1;
    }

 private:
    GeneratorKind kind_;
    std::uint64_t seed_;
};

}  // namespace

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

}  // namespace longhaul::sim
