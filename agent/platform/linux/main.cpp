// longhaul-agent: runs devices on Linux. See --help.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "agent/platform/linux/commands.hpp"
#include "agent/platform/linux/control_client.hpp"
#include "agent/platform/linux/enroll_command.hpp"
#include "agent/platform/linux/fleet.hpp"
#include "agent/platform/linux/spool_command.hpp"
#include "agent/platform/linux/spool_standing.hpp"
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

// What the commands are told; the description of the command line points here.
struct Arguments {
    RunArguments run;
    std::string config = "agent.toml";
    std::string stream;
    std::vector<std::string> values;
    std::string spool;
    std::string out;
    bool all = false;
    EnrollArguments enrolling;
    std::string mapping;
    std::string recording;
    bool json = false;
};

// What needs keys or random numbers.
template <typename Work>
std::function<int()> with_crypto(Work work) {
    return [work] {
        return crypto_init().ok() ? work() : complain({"no random source"}, exit_check_failed);
    };
}

std::vector<Command> run_commands(RunArguments& to) {
    const Argument config{"--config", "agent.toml of a device; may be repeated", &to.configs};
    const Argument devices{"--devices", "folder with one folder a device, each with its agent.toml",
                           &to.devices_folder};
    const Argument when_drained{
        "--exit-when-drained", "end when all recordings have ended and every block is acknowledged",
        &to.exit_when_drained};
    const Argument json{"--json", "figures on stdout at the end, as one line of JSON", &to.json};
    return {{"run",
             "Runs one or many devices until SIGTERM.",
             "run --config devices/bus-2228/agent.toml",
             {config, devices, when_drained, json},
             {},
             with_crypto([&to] { return run(to); })},
            {"check",
             "Checks configuration, keys, certificates and recordings.",
             "check --devices devices",
             {config, devices},
             {},
             with_crypto([&to] { return check(to); })}};
}

Command config_command() {
    const auto print = [] {
        std::fputs(agent_config_example, stdout);
        return int{exit_done};
    };
    return {"config",
            "About the configuration file.",
            "",
            {},
            {{"example",
              "Prints a complete one with comments.",
              "config example > agent.toml",
              {},
              {},
              print}},
            {}};
}

// What is asked of a running agent.
std::vector<Command> control_commands(Arguments& to) {
    const Argument config{"--config", "agent.toml of the device", &to.config};
    return {{"put",
             "Hands a sample to the running agent; done when it is stored.",
             "put climate temperature=21.5 state=open",
             {config,
              {"stream", "one of [[put]]", &to.stream, true},
              {"values", "field=value …", &to.values, true}},
             {},
             [&to] { return put_command(to.config, to.stream, to.values); }},
            {"why",
             "Says what waits, since when and why, and what is lost.",
             "why --config devices/bus-2228/agent.toml",
             {config, {"--json", "as one line of JSON", &to.json}},
             {},
             [&to] { return why_command(to.config, to.json); }}};
}

// What is done with the file of a spool.
Command spool_command(Arguments& to) {
    const Argument file{"file",
                        "spool.db of a device whose agent does not run, or an image of a flash",
                        &to.spool, true};
    const Argument json{"--json", "as one line of JSON", &to.json};
    const Argument out{"out", "the file to make", &to.out, true};
    const Argument all{"--all", "also what is acknowledged already", &to.all};
    return {
        "spool",
        "About the file of a spool.",
        "",
        {},
        {{"inspect",
          "Says what is in it: kept, waiting, lost.",
          "spool inspect devices/bus-2228/spool.db",
          {file, json},
          {},
          with_crypto([&to] { return spool_inspect_command(to.spool, to.json); })},
         {"verify",
          "Reads all of it and says what is damaged.",
          "spool verify devices/bus-2228/spool.db",
          {file, json},
          {},
          with_crypto([&to] { return spool_verify_command(to.spool, to.json); })},
         {"export",
          "Writes its blocks and epoch records to a file for the collector.",
          "spool export devices/bus-2228/spool.db bus-2228.session",
          {file, out, json, all},
          {},
          with_crypto([&to] { return spool_export_command(to.spool, to.out, to.all, to.json); })}},
        {}};
}

Command enroll(EnrollArguments& to) {
    return {"enroll",
            "Makes a device's key here and gets its certificate for a join code.",
            "enroll LH1-… --dir devices/bus-2228 --name bus-2228",
            {{"code", "from `longhaul enroll-code`", &to.code, true},
             {"--dir", "the device's folder, made if not there", &to.folder, true},
             {"--name", "the device's name, when the code is not for one", &to.name},
             {"--enrolment", "host:port where the collector enrols, when the code does not say it",
              &to.address},
             {"--collector", "host:port where the device sends to, when not as it is told",
              &to.collector}},
            {},
            with_crypto([&to] { return enroll_command(to); })};
}

Command trace_command(Arguments& to) {
    return {"trace",
            "About recordings.",
            "",
            {},
            {{"list",
              "Names the devices of a recording and counts their samples.",
              "trace list bus/mapping.toml",
              {{"mapping", "mapping.toml of the recording", &to.mapping, true},
               {"--file", "the recording, when it is not the one that the mapping names",
                &to.recording},
               {"--json", "as one line of JSON", &to.json}},
              {},
              with_crypto([&to] { return list_trace(to.mapping, to.recording, to.json); })}},
            {}};
}

}  // namespace

int agent_main(std::span<const char* const> words) {
    Arguments arguments;
    Command program{
        "longhaul-agent",
        "Longhaul's agent for Linux: samples of sensors, sealed, kept and carried to a collector.",
        "run --config devices/bus-2228/agent.toml",
        {},
        run_commands(arguments.run),
        {}};
    const auto add = [&program](Command command) {
        program.commands.push_back(std::move(command));
    };
    add(config_command());
    for (Command& each : control_commands(arguments)) add(std::move(each));
    add(spool_command(arguments));
    add(enroll(arguments.enrolling));
    add(trace_command(arguments));

    const CommandLine line = read_command_line(program, firmware, words);
    if (line.command != nullptr) return line.command->run();
    std::fputs(line.text.c_str(), stdout);
    std::fputs(line.mistake.c_str(), stderr);
    return line.mistake.empty() ? exit_done : exit_usage;
}

}  // namespace longhaul::agent

int main(int argc, char** argv) {
    return longhaul::agent::agent_main(
        std::span<const char* const>{argv, static_cast<std::size_t>(argc)}.subspan(argc > 0 ? 1
                                                                                            : 0));
}
