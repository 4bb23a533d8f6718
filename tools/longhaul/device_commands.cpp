#include "tools/longhaul/device_commands.hpp"

#include <cstdio>
#include <fstream>
#include <iostream>

#include "common/host/exit_codes.hpp"
#include "tools/longhaul/authority.hpp"
#include "tools/longhaul/device_folder.hpp"
#include "tools/longhaul/device_image.hpp"
#include "tools/longhaul/device_registry.hpp"

namespace longhaul::tools {
namespace {

struct AddOptions {
    DeviceRequest request;
    std::string folder;
    std::string list;
};

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

int add(AddOptions& options) {
    DeviceRequest& request = options.request;
    request.now = wall_now();
    if (!options.list.empty()) {
        if (const auto read = read_names(options.list, request.names); !read.ok())
            return complain(read.error(), exit_bad_data);
    }
    if (request.names.empty()) return complain({"no device is named"}, exit_usage);
    const auto authority = read_authority(options.folder, request.tenant);
    if (!authority.ok()) return complain(authority.error(), exit_bad_data);
    const auto folders = add_devices(authority.value(), request);
    if (!folders.ok()) return complain(folders.error(), exit_bad_data);
    for (const std::string& each : folders.value()) std::printf("%s\n", each.c_str());
    return exit_done;
}

void add_add(CLI::App& device, Commands& commands) {
    CLI::App* command = device.add_subcommand("add", "Make device folders and let the devices in");
    const auto options = std::make_shared<AddOptions>();
    DeviceRequest& request = options->request;
    command->add_option("NAME", request.names, "Names of devices");
    command->add_option("--from-list", options->list,
                        "File with a name a line; - for standard input");
    command->add_option("--dir", options->folder, "Folder of the authority")->required();
    command->add_option("--tenant", request.tenant, "Tenant that the devices belong to")
        ->required();
    command->add_option("--out", request.out, "Folder for the device folders")->required();
    command->add_option("--collector", request.collector, "Address that the devices connect to");
    command->add_option("--trace", request.trace_mapping, "Mapping file of a recording to replay")
        ->check(CLI::ExistingFile);
    command->add_option("--trace-file", request.trace_file,
                        "The recording, if not where the mapping says");
    command->footer("Example: longhaul device add bus-2228 --dir ca --tenant acme --out devices");
    commands.emplace_back(command, [options] { return add(*options); });
}

void add_image(CLI::App& device, Commands& commands) {
    CLI::App* command = device.add_subcommand(
        "image", "The flash of a device without an operating system, for its programmer");
    const auto request = std::make_shared<ImageRequest>();
    command->add_option("FOLDER", request->device, "The device's folder")->required();
    command->add_option("--out", request->out, "The image, a new file")->required();
    command->add_option("--collector", request->collector,
                        "IPv4 address and port that the device connects to");
    command->footer("Example: longhaul device image devices/probe-1 --out probe-1.img");
    commands.emplace_back(command, [request] {
        const auto written = write_device_image(*request);
        return written.ok() ? exit_done : complain(written.error(), exit_bad_data);
    });
}

using Work = Result<int, Message> (*)(const RegistryOptions&);

// A command on devices that are there.
CLI::App* add_named(CLI::App& device, Commands& commands, const char* name, const char* what,
                    Work work, const std::shared_ptr<RegistryOptions>& options) {
    CLI::App* command = device.add_subcommand(name, what);
    command->add_option("--config", options->config, "The collector's configuration")->required();
    command->add_option("--tenant", options->tenant, "Only devices of this tenant");
    commands.emplace_back(command, [options, work] {
        options->now = wall_now();
        const auto done = work(*options);
        return done.ok() ? done.value() : complain(done.error(), exit_bad_data);
    });
    return command;
}

void add_looking(CLI::App& device, Commands& commands) {
    const auto listed = std::make_shared<RegistryOptions>();
    CLI::App* list =
        add_named(device, commands, "list", "Devices that a collector knows", list_devices, listed);
    list->add_flag("--json", listed->json, "One JSON object on standard output");
    list->footer("Example: longhaul device list --config ca/collector/collector.toml");
    const auto shown = std::make_shared<RegistryOptions>();
    CLI::App* show =
        add_named(device, commands, "show",
                  "A device's state, its certificate's end, its last refusal", show_devices, shown);
    show->add_option("NAME", shown->names, "Names of devices, or TENANT/NAME")->required();
    show->add_flag("--json", shown->json, "A JSON object a line");
    show->footer("Example: longhaul device show bus-2228 --config ca/collector/collector.toml");
}

void add_changing(CLI::App& device, Commands& commands) {
    struct Kind {
        const char* name;
        const char* what;
        Work work;
        const char* example;
    };
    const Kind kinds[] = {
        {"revoke", "Devices that may not come in any more", revoke_devices,
         "revoke bus-2228 --why stolen"},
        {"allow", "Devices that were revoked may come in again", allow_devices, "allow bus-2228"}};
    for (const Kind& kind : kinds) {
        const auto options = std::make_shared<RegistryOptions>();
        CLI::App* command = add_named(device, commands, kind.name, kind.what, kind.work, options);
        command->add_option("NAME", options->names, "Names of devices, or TENANT/NAME")->required();
        command->add_option("--why", options->why, "The reason, for the audit trail");
        command->footer(std::string{"Example: longhaul device "} + kind.example +
                        " --config ca/collector/collector.toml");
    }
}

}  // namespace

void add_device_commands(CLI::App& app, Commands& commands) {
    CLI::App* device = app.add_subcommand("device", "The devices of an authority");
    device->require_subcommand(1);
    add_add(*device, commands);
    add_image(*device, commands);
    add_looking(*device, commands);
    add_changing(*device, commands);
}

}  // namespace longhaul::tools
