#include "tools/longhaul/ca_commands.hpp"

#include <cstdio>

#include "common/host/exit_codes.hpp"
#include "tools/longhaul/authority.hpp"

namespace longhaul::tools {
namespace {

int init(AuthorityRequest& request) {
    request.now = wall_now();
    const auto made = make_authority(request);
    if (!made.ok()) return complain(made.error(), exit_bad_data);
    std::printf("%s/collector/collector.toml\n", request.folder.c_str());
    return exit_done;
}

}  // namespace

void add_ca_commands(CLI::App& app, Commands& commands) {
    CLI::App* ca = app.add_subcommand("ca", "The certificate authority");
    ca->require_subcommand(1);
    CLI::App* command =
        ca->add_subcommand("init", "Make an authority, tenants and a collector's folder");
    const auto request = std::make_shared<AuthorityRequest>();
    command->add_option("--dir", request->folder, "Folder to make")->required();
    command->add_option("--environment", request->environment, "Name of the environment")
        ->required();
    command->add_option("--tenant", request->tenants, "Name of a tenant; may be repeated")
        ->required();
    command
        ->add_option("--server-name", request->server_name, "Name in the collector's certificate")
        ->capture_default_str();
    command->add_option("--listen", request->listen, "Address of the collector")
        ->capture_default_str();
    command->footer("Example: longhaul ca init --dir ca --environment demo --tenant acme");
    commands.emplace_back(command, [request] { return init(*request); });
}

}  // namespace longhaul::tools
