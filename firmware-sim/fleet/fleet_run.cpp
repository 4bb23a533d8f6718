#include "firmware-sim/fleet/fleet_run.hpp"

#include <algorithm>
#include <cmath>

namespace longhaul::sim {
namespace {

constexpr std::int64_t second_ms = 1000;
constexpr std::int64_t goodbye_ms_max = 10'000;
constexpr std::size_t waiting_kept = 5;

FleetProgress progress_of(const FleetDevices& devices) {
    FleetProgress progress;
    for (const auto& device : devices) {
        const FleetDeviceCounts counts = device->counts();
        progress.counts.produced += counts.produced;
        progress.counts.stored += counts.stored;
        progress.counts.lost += counts.lost;
        progress.counts.acked_samples += counts.acked_samples;
        progress.counts.acked_blocks += counts.acked_blocks;
        progress.counts.sessions += counts.sessions;
        progress.counts.wire_bytes += counts.wire_bytes;
        progress.connected += device->connected() ? 1U : 0U;
    }
    return progress;
}

std::string waiting_text(const FleetDevice& device) {
    const FleetDeviceCounts counts = device.counts();
    return device.name() + ": " + std::to_string(counts.acked_samples) + " of " +
           std::to_string(counts.produced) + " samples acknowledged, " + device.standing();
}

// A spread, so that not all devices of a second measure in the same millisecond.
void switch_on(FleetLoop& loop, MonotonicMs start, const FleetLoad& load) {
    agent::LinuxWallClock clock;
    const WallUs wall = clock.read().now;
    std::int64_t number = 0;
    loop.for_each([&](FleetDevice& device) {
        const std::int64_t after_ms = number++ * second_ms / load.connect_rate;
        device.switch_on(start + after_ms, {wall.value + after_ms * 1000});
    });
}

}  // namespace

std::int64_t FleetLoad::gap_ms() const {
    return std::max<std::int64_t>(1, std::llround(static_cast<double>(second_ms) / rate));
}

std::int64_t FleetLoad::samples_of_device() const {
    if (samples != 0) return samples;
    return std::max<std::int64_t>(1, seconds * second_ms / gap_ms());
}

Result<FleetFigures, Message> run_fleet(const FleetDevices& devices, const FleetLoad& load,
                                        const TellFleet& tell) {
    LH_TRY_ASSIGN(const auto loop, FleetLoop::make(devices));
    const MonotonicMs start = agent::monotonic_now();
    switch_on(*loop, start, load);
    FleetFigures figures;
    figures.devices = devices.size();
    const auto count = static_cast<std::int64_t>(devices.size());
    figures.produced_wanted = count * load.samples_of_device();
    const std::int64_t measuring_ms =
        count * second_ms / load.connect_rate + load.samples_of_device() * load.gap_ms();

    MonotonicMs tell_at;
    loop->run_until(
        [&](MonotonicMs now) {
            const FleetProgress progress = progress_of(devices);
            figures.connected_max = std::max(figures.connected_max, progress.connected);
            if (tell && now >= tell_at) {
                FleetProgress told = progress;
                told.wanted = figures.produced_wanted;
                told.seconds = static_cast<double>(now - start) / second_ms;
                tell(told);
                tell_at = now + second_ms;
            }
            return std::all_of(devices.begin(), devices.end(),
                               [](const auto& device) { return device->drained(); });
        },
        start + measuring_ms + load.drain_s * second_ms);
    figures.seconds = static_cast<double>(agent::monotonic_now() - start) / second_ms;
    for (const auto& device : devices) {
        if (device->drained()) continue;
        ++figures.not_drained;
        if (figures.waiting.size() < waiting_kept) figures.waiting.push_back(waiting_text(*device));
    }
    loop->for_each([](FleetDevice& device) { device.stop(agent::monotonic_now()); });
    loop->run_until(
        [&](MonotonicMs) {
            return std::all_of(devices.begin(), devices.end(),
                               [](const auto& device) { return device->is_off(); });
        },
        agent::monotonic_now() + goodbye_ms_max);
    figures.counts = progress_of(devices).counts;
    return figures;
}

}  // namespace longhaul::sim
