"""The authority: rotation, revocation and the root's absence, with real programs from command to table."""

import json
import shutil
import signal

import pytest

from longhaul_e2e import wire
from longhaul_e2e.forged import forge
from longhaul_e2e.processes import PATIENCE, call, demand, wait_until
from longhaul_e2e.site import TENANT, Site, programs_folder

BAD_DATA = 65
LONGHAUL = programs_folder() / "longhaul"


def longhaul(site, *words):
    return demand(LONGHAUL, *words, "--config", site.config)


def reload(site, until):
    before = site.collector.messages().count(until)
    site.collector.process.send_signal(signal.SIGHUP)
    wait_until(lambda: site.collector.messages().count(until) > before, f"{until!r} in {site.collector.log}", 20)


@pytest.fixture
def site(tmp_path):
    recording = forge(tmp_path / "forged", 5, devices=2)
    with Site(tmp_path / "site", tenants=(TENANT, "rival")) as made:
        made.recording, made.names = recording, sorted(recording.devices)
        shutil.move(made.authority / "root.key", tmp_path / "safe.key")
        made.safe = tmp_path / "safe.key"
        made.start_collector()
        yield made


def test_rotation(site):
    """Old and new devices of a tenant send, also what they had sealed before."""
    old, new = site.names
    site.add_devices([old], site.recording, collector=1)  # seals, and cannot send yet
    agent = site.start_agent()
    wait_until(lambda: "samples" in agent.messages(), f"samples in {agent.log}", 60)
    agent.stop()
    config = site.devices / old / "agent.toml"
    config.write_text(config.read_text().replace("127.0.0.1:1\"", f"127.0.0.1:{site.port}\""))

    code, _, messages = call(LONGHAUL, "rotate", "tenant", TENANT, "--dir", site.authority)
    assert code == BAD_DATA and "the root's key is not here" in messages
    demand(LONGHAUL, "rotate", "tenant", TENANT, "--dir", site.authority, "--root-key", site.safe)
    site.add_devices([new], site.recording)
    with pytest.raises(Exception):  # the collector does not know the new authority yet
        with wire.Link(site.port, site.devices / new) as link:
            link.send(wire.hello(1)).expect(wire.WELCOME)
    reload(site, "authority of a tenant changed")
    agent = site.start_agent()
    assert agent.wait(60)[0] == 0, f"see {agent.log}"
    tenants = json.loads(longhaul(site, "tenant", "list", "--json"))["tenants"]
    assert [(each["tenant"], each["devices"], each["older_authorities"]) for each in tenants] == [
        (TENANT, 2, 1), ("rival", 0, 0)]

    demand(LONGHAUL, "rotate", "server", "--dir", site.authority, "--root-key", site.safe)
    reload(site, "certificate renewed")
    with wire.Link(site.port, site.devices / old) as link:
        link.send(wire.hello(1)).expect(wire.WELCOME)

    # The older authority is cut off: who is connected by it is told, and who comes by it stays out.
    with wire.Link(site.port, site.devices / old) as link:
        link.send(wire.hello(1)).expect(wire.WELCOME)
        assert "1 older authorities are cut off" in longhaul(site, "tenant", "cut-off", TENANT, "--why", "its key leaked")
        link.tls.settimeout(60 * PATIENCE)  # no reload: the collector sees it by itself
        assert link.bye()[0] == wire.DENIED
    with pytest.raises(Exception), wire.Link(site.port, site.devices / old) as link:
        link.send(wire.hello(1)).expect(wire.WELCOME)
    with wire.Link(site.port, site.devices / new) as link:
        link.send(wire.hello(1)).expect(wire.WELCOME)
    assert site.stop_collector() == 0
    code, report = site.audit()
    assert code == 0, report
    assert {row["what"] for row in trail(site, TENANT)} == {"tenant_added", "enrolled", "rotated", "cut_off"}
    assert "rotated" in {row["what"] for row in trail(site, "_site")}


def trail(site, name):
    file = site.authority / "collector" / "trail" / name / "000001.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_a_new_tenant(site):
    demand(LONGHAUL, "tenant", "add", "third", "--dir", site.authority, "--root-key", site.safe)
    site.add_devices(["ship-1"], tenant="third")
    reload(site, "tenant added")
    with wire.Link(site.port, site.devices / "ship-1") as link:
        link.send(wire.hello(1)).expect(wire.WELCOME)


def test_devices_of_the_registry(site):
    site.add_devices(site.names)
    site.add_devices([site.names[0]], tenant="rival", folder=site.folder / "rivals")
    listed = json.loads(longhaul(site, "device", "list", "--json"))["devices"]
    assert [(each["tenant"], each["device"], each["state"]) for each in listed] == [
        (TENANT, site.names[0], "allowed"), (TENANT, site.names[1], "allowed"), ("rival", site.names[0], "allowed")]
    assert all(each["certificate_expires"].startswith("20") for each in listed)

    code, _, messages = call(LONGHAUL, "device", "revoke", site.names[0], "--config", site.config)
    assert code == BAD_DATA and f"say {TENANT}/{site.names[0]} or rival/{site.names[0]}" in messages
    code, _, messages = call(LONGHAUL, "device", "revoke", site.names[1], "nonsuch", "--config", site.config)
    assert code == BAD_DATA and "nonsuch: is not registered" in messages
    name = f"{TENANT}/{site.names[0]}"
    assert json.loads(longhaul(site, "device", "show", site.names[1], "--json"))["state"] == "allowed"

    longhaul(site, "device", "revoke", name, "--why", "it was stolen")
    with wire.Link(site.port, site.devices / site.names[0]) as link:
        assert "is revoked" in link.send(wire.hello(1)).bye()[1]
    with wire.Link(site.port, site.folder / "rivals" / site.names[0]) as link:  # of the same name
        link.send(wire.hello(1)).expect(wire.WELCOME)

    def refused():
        shown = json.loads(longhaul(site, "device", "show", name, "--json"))
        return shown["refusal"] and shown["state"] == "revoked" and shown["refusal"]["reason"] == "revoked"
    wait_until(refused, "the refusal in the registry", 20)
    longhaul(site, "device", "allow", name)
    with wire.Link(site.port, site.devices / site.names[0]) as link:
        link.send(wire.hello(1)).expect(wire.WELCOME)
    facts = [(row["what"], row["about"], row["why"]) for row in trail(site, TENANT)]
    assert ("revoked", site.names[0], "it was stolen") in facts and ("allowed", site.names[0], "") in facts


# --- environments ----------------------------------------------------------------------------------------
CONFIGURATION = 78


def other_environment(site, folder):
    """A site of another environment whose tenant and devices have the same names."""
    other = Site(folder, environment="staging")
    other.add_devices(site.names, site.recording, collector=site.port)
    return other


def test_a_device_of_another_environment_is_refused(site, tmp_path):
    staging = other_environment(site, tmp_path / "staging")
    with pytest.raises(Exception, match="(?i)alert|closed|reset|eof|unknown|bad record mac"):
        with wire.Link(site.port, staging.devices / site.names[0], root=site.authority / "root.crt") as link:
            assert link.send(wire.hello(1)).next_frame() is not None
            raise ConnectionError("closed")
    assert [row for row in wait_for_refusal(site, "_site") if row["why"].startswith("handshake: ")]

    # Nor does the device accept that collector; and the other way round.
    agent = staging.start_agent()
    wait_until(lambda: "not from the pinned root" in agent.messages(), f"the device's reason in {agent.log}", 20)
    agent.stop()
    with staging:
        staging.start_collector()
        site.add_devices(site.names, site.recording, collector=staging.port)
        agent = site.start_agent()
        wait_until(lambda: "not from the pinned root" in agent.messages(), f"the device's reason in {agent.log}", 20)
        agent.stop()
        with pytest.raises(Exception, match="(?i)alert|closed|reset|eof|unknown|bad record mac"):
            with wire.Link(staging.port, site.devices / site.names[0], root=staging.authority / "root.crt") as link:
                assert link.send(wire.hello(1)).next_frame() is not None
                raise ConnectionError("closed")


def wait_for_refusal(site, name):
    return wait_until(lambda: [row for row in trail(site, name) if row["what"] == "refused"], "a refusal in the trail", 20)


def test_a_certificate_of_the_tenant_for_another_environment_is_refused(site):
    """Even the tenant's own authority cannot move a device: the name in the certificate says where it belongs."""
    config = site.authority / "ca.toml"
    kept = config.read_text()
    config.write_text(kept.replace('environment = "demo"', 'environment = "staging"'))
    site.add_devices(["mole"])
    config.write_text(kept)
    with wire.Link(site.port, site.devices / "mole") as link:
        assert 'belongs to environment "staging", this is "demo"' in link.send(wire.hello(1)).bye()[1]
    assert wait_for_refusal(site, "_site")[-1]["why"].startswith("environment: ")


def test_a_lake_of_another_environment_is_refused(site, tmp_path):
    assert site.stop_collector() == 0
    marker = json.loads((site.lake / "_lake.json").read_text())
    assert marker["environment"] == "demo" and len(marker["lake"]) == 32
    staging = Site(tmp_path / "staging", environment="staging")
    text = staging.config.read_text()
    staging.config.write_text(text.replace('path = "lake"', f'path = "{site.lake}"'))
    before = sorted(path.name for path in site.lake.rglob("*"))
    sentence = 'the lake belongs to environment "demo", this is "staging"'
    for command in ("run", "check"):
        code, _, messages = call(programs_folder() / "longhaul-collector", command, "--config", staging.config)
        assert code == CONFIGURATION and sentence in messages, messages
    assert sorted(path.name for path in site.lake.rglob("*")) == before
    site.start_collector()
    assert json.loads((site.lake / "_lake.json").read_text()) == marker
