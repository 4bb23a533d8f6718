// longhaul: the command for people. Each command is a file of its own; here is only the command
// line.
#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>

#include "common/block/crypto.hpp"
#include "common/host/command_line.hpp"
#include "common/host/exit_codes.hpp"
#include "tools/longhaul/audit_command.hpp"
#include "tools/longhaul/authority.hpp"
#include "tools/longhaul/device_folder.hpp"
#include "tools/longhaul/inspect.hpp"
#include "tools/longhaul/model_train.hpp"
#include "tools/longhaul/why_command.hpp"

using namespace longhaul;
using namespace longhaul::tools;

namespace {

int complain(const Message& message, int exit_code) {
    std::fprintf(stderr, "longhaul: %s\n", message.text.c_str());
    return exit_code;
}

WallUs wall_now() {
    using namespace std::chrono;
    return {duration_cast<microseconds>(system_clock::now().time_since_epoch()).count()};
}

// One name a line; empty lines and lines that begin with # are left out, and what follows a name
// too.
Result<void, Message> read_names(const std::string& path, std::vector<std::string>& names) {
    std::ifstream file;
    if (path != "-") file.open(path);
    std::istream& lines = path == "-" ? std::cin : file;
    if (!lines) return Message{path + ": cannot open"};
    for (std::string line; std::getline(lines, line);) {
        const std::size_t begin = line.find_first_not_of(" \t\r");
        if (begin == std::string::npos || line[begin] == '#') continue;
        names.push_back(line.substr(begin, line.find_first_of(" \t\r", begin) - begin));
    }
    return {};
}

struct CaInit {
    AuthorityRequest request;

    void add_to(CLI::App& app) {
        CLI::App* ca = app.add_subcommand("ca", "The certificate authority");
        ca->require_subcommand(1);
        CLI::App* init =
            ca->add_subcommand("init", "Make an authority, tenants and a collector's folder");
        init->add_option("--dir", request.folder, "Folder to make")->required();
        init->add_option("--environment", request.environment, "Name of the environment")
            ->required();
        init->add_option("--tenant", request.tenants, "Name of a tenant; may be repeated")
            ->required();
        init->add_option("--server-name", request.server_name,
                         "Name in the collector's certificate")
            ->capture_default_str();
        init->add_option("--listen", request.listen, "Address of the collector")
            ->capture_default_str();
        init->footer("Example: longhaul ca init --dir ca --environment demo --tenant acme");
        command = init;
    }
    int run() {
        request.now = wall_now();
        const auto made = make_authority(request);
        if (!made.ok()) return complain(made.error(), exit_bad_data);
        std::printf("%s/collector/collector.toml\n", request.folder.c_str());
        return exit_done;
    }
    CLI::App* command = nullptr;
};

struct DeviceAdd {
    DeviceRequest request;
    std::string folder;
    std::string list;

    void add_to(CLI::App& app) {
        CLI::App* device = app.add_subcommand("device", "The devices of an authority");
        device->require_subcommand(1);
        CLI::App* add = device->add_subcommand("add", "Make device folders and let the devices in");
        add->add_option("NAME", request.names, "Names of devices");
        add->add_option("--from-list", list, "File with a name a line; - for standard input");
        add->add_option("--dir", folder, "Folder of the authority")->required();
        add->add_option("--tenant", request.tenant, "Tenant that the devices belong to")
            ->required();
        add->add_option("--out", request.out, "Folder for the device folders")->required();
        add->add_option("--collector", request.collector, "Address that the devices connect to");
        add->add_option("--trace", request.trace_mapping, "Mapping file of a recording to replay")
            ->check(CLI::ExistingFile);
        add->add_option("--trace-file", request.trace_file,
                        "The recording, if not where the mapping says");
        add->footer("Example: longhaul device add bus-2228 --dir ca --tenant acme --out devices");
        command = add;
    }
    int run() {
        request.now = wall_now();
        if (!list.empty()) {
            if (const auto read = read_names(list, request.names); !read.ok()) {
                return complain(read.error(), exit_bad_data);
            }
        }
        if (request.names.empty()) return complain({"no device is named"}, exit_usage);
        const auto authority = read_authority(folder, request.tenant);
        if (!authority.ok()) return complain(authority.error(), exit_bad_data);
        const auto folders = add_devices(authority.value(), request);
        if (!folders.ok()) return complain(folders.error(), exit_bad_data);
        for (const std::string& each : folders.value()) std::printf("%s\n", each.c_str());
        return exit_done;
    }
    CLI::App* command = nullptr;
};

struct Audit {
    AuditOptions options;

    void add_to(CLI::App& app) {
        command =
            app.add_subcommand("audit", "Compare what devices sent with what the tables hold");
        command->add_option("--config", options.config, "The collector's configuration")
            ->required();
        command->add_option("--device", options.device, "Only this device");
        command->add_flag("--drained", options.drained, "Nothing may be in flight any more");
        command->add_flag("--json", options.json, "One JSON object on standard output");
        command->footer("Example: longhaul audit --config ca/collector/collector.toml");
    }
    int run() {
        const auto exit_code = audit_command(options);
        return exit_code.ok() ? exit_code.value() : complain(exit_code.error(), exit_bad_data);
    }
    CLI::App* command = nullptr;
};

struct WhyCommand {
    WhyOptions options;

    void add_to(CLI::App& app) {
        command = app.add_subcommand("why", "What is the matter with a device, in one sentence");
        command->add_option("DEVICE", options.device, "Name of the device, or TENANT/NAME")
            ->required();
        command->add_option("--config", options.config, "The collector's configuration")
            ->required();
        command->add_flag("--json", options.json, "One JSON object on standard output");
        command->footer("Example: longhaul why bus-2228 --config ca/collector/collector.toml");
    }
    int run() {
        options.now = wall_now();
        const auto exit_code = why_command(options);
        return exit_code.ok() ? exit_code.value() : complain(exit_code.error(), exit_bad_data);
    }
    CLI::App* command = nullptr;
};

struct ModelCommands {
    ModelTrainOptions training;

    void add_to(CLI::App& app) {
        command = app.add_subcommand("model", "What the codecs know before the first sample");
        command->require_subcommand(1);
        CLI::App* train = command->add_subcommand(
            "train", "Make a model for a schema, from recordings or from a collector's tables");
        auto* traces = train->add_option("--traces", training.traces,
                                         "Mapping files of recordings, all of one schema");
        auto* config =
            train->add_option("--lake", training.config, "The configuration of a collector");
        auto* schema = train->add_option("--schema", training.schema, "Its name in the lake");
        train->add_option("--tenant", training.tenant, "Tenant, if several have that schema");
        traces->check(CLI::ExistingFile)->excludes(config);
        config->check(CLI::ExistingFile)->needs(schema);
        train->add_option("--out", training.out, "File to write")->required();
        train->add_flag("--json", training.json, "One JSON object on standard output");
        train->footer(
            "Half of the devices, or the last two fifths of a single one, are held out to measure\n"
            "with; a model that saves less than 3 % there is not written (exit code 1).\n"
            "Example: longhaul model train --lake ca/collector/collector.toml --schema "
            "bus_position "
            "--out bus.model");
    }
    int run() {
        if (training.traces.empty() && training.config.empty())
            return complain({"say --traces or --lake"}, exit_usage);
        const auto done = model_train(training);
        return done.ok() ? done.value() : complain(done.error(), exit_bad_data);
    }
    CLI::App* command = nullptr;
};

struct Inspect {
    InspectOptions options;

    void add_to(CLI::App& app) {
        CLI::App* inspect =
            app.add_subcommand("inspect", "Show what a file holds, as far as it is in the clear");
        inspect->require_subcommand(1);
        const auto add = [&](const char* name, const char* what, InspectKind kind,
                             const std::string& example) {
            CLI::App* command = inspect->add_subcommand(name, what);
            command->add_option("FILE", options.path, "The file")->required();
            command->footer("Example: longhaul inspect " + example);
            command->add_flag("--json", options.json, "A JSON object a line");
            if (kind == InspectKind::block) {
                command->add_option("--key", options.key,
                                    "Private sealing key (PEM) to open the block with");
                command->add_option("--epoch", options.epoch,
                                    "The signed epoch of the block, with --key");
            }
            commands.push_back({command, kind});
        };
        add("block", "A sealed block", InspectKind::block, "block 413.block");
        add("epoch", "A signed epoch record", InspectKind::epoch, "epoch 7.epoch --json");
        add("journal", "A journal's folder", InspectKind::journal,
            "journal ca/collector/journal | tail");
    }
    int run() {
        for (const auto& [command, kind] : commands) {
            if (!command->parsed()) continue;
            options.kind = kind;
            const auto shown = inspect(options);
            return shown.ok() ? exit_done : complain(shown.error(), exit_bad_data);
        }
        return exit_usage;
    }
    std::vector<std::pair<CLI::App*, InspectKind>> commands;
};

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{
        "Longhaul for people: certificates, devices, audit, inspection.\n"
        "Example: longhaul audit --config ca/collector/collector.toml"};
    app.set_version_flag("--version", "longhaul " LH_VERSION);
    app.require_subcommand(1);
    CaInit ca_init;
    DeviceAdd device_add;
    Audit audit;
    WhyCommand why;
    ModelCommands models;
    Inspect inspect_files;
    ca_init.add_to(app);
    device_add.add_to(app);
    audit.add_to(app);
    why.add_to(app);
    models.add_to(app);
    inspect_files.add_to(app);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return end_of_command_line(app, error);
    }
    if (!crypto_init().ok())
        return complain({"the cryptographic library does not start"}, exit_check_failed);
    if (ca_init.command->parsed()) return ca_init.run();
    if (device_add.command->parsed()) return device_add.run();
    if (audit.command->parsed()) return audit.run();
    if (why.command->parsed()) return why.run();
    if (models.command->parsed()) return models.run();
    return inspect_files.run();
}
