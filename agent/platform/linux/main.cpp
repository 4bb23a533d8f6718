// longhaul-agent: runs devices on Linux. See --help.
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "agent/platform/linux/control_client.hpp"
#include "agent/platform/linux/enroll_command.hpp"
#include "agent/platform/linux/fleet.hpp"
#include "agent/platform/linux/spool_command.hpp"
#include "agent/platform/linux/spool_standing.hpp"
#include "common/host/command_line.hpp"
#include "common/host/exit_codes.hpp"
#include "common/host/open_files.hpp"

namespace longhaul::agent {
namespace {

constexpr std::string_view firmware = "longhaul-agent " LH_VERSION;

struct RunArguments {
    std::vector<std::string> configs;
    std::string devices_folder;
    bool exit_when_drained = false;
    bool json = false;
};

int complain(const Message& message, int exit_code) {
    std::fprintf(stderr, "longhaul-agent: %s\n", message.text.c_str());
    return exit_code;
}

// The configuration files named, and agent.toml of every folder in the folder of devices.
Result<std::vector<std::string>, Message> config_paths(const RunArguments& arguments) {
    std::vector<std::string> paths = arguments.configs;
    if (!arguments.devices_folder.empty()) {
        std::error_code error;
        for (const auto& entry :
             std::filesystem::directory_iterator{arguments.devices_folder, error}) {
            const std::filesystem::path path = entry.path() / "agent.toml";
            if (std::filesystem::exists(path, error)) paths.push_back(path.string());
        }
        if (error) return Message{arguments.devices_folder + ": " + error.message()};
        std::sort(paths.begin(), paths.end());
    }
    if (paths.empty())
        return Message{"no device: give --config FILE or --devices DIR with devices in it"};
    return paths;
}

// Everything that has to be right before the first device starts. Returns an exit code.
int load(const RunArguments& arguments, std::vector<AgentConfig>& configs, TraceLibrary& library) {
    const auto paths = config_paths(arguments);
    if (!paths.ok()) return complain(paths.error(), exit_usage);
    for (const std::string& path : paths.value()) {
        auto config = load_agent_config(path);
        if (!config.ok()) return complain(config.error(), exit_configuration);
        const auto wanted = library.want(config.value());
        if (!wanted.ok()) return complain(wanted.error(), exit_configuration);
        configs.push_back(std::move(config).value());
    }
    const auto loaded = library.load();
    if (!loaded.ok()) return complain(loaded.error(), exit_bad_data);
    for (const AgentConfig& config : configs) {
        const auto found = library.sources(config);
        if (!found.ok()) return complain(found.error(), exit_bad_data);
    }
    return exit_done;
}

int exit_code_for_credentials(const AgentConfig& config) {
    std::error_code error;
    for (const std::string& path : {config.key, config.secret}) {
        const auto permissions = std::filesystem::status(path, error).permissions();
        const auto others = std::filesystem::perms::group_all | std::filesystem::perms::others_all;
        if (!error && (permissions & others) != std::filesystem::perms::none) return exit_denied;
    }
    return exit_configuration;
}

// Of a device that could not be made.
int exit_code_for(const AgentConfig& config) {
    if (!Credentials::load(config).ok()) return exit_code_for_credentials(config);
    const auto overview = read_overview(config.spool_path);
    const bool taken = !overview.ok() && overview.error() == ErrorCode::denied;
    return taken ? exit_retry_later : exit_configuration;  // by another agent
}

bool never_ends(const AgentConfig& config) {
    const auto loops = [](const TraceConfig& trace) { return trace.loop; };
    if (std::any_of(config.traces.begin(), config.traces.end(), loops)) return true;
    return !config.syslog.empty() || config.system_interval_s != 0 || !config.put.empty();
}

int run(const RunArguments& arguments) {
    std::vector<AgentConfig> configs;
    TraceLibrary library;
    const int loaded = load(arguments, configs, library);
    if (loaded != exit_done) return loaded;

    for (const AgentConfig& config : configs) {
        if (arguments.exit_when_drained && never_ends(config))
            return complain({config.path + ": has sources that never end; leave out "
                                           "--exit-when-drained"},
                            exit_usage);
    }
    raise_open_files_limit();  // each device needs a socket and the files of its spool
    LinuxCodecs codecs;
    Devices devices;
    const auto make = [&library, &codecs](const AgentConfig& config) {
        return HostedDevice::make(config, firmware, library, codecs.tools(config.codecs));
    };
    for (const AgentConfig& config : configs) {
        auto device = make(config);
        if (!device.ok()) return complain(device.error(), exit_code_for(config));
        devices.push_back(std::move(device).value());
    }
    Fleet fleet{std::move(devices), make};
    const bool stored = fleet.run({arguments.exit_when_drained});
    if (arguments.json) {
        std::printf("%s\n", to_json(figures_of(fleet.devices()), library.refusals()).c_str());
    }
    if (stored) return exit_done;
    return complain({"stopped before everything was stored"}, exit_retry_later);
}

int check(const RunArguments& arguments) {
    std::vector<AgentConfig> configs;
    TraceLibrary library;
    const int loaded = load(arguments, configs, library);
    if (loaded != exit_done) return loaded;
    for (const AgentConfig& config : configs) {
        const auto credentials = Credentials::load(config);
        if (!credentials.ok())
            return complain(credentials.error(), exit_code_for_credentials(config));
        std::printf("%s: fine\n", config.path.c_str());
    }
    return exit_done;
}

int list_trace(const std::string& mapping_path, const std::string& file_path, bool json) {
    const auto mapping = TraceMapping::load(mapping_path);
    if (!mapping.ok()) return complain(mapping.error(), exit_configuration);
    const TraceMapping& how = *mapping.value();
    const auto file = TraceFile::load(how, file_path.empty() ? how.file : file_path, {});
    if (!file.ok()) return complain(file.error(), exit_bad_data);

    std::string devices;
    for (const auto& [name, trace] : file.value()->devices()) {
        const std::string count = std::to_string(trace.times.size());
        if (!json) std::printf("%s\t%s\n", name.c_str(), count.c_str());
        devices += (devices.empty() ? "\"" : ",\"") + name + "\":" + count;
    }
    std::string refused;
    for (std::size_t i = 0; i < refusal_count; ++i) {
        const std::uint64_t count = file.value()->refusals()[i];
        const char* const reason = name_of(static_cast<Refusal>(i));
        if (count == 0) continue;
        if (!json)
            std::fprintf(stderr, "refused lines, %s: %llu\n", reason,
                         static_cast<unsigned long long>(count));
        refused +=
            (refused.empty() ? "\"" : ",\"") + std::string{reason} + "\":" + std::to_string(count);
    }
    if (json)
        std::printf("{\"devices\":{%s},\"refused\":{%s}}\n", devices.c_str(), refused.c_str());
    return exit_done;
}

// What is asked of a running agent.
struct ControlCommands {
    std::string config = "agent.toml";
    std::string stream;
    std::vector<std::string> values;
    bool json = false;
    CLI::App* put = nullptr;
    CLI::App* why = nullptr;

    void add_to(CLI::App& app) {
        put = app.add_subcommand("put",
                                 "Hands a sample to the running agent; done when it is stored.");
        put->add_option("--config", config, "agent.toml of the device")->capture_default_str();
        put->add_option("stream", stream, "one of [[put]]")->required();
        put->add_option("values", values, "field=value …")->required();
        put->footer("Example: longhaul-agent put climate temperature=21.5 state=open");
        why = app.add_subcommand("why", "Says what waits, since when and why, and what is lost.");
        why->add_option("--config", config, "agent.toml of the device")->capture_default_str();
        why->add_flag("--json", json, "as one line of JSON");
        why->footer("Example: longhaul-agent why --config devices/bus-2228/agent.toml");
    }
};

// What is done with the file of a spool.
struct SpoolCommands {
    std::string path;
    std::string out;
    bool all = false;
    bool json = false;
    CLI::App* inspect = nullptr;
    CLI::App* verify = nullptr;
    CLI::App* take_out = nullptr;

    void add_to(CLI::App& app) {
        CLI::App* const group = app.add_subcommand("spool", "About the file of a spool.");
        group->require_subcommand(1);
        const auto add = [&](const char* name, const char* what, const std::string& example) {
            CLI::App* const command = group->add_subcommand(name, what);
            command
                ->add_option(
                    "file", path,
                    "spool.db of a device whose agent does not run, or an image of a flash")
                ->required();
            command->add_flag("--json", json, "as one line of JSON");
            command->footer("Example: longhaul-agent spool " + example);
            return command;
        };
        inspect = add("inspect", "Says what is in it: kept, waiting, lost.",
                      "inspect devices/bus-2228/spool.db");
        verify = add("verify", "Reads all of it and says what is damaged.",
                     "verify devices/bus-2228/spool.db");
        take_out = add("export", "Writes its blocks and epoch records to a file for the collector.",
                       "export devices/bus-2228/spool.db bus-2228.session");
        take_out->add_option("out", out, "the file to make")->required();
        take_out->add_flag("--all", all, "also what is acknowledged already");
    }
    bool asked() const { return *inspect || *verify || *take_out; }
    int run() const {
        if (*inspect) return spool_inspect_command(path, json);
        if (*verify) return spool_verify_command(path, json);
        return spool_export_command(path, out, all, json);
    }
};

CLI::App* add_enroll(CLI::App& app, EnrollArguments& arguments) {
    CLI::App* const command = app.add_subcommand(
        "enroll", "Makes a device's key here and gets its certificate for a join code.");
    command->add_option("code", arguments.code, "from `longhaul enroll-code`")->required();
    command->add_option("--dir", arguments.folder, "the device's folder, made if not there")
        ->required();
    command->add_option("--name", arguments.name,
                        "the device's name, when the code is not for one");
    command->add_option("--enrolment", arguments.address,
                        "host:port where the collector enrols, when the code does not say it");
    command->add_option("--collector", arguments.collector,
                        "host:port where the device sends to, when not as it is told");
    command->footer("Example: longhaul-agent enroll LH1-… --dir devices/bus-2228 --name bus-2228");
    return command;
}

}  // namespace

int agent_main(int argc, char** argv) {
    CLI::App app{
        "Longhaul's agent for Linux: samples of sensors, sealed, kept and carried to a collector.\n"
        "Example: longhaul-agent run --config devices/bus-2228/agent.toml"};
    app.set_version_flag("--version", std::string{firmware});
    app.require_subcommand(1);

    RunArguments arguments;
    const auto add_configs = [&arguments](CLI::App* command) {
        command->add_option("--config", arguments.configs,
                            "agent.toml of a device; may be repeated");
        command->add_option("--devices", arguments.devices_folder,
                            "folder with one folder a device, each with its agent.toml");
    };
    CLI::App* const run_command =
        app.add_subcommand("run", "Runs one or many devices until SIGTERM.");
    add_configs(run_command);
    run_command->footer("Example: longhaul-agent run --config devices/bus-2228/agent.toml");
    run_command->add_flag("--exit-when-drained", arguments.exit_when_drained,
                          "end when all recordings have ended and every block is acknowledged");
    run_command->add_flag("--json", arguments.json,
                          "figures on stdout at the end, as one line of JSON");

    CLI::App* const check_command =
        app.add_subcommand("check", "Checks configuration, keys, certificates and recordings.");
    add_configs(check_command);
    check_command->footer("Example: longhaul-agent check --devices devices");

    CLI::App* const config_command = app.add_subcommand("config", "About the configuration file.");
    config_command->require_subcommand(1);
    config_command->add_subcommand("example", "Prints a complete one with comments.")
        ->footer("Example: longhaul-agent config example > agent.toml");

    ControlCommands control;
    control.add_to(app);
    SpoolCommands spool;
    spool.add_to(app);
    EnrollArguments enrolling;
    CLI::App* const enroll = add_enroll(app, enrolling);

    std::string mapping;
    std::string file;
    CLI::App* const trace_command = app.add_subcommand("trace", "About recordings.");
    trace_command->require_subcommand(1);
    CLI::App* const list_command = trace_command->add_subcommand(
        "list", "Names the devices of a recording and counts their samples.");
    list_command->add_option("mapping", mapping, "mapping.toml of the recording")->required();
    list_command->add_option("--file", file,
                             "the recording, when it is not the one that the mapping names");
    list_command->add_flag("--json", arguments.json, "as one line of JSON");
    list_command->footer("Example: longhaul-agent trace list bus/mapping.toml");

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return end_of_command_line(app, error);
    }
    if (*control.put) return put_command(control.config, control.stream, control.values);
    if (*control.why) return why_command(control.config, control.json);
    if (!crypto_init().ok()) return complain({"no random source"}, exit_check_failed);
    if (spool.asked()) return spool.run();
    if (*enroll) return enroll_command(enrolling);
    if (*run_command) return run(arguments);
    if (*check_command) return check(arguments);
    if (*list_command) return list_trace(mapping, file, arguments.json);
    std::fputs(agent_config_example, stdout);
    return exit_done;
}

}  // namespace longhaul::agent

int main(int argc, char** argv) { return longhaul::agent::agent_main(argc, argv); }
