"""Every subcommand of every program, found by asking for help: what it must say, to whom, and how it ends."""

import json
import re

import pytest

from longhaul_e2e.forged import forge
from longhaul_e2e.processes import call
from longhaul_e2e.site import Site, programs_folder

DONE, USAGE = 0, 64
PROGRAMS = ("longhaul-agent", "longhaul-collector", "longhaul", "longhaul-sim")
COLOUR = "\x1b["


def run(command):
    program, *rest = command.split()
    return call(programs_folder() / program, *rest)


def subcommands(text):
    """Names and descriptions as help lists them."""
    _, _, listed = text.partition("Subcommands:\n")
    return dict(re.findall(r"^  (\S+) *(.*)$", listed.split("\n\n")[0], re.MULTILINE))


def walk(command):
    """The command and all below it, with its help and what its parent says of it."""
    _, text, _ = run(f"{command} --help")
    yield command, text
    for name in subcommands(text):
        yield from walk(f"{command} {name}")


COMMANDS = {command: text for program in PROGRAMS for command, text in walk(program)}
LEAVES = {command: text for command, text in COMMANDS.items() if not subcommands(text)}


def test_there_is_something_to_walk():
    assert len(LEAVES) >= 15
    assert {"longhaul-agent run", "longhaul-agent config example", "longhaul-collector check", "longhaul device add",
            "longhaul inspect journal"} <= LEAVES.keys()


@pytest.mark.parametrize("command", COMMANDS)
def test_help(command):
    code, text, messages = run(f"{command} --help")
    assert code == DONE and messages == ""
    assert COLOUR not in text
    assert re.match(r"[A-Z][^\n]{10,}", text), "help does not begin with what the command is for"
    for name, description in subcommands(text).items():
        assert description, f"{command} {name} has no description"
    for line in re.findall(r"^  -.*(?:\n {20,}.*)?$", text, re.MULTILINE):
        assert re.search(r" {2,}\S+ \S|\n {20,}\S", line), f"an option without a word: {line}"


@pytest.mark.parametrize("command", LEAVES)
def test_help_has_an_example_that_is_of_this_command(command):
    example = re.search(r"Example: (.*)", LEAVES[command])
    assert example, "no example"
    assert re.match(re.escape(command) + r"\b", example[1]), example[1]


def demand_usage_error(done, sentence):
    code, output, messages = done
    assert code == USAGE, f"exit {code}: {messages}"
    assert output == "", "messages belong on standard error"
    assert sentence in messages, messages


@pytest.mark.parametrize("command", COMMANDS)
def test_an_unknown_option_is_told_by_name(command):
    demand_usage_error(run(f"{command} --no-such-option"), "no-such-option")


@pytest.mark.parametrize("command", COMMANDS.keys() - LEAVES.keys() - {"longhaul enroll-code"})  # makes one by itself
def test_a_command_of_commands_needs_one(command):
    demand_usage_error(run(command), "subcommand is required")
    demand_usage_error(run(f"{command} no-such-command"), "")


@pytest.mark.parametrize("command", [command for command, text in LEAVES.items()
                                     if " REQUIRED" in text.replace("SUBCOMMAND", "")])
def test_what_is_required_is_asked_for(command):
    demand_usage_error(run(command), "is required")


@pytest.mark.parametrize("program", PROGRAMS)
def test_version(program):
    code, text, messages = run(f"{program} --version")
    assert code == DONE and messages == ""
    assert re.search(r"\d+\.\d+\.\d+", text)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A site with a device, whose samples have arrived."""
    folder = tmp_path_factory.mktemp("manners")
    recording = forge(folder / "forged", 3, devices=1)
    with Site(folder / "site") as made:
        made.start_collector()
        made.add_devices(sorted(recording.devices), recording)
        made.figures = made.start_agent().wait()[1]
        made.stop_collector()
        made.device = made.devices / sorted(recording.devices)[0]
        made.mapping = recording.mapping
        yield made


# The commands that offer --json, and arguments with which each has something to say.
JSON = {
    "longhaul-agent why": "--config {device}/agent.toml",
    "longhaul-agent trace list": "{mapping}",
    "longhaul-collector check": "--config {config}",
    "longhaul audit": "--config {config}",
    "longhaul audit-trail verify": "--config {config}",
    "longhaul device list": "--config {config}",
    "longhaul device show": "{device.name} --config {config}",
    "longhaul tenant list": "--config {config}",
    "longhaul seal-key list": "--config {config}",
    "longhaul why": "{device.name} --config {config}",
    "longhaul-agent spool inspect": "{device}/spool.db",
    "longhaul-agent spool verify": "{device}/spool.db",
    "longhaul inspect journal": "{journal}",
    "longhaul model list": "--config {config}",
    "longhaul lake list": "--config {config}",
    "longhaul lake stored": "--config {config}",
    "longhaul lake compact": "--config {config}",
    "longhaul lake clean": "--config {config}",
}
ELSEWHERE = {"longhaul-agent run", "longhaul adopt", "longhaul import", "longhaul model train", "longhaul-agent spool export",
             "longhaul inspect block", "longhaul inspect epoch", "longhaul-sim run", "longhaul-sim fleet"}


def test_every_command_with_json_is_in_the_table():
    assert {command for command, text in LEAVES.items() if "--json" in text} == JSON.keys() | ELSEWHERE


@pytest.mark.parametrize("command", JSON)
def test_json_is_json_and_nothing_else(site, command):
    arguments = JSON[command].format(device=site.device, mapping=site.mapping, config=site.config, journal=site.journal)
    code, output, messages = run(f"{command} {arguments} --json")
    assert code == DONE, messages
    lines = output.splitlines()
    assert lines and (len(lines) == 1 or "a line" in LEAVES[command])
    assert all(isinstance(json.loads(line), dict) for line in lines)


def test_the_agents_figures_are_one_document(site):
    assert isinstance(json.loads(site.figures), dict)


@pytest.mark.parametrize("command", JSON)
def test_without_json_it_speaks_to_people_without_colour(site, command):
    arguments = JSON[command].format(device=site.device, mapping=site.mapping, config=site.config, journal=site.journal)
    code, output, messages = run(f"{command} {arguments}")
    assert code == DONE and output.strip()
    assert COLOUR not in output + messages
