// longhaul-sim: a fleet, its networks and its disasters in one seeded process. docs/simulator.md.
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <chrono>
#include <cstdio>
#include <optional>

#include "common/host/command_line.hpp"
#include "common/host/files.hpp"
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

// On a terminal: how far this seed is and how long it will take.
World::Progress progress_of(std::uint64_t seed, std::chrono::steady_clock::time_point begin) {
    if (isatty(STDERR_FILENO) == 0) return {};
    return [seed, begin](int permille) {
        const double elapsed = seconds_since(begin);
        const double left = permille == 0 ? 0 : elapsed * (1000 - permille) / permille;
        std::fprintf(stderr, "\rseed %llu: %3d%%, %.0f s left \033[K",
                     static_cast<unsigned long long>(seed), permille / 10, left);
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
    if (options.duration_s) scenario.value().duration_s = *options.duration_s;
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

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{
        "A fleet, its networks and its disasters, simulated in one process.\n"
        "Example: longhaul-sim run firmware-sim/scenarios/trucks.toml --seed 42"};
    app.set_version_flag("--version", "longhaul-sim " LH_VERSION);
    app.require_subcommand(1);
    Options options;
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
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return end_of_command_line(app, error);
    }
    if (!crypto_init().ok())
        return complain({"the cryptographic library does not start"}, exit_check_failed);
    return run(options);
}
