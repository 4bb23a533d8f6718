"""What a tenant may use: its devices wait when it is used up, nothing is lost, and no other tenant feels it."""

import json
import signal

import pytest
from conftest import GOOD, fill_spool

from longhaul_e2e import wire
from longhaul_e2e.forged import forge
from longhaul_e2e.operated import Operated
from longhaul_e2e.processes import call, demand, wait_until
from longhaul_e2e.site import TENANT, programs_folder
from longhaul_e2e.wire import BLOCK, BUSY, PROTOCOL, Link, Sealed, frame, hello

LONGHAUL = programs_folder() / "longhaul"
USAGE, BAD_DATA = 64, 65
OTHER = "globex"
TAKES_EFFECT_S = 30  # a collector looks every ten


@pytest.fixture
def site(tmp_path):
    with Operated(tmp_path / "site", tenants=(TENANT, OTHER)) as made:
        made.recording = forge(tmp_path / "forged", 11, devices=4)
        made.names = sorted(made.recording.devices)
        made.other = made.folder / "other"
        yield made


def limit(site, *limits, tenant=TENANT):
    return demand(LONGHAUL, "tenant", "limit", tenant, "--config", site.config, *limits)


def waiting(site, reason):
    return site.metrics()[f'longhaul_sessions_waiting{{reason="{reason}"}}']


def test_a_tenant_over_its_bytes_waits_and_goes_on_by_itself(site):
    said = limit(site, "--bytes-per-day", "1")
    assert "at most 1 bytes a day" in said
    site.start()
    site.add_devices(site.names, site.recording)
    site.add_devices(site.names, site.recording, tenant=OTHER, folder=site.other)
    held, free = site.start_agent(), site.start_agent(site.other)
    assert free.wait(60)[0] == 0, "the other tenant's devices are not limited"
    wait_until(lambda: waiting(site, "quota") > 0, "a device of the tenant to wait", 20)
    assert held.running()
    assert not any(value for name, value in site.metrics().items() if name.startswith("longhaul_refusals_total"))

    limit(site, "--bytes-per-day", "0", "--bytes-per-second", "1000000")
    assert held.wait(60)[0] == 0
    assert waiting(site, "quota") == 0
    assert site.stop_collector() == 0
    code, audit = site.audit()
    assert code == 0, audit


def test_a_device_that_sends_more_than_its_credit_is_refused(site, tmp_path):
    """Where credit is raised, a collector may be faster than who overdraws it: here it is given once, for two blocks
    of the longest, because the first one uses up the day."""
    limit(site, "--bytes-per-day", "1")
    site.start()
    fill_spool(site, forge(tmp_path / "two", 7, devices=2))
    folder = site.devices / GOOD
    sealed = Sealed.of(folder / "spool.db")
    with Link(site.port, folder) as link:
        said = link.send(sealed.introduction() + frame(BLOCK, sealed.blocks[0]) * 2000).bye()
    assert said == (PROTOCOL, "more bytes of blocks than the credit allows")


def test_what_came_today_counts_after_a_restart(site):
    site.start()
    site.add_devices(site.names[:1], site.recording)
    assert site.start_agent().wait(60)[0] == 0
    assert site.stop_collector() == 0
    limit(site, "--bytes-per-day", "1")
    site.start()
    with Link(site.port, site.devices / site.names[0]) as link:
        assert link.send(hello(1)).expect(wire.WELCOME).get(4, 0) == 0, "there is credit left"
    assert site.stop_collector() == 0
    # What the journal no longer holds counts as well: the registry has kept it.
    limit(site, "--bytes-per-day", str(1 << 40))
    site.registry("UPDATE day_intake SET bytes = ? WHERE tenant = ? AND bytes > 0", 1 << 40, TENANT)
    site.start()
    with Link(site.port, site.devices / site.names[0]) as link:
        assert link.send(hello(1)).expect(wire.WELCOME).get(4, 0) == 0, "the registry was not asked"


def test_a_disk_that_runs_short_lets_devices_wait(site):
    site.set_config("[journal]", f"reserve_bytes = {1 << 50}")
    site.start()
    assert "the journal's disk runs short" in site.collector.messages()
    site.add_devices(site.names[:1], site.recording)
    agent = site.start_agent()
    wait_until(lambda: waiting(site, "disk") > 0, "the device to wait", 20)
    site.config.write_text(site.config.read_text().replace(f"{1 << 50}", "0"))
    site.collector.process.send_signal(signal.SIGHUP)
    assert agent.wait(60)[0] == 0
    assert "the journal has room again" in site.collector.messages()
    assert site.stop_collector() == 0
    assert site.audit()[0] == 0


def trail(site):
    lines = (site.authority / "collector" / "trail" / TENANT / "000001.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def test_connections_and_handshakes_of_a_tenant(site):
    limit(site, "--connections", "1")
    site.start()
    site.add_devices(site.names)
    site.add_devices(site.names, tenant=OTHER, folder=site.other)

    def welcomed(link):
        link.send(hello(1)).expect(wire.WELCOME)
    with Link(site.port, site.devices / site.names[0]) as first:
        welcomed(first)
        with Link(site.port, site.devices / site.names[1]) as second:
            reason, sentence = second.send(hello(1)).bye()
        assert (reason, sentence) == (BUSY, f'tenant "{TENANT}" may have 1 connections, and has them')
        with Link(site.port, site.other / site.names[0]) as one, Link(site.port, site.other / site.names[1]) as two:
            welcomed(one)
            welcomed(two)
    assert site.metrics()['longhaul_refusals_total{reason="tenant_connections"}'] == 1

    # A live collector takes over what was changed: no other limit, and a rate of handshakes.
    limit(site, "--connections", "0", "--handshakes-per-second", "1")

    def too_many():
        with Link(site.port, site.devices / site.names[0]) as link:
            return link.send(hello(1)).next_frame()[0] == wire.BYE
    wait_until(too_many, "more than one handshake a second to be too many", TAKES_EFFECT_S)
    wait_until(lambda: not too_many(), "one to be let in", TAKES_EFFECT_S, poll_s=1.1)
    assert site.metrics()['longhaul_refusals_total{reason="tenant_handshakes"}'] > 0
    assert site.stop_collector() == 0
    refused = [fact["why"] for fact in trail(site) if fact["what"] == "refused"]
    assert any(why.startswith("tenant_connections: ") for why in refused)
    assert any(why.startswith("tenant_handshakes: ") for why in refused)
    limited = [(fact["about"], fact["why"]) for fact in trail(site) if fact["what"] == "limited"]
    assert limited == [(TENANT, "at most 1 connections"), (TENANT, "at most 1 handshakes a second")]


def test_the_command(site):
    limit(site, "--connections", "5", "--bytes-per-second", "10")
    limit(site, "--bytes-per-second", "0", "--bytes-per-day", "77")
    listed = json.loads(demand(LONGHAUL, "tenant", "list", "--json", "--config", site.config))["tenants"]
    assert {each["tenant"]: each["limits"] for each in listed} == {
        TENANT: {"connections": 5, "bytes_per_second": None, "bytes_per_day": 77, "handshakes_per_second": None},
        OTHER: {"connections": None, "bytes_per_second": None, "bytes_per_day": None, "handshakes_per_second": None}}
    assert "at most 5 connections, 77 bytes a day" in demand(LONGHAUL, "tenant", "list", "--config", site.config)
    for wrong, code, sentence in [
            ([TENANT], USAGE, "no limit is named"),
            (["nobody", "--connections", "1"], BAD_DATA, 'there is no tenant "nobody"'),
            ([TENANT, "--connections", "-1"], USAGE, "--connections"),
            ([TENANT, "--bytes-per-second", "10000000001"], USAGE, "--bytes-per-second")]:
        got, _, messages = call(LONGHAUL, "tenant", "limit", *wrong, "--config", site.config)
        assert (got, sentence in messages) == (code, True), messages
