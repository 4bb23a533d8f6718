// Counts the instructions of codec 2 on an emulated Cortex-M: QEMU runs one instruction a
// nanosecond of its clock, which the core's own timer shows. The samples come from codec_bench,
// as a header that tools/dev codec-arm includes on the command line.
#include <cstdio>
#include <cstring>

#include "common/block/section_codec.hpp"

using namespace longhaul;

namespace {

struct Timer {
    static volatile std::uint32_t& at(std::uint32_t address) {
        return *reinterpret_cast<volatile std::uint32_t*>(address);
    }
    static void start() {
        at(0xE000E014) = 0xFFFFFF;
        at(0xE000E018) = 0;
        at(0xE000E010) = 5;
    }
    static std::uint32_t ticks() { return 0xFFFFFF - at(0xE000E018); }
};

constexpr std::uint32_t calibration_loops = 100'000;

std::uint32_t calibrate() {
    Timer::start();
    std::uint32_t left = calibration_loops;
    __asm volatile("1: subs %0, %0, #1\n bne 1b\n" : "+r"(left) : : "cc");
    return Timer::ticks();
}

// The samples as a device stages them, row by row.
class ArmSource final : public SectionSource {
 public:
    ArmSource(const arm::Recording& recording, std::size_t begin)
        : recording_{recording}, begin_{begin} {}
    void read_times(std::span<std::int64_t> times) override {
        std::memcpy(times.data(), recording_.times + begin_, times.size_bytes());
    }
    void begin_column(std::size_t field) override {
        field_ = field;
        row_ = begin_;
    }
    Value next() override {
        const std::size_t at = row_++ * recording_.schema.fields.size() + field_;
        if (recording_.nulls[at]) return {};
        return Value::of_integer(recording_.values[at]);
    }

 private:
    const arm::Recording& recording_;
    std::size_t begin_;
    std::size_t field_ = 0;
    std::size_t row_ = 0;
};

Codec2Encoder encoder;
Codec2Decoder decoder;
std::byte out[16384];
std::byte plain[64];
std::int64_t times[limits::section_samples_max];
Value values[arm::fields_max][limits::section_samples_max];

// What reading the samples costs alone, which is the device's staging and not the codec.
std::uint32_t reading(const arm::Recording& recording, std::size_t begin, std::size_t samples) {
    ArmSource source{recording, begin};
    SectionSource& port = source;
    Timer::start();
    port.read_times(std::span{times}.first(samples));
    for (std::size_t i = 0; i < recording.schema.fields.size(); ++i) {
        port.begin_column(i);
        for (std::size_t j = 0; j < samples; ++j) {
            volatile bool null = port.next().form == ValueForm::null;
            (void)null;
        }
    }
    return Timer::ticks();
}

void measure(const arm::Recording& recording, std::size_t samples, double per_tick) {
    std::uint64_t encode_ticks = 0;
    std::uint64_t decode_ticks = 0;
    std::uint64_t reading_ticks = 0;
    std::size_t bytes = 0;
    std::size_t count = 0;
    const std::size_t fields = recording.schema.fields.size();
    std::array<std::span<Value>, arm::fields_max> columns;
    for (std::size_t i = 0; i < fields; ++i) columns[i] = std::span{values[i]}.first(samples);
    const CodecAids aids{{}, nullptr, plain};
    for (std::size_t begin = 0; begin + samples <= recording.samples; begin += samples) {
        ArmSource source{recording, begin};
        Timer::start();
        const auto size = encode_codec2(recording.schema, samples, source, aids, encoder, out);
        encode_ticks += Timer::ticks();
        LH_CHECK(size.has_value());
        Timer::start();
        const Status status =
            decode_codec2(recording.schema, Bytes{out}.first(*size), aids, decoder,
                          std::span{times}.first(samples), std::span{columns}.first(fields));
        decode_ticks += Timer::ticks();
        LH_CHECK(status.ok());
        for (std::size_t i = 0; i < samples; ++i) LH_CHECK(times[i] == recording.times[begin + i]);
        reading_ticks += reading(recording, begin, samples);
        bytes += *size;
        count += samples * (fields + 1);
    }
    const auto each = [&](std::uint64_t ticks) {
        return static_cast<double>(ticks) * per_tick / static_cast<double>(count);
    };
    std::printf("%s\t%u\t%.0f\t%.0f\t%.0f\t%.2f\n", recording.name, static_cast<unsigned>(samples),
                each(encode_ticks), each(reading_ticks), each(decode_ticks),
                static_cast<double>(bytes * (fields + 1)) / static_cast<double>(count));
}

}  // namespace

int main() {
    const double per_tick = 2.0 * calibration_loops / calibrate();
    std::printf("memory\t%u\t%u\n", static_cast<unsigned>(sizeof(Codec2Encoder)),
                static_cast<unsigned>(sizeof(Codec2Decoder)));
    for (const arm::Recording& recording : arm::recordings) {
        for (const std::size_t samples : {std::size_t{16}, std::size_t{60}, std::size_t{256}})
            measure(recording, samples, per_tick);
    }
    return 0;
}
