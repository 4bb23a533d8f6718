#include "tools/longhaul/account_commands.hpp"

#include "common/base/civil_time.hpp"
#include "common/host/exit_codes.hpp"
#include "tools/longhaul/audit_command.hpp"
#include "tools/longhaul/inspect.hpp"
#include "tools/longhaul/trail_command.hpp"
#include "tools/longhaul/why_command.hpp"

namespace longhaul::tools {
namespace {

int end(const Result<int, Message>& exit_code) {
    return exit_code.ok() ? exit_code.value() : complain(exit_code.error(), exit_bad_data);
}

void add_audit(CLI::App& app, Commands& commands) {
    CLI::App* command =
        app.add_subcommand("audit", "Compare what devices sent with what the tables hold");
    const auto options = std::make_shared<AuditOptions>();
    command->add_option("--config", options->config, "The collector's configuration")->required();
    command->add_option("--tenant", options->scope.tenant, "Only this tenant");
    command->add_option("--device", options->scope.device, "Only devices of this name");
    command->add_option_function<std::string>(
        "--since",
        [options](const std::string& text) {
            const auto since = parse_utc(text);
            if (!since)
                throw CLI::ValidationError{
                    "--since", text + ": a time is 2026-11-21 or 2026-11-21T05:58, in UTC"};
            options->scope.since = *since;
        },
        "Only epochs of which something came since then, UTC: 2026-11-21 or 2026-11-21T05:58");
    command->add_flag("--drained", options->drained, "Nothing may be in flight any more");
    command->add_flag("--json", options->json, "One JSON object on standard output");
    command->footer("Example: longhaul audit --config ca/collector/collector.toml");
    commands.emplace_back(command, [options] { return end(audit_command(*options)); });
}

void add_why(CLI::App& app, Commands& commands) {
    CLI::App* command =
        app.add_subcommand("why", "What is the matter with a device, in one sentence");
    const auto options = std::make_shared<WhyOptions>();
    command->add_option("DEVICE", options->device, "Name of the device, or TENANT/NAME")
        ->required();
    command->add_option("--config", options->config, "The collector's configuration")->required();
    command->add_flag("--json", options->json, "One JSON object on standard output");
    command->footer("Example: longhaul why bus-2228 --config ca/collector/collector.toml");
    commands.emplace_back(command, [options] {
        options->now = wall_now();
        return end(why_command(*options));
    });
}

void add_inspect(CLI::App& app, Commands& commands) {
    CLI::App* inspect_app =
        app.add_subcommand("inspect", "Show what a file holds, as far as it is in the clear");
    inspect_app->require_subcommand(1);
    const auto add = [&](const char* name, const char* what, InspectKind kind,
                         const std::string& example) {
        CLI::App* command = inspect_app->add_subcommand(name, what);
        const auto options = std::make_shared<InspectOptions>();
        options->kind = kind;
        command->add_option("FILE", options->path, "The file")->required();
        command->footer("Example: longhaul inspect " + example);
        command->add_flag("--json", options->json, "A JSON object a line");
        if (kind == InspectKind::block) {
            command->add_option("--key", options->key,
                                "Private sealing key (PEM) to open the block with");
            command->add_option("--epoch", options->epoch,
                                "The signed epoch of the block, with --key");
        }
        commands.emplace_back(command, [options] {
            options->now = wall_now();
            const auto shown = inspect(*options);
            return shown.ok() ? exit_done : complain(shown.error(), exit_bad_data);
        });
    };
    add("block", "A sealed block", InspectKind::block, "block 413.block");
    add("epoch", "A signed epoch record", InspectKind::epoch, "epoch 7.epoch --json");
    add("journal", "A journal's folder", InspectKind::journal,
        "journal ca/collector/journal | tail");
}

void add_trail(CLI::App& app, Commands& commands) {
    CLI::App* trail =
        app.add_subcommand("audit-trail", "Who was let in, refused, revoked; which keys were used");
    trail->require_subcommand(1);
    CLI::App* command =
        trail->add_subcommand("verify", "Check that no line of the audit trails was changed");
    const auto options = std::make_shared<TrailOptions>();
    command->add_option("--config", options->config, "The collector's configuration")->required();
    command->add_option("--head", options->heads,
                        "A hash that was printed earlier and has to be found; may be repeated");
    command->add_flag("--json", options->json, "One JSON object on standard output");
    command->footer("Example: longhaul audit-trail verify --config ca/collector/collector.toml");
    commands.emplace_back(command, [options] { return end(verify_trails(*options)); });
}

}  // namespace

void add_account_commands(CLI::App& app, Commands& commands) {
    add_audit(app, commands);
    add_why(app, commands);
    add_inspect(app, commands);
    add_trail(app, commands);
}

}  // namespace longhaul::tools
