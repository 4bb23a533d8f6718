#include "tools/longhaul/model_commands.hpp"

#include "common/host/exit_codes.hpp"
#include "tools/longhaul/model_command.hpp"

namespace longhaul::tools {
namespace {

void add_add(CLI::App& model, Commands& commands) {
    CLI::App* command = model.add_subcommand("add", "Offer a model to the devices with a schema");
    const auto options = std::make_shared<ModelAddOptions>();
    command->add_option("FILE", options->file, "The model")->required();
    command->add_option("--config", options->config, "The collector's configuration")->required();
    command->add_option("--schema", options->schema, "Name of the schema, or its SHA-256")
        ->required();
    command->add_option("--tenant", options->tenant, "Tenant, if there are several");
    command->footer(
        "A collector that runs offers it after the next reload (SIGHUP).\n"
        "Example: longhaul model add bus.model --schema bus_position "
        "--config ca/collector/collector.toml");
    commands.emplace_back(command, [options] {
        options->now = wall_now();
        const auto done = model_add(*options);
        return done.ok() ? exit_done : complain(done.error(), exit_bad_data);
    });
}

void add_list(CLI::App& model, Commands& commands) {
    CLI::App* command = model.add_subcommand("list", "The models that a collector has");
    const auto options = std::make_shared<ModelListOptions>();
    command->add_option("--config", options->config, "The collector's configuration")->required();
    command->add_flag("--json", options->json, "One JSON object on standard output");
    command->footer("Example: longhaul model list --config ca/collector/collector.toml");
    commands.emplace_back(command, [options] {
        const auto done = model_list(*options);
        return done.ok() ? exit_done : complain(done.error(), exit_bad_data);
    });
}

}  // namespace

void add_model_commands(CLI::App& app, Commands& commands) {
    CLI::App* model = app.add_subcommand("model", "What codec 2 knows before the first sample");
    model->require_subcommand(1);
    add_add(*model, commands);
    add_list(*model, commands);
}

}  // namespace longhaul::tools
