// longhaul: the command for people. Each group of commands is a file of its own.
#include <CLI/CLI.hpp>

#include "common/block/crypto.hpp"
#include "common/host/command_line.hpp"
#include "common/host/exit_codes.hpp"
#include "tools/longhaul/account_commands.hpp"
#include "tools/longhaul/ca_commands.hpp"
#include "tools/longhaul/device_commands.hpp"
#include "tools/longhaul/enrolment_commands.hpp"
#include "tools/longhaul/lake_commands.hpp"
#include "tools/longhaul/model_commands.hpp"
#include "tools/longhaul/seal_key_commands.hpp"
#include "tools/longhaul/store_commands.hpp"

using namespace longhaul;
using namespace longhaul::tools;

int main(int argc, char** argv) {
    CLI::App app{
        "Longhaul for people: certificates, devices, audit, inspection.\n"
        "Example: longhaul audit --config ca/collector/collector.toml"};
    app.set_version_flag("--version", "longhaul " LH_VERSION);
    app.require_subcommand(1);
    Commands commands;
    add_ca_commands(app, commands);
    add_device_commands(app, commands);
    add_enrolment_commands(app, commands);
    add_seal_key_commands(app, commands);
    add_model_commands(app, commands);
    add_account_commands(app, commands);
    add_lake_commands(app, commands);
    add_store_commands(app, commands);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return end_of_command_line(app, error);
    }
    if (!crypto_init().ok())
        return complain({"the cryptographic library does not start"}, exit_check_failed);
    for (const auto& [command, run] : commands)
        if (command->parsed()) return run();
    return exit_usage;
}
