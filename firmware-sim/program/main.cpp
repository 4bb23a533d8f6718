// longhaul-sim: a fleet, its networks and its disasters in one seeded process, or over real sockets
// against a collector that runs. docs/simulator.md.
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <optional>

#include "common/host/command_line.hpp"
#include "common/host/files.hpp"
#include "firmware-sim/program/fleet_command.hpp"
#include "firmware-sim/program/run_report.hpp"

using namespace longhaul;
using namespace longhaul::sim;

namespace {

struct Options {
    std::string scenario;
    std::optional<std::uint64_t> seed;
    std::uint64_t seeds = 1;
    std::optional<std::int64_t> devices;
    std::optional<std::int64_t> duration_s;
    std::string junit;
    std::string log_device;
    bool json = false;
};

int complain(const Message& message, int code) {
    std::fprintf(stderr, "longhaul-sim: %s\n", message.text.c_str());
    return code;
}

double seconds_since(std::chrono::steady_clock::time_point begin) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

std::string command_of(const Options& options, std::uint64_t seed) {
    std::string command =
        "longhaul-sim run " + options.scenario + " --seed " + std::to_string(seed);
    if (options.devices) command += " --devices " + std::to_string(*options.devices);
    if (options.duration_s) command += " --duration-s " + std::to_string(*options.duration_s);
    return command;
}

// On a terminal: how far this seed is, how fast it goes, and how long the world will take.
World::TellProgress progress_of(std::uint64_t seed, std::chrono::steady_clock::time_point begin) {
    if (isatty(STDERR_FILENO) == 0) return {};
    return [seed, begin](const World::Progress& progress) {
        using Stage = World::Progress::Stage;
        const auto number = static_cast<unsigned long long>(seed);
        const auto done = static_cast<double>(progress.done_s);
        const auto all = static_cast<double>(progress.of_s);
        const double rate = done / std::max(0.001, seconds_since(begin));
        if (progress.stage == Stage::runs) {
            std::fprintf(stderr,
                         "\rseed %llu: %3.0f%%, %.0f simulated s a second, %.0f s left \033[K",
                         number, 100 * done / all, rate, rate == 0 ? 0 : (all - done) / rate);
        } else if (progress.stage == Stage::drains) {
            std::fprintf(stderr, "\rseed %llu: drains for %.0f s of at most %.0f \033[K", number,
                         done, all);
        } else {
            std::fprintf(stderr, "\rseed %llu: drained after %.0f s; the oracle judges \033[K",
                         number, done);
        }
    };
}

Result<RunReport, Message> run_seed(const Scenario& scenario, const Options& options,
                                    std::uint64_t seed) {
    const auto begin = std::chrono::steady_clock::now();
    LH_TRY_ASSIGN(const auto world, World::make(scenario, seed));
    if (!options.log_device.empty())
        LH_TRY(world->follow(options.log_device, [](const std::string& line) {
            std::fprintf(stderr, "%s\n", line.c_str());
        }));
    RunReport run{options.scenario, scenario.name, command_of(options, seed), 0, {}};
    run.report = world->run(progress_of(seed, begin));
    run.seconds = seconds_since(begin);
    if (isatty(STDERR_FILENO) != 0) std::fprintf(stderr, "\r\033[K");
    return run;
}

int run(const Options& options) {
    auto scenario = Scenario::load(options.scenario);
    if (!scenario.ok()) return complain(scenario.error(), exit_configuration);
    if (options.devices) scenario.value().set_devices(*options.devices);
    if (options.duration_s) scenario.value().set_duration_s(*options.duration_s);
    std::vector<RunReport> runs;
    bool holds = true;
    const std::uint64_t first = options.seed.value_or(1);
    for (std::uint64_t seed = first; seed < first + options.seeds; ++seed) {
        auto done = run_seed(scenario.value(), options, seed);
        if (!done.ok()) return complain(done.error(), exit_configuration);
        const RunReport& report = runs.emplace_back(std::move(done).value());
        holds = holds && report.report.holds();
        if (options.json) {
            std::fputs(in_json(report).c_str(), stdout);
        } else if (options.seeds == 1 || !report.report.holds()) {
            std::fputs(in_words(report).c_str(), stdout);
        }
        std::fflush(stdout);
    }
    if (!options.json && options.seeds != 1) std::fputs(summary(runs).c_str(), stdout);
    if (!options.junit.empty()) {
        const std::string text = in_junit(runs);
        if (const auto written = replace_file(options.junit, as_bytes(text), public_file_mode);
            !written.ok())
            return complain(written.error(), exit_bad_data);
    }
    return holds ? exit_done : exit_check_failed;
}

CLI::App* add_run(CLI::App& app, Options& options) {
    CLI::App* const command = app.add_subcommand(
        "run", "Runs a scenario and checks that every sample is in the tables once, or listed.");
    command->add_option("scenario", options.scenario, "TOML file, see docs/simulator.md")
        ->required();
    command->add_option("--seed", options.seed, "the first seed (1)");
    command->add_option("--seeds", options.seeds, "how many seeds, one after the other (1)")
        ->check(CLI::Range(1, 1'000'000));
    command->add_option("--devices", options.devices, "so many, in the scenario's proportions")
        ->check(CLI::Range(1, 100'000));
    command->add_option("--duration-s", options.duration_s, "instead of the scenario's")
        ->check(CLI::Range(1, 31'536'000));
    command->add_option("--junit", options.junit, "a report for a CI server, into this file");
    command->add_option(
        "--log", options.log_device,
        "write what happens to this device, and to the collector, to standard error");
    command->add_flag("--json", options.json, "one object a seed, one line each");
    command->footer("Example: longhaul-sim run firmware-sim/scenarios/trucks.toml --seed 42");
    return command;
}

CLI::App* add_fleet(CLI::App& app, FleetCommand& fleet) {
    CLI::App* const command = app.add_subcommand(
        "fleet",
        "Connects devices over TLS to a collector that runs, and checks that what they measured is "
        "acknowledged and in its lake, once.");
    const auto option = [command](const char* name, auto& value, const char* what) {
        return command->add_option(name, value, what)->capture_default_str();
    };
    FleetLoad& load = fleet.load;
    option("--dir", fleet.place.folder, "folder of the authority, from `longhaul ca init`");
    command->add_option("--tenant", fleet.place.tenant, "whose devices they are")->required();
    command->add_option("--collector", fleet.place.collector,
                        "host:port, when not as the authority's folder says");
    option("--devices", load.devices, "how many")->check(CLI::Range(1, 100'000));
    option("--rate", load.rate, "samples a second of each device")
        ->check(CLI::Range(0.001, 1000.0));
    CLI::Option* const seconds = option("--seconds", load.seconds, "how long each device measures")
                                     ->check(CLI::Range(1, 604'800));
    command->add_option("--samples", load.samples, "of each device, instead of --seconds")
        ->check(CLI::Range(1, 10'000'000))
        ->excludes(seconds);
    command
        ->add_option("--per-batch", load.per_batch,
                     "connect for each batch of so many samples, and be off in between")
        ->check(CLI::Range(1, 100'000));
    option("--block-s", load.block_s, "a block waits so long for more samples")
        ->check(CLI::Range(1, 86'400));
    option("--connect-rate", load.connect_rate, "so many devices a second are switched on")
        ->check(CLI::Range(1, 100'000));
    option("--drain-s", load.drain_s, "so long after the last sample all are acknowledged")
        ->check(CLI::Range(1, 86'400));
    option("--lake-s", load.lake_s, "so long after that they are in the lake")
        ->check(CLI::Range(1, 86'400));
    option("--seed", load.seed, "of the values");
    option("--name", load.name, "of the devices, before their number");
    command->add_flag("--json", fleet.json, "the report as one line of JSON");
    command->footer("Example: longhaul-sim fleet --dir ca --tenant acme --devices 1000 --rate 0.2");
    return command;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{
        "A fleet, its networks and its disasters, simulated in one process; or a fleet over TLS.\n"
        "Example: longhaul-sim run firmware-sim/scenarios/trucks.toml --seed 42"};
    app.set_version_flag("--version", "longhaul-sim " LH_VERSION);
    app.require_subcommand(1);
    Options options;
    FleetCommand fleet;
    add_run(app, options);
    const CLI::App* const fleet_asked = add_fleet(app, fleet);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return end_of_command_line(app, error);
    }
    if (!crypto_init().ok())
        return complain({"the cryptographic library does not start"}, exit_check_failed);
    return *fleet_asked ? fleet_command(fleet) : run(options);
}
