"""What devices cost: their connections, as the journal has them and `_usage` tells."""

import json
import signal
import time

import pytest

from longhaul_e2e.forged import forge
from longhaul_e2e.journal import begin_next_hour
from longhaul_e2e.processes import demand, wait_until
from longhaul_e2e.readers import READERS, by_duckdb
from longhaul_e2e.site import TENANT, Site
from longhaul_e2e.wire import SHUTDOWN, WELCOME, Link, hello

SILENT = "silent"
COUNTS = ["blocks", "received_bytes", "sealed_bytes", "connected_ms", "wire_received_bytes", "wire_sent_bytes"]
USAGE = {"device": "text"} | dict.fromkeys(COUNTS, "integer")
ROUNDED_MS = 2


@pytest.fixture()
def site(tmp_path):
    recording = forge(tmp_path / "forged", 14, devices=1)
    with Site(tmp_path / "site") as made:
        made.set_config('path = "journal"', "\n[session]\ncost_interval_s = 1")
        made.start_collector()
        made.sender, = recording.devices
        made.add_devices([made.sender], recording)
        made.add_devices([SILENT])
        yield made


def costs(site, device):
    """The journal's entries of its connections, of a collector that may be running."""
    lines = demand(site.bin / "longhaul", "inspect", "journal", site.journal, "--json").splitlines()
    entries = [json.loads(line) for line in lines]
    return [entry for entry in entries if entry.get("kind") == "connection" and entry["device"] == device]


def told(site, reader=by_duckdb):
    """Of each device the sums of all its hours."""
    path = site.lake / TENANT / "_usage"
    rows = reader(str(path), USAGE) if (path / "_delta_log").exists() else []
    return {device: dict(zip(COUNTS, map(sum, zip(*(row[1:] for row in rows if row[0] == device))))) for device in {row[0] for row in rows}}


def test_what_connections_cost_is_told_as_long_as_they_were(site):
    sending = time.monotonic()
    agent = site.start_agent_for([site.sender])
    assert agent.wait()[0] == 0, agent.messages()
    sent = time.monotonic()
    wait_until(lambda: costs(site, site.sender), "the end of the session to be in the journal")

    calling = time.monotonic()
    with Link(site.port, site.devices / SILENT) as link:
        link.send(hello(7))
        link.expect(WELCOME)
        let_in = time.monotonic()
        wait_until(lambda: len(costs(site, SILENT)) >= 2, "the cost of a session that goes on to be in the journal")
        stopping = time.monotonic()
        site.collector.process.send_signal(signal.SIGTERM)
        assert link.bye()[0] == SHUTDOWN
    assert site.collector.wait()[0] == 0
    gone = time.monotonic()
    ended = [entry["ended"] for entry in costs(site, SILENT)]
    assert ended[-1] and not any(ended[:-1]) and len(ended) >= 3, "what SIGTERM ended is the last entry"

    begin_next_hour(site.journal, TENANT)
    site.start_collector()
    wait_until(lambda: {site.sender, SILENT} <= told(site).keys(), "the hour to be told")
    assert site.stop_collector() == 0
    for name, reader in READERS.items():
        usage = told(site, reader)
        sender, silent = usage[site.sender], usage[SILENT]
        assert 0 < sender["connected_ms"] <= (sent - sending) * 1000 + ROUNDED_MS, name
        assert sender["wire_received_bytes"] > sender["received_bytes"] > sender["sealed_bytes"] > 0, name
        assert sender["wire_sent_bytes"] > 0 and sender["blocks"] > 0, name
        assert (stopping - let_in) * 1000 - ROUNDED_MS <= silent["connected_ms"] <= (gone - calling) * 1000 + ROUNDED_MS, name
        assert silent["blocks"] == silent["received_bytes"] == 0 < silent["wire_received_bytes"], name
        for device, sums in usage.items():
            entries = costs(site, device)
            for column in COUNTS[3:]:
                assert device == "later" or sums[column] == sum(entry[column] for entry in entries), (name, device, column)
    code, report = site.audit()
    assert code == 0 and report["ok"], report
