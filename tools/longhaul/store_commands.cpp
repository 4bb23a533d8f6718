#include "tools/longhaul/store_commands.hpp"

#include "common/host/exit_codes.hpp"
#include "tools/longhaul/adopt.hpp"
#include "tools/longhaul/backup.hpp"
#include "tools/longhaul/import_command.hpp"

namespace longhaul::tools {
namespace {

int end(const Result<int, Message>& exit_code) {
    return exit_code.ok() ? exit_code.value() : complain(exit_code.error(), exit_bad_data);
}

void add_import(CLI::App& app, Commands& commands) {
    CLI::App* command = app.add_subcommand(
        "import", "Take a spool that was exported from a device, as if the device had sent it");
    const auto options = std::make_shared<ImportOptions>();
    command->add_option("FILE", options->file, "What `longhaul-agent spool export` has made")
        ->required();
    command->add_option("--config", options->config, "The collector's configuration")->required();
    command->add_flag("--json", options->json, "One JSON object on standard output");
    command->footer("Example: longhaul import bus.session --config ca/collector/collector.toml");
    commands.emplace_back(command, [options] {
        options->now = wall_now();
        return end(import_spool(*options));
    });
}

void add_adopt(CLI::App& app, Commands& commands) {
    CLI::App* command = app.add_subcommand(
        "adopt", "After the journal was lost, or set back: a new one that goes on with the lake");
    const auto options = std::make_shared<AdoptOptions>();
    command
        ->add_option("--config", options->config,
                     "The configuration of a collector that is stopped")
        ->required();
    command->add_flag("--close", options->close,
                      "Later, when the devices were back: list what did not come as lost");
    command->add_flag("--json", options->json, "One JSON object on standard output");
    command->footer("Example: longhaul adopt --config ca/collector/collector.toml");
    commands.emplace_back(command, [options] {
        options->now = wall_now();
        return end(adopt_command(*options));
    });
}

using Work = Result<int, Message> (*)(const BackupOptions&);

void add_copy(CLI::App& app, Commands& commands, const char* name, const char* what,
              const char* folder, Work work) {
    CLI::App* command = app.add_subcommand(name, what);
    const auto options = std::make_shared<BackupOptions>();
    command->add_option("DIR", options->folder, folder)->required();
    command->add_option("--config", options->config, "The collector's configuration")->required();
    command->footer("Example: longhaul " + std::string{name} +
                    " /media/safe/2026-11-28 --config ca/collector/collector.toml");
    commands.emplace_back(command, [options, work] {
        options->now = wall_now();
        return end(work(*options));
    });
}

}  // namespace

void add_store_commands(CLI::App& app, Commands& commands) {
    add_import(app, commands);
    add_adopt(app, commands);
    add_copy(app, commands, "backup",
             "Copy configuration, registry and keys of a collector, which may be running",
             "Folder to make; keep it as secret as the keys", back_up);
    add_copy(app, commands, "restore", "Put a backup back to where nothing is yet",
             "Folder of a backup", restore);
}

}  // namespace longhaul::tools
