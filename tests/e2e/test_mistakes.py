"""People's mistakes: each program says what is wrong, where, and ends with the exit code for it."""

import os
import shutil
from pathlib import Path

import pytest

from longhaul_e2e.processes import call
from longhaul_e2e.recordings import NAMES, unpack
from longhaul_e2e.site import Site, programs_folder

USAGE, BAD_DATA, RETRY_LATER, DENIED, CONFIGURATION = 64, 65, 75, 77, 78
DEVICE = "bus-2228"


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A site in order, of which each case spoils a copy; and another authority's."""
    folder = tmp_path_factory.mktemp("mistakes")
    mapping = unpack(NAMES[1], folder / "whole" / "traces")
    for name in ("whole", "other"):
        with Site(folder / name) as site:
            site.add_devices([DEVICE], collector=1)
    config = folder / "whole" / "devices" / DEVICE / "agent.toml"
    config.write_text(config.read_text() + f'\n[[trace]]\nmapping = "../../traces/{NAMES[1]}/{mapping.name}"\n')
    return folder


class Copy:
    """A folder that a case may spoil."""

    def __init__(self, whole: Path, folder: Path):
        shutil.copytree(whole / "whole", folder)
        self.folder, self.other = folder, whole / "other"
        self.collector = folder / "ca" / "collector"
        self.device = folder / "devices" / DEVICE
        self.trace = folder / "traces" / NAMES[1]

    def edit(self, file, old, new):
        text = file.read_text()
        assert old in text, f"{file} has no {old}"
        file.write_text(text.replace(old, new, 1))


def in_file(which, old, new):
    """A mistake in the file `which(copy)`."""
    return lambda copy: copy.edit(which(copy), old, new)


def collector_toml(copy):
    return copy.collector / "collector.toml"


def agent_toml(copy):
    return copy.device / "agent.toml"


def mapping_toml(copy):
    return copy.trace / "mapping.toml"


def take_from_other(part):
    """The same file of another authority."""
    return lambda copy: shutil.copy(copy.other / part, copy.folder / part)


DEVICE_KEY, SERVER_KEY = f"devices/{DEVICE}/device.key", "ca/collector/server.key"

COLLECTOR = {
    "unknown key": (in_file(collector_toml, "commit_interval_s", "comit_interval_s"), CONFIGURATION,
                    'unknown key "comit_interval_s", did you mean "commit_interval_s"?'),
    "unknown section": (in_file(collector_toml, "[journal]", "[jornal]"), CONFIGURATION,
                        'unknown key "jornal", did you mean "journal"?'),
    "missing key": (in_file(collector_toml, "environment =", "# environment ="), CONFIGURATION,
                    '"environment" is missing in [collector]'),
    "text for a number": (in_file(collector_toml, "commit_interval_s = 1", 'commit_interval_s = "1"'), CONFIGURATION,
                          '"commit_interval_s" must be a whole number, from 1 to 86400'),
    "number too small": (in_file(collector_toml, "commit_interval_s = 1", "commit_interval_s = 0"), CONFIGURATION,
                         '"commit_interval_s" must be a whole number, from 1 to 86400'),
    "number for a text": (in_file(collector_toml, '"server.crt"', "7"), CONFIGURATION,
                          '"certificate" must be a text in quotes'),
    "no TOML": (in_file(collector_toml, "[lake]", "[lake"), CONFIGURATION, "collector.toml: line 1"),
    "no address": (in_file(collector_toml, "127.0.0.1:0", "everywhere"), CONFIGURATION,
                   '"listen" cannot be read: an address is written 127.0.0.1:7600'),
    "no configuration": (lambda copy: collector_toml(copy).unlink(), CONFIGURATION, "collector.toml: cannot open"),
    "no key": (lambda copy: (copy.folder / SERVER_KEY).unlink(), CONFIGURATION, "server.key: cannot open"),
    "key for everybody": (lambda copy: os.chmod(copy.folder / SERVER_KEY, 0o644), DENIED,
                          "is a secret that others may read; chmod 600"),
    "sealing key for everybody": (lambda copy: [os.chmod(key, 0o644) for key in copy.collector.glob("sealing/*.key")],
                                  DENIED, "is a secret that others may read; chmod 600"),
    "key of another certificate": (take_from_other(SERVER_KEY), CONFIGURATION, "does not belong to server.crt, and no file beside it does"),
    "certificate that is none": (lambda copy: (copy.collector / "server.crt").write_text("none"), CONFIGURATION,
                                 "server.crt: "),
    "no sealing key": (lambda copy: [key.unlink() for key in copy.collector.glob("sealing/*.key")], CONFIGURATION,
                       "there is no sealing key"),
    "no registry": (lambda copy: (copy.collector / "registry.db").unlink(), CONFIGURATION, "there is no registry"),
    "registry that is none": (lambda copy: (copy.collector / "registry.db").write_bytes(os.urandom(4096)),
                              CONFIGURATION, "registry.db: "),
}

AGENT = {
    "unknown key": (in_file(agent_toml, "certificate =", "certficate ="), CONFIGURATION,
                    'unknown key "certficate", did you mean "certificate"?'),
    "unknown key of a trace": (in_file(agent_toml, "mapping =", "maping ="), CONFIGURATION, 'did you mean "mapping"?'),
    "no address": (in_file(agent_toml, "127.0.0.1:1", "127.0.0.1"), CONFIGURATION,
                   '"address" has to look like host:port'),
    "text for a number": (in_file(agent_toml, "[spool]", '[spool]\nbytes_max = "64 MiB"'), CONFIGURATION,
                          '"bytes_max" must be a whole number'),
    "name of another device": (in_file(agent_toml, f'name = "{DEVICE}"', f'name = "bus-1"\n#'), BAD_DATA,
                               'has no samples of "bus-1"'),
    "no configuration": (lambda copy: agent_toml(copy).unlink(), CONFIGURATION, "agent.toml: cannot open"),
    "no key": (lambda copy: (copy.device / "device.key").unlink(), CONFIGURATION, "device.key: cannot open"),
    "no certificate": (lambda copy: (copy.device / "device.crt").unlink(), CONFIGURATION, "device.crt: cannot open"),
    "key for everybody": (lambda copy: os.chmod(copy.device / "device.key", 0o644), DENIED,
                          "is a secret that others may read; chmod 600"),
    "secret for everybody": (lambda copy: os.chmod(copy.device / "device.secret", 0o640), DENIED,
                             "is a secret that others may read; chmod 600"),
    "secret that is short": (lambda copy: (copy.device / "device.secret").write_bytes(b"x" * 15), CONFIGURATION,
                             "has fewer than 16 bytes"),
    "key of another certificate": (take_from_other(DEVICE_KEY), CONFIGURATION, "device.key: is not the key of"),
    "root of another authority": (take_from_other(f"devices/{DEVICE}/root.crt"), CONFIGURATION,
                                  "its chain does not end in"),
    "sealing key of another authority": (take_from_other(f"devices/{DEVICE}/sealing.crt"), CONFIGURATION,
                                         "sealing.crt: is not signed by"),
    "no mapping": (lambda copy: mapping_toml(copy).unlink(), CONFIGURATION, "mapping.toml: cannot open"),
    "unknown key of a mapping": (in_file(mapping_toml, "nullable", "nulable"), CONFIGURATION, 'did you mean "nullable"?'),
    "unknown kind": (in_file(mapping_toml, '"decimal"', '"decimals"'), CONFIGURATION, '"kind" is "decimals", must be one of'),
    "no recording": (lambda copy: (copy.trace / "2016-11-24.csv.gz").unlink(), BAD_DATA, "2016-11-24.csv.gz: cannot open"),
    "missing column": (in_file(mapping_toml, 'column = "trip_headsign"', 'column = "headsign"'), BAD_DATA,
                       'no column "headsign"'),
    "device without samples": (lambda copy: agent_toml(copy).write_text(agent_toml(copy).read_text() + 'only = "bus-0"\n'),
                               BAD_DATA, 'has no samples of "bus-0"'),
    "stream of a recording that another source has": (
        lambda copy: agent_toml(copy).write_text(agent_toml(copy).read_text() + '[[nmea]]\npath = "x"\nstream = "position"\n'),
        CONFIGURATION, 'mapping.toml: has the stream "position", which another source of'),
}


def demand(done, code, sentence):
    exit_code, output, messages = done
    assert sentence in messages, f"said instead: {messages or output}"
    assert exit_code == code, f"exit {exit_code}: {messages}"


@pytest.mark.parametrize("command", ["check", "run"])
@pytest.mark.parametrize("mistake", COLLECTOR)
def test_collector(whole, tmp_path, mistake, command):
    spoil, code, sentence = COLLECTOR[mistake]
    copy = Copy(whole, tmp_path / "site")
    spoil(copy)
    demand(call(programs_folder() / "longhaul-collector", command, "--config", collector_toml(copy)), code, sentence)


@pytest.mark.parametrize("command", ["check", "run"])
@pytest.mark.parametrize("mistake", AGENT)
def test_agent(whole, tmp_path, mistake, command):
    spoil, code, sentence = AGENT[mistake]
    copy = Copy(whole, tmp_path / "site")
    spoil(copy)
    demand(call(programs_folder() / "longhaul-agent", command, "--config", agent_toml(copy)), code, sentence)


def test_a_recording_that_loops_is_never_drained(whole, tmp_path):
    copy = Copy(whole, tmp_path / "site")
    agent_toml(copy).write_text(agent_toml(copy).read_text() + "loop = true\n")
    demand(call(programs_folder() / "longhaul-agent", "run", "--exit-when-drained", "--config", agent_toml(copy)), USAGE,
           "has sources that never end")


# Command lines; {0} is the folder of a site in order.
LINES = {
    "longhaul-collector": (USAGE, "subcommand is required"),
    "longhaul-collector rum": (USAGE, "subcommand is required"),
    "longhaul-collector run": (USAGE, "--config is required"),
    "longhaul-collector run --config x --prot 1": (USAGE, "--prot"),
    "longhaul-collector run --config x --log-level loud": (USAGE, "loud"),
    "longhaul-agent": (USAGE, "subcommand is required"),
    "longhaul-agent run": (USAGE, "no device: give --config FILE or --devices DIR"),
    "longhaul-agent run --devices {0}/traces": (USAGE, "no device: give --config FILE or --devices DIR"),
    "longhaul-agent run --devices {0}/nowhere": (USAGE, "nowhere"),
    "longhaul-agent trace list {0}/nowhere.toml": (CONFIGURATION, "nowhere.toml: cannot open"),
    "longhaul": (USAGE, "subcommand is required"),
    "longhaul ca init --dir {0}/ca --environment demo --tenant acme": (BAD_DATA, "{0}/ca"),
    "longhaul ca init --dir {0}/new --environment demo --tenant Acme": (BAD_DATA, "Acme"),
    "longhaul device add --dir {0}/ca --tenant acme --out {0}/d": (USAGE, "no device is named"),
    "longhaul device add x --dir {0}/ca --tenant nobody --out {0}/d": (BAD_DATA, "nobody"),
    "longhaul device add Bus_1 --dir {0}/ca --tenant acme --out {0}/d": (BAD_DATA, "Bus_1"),
    "longhaul device add x --dir {0}/nowhere --tenant acme --out {0}/d": (BAD_DATA, "nowhere"),
    "longhaul device add x --dir {0}/ca --tenant acme --out {0}/d --trace {0}/no.toml": (USAGE, "no.toml"),
    "longhaul audit --config {0}/nowhere.toml": (CONFIGURATION, "nowhere.toml: cannot open"),
    "longhaul audit --config {0}/ca/collector/collector.toml --since yesterday": (USAGE, "yesterday: a time is 2026-11-21"),
    "longhaul inspect block {0}/nowhere": (BAD_DATA, "nowhere: cannot open"),
    "longhaul inspect block {0}/ca/root.crt": (BAD_DATA, "root.crt: "),
    "longhaul inspect epoch {0}/ca/root.crt": (BAD_DATA, "root.crt: "),
    "longhaul-agent spool inspect {0}/nowhere": (BAD_DATA, "nowhere: there is no such file"),
    "longhaul-agent spool verify {0}/ca/collector/registry.db": (BAD_DATA, "registry.db: "),
    "longhaul inspect journal {0}/traces": (BAD_DATA, "traces: "),
}


@pytest.mark.parametrize("line", LINES)
def test_command_lines(whole, line):
    code, sentence = LINES[line]
    folder = str(whole / "whole")
    program, *arguments = line.format(folder).split()
    demand(call(programs_folder() / program, *arguments), code, sentence.format(folder))


def test_names_that_are_too_long_for_an_image(tmp_path):
    environment, tenant, device = "e" * 48, "t" * 48, "d" * 48
    for line in (f"ca init --dir {tmp_path}/ca --environment {environment} --tenant {tenant}",
                 f"device add {device} --dir {tmp_path}/ca --tenant {tenant} --out {tmp_path}/devices"):
        assert call(programs_folder() / "longhaul", *line.split())[0] == 0
    line = f"device image {tmp_path}/devices/{device} --collector 10.0.2.2:7443 --out {tmp_path}/x.img"
    demand(call(programs_folder() / "longhaul", *line.split()), BAD_DATA, "choose shorter names")
    assert not (tmp_path / "x.img").exists()


def test_codecs_that_no_image_has(whole, tmp_path):
    copy = Copy(whole, tmp_path / "site")
    with open(copy.device / "agent.toml", "a", encoding="utf-8") as config:
        config.write('\n[block]\ncodecs = ["range", "mixed"]\n')
    line = f"device image {copy.device} --collector 10.0.2.2:7443 --out {tmp_path}/x.img"
    demand(call(programs_folder() / "longhaul", *line.split()), BAD_DATA, 'has "mixed": an image may have "zstd" and "range"')
    assert not (tmp_path / "x.img").exists()


def test_two_collectors(whole, tmp_path):
    """One port and one journal are for one collector; the second one is told, and may try later."""
    copy = Copy(whole, tmp_path / "site")
    with Site(tmp_path / "first") as first:
        port = first.start_collector()
        demand(call(first.bin / "longhaul-collector", "run", "--config", first.config), RETRY_LATER,
               "another collector is using it")
        copy.edit(collector_toml(copy), "127.0.0.1:0", f"127.0.0.1:{port}")
        demand(call(first.bin / "longhaul-collector", "run", "--config", collector_toml(copy)), RETRY_LATER,
               f"cannot listen on 127.0.0.1:{port}: Address already in use")
        assert first.collector.running()
        assert first.stop_collector() == 0
