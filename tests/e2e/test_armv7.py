"""The agent for 32-bit ARM, static, under QEMU's user mode, against this machine's collector: what it samples, codes, seals and
keeps stands in the tables, value by value, also when the agent is killed in between. LH_ARMV7 names its program."""

import json
import os
import random
import shutil
from pathlib import Path

from longhaul_e2e import compare
from longhaul_e2e.forged import forge
from longhaul_e2e.processes import Program, demand, wait_until
from longhaul_e2e.site import TENANT, Site, top_folder

SEED = 5
QEMU = shutil.which("qemu-arm") or shutil.which("qemu-arm-static")
AGENT = Path(os.environ.get("LH_ARMV7", top_folder() / "build" / "armv7" / "bin" / "longhaul-agent"))
BYTES_MAX = 2_500_000


def start(site, name):
    agent = Program([QEMU, AGENT, "run", "--devices", site.devices, "--exit-when-drained", "--json"], site.folder / name)
    site.agents.append(agent)
    return agent


def test_the_program_is_static_stripped_and_small():
    assert AGENT.exists(), f"{AGENT} is not there; build it with: cmake --workflow --preset armv7"
    with open(AGENT, "rb") as file:
        head = file.read(20)
    assert head[:5] == b"\x7fELF\x01" and head[18] == 40, "not a program for 32-bit ARM"
    listed = demand("readelf", "-W", "--program-headers", "--sections", AGENT).split()
    assert "INTERP" not in listed and ".symtab" not in listed
    assert AGENT.stat().st_size <= BYTES_MAX


def test_every_sample_of_an_arm_device_stands_in_its_table_once(tmp_path):
    chance = random.Random(SEED)
    recording = forge(tmp_path / "forged", SEED)
    names = sorted(recording.devices)
    with Site(tmp_path / "site") as site:
        site.start_collector()
        for turn, codecs in enumerate(([], ["range"], ["zstd"], ["range", "zstd"])):
            site.add_devices(names[turn::4], recording, speed=recording.span_s / 6, block_bytes=400, codecs=codecs)
        agent = start(site, "first.log")
        wanted = chance.randint(4_000, 20_000)
        wait_until(lambda: site.journal_bytes() > wanted or not agent.running(), f"{wanted} bytes in the journal")
        agent.kill()
        site.kill_collector()
        site.start_collector()
        agent = start(site, "second.log")
        code, output = agent.wait(120)
        assert code == 0, agent.messages()
        assert json.loads(output)["refused"] == recording.refusals(names)
        assert site.stop_collector() == 0
        code, report = site.audit()
        assert code == 0 and report["ok"], report
        assert report["totals"]["duplicates"] == 0 and report["totals"]["rows"] >= recording.samples
        values, wrong = compare.check(recording, site.lake, TENANT, set(names))
        assert not wrong, "\n".join(wrong)
        assert values > recording.samples
