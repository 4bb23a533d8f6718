"""How the devices are now: the state tables of a collector that runs, read by others while it replaces them."""

import json

import pytest

from longhaul_e2e.forged import forge
from longhaul_e2e.processes import call, demand, wait_until
from longhaul_e2e.readers import READERS, by_duckdb
from longhaul_e2e.site import TENANT, Site
from longhaul_e2e.wire import BLOCK, HELLO, WELCOME, Link, export, frame, frames_of

DEVICES = {"device": "text", "first_heard": "time", "last_heard": "time", "silence_s": "integer", "rhythm_s": "integer",
           "silent": "boolean", "epoch": "integer", "firmware": "text", "clock_state": "integer", "gaps": "integer",
           "awaited_blocks": "integer", "state_time": "time"}
GAPS = {"device": "text", "epoch": "integer", "class": "integer", "first_seq": "integer", "last_seq": "integer",
        "blocks": "integer", "age_s": "integer", "noticed_time": "time"}


@pytest.fixture()
def site(tmp_path):
    recording = forge(tmp_path / "forged", 14, devices=1)
    with Site(tmp_path / "site") as made:
        made.set_config("[lake]", "state_interval_s = 1\nupkeep_interval_s = 1")
        made.start_collector()
        name, = recording.devices
        made.add_devices([name], recording, block_bytes=512)
        made.stop_collector()
        agent = made.start_agent()
        wait_until(lambda: f"{recording.samples} samples" in agent.messages(), "all samples to be in the spool")
        agent.stop()
        export(made.devices / name / "spool.db")
        made.name, made.session = name, made.devices / name / "spool.session"
        yield made


def state(site, table, columns):
    """The rows of a state table; none while it is not there."""
    path = site.lake / TENANT / table
    return by_duckdb(path, columns) if (path / "_delta_log").exists() else []


def waiting(site):
    """Blocks that its spool would send."""
    spool = site.devices / site.name / "spool.db"
    found = json.loads(demand(site.bin / "longhaul-agent", "spool", "inspect", "--json", spool))
    return sum(each["waiting"] for each in found["blocks"])


def test_what_a_device_had_to_send_when_it_connected(site):
    backlogs = {"device": "text", "backlog_blocks": "integer", "backlog_time": "time"}
    had = waiting(site)
    assert had > 5
    demand(site.bin / "longhaul", "import", site.session, "--config", site.config)
    site.start_collector()
    assert wait_until(lambda: state(site, "_devices", backlogs), "the device") == [(site.name, None, None)]
    greeting = next(body for kind, body in frames_of(site.session.read_bytes()) if kind == HELLO)
    with Link(site.port, site.devices / site.name) as link:
        link.send(frame(HELLO, greeting))
        link.expect(WELCOME)
    told = lambda: [row for row in state(site, "_devices", backlogs) if row[1] is not None]
    (name, blocks, connected), = wait_until(told, "the backlog to be told")
    assert (name, blocks) == (site.name, had)

    site.kill_collector()  # the journal has it
    site.start_collector()
    later = {"state_time": "time"}
    started = state(site, "_devices", later)
    wait_until(lambda: state(site, "_devices", later) > started, "the table to be replaced")
    assert told() == [(site.name, had, connected)]

    agent = site.start_agent()  # that measures the recording once more
    assert agent.wait()[0] == 0, agent.messages()
    (_, blocks, again), = wait_until(lambda: [row for row in told() if row[2] != connected], "the next one to be told")
    assert had <= blocks <= 2 * had and again > connected
    assert site.stop_collector() == 0
    for reader, read in READERS.items():
        assert [tuple(row) for row in read(str(site.lake / TENANT / "_devices"), backlogs)] == [(site.name, blocks, again)], reader


def test_devices_and_gaps(site):
    frames = frames_of(site.session.read_bytes())
    blocks = [at for at, (kind, _) in enumerate(frames) if kind == BLOCK]
    missing = blocks[3:5]
    holed = site.folder / "holed.session"
    holed.write_bytes(b"".join(frame(*each) for at, each in enumerate(frames) if at not in missing))
    demand(site.bin / "longhaul", "import", holed, "--config", site.config)

    site.start_collector()
    gap, = wait_until(lambda: state(site, "_gaps", GAPS), "the gap to be listed")
    assert (gap[0], gap[2], gap[5]) == (site.name, 3, len(missing))  # of class bulk
    assert gap[3] & 0x3fffffff == 4 and gap[4] == gap[3] + 1
    later = wait_until(lambda: [row for row in state(site, "_gaps", GAPS) if row[6] > gap[6]], "the gap to grow older")
    assert later[0][7] == gap[7]
    device, = state(site, "_devices", DEVICES)
    assert device[0] == site.name and device[1] == device[2] and not device[5]
    assert (device[4], device[9], device[10]) == (300, 1, len(missing))
    assert device[6] == 1 and "longhaul" in device[7] and device[11] >= device[2]
    assert site.stop_collector() == 0

    # All of it comes, and is no gap any more; nobody has heard of the device since.
    code, _, messages = call(site.bin / "longhaul", "import", site.session, "--config", site.config)
    assert code == 0, messages
    site.start_collector()
    wait_until(lambda: state(site, "_gaps", GAPS) == [], "the gap to go")
    device, = wait_until(lambda: [row for row in state(site, "_devices", DEVICES) if row[9] == 0], "the device without a gap")
    assert device[10] == 0 and device[2] > device[1]
    assert site.stop_collector() == 0
    for reader, read in READERS.items():
        assert [row[:1] for row in read(str(site.lake / TENANT / "_devices"), DEVICES)] == [(site.name,)], reader
    code, report = site.audit()
    assert code == 0 and report["ok"], report
