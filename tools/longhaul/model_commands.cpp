#include "tools/longhaul/model_commands.hpp"

#include "common/host/exit_codes.hpp"
#include "tools/longhaul/model_command.hpp"
#include "tools/longhaul/model_train.hpp"

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

void add_train(CLI::App& model, Commands& commands) {
    CLI::App* command = model.add_subcommand(
        "train", "Make a model for a schema, from recordings or from a collector's tables");
    const auto options = std::make_shared<ModelTrainOptions>();
    CLI::Option* traces = command->add_option("--traces", options->traces,
                                              "Mapping files of recordings, all of one schema");
    CLI::Option* lake =
        command->add_option("--lake", options->config, "The configuration of a collector");
    CLI::Option* schema = command->add_option("--schema", options->schema, "Its name in the lake");
    command->add_option("--tenant", options->tenant, "Tenant, if several have that schema");
    traces->check(CLI::ExistingFile)->excludes(lake);
    lake->check(CLI::ExistingFile)->needs(schema);
    command->add_option("--out", options->out, "File to write")->required();
    command->add_flag("--json", options->json, "One JSON object on standard output");
    command->footer(
        "Half of the devices, or the last two fifths of a single one, are held out to measure\n"
        "with; a model that saves less than 3 % there is not written (exit code 1).\n"
        "Example: longhaul model train --lake ca/collector/collector.toml --schema bus_position "
        "--out bus.model");
    commands.emplace_back(command, [options] {
        if (options->traces.empty() && options->config.empty())
            return complain({"say --traces or --lake"}, exit_usage);
        const auto done = model_train(*options);
        return done.ok() ? done.value() : complain(done.error(), exit_bad_data);
    });
}

}  // namespace

void add_model_commands(CLI::App& app, Commands& commands) {
    CLI::App* model = app.add_subcommand("model", "What codec 2 knows before the first sample");
    model->require_subcommand(1);
    add_train(*model, commands);
    add_add(*model, commands);
    add_list(*model, commands);
}

}  // namespace longhaul::tools
