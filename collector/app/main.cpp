// longhaul-collector: the command line.
#include <spdlog/sinks/stdout_color_sinks.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <vector>

#include "collector/app/check.hpp"
#include "collector/app/collector.hpp"
#include "collector/net/clock.hpp"
#include "common/host/command_line.hpp"
#include "common/host/exit_codes.hpp"
#include "common/host/files.hpp"

using namespace longhaul;
using namespace longhaul::collector;

namespace {

int complain(const Message& message, int exit_code) {
    std::fprintf(stderr, "longhaul-collector: %s\n", message.text.c_str());
    return exit_code;
}

// A secret that others may read has an exit code of its own.
int exit_code_for_credentials(const CollectorConfig& config) {
    std::error_code error;
    std::vector<std::string> secrets{config.key};
    const auto files = paths_in(config.sealing_keys);
    for (const std::string& path : files.ok() ? files.value() : std::vector<std::string>{}) {
        if (path.ends_with(".key")) secrets.push_back(path);
    }
    for (const std::string& path : secrets) {
        const auto permissions = std::filesystem::status(path, error).permissions();
        const auto others = std::filesystem::perms::group_all | std::filesystem::perms::others_all;
        if (!error && (permissions & others) != std::filesystem::perms::none) return exit_denied;
    }
    return exit_configuration;
}

struct Options {
    std::string config;
    Collector::PortFiles port_files;
    std::string log_level;
    std::string log_format;
    bool json = false;
};

// Flags are above the file.
Result<CollectorConfig, Message> configuration(const Options& options) {
    LH_TRY_ASSIGN(CollectorConfig config, read_config(options.config));
    if (!options.log_level.empty()) config.log_level = options.log_level;
    if (!options.log_format.empty())
        config.log_format = options.log_format == "json" ? LogFormat::json : LogFormat::text;
    return config;
}

int check(const Options& options) {
    const auto config = configuration(options);
    if (!config.ok()) return complain(config.error(), exit_configuration);
    const Findings findings = check(config.value(), wall_now());
    print(findings, options.json);
    return findings.exit_code();
}

int run(const Options& options) {
    auto config = configuration(options);
    if (!config.ok()) return complain(config.error(), exit_configuration);
    auto credentials = open_credentials(config.value(), wall_now());
    if (!credentials.ok())
        return complain(credentials.error(), exit_code_for_credentials(config.value()));

    const bool colours = std::getenv("NO_COLOR") == nullptr;
    Log log{std::make_shared<spdlog::sinks::stderr_color_sink_mt>(
                colours ? spdlog::color_mode::automatic : spdlog::color_mode::never),
            config.value().log_format};
    log.set_level(log_level_of(config.value().log_level));
    if (const auto shortage = shortage_of_open_files(config.value())) log.warn(*shortage);
    Collector collector{std::move(config).value(), std::move(credentials).value(), log,
                        [&options] { return configuration(options); }};
    if (const auto opened = collector.open(options.port_files); !opened.ok())
        return complain({opened.error().text}, opened.error().exit_code);
    return collector.run();
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{
        "Receives sealed blocks from devices, keeps them in its journal and writes them into the "
        "lake.\n"
        "Example: longhaul-collector run --config /etc/longhaul/collector.toml"};
    app.set_version_flag("--version", "longhaul-collector " LH_VERSION);
    app.require_subcommand(1);
    Options options;
    CLI::App* run_command = app.add_subcommand("run", "Serve devices until SIGTERM");
    CLI::App* check_command =
        app.add_subcommand("check", "Check configuration, keys, ports, disks, journal and lake");
    CLI::App* config_command = app.add_subcommand("config", "About the configuration file");
    config_command->require_subcommand(1);
    config_command->add_subcommand("example", "Print a complete, commented configuration")
        ->footer("Example: longhaul-collector config example > collector.toml");
    for (CLI::App* command : {run_command, check_command}) {
        command->add_option("--config", options.config, "Configuration file (TOML)")->required();
    }
    run_command->add_option("--port-file", options.port_files.devices,
                            "Write the port to this file when listening");
    run_command->add_option("--http-port-file", options.port_files.http,
                            "The same for health and metrics");
    run_command->add_option("--enrolment-port-file", options.port_files.enrolment,
                            "The same for enrolment");
    run_command
        ->add_option("--log-level", options.log_level,
                     "debug, info, warn or error, whatever [log] says")
        ->check(CLI::IsMember({"debug", "info", "warn", "error"}));
    run_command->add_option("--log-format", options.log_format, "text or json, the same")
        ->check(CLI::IsMember({"text", "json"}));
    run_command->footer(
        "Example: longhaul-collector run --config /var/lib/longhaul/collector/collector.toml");
    check_command->footer(
        "Example: longhaul-collector check --config /var/lib/longhaul/collector/collector.toml");
    check_command->add_flag("--json", options.json, "One JSON object on standard output");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return end_of_command_line(app, error);
    }
    if (!crypto_init().ok())
        return complain({"the cryptographic library does not start"}, exit_check_failed);
    if (check_command->parsed()) return check(options);
    if (run_command->parsed()) return run(options);
    std::fwrite(config_example().data(), 1, config_example().size(), stdout);
    return exit_done;
}
