#include "tools/longhaul/lake_commands.hpp"

#include "common/host/exit_codes.hpp"
#include "tools/longhaul/lake_command.hpp"

namespace longhaul::tools {
namespace {

using Work = Result<int, Message> (*)(const LakeOptions&);

CLI::App* add_one(CLI::App& lake, Commands& commands, const std::string& name, const char* what,
                  Work work, const std::shared_ptr<LakeOptions>& options) {
    CLI::App* command = lake.add_subcommand(name, what);
    command->add_option("--config", options->config, "The collector's configuration")->required();
    command->add_option("--table", options->table, "Only this one: TENANT/NAME");
    command->add_flag("--json", options->json, "One JSON object on standard output");
    command->footer("Example: longhaul lake " + name + " --config ca/collector/collector.toml");
    commands.emplace_back(command, [options, work] {
        options->now = wall_now();
        const auto done = work(*options);
        return done.ok() ? done.value() : complain(done.error(), exit_bad_data);
    });
    return command;
}

}  // namespace

void add_lake_commands(CLI::App& app, Commands& commands) {
    CLI::App* lake = app.add_subcommand(
        "lake", "The tables' files; a running collector does all of this by itself");
    lake->require_subcommand(1);
    const auto add = [&](const char* name, const char* what, Work work) {
        return add_one(*lake, commands, name, what, work, std::make_shared<LakeOptions>());
    };
    add("list", "Tables with their files, rows and bytes", list_lake);
    const auto stored = std::make_shared<LakeOptions>();
    add_one(*lake, commands, "stored", "What each device takes up: its share of the tables' files",
            list_stored, stored)
        ->add_option("--day", stored->day, "Only what was received then, by the hour: YYYY-MM-DD");
    add("compact", "Merge small files, and write checkpoints", compact_lake);
    add("clean", "Delete what is older than the configuration says: rows, files, commits",
        clean_lake);
}

}  // namespace longhaul::tools
