"""What `longhaul-collector check` says of an installation in which one thing is wrong."""

import json
import os
import re
import shutil
import socket

import pytest

from longhaul_e2e.forged import forge
from longhaul_e2e.operated import Operated
from longhaul_e2e.processes import call
from longhaul_e2e.site import programs_folder

BAD_DATA, RETRY_LATER, DENIED, CONFIGURATION = 65, 75, 77, 78
COLLECTOR = programs_folder() / "longhaul-collector"


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """A site with a journal and a lake, whose collector has ended."""
    recording = forge(tmp_path_factory.mktemp("forged"), 11, devices=2)
    with Operated(tmp_path_factory.mktemp("stopped") / "site") as site:
        site.start()
        site.add_devices(sorted(recording.devices), recording)
        assert site.start_agent().wait(60)[0] == 0
        assert site.stop_collector() == 0
        return site.folder


class Copied:
    def __init__(self, stopped, folder):
        shutil.copytree(stopped, folder, ignore=shutil.ignore_patterns("notify"))
        self.collector = folder / "ca" / "collector"
        self.config = self.collector / "collector.toml"
        self.busy = None

    def edit(self, old, new):
        text = self.config.read_text()
        assert old in text
        self.config.write_text(text.replace(old, new, 1))

    def check(self, *options):
        return call(COLLECTOR, "check", "--config", self.config, *options)


def swap_keys(copy):
    """As happens when somebody tidies up."""
    (copy.collector / "server.key").rename(copy.collector / "other.key")
    shutil.copy(copy.collector.parent / "root.key", copy.collector / "server.key")


def use_port(copy):
    copy.busy = socket.create_server(("127.0.0.1", 0))
    text = copy.config.read_text()
    copy.config.write_text(re.sub(r'listen = "127.0.0.1:\d+"', f'listen = "127.0.0.1:{copy.busy.getsockname()[1]}"', text, 1))


def flip_a_bit(copy):
    segment = next(copy.collector.glob("journal/shard-0000/*.seg"))
    content = bytearray(segment.read_bytes())
    content[len(content) // 2] ^= 1
    segment.write_bytes(content)


def foul_log(copy):
    table = next(copy.collector.glob("lake/*/workshop/_delta_log"))
    (table / f"{0:020}.json").write_text("{")


def lose_sealing_key(copy):
    """Another one lies there instead."""
    mine = next(copy.collector.glob("sealing/*.key"))
    shutil.copy(copy.collector.parent / "root.key", mine.with_name("0" * 16 + ".key"))
    mine.unlink()


def block_folder(copy):
    shutil.rmtree(copy.collector / "lake")
    (copy.collector / "lake").write_text("a file")


CHECKS = {
    "nothing is wrong": (lambda copy: None, 0, None, None),
    "keys were mixed up": (swap_keys, CONFIGURATION, "key", "does not belong to server.crt; other.key does"),
    "a key that others may read": (lambda copy: os.chmod(copy.collector / "server.key", 0o640), DENIED, "key",
                                   "is a secret that others may read; chmod 600"),
    "a sealing key is missing": (lose_sealing_key, CONFIGURATION, "sealing key", "is missing, blocks of the journal"),
    "the port is taken": (use_port, RETRY_LATER, "port", "is in use by "),
    "an address of another machine": (lambda copy: copy.edit('"127.0.0.2:0"', '"192.0.2.1:80"'),
                                      CONFIGURATION, "port", "Cannot assign requested address"),
    "the journal is damaged": (flip_a_bit, BAD_DATA, "journal", "damaged"),
    "the journal is another thing": (lambda copy: (copy.collector / "journal" / "journal.meta").write_bytes(b"x" * 44),
                                     BAD_DATA, "journal", "journal: "),
    "a table's log is damaged": (foul_log, BAD_DATA, "lake", "workshop: "),
    "the lake is a file": (block_folder, CONFIGURATION, "lake", "is no folder"),
    "a path that nobody can look at": (lambda copy: copy.edit('registry = "registry.db"', f'registry = "{"x" * 300}"'),
                                       CONFIGURATION, "registry", "File name too long"),
    "no registry": (lambda copy: (copy.collector / "registry.db").unlink(), CONFIGURATION, "registry", "there is no registry"),
}


def test_too_few_open_files(stopped, tmp_path):
    copy = Copied(stopped, tmp_path / "site")
    code, output, messages = call("prlimit", "--nofile=512:1024", COLLECTOR, "check", "--config", copy.config)
    assert code == 0, messages
    assert "connections_max = 20000: takes 20256 open files, and this process may have 1024; raise" in output


@pytest.mark.parametrize("name", CHECKS)
def test_check(stopped, tmp_path, name):
    spoil, code, about, sentence = CHECKS[name]
    copy = Copied(stopped, tmp_path / "site")
    spoil(copy)
    done = copy.check("--json")
    report = json.loads(done[1])
    problems = [(each["about"], each["text"]) for each in report["findings"] if each["severity"] == "problem"]
    assert done[0] == code and report["ok"] == (code == 0), problems
    if about is None:
        assert not problems and {each["about"] for each in report["findings"]} == {
            "certificate", "key", "sealing key", "registry", "port", "space", "disk", "journal", "clock", "lake", "open files"}
        assert any("are durable after" in each["text"] for each in report["findings"])
    else:
        assert any(about == each and sentence in text for each, text in problems), problems
    code, output, messages = copy.check()
    assert code == done[0] and len(output.splitlines()) + len(messages.splitlines()) == len(report["findings"])
    assert all(text in messages for _, text in problems)


def test_a_journal_that_is_none_ends_the_start(stopped, tmp_path):
    """No new attempt helps: bad data, not "later"."""
    copy = Copied(stopped, tmp_path / "site")
    (copy.collector / "journal" / "journal.meta").write_bytes(b"x" * 44)
    code, _, messages = call(COLLECTOR, "run", "--config", copy.config)
    assert code == BAD_DATA and "journal: " in messages, messages


def test_check_beside_a_running_collector(tmp_path):
    with Operated(tmp_path / "site") as site:
        site.start()
        code, output, messages = call(COLLECTOR, "check", "--config", site.config)
        assert code == 0, messages
        assert f"runs as process {site.collector.process.pid}" in output and "is in use by longhaul-coll" in output
