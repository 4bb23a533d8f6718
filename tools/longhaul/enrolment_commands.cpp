#include "tools/longhaul/enrolment_commands.hpp"

#include <cstdio>

#include "common/host/exit_codes.hpp"
#include "tools/longhaul/enrolment.hpp"

namespace longhaul::tools {
namespace {

int end(const Result<void, Message>& done, const std::string& said) {
    if (!done.ok()) return complain(done.error(), exit_bad_data);
    if (!said.empty()) std::printf("%s\n", said.c_str());
    return exit_done;
}

struct AuthorityOptions {
    std::string folder;
    std::string tenant;
    bool revoke = false;
};

int authority(const AuthorityOptions& options) {
    if (!options.revoke) {
        return end(make_enrolment(options.folder, options.tenant, wall_now()),
                   options.folder + "/collector/enrolment/" + options.tenant +
                       ".key is new; a running collector takes it over with SIGHUP");
    }
    const auto dropped = drop_enrolment(options.folder, options.tenant, wall_now());
    if (!dropped.ok()) return complain(dropped.error(), exit_bad_data);
    std::printf(
        "%d enrolment authorities of %s are revoked; a running collector ends the sessions of what "
        "they issued within a minute\n",
        dropped.value(), options.tenant.c_str());
    return exit_done;
}

void add_authority(CLI::App& app, Commands& commands) {
    CLI::App* command = app.get_subcommand("tenant")->add_subcommand(
        "enrolment", "An authority below the tenant's, for a collector that enrols and renews");
    const auto options = std::make_shared<AuthorityOptions>();
    command->add_option("NAME", options->tenant, "Name of the tenant")->required();
    command->add_option("--dir", options->folder, "Folder of the authority")->required();
    command->add_flag("--revoke", options->revoke,
                      "Nothing that was issued so is accepted any more");
    command->footer("Example: longhaul tenant enrolment acme --dir ca");
    commands.emplace_back(command, [options] { return authority(*options); });
}

void add_code_options(CLI::App& command, CodeRequest& request) {
    command.add_option("--config", request.config, "The collector's configuration");
    command.add_option("--tenant", request.tenant, "Tenant that the devices will belong to");
    command.add_option("--valid", request.valid, "How long: 15m, 2h, 30d")->capture_default_str();
    command.add_option("--address", request.address,
                       "host:port where devices reach [enrolment]; goes into the code");
}

int no_options(const CodeRequest& request) {
    return complain({request.config.empty() ? "--config is required" : "--tenant is required"},
                    exit_usage);
}

void add_codes(CLI::App& app, Commands& commands) {
    CLI::App* command = app.add_subcommand(
        "enroll-code", "A join code, with which a device gets its first certificate");
    struct Kind {
        const char* name;
        const char* what;
        const char* example;
        Result<void, Message> (*work)(const CodesOptions&);
    };
    const Kind kinds[] = {
        {"list", "Codes that were made", "list", list_codes},
        {"revoke", "A code that may not be used any more", "revoke 0G3KQ2VX", revoke_code}};
    for (const Kind& kind : kinds) {
        CLI::App* each = command->add_subcommand(kind.name, kind.what);
        const auto options = std::make_shared<CodesOptions>();
        each->add_option("--config", options->config, "The collector's configuration")->required();
        if (kind.work == revoke_code)
            each->add_option("ID", options->id, "The eight characters behind LH1-")->required();
        each->footer(std::string{"Example: longhaul enroll-code "} + kind.example +
                     " --config ca/collector/collector.toml");
        commands.emplace_back(each, [options, work = kind.work] {
            options->now = wall_now();
            return end(work(*options), "");
        });
    }
    const auto request = std::make_shared<CodeRequest>();
    add_code_options(*command, *request);
    command->add_option("--device", request->device, "Only for this device");
    command->add_option("--uses", request->uses, "How many devices")->capture_default_str();
    command->footer(
        "Example: longhaul enroll-code --tenant acme --uses 1 --valid 15m --config "
        "ca/collector/collector.toml");
    commands.emplace_back(command, [request] {
        if (request->config.empty() || request->tenant.empty()) return no_options(*request);
        request->now = wall_now();
        const auto code = make_code(*request);
        if (!code.ok()) return complain(code.error(), exit_bad_data);
        std::printf("%s\n", code.value().c_str());
        return exit_done;
    });
}

struct BatchOptions {
    CodeRequest request;
    std::string list;
    std::string out;
};

void add_batch(CLI::App& app, Commands& commands) {
    CLI::App* command =
        app.add_subcommand("enroll", "A code for each serial number of a list, one use each");
    const auto options = std::make_shared<BatchOptions>();
    options->request.valid = "30d";
    add_code_options(*command, options->request);
    command->add_option("--batch", options->list, "CSV: serial, or serial,name on each line")
        ->required();
    command->add_option("--out", options->out, "CSV to make: serial,name,code")->required();
    command->footer(
        "Example: longhaul enroll --batch list.csv --out codes.csv --tenant acme --config "
        "ca/collector/collector.toml");
    commands.emplace_back(command, [options] {
        CodeRequest& request = options->request;
        if (request.config.empty() || request.tenant.empty()) return no_options(request);
        request.now = wall_now();
        const auto made = make_batch(request, options->list, options->out);
        if (!made.ok()) return complain(made.error(), exit_bad_data);
        std::printf("%s: %zu codes\n", options->out.c_str(), made.value());
        return exit_done;
    });
}

}  // namespace

void add_enrolment_commands(CLI::App& app, Commands& commands) {
    add_authority(app, commands);
    add_codes(app, commands);
    add_batch(app, commands);
}

}  // namespace longhaul::tools
