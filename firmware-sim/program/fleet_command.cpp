#include "firmware-sim/program/fleet_command.hpp"

#include <unistd.h>

#include <cstdio>

#include "common/host/exit_codes.hpp"
#include "firmware-sim/fleet/fleet_rows.hpp"
#include "firmware-sim/program/fleet_report.hpp"

namespace longhaul::sim {
namespace {

int complain(const Message& message, int code) {
    std::fprintf(stderr, "longhaul-sim: %s\n", message.text.c_str());
    return code;
}

bool on_terminal() { return isatty(STDERR_FILENO) != 0; }

void end_line() {
    if (on_terminal()) std::fputs("\r\033[K", stderr);
}

FleetSite::Progress tell_making(std::size_t count) {
    if (!on_terminal()) return {};
    return [count](std::size_t made) {
        if (made % 100 == 0 || made == count)
            std::fprintf(stderr, "\r%zu of %zu devices have keys and certificates\033[K", made,
                         count);
    };
}

// Rate since the last line, and how long what is left takes at this rate.
TellFleet tell_running() {
    if (!on_terminal()) return {};
    return [before = FleetProgress{}](const FleetProgress& now) mutable {
        const double step = now.seconds - before.seconds;
        const auto acked = static_cast<double>(now.counts.acked_samples);
        const double rate =
            step <= 0 ? 0 : (acked - static_cast<double>(before.counts.acked_samples)) / step;
        const double left = static_cast<double>(now.wanted) - acked;
        std::fprintf(stderr, "\r%s\033[K", progress_line(now, rate, left).c_str());
        before = now;
    };
}

Result<FleetDevices, Message> make_devices(const FleetSite& site, const FleetLoad& load,
                                           const FleetWork& work, const agent::CodecTools& codecs) {
    agent::LinuxWallClock clock;
    LH_TRY_ASSIGN(auto identities, site.make_identities(load.name, load.devices, clock.read().now,
                                                        tell_making(load.devices)));
    FleetDevices devices;
    for (FleetIdentity& identity : identities) {
        const auto number = static_cast<std::uint32_t>(devices.size());
        LH_TRY_ASSIGN(auto device,
                      FleetDevice::make(site, std::move(identity), work, number, codecs));
        devices.push_back(std::move(device));
    }
    end_line();
    return devices;
}

}  // namespace

int fleet_command(const FleetCommand& command) {
    const FleetLoad& load = command.load;
    const auto site = FleetSite::open(command.place);
    if (!site.ok()) return complain(site.error(), exit_configuration);
    if (const auto allowed = allow_sockets(load.devices); !allowed.ok())
        return complain(allowed.error(), exit_configuration);
    if (const auto reached = site.value().reach(); !reached.ok())
        return complain(reached.error(), exit_unreachable);

    constexpr std::int64_t second_ms = 1000;
    const Pace pace{load.gap_ms(), static_cast<std::uint32_t>(load.block_s * second_ms)};
    const auto plan = make_generator("vehicle", load.seed, pace);
    agent::LinuxCodecs codecs;
    const FleetWork work{plan.get(), load.samples_of_device(), load.per_batch};
    const auto devices =
        make_devices(site.value(), load, work, codecs.tools(agent::AgentSettings{}.codecs));
    if (!devices.ok()) return complain(devices.error(), exit_configuration);

    const auto ran = run_fleet(devices.value(), load, tell_running());
    end_line();
    if (!ran.ok()) return complain(ran.error(), exit_retry_later);
    auto rows = compare_rows(site.value().lake(), site.value().tenant(), *plan, devices.value(),
                             load.lake_s);
    if (!rows.ok()) return complain(rows.error(), exit_bad_data);
    const FleetReport report{ran.value(), std::move(rows).value()};
    std::fputs((command.json ? in_json(report) : in_words(report)).c_str(), stdout);
    return report.holds() ? exit_done : exit_check_failed;
}

}  // namespace longhaul::sim
