"""Who can read: a gateway that holds no key, several sealing keys at once, and their backup."""

import base64
import json
import os
import re
import shutil
import signal

import pytest

from longhaul_e2e import compare
from longhaul_e2e.forged import forge
from longhaul_e2e.processes import call, demand, wait_until
from longhaul_e2e.site import TENANT, Site, programs_folder

BAD_DATA, CONFIGURATION = 65, 78
LONGHAUL = programs_folder() / "longhaul"
COLLECTOR = programs_folder() / "longhaul-collector"


@pytest.fixture
def site(tmp_path):
    recording = forge(tmp_path / "forged", 11, devices=2)
    with Site(tmp_path / "site") as made:
        made.recording, made.names = recording, sorted(recording.devices)
        made.sealing = made.authority / "collector" / "sealing"
        made.safe = tmp_path / "safe"
        yield made


def private_bytes(path):
    """The 32 bytes of a key, and its files' forms."""
    lines = path.read_bytes().splitlines()
    der = base64.b64decode(b"".join(lines[1:-1]))
    assert lines[0] == b"-----BEGIN EC PRIVATE KEY-----" and der[2:7] == bytes.fromhex("0201010420")  # SEC 1
    raw = der[7:39]
    return [raw, raw[::-1], der, lines[1]]


PIECE = 1 << 24  # bytes read at a time
WHOLE = 1 << 36  # a larger mapping is the table of a sanitizer, which holds no data of the program


def memory_holds(process, needles):
    """Whether any of them lies in the memory of a process that we have started."""
    maps = [re.match(r"([0-9a-f]+)-([0-9a-f]+) r", line) for line in open(f"/proc/{process}/maps")]
    spans = [(int(part[1], 16), int(part[2], 16)) for part in maps if part]
    overlap = max(map(len, needles))
    with open(f"/proc/{process}/mem", "rb", buffering=0) as memory:
        for start, end in spans:
            if end - start > WHOLE:
                continue
            for place in range(start, end, PIECE):
                try:
                    content = os.pread(memory.fileno(), min(PIECE + overlap, end - place), place)
                except (OSError, OverflowError):
                    continue  # what the kernel does not show
                if any(needle in content for needle in needles):
                    return True
    return False


def files_of(process):
    return [os.readlink(f"/proc/{process}/fd/{number}") for number in os.listdir(f"/proc/{process}/fd")]


def test_a_gateway_cannot_open_and_a_collector_on_its_journal_can(site):
    key = next(site.sealing.glob("*.key"))
    needles = private_bytes(key)
    site.set_config("[collector]", 'role = "gateway"')
    text = site.config.read_text()
    site.config.write_text(text.split("[lake]")[0])
    for command in ("run", "check"):
        code, _, messages = call(COLLECTOR, command, "--config", site.config)
        assert code == CONFIGURATION and f"{key.name}: a gateway must not be able to open blocks" in messages, messages
    site.safe.mkdir()
    shutil.move(key, site.safe / key.name)
    assert call(COLLECTOR, "check", "--config", site.config)[0] == 0

    site.start_collector()
    site.add_devices(site.names, site.recording)
    assert site.start_agent().wait(60)[0] == 0  # everything is acknowledged
    notes = [note.encode() for rows in site.recording.devices.values() for row in rows for note in [row[5]] if note and len(note) > 12]
    process = site.collector.process.pid
    assert notes and not memory_holds(process, needles) and not memory_holds(process, notes)
    assert not [file for file in files_of(process) if file.endswith(".key") and "server" not in file]
    assert site.stop_collector() == 0
    assert not site.lake.exists()

    # The ordinary collector on the same journal, with the key.
    shutil.move(site.safe / key.name, key)
    role = site.config.read_text().replace('role = "gateway"\n', "")
    site.config.write_text(role + "\n[lake]" + text.split("[lake]")[1])
    site.start_collector()
    wait_until(lambda: site.audit(drained=True)[0] == 0, "all rows", 30)
    assert memory_holds(site.collector.process.pid, needles), "the search finds no key where one is"
    assert site.stop_collector() == 0
    values, wrong = compare.check(site.recording, site.lake, TENANT, set(site.names))
    assert values > 0 and not wrong, wrong


def test_a_gateway_takes_only_certificates_of_its_tenants(site, tmp_path):
    stranger = Site(tmp_path / "stranger")
    site.set_config("[collector]", 'role = "gateway"')
    for key in site.sealing.glob("*.key"):
        key.unlink()
    foreign = next((stranger.authority / "collector" / "sealing").glob("*.crt"))
    shutil.copy(foreign, site.sealing / foreign.name)
    code, _, messages = call(COLLECTOR, "run", "--config", site.config)
    assert code == CONFIGURATION and f"{foreign.name}: was issued by no authority of the registry" in messages


def listed(site):
    keys = json.loads(demand(LONGHAUL, "seal-key", "list", "--config", site.config, "--json"))["keys"]
    return {key["id"]: key["can_open"] for key in keys}


def test_rotation_backup_and_restore(site):
    old, new = site.names
    site.start_collector()
    site.add_devices([old], site.recording)
    assert site.start_agent().wait(60)[0] == 0
    first = listed(site)
    said = demand(LONGHAUL, "seal-key", "rotate", TENANT, "--dir", site.authority)
    both = listed(site)
    assert len(first) == 1 and len(both) == 2 and first.items() < both.items() and all(both.values())
    assert said.split()[0] in both.keys() - first.keys()
    site.collector.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "sealing key added" in site.collector.messages(), "the new key", 20)
    # A new device has the new key by itself, an old one is given it in a session, and seals for it from its next
    # start on; both kinds of blocks become rows.
    given, kept = site.authority / "tenants" / TENANT / "sealing.crt", site.devices / old / "sealing.crt"
    assert kept.read_text() != given.read_text()
    assert site.start_agent().wait(60)[0] == 0
    assert kept.read_text() == given.read_text()
    site.add_devices([new], site.recording)
    assert site.start_agent().wait(60)[0] == 0
    assert site.stop_collector() == 0
    assert site.audit()[0] == 0
    used = {(line["device"], line["sealing_key"]) for line in journal_epochs(site)}
    older, newer = next(iter(first)), said.split()[0]
    assert used == {(old, older), (old, newer), (new, newer)}

    demand(LONGHAUL, "seal-key", "backup", "--to", site.safe, "--config", site.config)
    assert site.safe.stat().st_mode & 0o777 == 0o700
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in site.safe.glob("*.key"))
    code, _, messages = call("env", "-C", site.safe, "sha256sum", "-c", "manifest")
    assert code == 0, messages
    assert call(LONGHAUL, "seal-key", "backup", "--to", site.safe, "--config", site.config)[0] == BAD_DATA  # never over another

    lost = site.sealing / f"{next(iter(first))}.key"
    lost.unlink()
    assert call(COLLECTOR, "check", "--config", site.config)[0] == CONFIGURATION
    for spoil in ("cut", "changed", "gone"):
        damaged = site.safe.with_name(spoil)
        shutil.copytree(site.safe, damaged)
        file = damaged / lost.name
        content = file.read_bytes()
        if spoil == "gone":
            file.unlink()
        else:
            file.write_bytes(content[:-40] if spoil == "cut" else content.replace(b"EC PRIVATE", b"EC  RIVATE"))
        assert call(LONGHAUL, "seal-key", "restore", "--from", damaged, "--config", site.config)[0] == BAD_DATA
        assert not lost.exists()
    demand(LONGHAUL, "seal-key", "restore", "--from", site.safe, "--config", site.config)
    assert lost.exists() and lost.stat().st_mode & 0o777 == 0o600
    assert call(COLLECTOR, "check", "--config", site.config)[0] == 0
    words = [json.loads(line)["what"] for line in
             (site.authority / "collector" / "trail" / "_site" / "000001.jsonl").read_text().splitlines()]
    assert words.count("key_backed_up") == 2 and words.count("key_restored") == 1


def journal_epochs(site):
    lines = demand(LONGHAUL, "inspect", "journal", site.journal, "--json").splitlines()
    return [entry for entry in map(json.loads, lines) if "sealing_key" in entry]
