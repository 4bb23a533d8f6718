"""Enrolment: a device that has nothing but a join code gets its certificate and sends; whoever may not is refused, and
the audit trail says why."""

import csv
import json
import os
import signal
import socket
import ssl
import stat
import subprocess

import pytest

from longhaul_e2e import certificates
from longhaul_e2e.processes import Program, call, demand, wait_until
from longhaul_e2e.site import TENANT, Site, programs_folder

USAGE, BAD_DATA, DENIED = 64, 65, 77
LONGHAUL = programs_folder() / "longhaul"
AGENT = programs_folder() / "longhaul-agent"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with Site(tmp_path_factory.mktemp("site"), tenants=(TENANT, "rival")) as made:
        made.start_collector()
        made.stop_collector()
        for tenant in (TENANT, "rival"):
            demand(LONGHAUL, "tenant", "enrolment", tenant, "--dir", made.authority)
        with open(made.config, "a", encoding="utf-8") as config:
            config.write('\n[enrolment]\nlisten = "127.0.0.1:0"\n')
        port_file = made.folder / "enrolment-port"
        made.start_collector("--enrolment-port-file", port_file)
        made.enrolment = f"127.0.0.1:{int(port_file.read_text())}"
        yield made


def code(site, *words, tenant=TENANT):
    return demand(LONGHAUL, "enroll-code", "--tenant", tenant, "--config", site.config,
                  "--address", site.enrolment, *words).strip()


def enroll(site, text, folder, *words):
    return call(AGENT, "enroll", text, "--dir", site.devices / folder, *words)


def refused(site, tenant):
    lines = (site.authority / "collector" / "trail" / tenant / "000001.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    return [row["why"] for row in rows if row["what"] == "enrolment_refused"]


def wait_for_refusal(site, tenant, reason, before):
    def told():
        path = site.authority / "collector" / "trail" / tenant / "000001.jsonl"
        return path.exists() and sum(why.startswith(reason) for why in refused(site, tenant)) > before
    wait_until(told, f"{reason} in the trail of {tenant}", 20)


def count(site, tenant, reason):
    path = site.authority / "collector" / "trail" / tenant / "000001.jsonl"
    return sum(why.startswith(reason) for why in refused(site, tenant)) if path.exists() else 0


def refuse(site, text, folder, *words, reason, tenant=TENANT):
    before = count(site, tenant, f"{reason}:")
    exit_code, _, messages = enroll(site, text, folder, *words)
    assert exit_code == DENIED and f"the collector refuses: {reason}:" in messages, messages
    assert not (site.devices / folder / "device.crt").exists()
    wait_for_refusal(site, tenant, f"{reason}:", before)


def test_a_device_enrols_and_its_rows_arrive(site):
    text = code(site, "--uses", "1", "--valid", "15m")
    demand(AGENT, "enroll", text, "--dir", site.devices / "bus-1", "--name", "bus-1")
    folder = site.devices / "bus-1"
    for secret in ("device.key", "device.secret"):
        assert stat.S_IMODE(os.stat(folder / secret).st_mode) == 0o600
    demand(AGENT, "check", "--config", folder / "agent.toml")
    agent = Program([AGENT, "run", "--config", folder / "agent.toml"], site.folder / "bus-1.log")
    site.agents.append(agent)
    wait_until(lambda: (site.lake / TENANT / "system_host" / "_delta_log").exists(), "rows of bus-1", 60)
    assert agent.stop() == 0
    assert text.split("-")[1] in demand(LONGHAUL, "enroll-code", "list", "--config", site.config)
    assert "used" in demand(LONGHAUL, "enroll-code", "list", "--config", site.config)
    trail = (site.authority / "collector" / "trail" / TENANT / "000001.jsonl").read_text()
    assert '"what":"enrolled","about":"bus-1"' in trail and text.split("-")[2] not in trail

    # Used twice, replayed with another key, and as it is in the same folder.
    refuse(site, text, "bus-2", "--name", "bus-2", reason="code_used")
    exit_code, _, messages = enroll(site, text, "bus-1")
    assert exit_code == USAGE and "is enrolled already" in messages
    # A lost answer: the same key gets the same certificate.
    first = (folder / "device.crt").read_text()
    (folder / "device.crt").unlink()
    demand(AGENT, "enroll", text, "--dir", folder)
    assert (folder / "device.crt").read_text() == first


def test_what_is_refused(site):
    short = code(site, "--device", "short", "--valid", "1m")
    refuse(site, code(site, "--device", "mine"), "not-mine", "--name", "not-mine", reason="name")
    site.add_devices(["known"])
    refuse(site, code(site), "known-2", "--name", "known", reason="name")
    revoked = code(site)
    demand(LONGHAUL, "enroll-code", "revoke", revoked.split("-")[1], "--config", site.config)
    refuse(site, revoked, "gone", "--name", "gone", reason="code_revoked")
    site.registry("UPDATE enrolment_codes SET expires_us = 1 WHERE device = 'short'")
    refuse(site, short, "short", reason="code_expired")
    # Another tenant's code makes a device of that tenant, whatever it is called.
    demand(AGENT, "enroll", code(site, tenant="rival"), "--dir", site.devices / "r", "--name", "known")
    assert 'tenant = "rival"' in (site.devices / "r" / "agent.toml").read_text()
    # A mistyped code is told before anything is sent; one of another collector before the secret is.
    text = code(site)
    wrong = text.replace(text[-30 - len(site.enrolment)], "7" if text[-30 - len(site.enrolment)] != "7" else "8", 1)
    exit_code, _, messages = enroll(site, wrong, "typo", "--name", "typo")
    assert exit_code == USAGE and ("mistyped" in messages or "begins" in messages)
    assert site.collector.running()


def test_another_collector_gets_no_secret(site, tmp_path):
    with Site(tmp_path / "other") as other:
        demand(LONGHAUL, "tenant", "enrolment", TENANT, "--dir", other.authority)
        foreign = demand(LONGHAUL, "enroll-code", "--tenant", TENANT, "--config", other.config,
                         "--address", site.enrolment).strip()
    exit_code, _, messages = enroll(site, foreign, "foreign", "--name", "foreign")
    assert exit_code == DENIED and "another collector than the code is from; nothing was sent" in messages


def test_a_request_for_somebody_else(site, tmp_path):
    """By hand: a request that names another device, and bytes that are none."""
    text = code(site, "--uses", "3")
    key = tmp_path / "key.pem"
    subprocess.run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key], check=True)
    der = subprocess.run(["openssl", "req", "-new", "-key", key, "-subj", "/CN=x", "-outform", "DER", "-addext",
                          "subjectAltName=URI:longhaul://demo/rival/known"], check=True, capture_output=True).stdout
    before = count(site, TENANT, "name:")
    answer = exchange(site, enrol_frame(text, b"mallory", der))
    assert answer[0] == 0x87 and b"name: " in answer
    wait_for_refusal(site, TENANT, "name:", before)
    before = count(site, "_site", "request:")
    answer = exchange(site, enrol_frame(text, b"mallory", der[:-1] + bytes([der[-1] ^ 1])))
    assert answer[0] == 0x87 and b"request: " in answer
    wait_for_refusal(site, "_site", "request:", before)
    before = count(site, "_site", "protocol:")
    for frame in (b"\x01\x00\x00\x00", b"\x09\xff\xff\xff", b"GET / HTTP/1.1\r\n\r\n", b"\x09\x03\x00\x00\xff\xff\xff"):
        assert exchange(site, frame)[0] == 0x87
    wait_for_refusal(site, "_site", "protocol:", before)
    wrong = enrol_frame(text, b"mallory", der).replace(secret_of(text), bytes(16))
    assert b"code: " in exchange(site, wrong)
    assert site.collector.running()
    device = json.loads(demand(LONGHAUL, "device", "list", "--config", site.config, "--json"))
    assert "mallory" not in {each["device"] for each in device["devices"]}


def test_batch(site, tmp_path):
    (tmp_path / "list.csv").write_text("serial,name\nSN-001\nSN-002,truck-2\n")
    demand(LONGHAUL, "enroll", "--batch", tmp_path / "list.csv", "--out", tmp_path / "codes.csv", "--tenant", TENANT,
           "--config", site.config, "--address", site.enrolment)
    with open(tmp_path / "codes.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(row["serial"], row["name"]) for row in rows] == [("SN-001", "sn-001"), ("SN-002", "truck-2")]
    assert stat.S_IMODE(os.stat(tmp_path / "codes.csv").st_mode) == 0o600
    refuse(site, rows[0]["code"], "other", "--name", "truck-2", reason="name")
    for row in rows:
        demand(AGENT, "enroll", row["code"], "--dir", site.devices / row["name"])
        demand(AGENT, "check", "--config", site.devices / row["name"] / "agent.toml")
    refuse(site, rows[0]["code"], "other", reason="code_used")


def test_silence_and_strangers_end(site):
    host, port = site.enrolment.split(":")
    silent = [socket.create_connection((host, int(port))) for _ in range(16)]
    with socket.create_connection((host, int(port))) as one_more:
        one_more.settimeout(20)
        assert one_more.recv(1) == b""
    for each in silent:
        each.close()
    demand(AGENT, "enroll", code(site), "--dir", site.devices / "after", "--name", "after")


def worn(site, name, tmp_path):
    """A device with a certificate of which two thirds are over."""
    site.add_devices([name])
    tenant = site.authority / "tenants" / TENANT
    made = certificates.issue(tmp_path / name, certificates.Authority(tenant / "ca.crt", tenant / "ca.key"),
                              site.authority / "root.crt", f"URI:longhaul://demo/{TENANT}/{name}",
                              begins_s=-70 * 86400, ends_s=20 * 86400)
    folder = site.devices / name
    for file in ("device.crt", "device.key"):
        (folder / file).write_bytes((made / file).read_bytes())
    return folder


def run(site, folder):
    agent = Program([AGENT, "run", "--config", folder / "agent.toml"], site.folder / f"{folder.name}.log")
    site.agents.append(agent)
    return agent


def test_renewal(site, tmp_path):
    folder = worn(site, "worn-1", tmp_path)
    before = [(folder / file).read_text() for file in ("device.crt", "device.key")]
    agent = run(site, folder)
    wait_until(lambda: "its certificate has been renewed" in agent.messages(), f"renewal in {agent.log}", 60)
    after = [(folder / file).read_text() for file in ("device.crt", "device.key")]
    assert before[0] != after[0] and before[1] != after[1] and after[0].count("BEGIN") == 3
    assert not list(folder.glob("*.next"))
    assert stat.S_IMODE(os.stat(folder / "device.key").st_mode) == 0o600
    assert agent.stop() == 0
    demand(AGENT, "check", "--config", folder / "agent.toml")
    trail = site.authority / "collector" / "trail" / TENANT / "000001.jsonl"
    wait_until(lambda: '"what":"renewed","about":"worn-1"' in trail.read_text(), "the trail", 20)
    # It goes on with the new one, and asks for no other.
    agent = run(site, folder)
    wait_until(lambda: "link up" in call(AGENT, "why", "--config", folder / "agent.toml")[1], "a session", 30)
    assert agent.stop() == 0
    assert [(folder / file).read_text() for file in ("device.crt", "device.key")] == after


def test_a_newer_certificate_that_does_not_work(site, tmp_path):
    """Of a stranger, in the second slot: the older one goes on, and a good one comes for the same key."""
    folder = worn(site, "worn-2", tmp_path)
    stranger = certificates.own_authority(tmp_path / "stranger")
    made = certificates.issue(tmp_path / "foreign", stranger, stranger.certificate,
                              f"URI:longhaul://demo/{TENANT}/worn-2")
    (folder / "device.crt.next").write_bytes((made / "device.crt").read_bytes())
    (folder / "device.key.next").write_bytes((made / "device.key").read_bytes())
    os.chmod(folder / "device.key.next", 0o600)
    key = (folder / "device.key.next").read_text()
    agent = run(site, folder)
    wait_until(lambda: "its certificate has been renewed" in agent.messages(), f"renewal in {agent.log}", 90)
    assert (folder / "device.key").read_text() == key
    assert agent.stop() == 0


def certificate(site, name):
    return (site.devices / name / "device.crt").read_text()


def tenant_authority(site):
    return (site.authority / "tenants" / TENANT / "ca.crt").read_text()


def test_a_rotation_takes_devices_along(site):
    """One that enrolled and one that was added: both come over by themselves, and go on when the older one is cut off."""
    site.add_devices(["moves"])
    names = ["after", "moves"]
    demand(LONGHAUL, "rotate", "tenant", TENANT, "--dir", site.authority)
    new = tenant_authority(site)
    assert not any(new in certificate(site, name) for name in names)
    before = len(site.collector.messages())
    site.collector.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "authority of a tenant changed" in site.collector.messages()[before:], "the reload", 20)
    agents = [run(site, site.devices / name) for name in names]
    for name, agent in zip(names, agents):
        wait_until(lambda: "its certificate has been renewed" in agent.messages(), f"renewal in {agent.log}", 60)  # noqa: B023
        assert certificate(site, name).endswith(new) and not list((site.devices / name).glob("*.next"))
    demand(LONGHAUL, "tenant", "cut-off", TENANT, "--config", site.config)
    for name, agent in zip(names, agents):
        assert agent.stop() == 0
        demand(AGENT, "check", "--config", site.devices / name / "agent.toml")
        again = run(site, site.devices / name)
        wait_until(lambda: "link up" in call(AGENT, "why", "--config", site.devices / name / "agent.toml")[1],  # noqa: B023
                   f"{name} to be let in", 30)
        assert again.stop() == 0
    assert site.audit(drained=False)[0] == 0


def test_an_authority_that_is_revoked(site):
    """Last: what it issued is out by itself, who is connected by it as well; what the tenant's own authority issued is not."""
    agent = run(site, site.devices / "after")
    wait_until(lambda: "link up" in call(AGENT, "why", "--config", site.devices / "after" / "agent.toml")[1], "a session", 30)
    late = code(site)
    demand(LONGHAUL, "tenant", "enrolment", TENANT, "--dir", site.authority, "--revoke")
    refuse(site, late, "late", "--name", "late", reason="issuer")
    told = 'device "after" of tenant "acme" has a certificate of another tenant\'s authority'
    wait_until(lambda: told.replace('"', '\\"') in site.collector.messages(), "the session to end", 60)
    agent.stop()
    site.add_devices(["by-hand"])
    by_hand = run(site, site.devices / "by-hand")
    wait_until(lambda: "link up" in call(AGENT, "why", "--config", site.devices / "by-hand" / "agent.toml")[1], "a session", 30)
    assert by_hand.stop() == 0
    code_of_check, said, _ = call(programs_folder() / "longhaul-collector", "check", "--config", site.config)
    assert "the registry does not list it" in said, (code_of_check, said)


# --- by hand ---


def secret_of(text):
    digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    number = 0
    for character in "".join(text.split("@")[0].split("-")[1:]):
        number = number << 5 | digits.index(character)
    return number.to_bytes(40, "big")[5:21]


def enrol_frame(text, name, request):
    digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    number = 0
    for character in text.split("-")[1]:
        number = number << 5 | digits.index(character)
    body = b"\x0a\x05" + number.to_bytes(5, "big") + b"\x12\x10" + secret_of(text)
    body += b"\x1a" + bytes([len(name)]) + name
    body += b"\x22" + bytes([len(request) & 0x7f | 0x80, len(request) >> 7]) + request
    return b"\x09" + len(body).to_bytes(3, "little") + body


def exchange(site, frame):
    """Sends a frame to the enrolment listener and returns all of the answer."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["longhaul-enrol/1"])
    host, port = site.enrolment.split(":")
    with socket.create_connection((host, int(port)), timeout=20) as plain, context.wrap_socket(plain) as link:
        link.sendall(frame)
        answer = b""
        while True:
            try:
                part = link.recv(65536)
            except (ssl.SSLError, ConnectionError):
                break
            if not part:
                break
            answer += part
    return answer
