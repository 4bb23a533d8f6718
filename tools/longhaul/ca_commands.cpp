#include "tools/longhaul/ca_commands.hpp"

#include <cstdio>

#include "common/host/exit_codes.hpp"
#include "tools/longhaul/authority.hpp"
#include "tools/longhaul/device_registry.hpp"
#include "tools/longhaul/enrolment.hpp"

namespace longhaul::tools {
namespace {

int init(AuthorityRequest& request) {
    request.now = wall_now();
    const auto made = make_authority(request);
    if (!made.ok()) return complain(made.error(), exit_bad_data);
    std::printf("%s/collector/collector.toml\n", request.folder.c_str());
    return exit_done;
}

struct RootOptions {
    RootRequest request;
    std::string tenant;
};

void add_root_options(CLI::App& command, RootOptions& options) {
    command.add_option("--dir", options.request.folder, "Folder of the authority")->required();
    command.add_option("--root-key", options.request.root_key,
                       "Where the root's key is, if not in the folder");
}

int end(const Result<void, Message>& done, const std::string& said) {
    if (!done.ok()) return complain(done.error(), exit_bad_data);
    std::printf("%s\n", said.c_str());
    return exit_done;
}

constexpr const char* reload_it = "; a running collector takes it over with SIGHUP";

void add_init(CLI::App& app, Commands& commands) {
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

int limit(LimitRequest& request) {
    if (!request.connections && !request.bytes_per_second && !request.bytes_per_day &&
        !request.handshakes_per_second) {
        return complain({"no limit is named; `longhaul tenant list` shows those that there are"},
                        exit_usage);
    }
    request.where.now = wall_now();
    const auto limited = limit_tenant(request);
    return limited.ok() ? limited.value() : complain(limited.error(), exit_bad_data);
}

void add_limit(CLI::App& tenant, Commands& commands) {
    CLI::App* command = tenant.add_subcommand("limit", "How much the devices of a tenant may use");
    const auto request = std::make_shared<LimitRequest>();
    command->add_option("NAME", request->where.tenant, "Name of the tenant")->required();
    command->add_option("--config", request->where.config, "The collector's configuration")
        ->required();
    const CLI::Range counts{std::uint64_t{0}, std::uint64_t{10'000'000'000}};
    const CLI::Range of_a_day{std::uint64_t{0}, std::uint64_t{1} << 60};
    command->add_option("--connections", request->connections, "At a time; 0: no limit")
        ->check(counts);
    command->add_option("--bytes-per-second", request->bytes_per_second, "Of blocks; 0: no limit")
        ->check(counts);
    command
        ->add_option("--bytes-per-day", request->bytes_per_day, "Of blocks, a day of UTC; 0: none")
        ->check(of_a_day);
    command
        ->add_option("--handshakes-per-second", request->handshakes_per_second,
                     "Sessions that may begin; 0: no limit")
        ->check(counts);
    command->footer(
        "Example: longhaul tenant limit acme --connections 500 --config "
        "ca/collector/collector.toml");
    commands.emplace_back(command, [request] { return limit(*request); });
}

void add_cut_off(CLI::App& tenant, Commands& commands) {
    CLI::App* command = tenant.add_subcommand(
        "cut-off", "Devices of a tenant's older authorities may not come in any more");
    const auto options = std::make_shared<RegistryOptions>();
    command->add_option("NAME", options->tenant, "Name of the tenant")->required();
    command->add_option("--config", options->config, "The collector's configuration")->required();
    command->add_option("--why", options->why, "The reason, for the audit trail");
    command->footer("Example: longhaul tenant cut-off acme --config ca/collector/collector.toml");
    commands.emplace_back(command, [options] {
        options->now = wall_now();
        const auto done = cut_off_older(*options);
        return done.ok() ? done.value() : complain(done.error(), exit_bad_data);
    });
}

void add_tenant_commands(CLI::App& app, Commands& commands) {
    CLI::App* tenant = app.add_subcommand("tenant", "The tenants of an authority");
    tenant->require_subcommand(1);
    CLI::App* add = tenant->add_subcommand("add", "Make a tenant; needs the root's key");
    const auto options = std::make_shared<RootOptions>();
    add->add_option("NAME", options->tenant, "Name of the tenant")->required();
    add_root_options(*add, *options);
    add->footer("Example: longhaul tenant add rival --dir ca");
    commands.emplace_back(add, [options] {
        options->request.now = wall_now();
        return end(add_tenant(options->request, options->tenant),
                   "tenant " + options->tenant + " is added" + reload_it);
    });
    CLI::App* list = tenant->add_subcommand("list", "Tenants that a collector knows");
    add_limit(*tenant, commands);
    add_cut_off(*tenant, commands);
    const auto wanted = std::make_shared<RegistryOptions>();
    list->add_option("--config", wanted->config, "The collector's configuration")->required();
    list->add_flag("--json", wanted->json, "One JSON object on standard output");
    list->footer("Example: longhaul tenant list --config ca/collector/collector.toml");
    commands.emplace_back(list, [wanted] {
        const auto listed = list_tenants(*wanted);
        return listed.ok() ? listed.value() : complain(listed.error(), exit_bad_data);
    });
}

void add_rotate_commands(CLI::App& app, Commands& commands) {
    CLI::App* rotate = app.add_subcommand("rotate", "New keys for old; needs the root's key");
    rotate->require_subcommand(1);
    CLI::App* server = rotate->add_subcommand("server", "A new certificate for the collector");
    const auto options = std::make_shared<RootOptions>();
    add_root_options(*server, *options);
    server->footer("Example: longhaul rotate server --dir ca");
    commands.emplace_back(server, [options] {
        options->request.now = wall_now();
        return end(rotate_server(options->request),
                   options->request.folder + "/collector/server.crt is new" + reload_it);
    });
    CLI::App* tenant = rotate->add_subcommand(
        "tenant", "A new authority for a tenant; devices of the older one are let in on");
    const auto of = std::make_shared<RootOptions>();
    tenant->add_option("NAME", of->tenant, "Name of the tenant")->required();
    add_root_options(*tenant, *of);
    tenant->footer("Example: longhaul rotate tenant acme --dir ca --root-key /media/safe/root.key");
    commands.emplace_back(tenant, [of] {
        of->request.now = wall_now();
        const auto rotated = rotate_tenant(of->request, of->tenant);
        if (!rotated.ok()) return end(rotated, "");
        const auto issues = renew_enrolment(of->request.folder, of->tenant, of->request.now);
        if (!issues.ok()) return end(Result<void, Message>{issues.error()}, "");
        const char* const others =
            issues.value() ? "; devices of the older one that renew by themselves come over with "
                             "their next session"
                           : "; no enrolment authority is here, so devices of the older one are "
                             "not renewed below the new one: `longhaul tenant enrolment`";
        return end(rotated, "tenant " + of->tenant + " has a new authority" + reload_it +
                                ", before devices of the new one connect" + others);
    });
}

}  // namespace

void add_ca_commands(CLI::App& app, Commands& commands) {
    add_init(app, commands);
    add_tenant_commands(app, commands);
    add_rotate_commands(app, commands);
}

}  // namespace longhaul::tools
