"""The commands that the documents show, typed as they stand, in their order: each ends with 0, and the table is there."""

import os
import re
import shlex
import socket
from pathlib import Path

import pytest

from longhaul_e2e.processes import Program, call, wait_until
from longhaul_e2e.site import programs_folder, top_folder

# A page and the words in front of its block of commands, for each reader who follows them in a fresh folder.
READERS = {
    "somebody who tries it out": [("README.md", "## By hand"), ("docs/recordings.md", "# Recordings"),
                                  ("docs/agent.md", "# The agent for Linux")],
    "a newcomer to the code": [("docs/journey.md", "Make it travel")],
}


def commands(page, heading):
    text = (top_folder() / page).read_text()
    block = text[text.index(heading):].split("```")[1].replace("\\\n", " ")
    found = re.findall(r"^\$ (.*)$", block, re.M)
    assert len(found) >= 3, f"{page} shows no commands behind {heading!r}"
    return [re.sub(r"\s+# .*$", "", command) for command in found]


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


class Shell:
    """A person in a folder that looks like the tree after tools/setup and tools/demo."""

    def __init__(self, folder: Path):
        self.folder, self.port, self.running = folder, free_port(), []
        for name in ("firmware-sim", "examples"):
            (folder / name).symlink_to(top_folder() / name)
        (folder / "build" / "host-release").mkdir(parents=True)
        (folder / "build" / "host-release" / "bin").symlink_to(programs_folder())
        (folder / "build" / "venv").symlink_to(top_folder() / "build" / "venv")
        self.path = os.environ["PATH"]

    def bash(self, command):
        return ["env", "-C", self.folder, f"PATH={self.path}", "bash", "-c", command]

    def type(self, command):
        if set_path := re.match(r"PATH=(\S+)$", command):
            self.path = set_path[1].replace("$PWD", str(self.folder)).replace("$PATH", self.path)
        elif command.endswith("&") or self.goes_on(command):
            log = self.folder / f"{len(self.running)}.log"
            self.running.append(Program(self.bash("exec " + command.removesuffix("&")), log))
        else:
            self.try_until_done(command + self.elsewhere(command))

    @staticmethod
    def goes_on(command):
        return command.startswith("longhaul-agent run") and "--exit-when-drained" not in command

    def elsewhere(self, command):
        """Port 7600 may be in use on this machine."""
        if command.startswith("longhaul ca init"):
            return f" --listen 127.0.0.1:{self.port}"
        return f" --collector 127.0.0.1:{self.port}" if command.startswith("longhaul device add") else ""

    def try_until_done(self, command):
        """A person who sees that the agent is not up yet, or the commit not made yet, tries again."""
        last = []

        def done():
            last[:] = call(*self.bash(command), limit_s=60)
            return last[0] == 0 and "no agent runs" not in last[1]
        try:
            wait_until(done, f"{command} to end with 0", 40, poll_s=0.5)
        except TimeoutError as late:
            raise AssertionError(f"{late}\nexit {last[0]}\n{last[1]}{last[2]}") from late

    def leave(self):
        return [program.stop() for program in reversed(self.running)]


@pytest.mark.parametrize("reader", READERS)
def test_the_commands_of_the_documents_do_what_they_are_shown_for(tmp_path, reader):
    shell = Shell(tmp_path)
    if "README.md" not in dict(READERS[reader]):
        shell.type(commands("README.md", "## By hand")[0])  # PATH is set there for all of them
    try:
        for page, heading in READERS[reader]:
            for command in commands(page, heading):
                shell.type(command)
    finally:
        codes = shell.leave()
    assert codes and set(codes) == {0}


def test_the_programs_that_documents_name_take_the_options_shown():
    """All other commands of the documents: their subcommands and options are there."""
    pages = [top_folder() / "README.md", *sorted((top_folder() / "docs").glob("*.md"))]
    shown = [command for page in pages for command in re.findall(r"^\$ (longhaul\S* .*?)(?:\s+#.*)?$",
                                                                 page.read_text().replace("\\\n", " "), re.M)]
    assert len(shown) > 10
    for command in shown:
        program, *words = shlex.split(command.removesuffix("&"))
        path = [program]
        for word in words:
            if not re.fullmatch(r"[a-z][a-z-]*", word) or f"\n  {word} " not in call(programs_folder() / path[0], *path[1:], "--help")[1]:
                break
            path.append(word)
        usage = call(programs_folder() / path[0], *path[1:], "--help")[1]
        assert len(path) > 1 and ("Subcommands:" not in usage or "[SUBCOMMAND]" in usage), command
        assert [word for word in words if word.startswith("--") and word not in usage] == [], command


def test_the_tests_that_the_security_page_names_are_there():
    """A proof that is gone, or called otherwise, is none."""
    named = re.findall(r"`(tests/[\w./]+)` \"([^\"]+)\"", (top_folder() / "docs" / "security.md").read_text())
    assert len(named) > 40
    sources = {file: re.sub(r'"\s*"|\s+', " ", (top_folder() / file).read_text()) for file, _ in named}
    assert [pair for pair in named if pair[1] not in sources[pair[0]]] == []
