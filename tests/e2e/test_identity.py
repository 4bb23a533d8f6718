"""Who may send: every wrong identity against a real collector, each refused with its reason counted, while an honest
device stays connected. The clients are Python's ssl and openssl s_client, which share no code with ours, and the agent."""

import json
import re
import shutil
import socket
import ssl
import subprocess

import pytest

from longhaul_e2e import wire
from longhaul_e2e.certificates import Authority, issue, own_authority
from longhaul_e2e.operated import Operated
from longhaul_e2e.processes import PATIENCE, Program, demand, wait_until
from longhaul_e2e.site import ENVIRONMENT, SERVER_NAME, TENANT
from longhaul_e2e.wire import DENIED, Link, hello

OTHER_TENANT = "globex"
GOOD, HONEST = "truck-1", "truck-2"
COPIED, RETURNING, TURNS, BACK_AGAIN = "truck-3", "truck-4", "truck-5", "truck-6"
TAKES_EFFECT_S = 60  # what is promised; it takes ten
VERSIONS = {"TLS 1.2": ssl.TLSVersion.TLSv1_2, "TLS 1.3": ssl.TLSVersion.TLSv1_3}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with Operated(tmp_path_factory.mktemp("identity") / "site", tenants=(TENANT, OTHER_TENANT)) as made:
        made.start()
        made.add_devices([GOOD, HONEST])
        yield made


@pytest.fixture(scope="module", autouse=True)
def honest(site):
    """Connected from the first test to the last."""
    with Link(site.port, site.devices / HONEST) as link:
        link.send(hello(1))
        link.expect(wire.WELCOME)
        yield link
        link.send(wire.frame(wire.BYE_OF_DEVICE))
        assert link.next_frame() is None, "the honest device was disconnected"
    assert site.stop_collector() == 0, f"see {site.collector.log}"
    assert " ended_by_exception=0 " in site.collector.messages()


def tenant(site, name=TENANT):
    folder = site.authority / "tenants" / name
    return Authority(folder / "ca.crt", folder / "ca.key")


def uri(device=GOOD, tenant_name=TENANT, environment=ENVIRONMENT):
    return f"URI:longhaul://{environment}/{tenant_name}/{device}"


def refusals(site):
    found = {name: value for name, value in site.metrics().items() if name.startswith("longhaul_refusals_total")}
    return {re.search(r'"(\w+)"', name)[1]: value for name, value in found.items()}


def demand_refused(site, before, reason):
    """Exactly one more, for exactly this reason; the collector serves on."""
    def rose():
        now = refusals(site)
        return {name: now[name] - before[name] for name in now if now[name] != before[name]}
    wait_until(rose, f"a refusal for {reason}", 20)
    assert rose() == {reason: 1}
    with Link(site.port, site.devices / HONEST) as link:
        link.send(hello(1))
        link.expect(wire.WELCOME)


def said_to(site, folder, **how):
    """The collector's Bye, or None when TLS itself ended the connection."""
    try:
        with Link(site.port, folder, **how) as link:
            return link.send(hello(1)).bye()
    except (ssl.SSLError, ConnectionError):
        return None


# --- certificates: (SAN, authority, dates) -> reason, part of the sentence (None: refused by TLS) ------------------
def stranger(site, tmp_path):
    return own_authority(tmp_path / "stranger")


def same_name(site, tmp_path):
    return own_authority(tmp_path / "same", name=f"{TENANT}")


CERTIFICATES = {
    "an authority that nobody knows": (lambda s, t: (uri(), stranger(s, t), {}), "handshake", None),
    "an authority of the tenant's name": (lambda s, t: (uri(), same_name(s, t), {}), "handshake", None),
    "the root itself": (lambda s, t: (uri(), Authority(s.authority / "root.crt", s.authority / "root.key"), {}),
                        "handshake", None),
    "another tenant's authority": (lambda s, t: (uri(), tenant(s, OTHER_TENANT), {}), "authority", "another tenant's"),
    "a device of another tenant by ours": (lambda s, t: (uri(tenant_name=OTHER_TENANT), tenant(s), {}), "authority",
                                           "another tenant's"),
    "another environment": (lambda s, t: (uri(environment="staging"), tenant(s), {}), "environment", "staging"),
    "a tenant that is not registered": (lambda s, t: (uri(tenant_name="nobody"), tenant(s), {}), "tenant", "nobody"),
    "a device that is not registered": (lambda s, t: (uri(device="truck-9"), tenant(s), {}), "unknown_device",
                                        "is not registered"),
    "expired": (lambda s, t: (uri(), tenant(s), {"begins_s": -7200, "ends_s": -60}), "handshake", None),
    "not yet valid": (lambda s, t: (uri(), tenant(s), {"begins_s": 3600}), "handshake", None),
}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", CERTIFICATES)
def test_certificates(site, tmp_path, name, version):
    make, reason, sentence = CERTIFICATES[name]
    san, authority, dates = make(site, tmp_path)
    folder = issue(tmp_path / "device", authority, site.authority / "root.crt", san, **dates)
    before = refusals(site)
    said = said_to(site, folder, version=VERSIONS[version])
    assert (said is None) == (sentence is None), said
    if said:
        assert said[0] == DENIED and sentence in said[1]
    demand_refused(site, before, reason)


SAN = {
    "no SAN": "",
    "a name of the DNS": f"DNS:{GOOD}",
    "an address of mail": f"email:{GOOD}@example.org",
    "another scheme": f"URI:https://{ENVIRONMENT}/{TENANT}/{GOOD}",
    "one slash": f"URI:longhaul:/{ENVIRONMENT}/{TENANT}/{GOOD}",
    "no device": f"URI:longhaul://{ENVIRONMENT}/{TENANT}",
    "an empty device": f"URI:longhaul://{ENVIRONMENT}/{TENANT}/",
    "an empty tenant": f"URI:longhaul://{ENVIRONMENT}//{GOOD}",
    "an empty environment": f"URI:longhaul:///{TENANT}/{GOOD}",
    "a part too many": uri() + "/more",
    "a slash at the end": uri() + "/",
    "capitals": f"URI:LONGHAUL://{ENVIRONMENT}/{TENANT}/{GOOD}",
    "capitals in the device": uri(device="Truck-1"),
    "a blank": uri(device="truck 1"),
    "a percent sign": uri(device="truck%2d1"),
    "a way up": uri(device=".."),
    "a query": uri() + "?admin",
    "a fragment": uri() + "\\#1",
    "somebody at": f"URI:longhaul://root@{ENVIRONMENT}/{TENANT}/{GOOD}",
    "a port": f"URI:longhaul://{ENVIRONMENT}:1/{TENANT}/{GOOD}",
    "49 letters": uri(device="x" * 49),
    "an underscore": uri(device="truck_1"),
    "two of them": uri() + "," + uri(device=HONEST),
    "a zero behind": "DER:" + (b"\x30\x1f\x86\x1d" + f"longhaul://{ENVIRONMENT}/{TENANT}/{GOOD}"[:28].encode() + b"\0").hex(),
    "an empty URI": "DER:30028600",
}


@pytest.mark.parametrize("name", SAN)
def test_names(site, tmp_path, name):
    """Malformed in every way that a careless or malicious authority of a tenant may find."""
    folder = issue(tmp_path / "device", tenant(site), site.authority / "root.crt", SAN[name])
    before = refusals(site)
    said = said_to(site, folder)
    assert said is not None and said[0] == DENIED
    demand_refused(site, before, "certificate")


def test_no_certificate(site):
    before = refusals(site)
    assert said_to(site, None, root=site.authority / "root.crt") is None
    demand_refused(site, before, "handshake")


# --- protocols: an outside client with the right certificate ---------------------------------------------------------
PROTOCOLS = {
    "TLS 1.0": ["-tls1", "-cipher", "ALL:@SECLEVEL=0"],
    "TLS 1.1": ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"],
    "CBC": ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES256-SHA384:ECDHE-ECDSA-AES128-SHA"],
    "no encryption": ["-tls1_2", "-cipher", "ECDHE-ECDSA-NULL-SHA:@SECLEVEL=0"],
    "no certificates": ["-tls1_2", "-cipher", "AECDH-AES128-SHA:ADH-AES128-GCM-SHA256:@SECLEVEL=0"],
    "RSA": ["-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256:AES128-GCM-SHA256"],
    "P-384 alone": ["-tls1_3", "-curves", "P-384"],
    "another application": ["-tls1_3", "-alpn", "h2"],
}


def s_client(site, *options):
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{site.port}", "-servername", SERVER_NAME,
         "-CAfile", site.authority / "root.crt", "-verify_return_error", "-cert", site.devices / GOOD / "device.crt",
         "-cert_chain", site.devices / GOOD / "device.crt", "-key", site.devices / GOOD / "device.key",
         *(() if "-alpn" in options else ("-alpn", "longhaul/1")), *options],
        input="", capture_output=True, text=True, timeout=20 * PATIENCE)
    return done.stdout + done.stderr


def test_an_outside_client_can_come_in(site):
    """So that the refusals below are not for some other reason."""
    for version in ("-tls1_2", "-tls1_3"):
        assert "Verify return code: 0 (ok)" in s_client(site, version)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_protocols(site, name):
    before = refusals(site)
    said = s_client(site, *PROTOCOLS[name])
    assert "Cipher is (NONE)" in said or "alert" in said, said
    demand_refused(site, before, "handshake")


# --- resumption ----------------------------------------------------------------------------------------------------------
class Resuming:
    """A device that keeps its session; every connection greets and reads the answer."""

    def __init__(self, site, folder, version):
        self.site = site
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.context.load_verify_locations(folder / "root.crt")
        self.context.load_cert_chain(folder / "device.crt", folder / "device.key")
        self.context.set_alpn_protocols([wire.ALPN])
        self.context.minimum_version = self.context.maximum_version = VERSIONS[version]
        self.session = None

    def connect(self):
        """(resumed, type of the first frame, its body)."""
        plain = socket.create_connection(("127.0.0.1", self.site.port), timeout=20 * PATIENCE)
        with self.context.wrap_socket(plain, server_hostname=SERVER_NAME, session=self.session) as tls:
            try:
                tls.sendall(hello(1))
            except (ssl.SSLError, ConnectionError):
                pass
            head = tls.recv(4)
            body = tls.recv(int.from_bytes(head[1:4], "little"))
            self.session = tls.session
            return tls.session_reused, head[0], body


@pytest.mark.parametrize("version", VERSIONS)
def test_a_revoked_device_resumes_nothing(site, version):
    device = Resuming(site, site.devices / GOOD, version)
    assert device.connect()[:2] == (False, wire.WELCOME)
    assert device.connect()[:2] == (True, wire.WELCOME)
    site.registry("UPDATE devices SET state = 'revoked' WHERE name = ?", GOOD)
    before = refusals(site)
    resumed, kind, body = device.connect()
    site.registry("UPDATE devices SET state = 'allowed' WHERE name = ?", GOOD)
    assert resumed and kind == wire.BYE and b"is revoked" in body
    demand_refused(site, before, "revoked")


@pytest.mark.parametrize("version", VERSIONS)
def test_a_ticket_of_a_key_that_is_gone(site, version):
    """It leads to a full handshake, and that is judged as ever."""
    device = Resuming(site, site.devices / GOOD, version)
    device.connect()
    site.registry("DELETE FROM ticket_keys")
    old = device.session

    def refused():
        device.session = old
        return not device.connect()[0]
    wait_until(refused, "the old key to be gone", TAKES_EFFECT_S, poll_s=1)
    assert device.connect()[0], "a ticket of the new key resumes"


# --- connected, and then not allowed any more ------------------------------------------------------------------------
def test_a_revoked_device_is_disconnected(site):
    with Link(site.port, site.devices / GOOD) as link:
        link.send(hello(1))
        link.expect(wire.WELCOME)
        before = refusals(site)
        site.registry("UPDATE devices SET state = 'revoked' WHERE name = ?", GOOD)
        link.tls.settimeout(TAKES_EFFECT_S * PATIENCE)
        said = link.bye()
        site.registry("UPDATE devices SET state = 'allowed' WHERE name = ?", GOOD)
    assert said == (DENIED, f'device "{GOOD}" of tenant "{TENANT}" is revoked')
    demand_refused(site, before, "revoked")


def test_a_certificate_that_ends_ends_the_session(site, tmp_path):
    folder = issue(tmp_path / "device", tenant(site), site.authority / "root.crt", uri(), ends_s=int(6 * PATIENCE))
    with Link(site.port, folder) as link:
        link.send(hello(1))
        link.expect(wire.WELCOME)
        before = refusals(site)
        link.tls.settimeout(TAKES_EFFECT_S * PATIENCE)
        said = link.bye()
    assert said is not None and said[0] == DENIED and "has expired" in said[1]
    demand_refused(site, before, "expired")


# --- the other direction: a device checks whom it speaks to -------------------------------------------------------------
def run_agent(site, name):
    """One that goes on until it is stopped."""
    log = site.folder / f"agent-{len(site.agents)}.log"
    config = site.devices / name / "agent.toml"
    agent = Program([site.bin / "longhaul-agent", "run", "--config", config], log)
    site.agents.append(agent)
    return agent


def agent_says(site, name, sentence):
    agent = run_agent(site, name)
    try:
        wait_until(lambda: sentence in agent.messages(), f"{sentence!r} in {agent.log}", 20)
    finally:
        agent.kill()


def test_an_agent_refuses_a_server_of_another_name(site):
    config = site.devices / GOOD / "agent.toml"
    text = config.read_text()
    config.write_text(text.replace(f'"{SERVER_NAME}"', '"collector.example.org"'))
    try:
        agent_says(site, GOOD, "the collector's certificate is for another name")
    finally:
        config.write_text(text)


def test_an_agent_refuses_another_root(site, tmp_path):
    root = site.devices / GOOD / "root.crt"
    text = root.read_text()
    root.write_text(own_authority(tmp_path / "stranger").certificate.read_text())
    try:
        agent_says(site, GOOD, f"its chain does not end in {root}")
    finally:
        root.write_text(text)


def test_an_agent_resumes_after_a_restart(site):
    def so_far(name):
        return site.metrics()[name]
    resumed, acknowledged = 'longhaul_handshakes_total{kind="resumed"}', "longhaul_blocks_acknowledged_total"
    for expected in (0, 1):
        before, blocks = so_far(resumed), so_far(acknowledged)
        agent = run_agent(site, GOOD)
        wait_until(lambda: so_far(acknowledged) > blocks, "the agent to be acknowledged", 30)
        assert agent.stop() == 0
        assert so_far(resumed) - before == expected


# --- a copy of a device ------------------------------------------------------------------------------------------------------
def shown(site, name):
    return json.loads(demand(site.bin / "longhaul", "device", "show", name, "--json", "--config", site.config))


def test_a_copy_that_comes_in_turn_is_told(site):
    """Sessions of a moment each, one after the other; a device that just comes back is not told."""
    site.add_devices([TURNS, BACK_AGAIN])

    def session(name, boot):
        with Link(site.port, site.devices / name) as link:
            link.send(hello(1, extra=b"\x61" + boot.to_bytes(8, "little"))).expect(wire.WELCOME)
            link.send(wire.frame(wire.BYE_OF_DEVICE))
            assert link.next_frame() is None
    before = site.metrics()["longhaul_clone_alarms_total"]
    for boot in (1, 1, 1, 2, 2, 3):
        session(BACK_AGAIN, boot)
    for boot in (7, 8, 7, 8):
        session(TURNS, boot)
    wait_until(lambda: site.metrics()["longhaul_clone_alarms_total"] > before, "the alarm", 20)
    wait_until(lambda: shown(site, TURNS)["clone"], "the registry to know", 20)
    assert "come again and again in turn" in shown(site, TURNS)["clone"]["text"]
    assert shown(site, BACK_AGAIN)["clone"] is None
    assert site.metrics()["longhaul_clone_alarms_total"] == before + 1


def test_a_copy_beside_the_device_is_told(site, tmp_path):
    """And a connection that the same device left half-open is not."""
    site.add_devices([COPIED, RETURNING])
    agents = []
    for folder in (site.devices / COPIED, tmp_path / "copy"):
        if agents:
            shutil.copytree(site.devices / COPIED, folder)
        config = folder / "agent.toml"
        config.write_text(config.read_text().replace("interval_s = 60", "interval_s = 1"))
        agents.append([site.bin / "longhaul-agent", "run", "--config", config])
    before = site.metrics()["longhaul_clone_alarms_total"]
    running = [Program(command, tmp_path / f"{number}.log") for number, command in enumerate(agents)]
    site.agents += running
    with Link(site.port, site.devices / RETURNING) as half_open, Link(site.port, site.devices / RETURNING) as back:
        for link in (half_open, back):
            link.send(hello(1))
            link.expect(wire.WELCOME)
        wait_until(lambda: site.metrics()["longhaul_clone_alarms_total"] == before + 1, "the alarm", 60)
        wait_until(lambda: shown(site, COPIED)["clone"], "the registry to know", 20)
    for agent in running:
        assert agent.stop() == 0
    assert shown(site, RETURNING)["clone"] is None
    seen = shown(site, COPIED)["clone"]
    assert seen["times"] == 1 and seen["first"] == seen["last"] and "somebody else has its key" in seen["text"]
    assert "CLONED" in demand(site.bin / "longhaul", "device", "show", COPIED, "--config", site.config)
    assert "a device is there twice" in site.collector.messages()
    trail = (site.authority / "collector" / "trail" / TENANT / "000001.jsonl").read_text().splitlines()
    facts = [fact for fact in map(json.loads, trail) if (fact["what"], fact["about"]) == ("cloned", f"{TENANT}/{COPIED}")]
    assert [(fact["about"], fact["why"]) for fact in facts] == [(f"{TENANT}/{COPIED}", seen["text"])]
