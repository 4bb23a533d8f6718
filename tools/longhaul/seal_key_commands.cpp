#include "tools/longhaul/seal_key_commands.hpp"

#include <cstdio>

#include "common/host/exit_codes.hpp"
#include "tools/longhaul/seal_key.hpp"

namespace longhaul::tools {
namespace {

using Work = Result<int, Message> (*)(const SealKeyOptions&);

CLI::App* add_one(CLI::App& seal_key, Commands& commands, const char* name, const char* what,
                  Work work, const std::shared_ptr<SealKeyOptions>& options) {
    CLI::App* command = seal_key.add_subcommand(name, what);
    command->add_option("--config", options->config, "The collector's configuration")->required();
    commands.emplace_back(command, [options, work] {
        options->now = wall_now();
        const auto done = work(*options);
        return done.ok() ? done.value() : complain(done.error(), exit_bad_data);
    });
    return command;
}

void add_rotate(CLI::App& seal_key, Commands& commands) {
    CLI::App* command = seal_key.add_subcommand(
        "rotate", "A new key for a tenant's next devices; older ones stay and open on");
    const auto rotation = std::make_shared<SealKeyRotation>();
    command->add_option("TENANT", rotation->tenant, "Name of the tenant")->required();
    command->add_option("--dir", rotation->folder, "Folder of the authority")->required();
    command->footer("Example: longhaul seal-key rotate acme --dir ca");
    commands.emplace_back(command, [rotation] {
        rotation->now = wall_now();
        const auto id = rotate_seal_key(*rotation);
        if (!id.ok()) return complain(id.error(), exit_bad_data);
        std::printf(
            "%s is the new sealing key; a running collector takes it over with SIGHUP, before "
            "devices have %s/tenants/%s/sealing.crt\n",
            id.value().c_str(), rotation->folder.c_str(), rotation->tenant.c_str());
        return exit_done;
    });
}

}  // namespace

void add_seal_key_commands(CLI::App& app, Commands& commands) {
    CLI::App* seal_key = app.add_subcommand("seal-key", "The keys that open blocks");
    seal_key->require_subcommand(1);
    const auto listed = std::make_shared<SealKeyOptions>();
    CLI::App* list = add_one(*seal_key, commands, "list", "Sealing keys that a collector has",
                             list_seal_keys, listed);
    list->add_flag("--json", listed->json, "One JSON object on standard output");
    list->footer("Example: longhaul seal-key list --config ca/collector/collector.toml");
    add_rotate(*seal_key, commands);
    const auto saved = std::make_shared<SealKeyOptions>();
    CLI::App* backup =
        add_one(*seal_key, commands, "backup", "Copy all keys into a new folder, and read it back",
                back_up_seal_keys, saved);
    backup->add_option("--to", saved->folder, "Folder to make; keep it as secret as the keys")
        ->required();
    backup->footer(
        "Example: longhaul seal-key backup --to /media/safe/keys --config "
        "ca/collector/collector.toml");
    const auto restored = std::make_shared<SealKeyOptions>();
    CLI::App* restore = add_one(*seal_key, commands, "restore", "Put back keys that are missing",
                                restore_seal_keys, restored);
    restore->add_option("--from", restored->folder, "Folder of a backup")->required();
    restore->footer(
        "Example: longhaul seal-key restore --from /media/safe/keys --config "
        "ca/collector/collector.toml");
}

}  // namespace longhaul::tools
