"""A collector in the hands of its operators: metrics, health, reload, its word to the service manager, why."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from longhaul_e2e import wire
from longhaul_e2e.forged import forge
from longhaul_e2e.operated import Operated
from longhaul_e2e.processes import PATIENCE, call, demand, wait_until
from longhaul_e2e.site import TENANT, programs_folder, top_folder

BAD_DATA = 65
COLLECTOR = programs_folder() / "longhaul-collector"


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    return forge(tmp_path_factory.mktemp("forged"), 11, devices=2)


@pytest.fixture(scope="module")
def site(tmp_path_factory, recording):
    with Operated(tmp_path_factory.mktemp("operating") / "site") as made:
        made.recording = recording
        made.start()
        yield made


# --- health and metrics ------------------------------------------------------------------------------------
def test_health(site):
    assert site.ask("/healthz") == (200, "ok\n")
    assert wait_until(lambda: site.ask("/readyz") == (200, "ready\n"), "/readyz to be 200")
    assert site.ask("/nowhere")[0] == 404
    assert site.metrics()["longhaul_ready"] == 1


def test_a_start_is_healthy_and_not_ready(tmp_path):
    """It answers while the journal is read, here one that takes a while."""
    with Operated(tmp_path / "site") as site:
        site.start()
        assert site.stop_collector() == 0
        segment = site.journal / "shard-0000" / f"{0:020}.seg"
        segment.touch()
        os.truncate(segment, 256 << 20)
        file = site.folder / "http-port"
        file.unlink()
        site.spawn_collector("--http-port-file", file)
        site.http_port = int(wait_until(lambda: file.exists() and file.read_text().strip(), "the port of HTTP"))
        assert site.ask("/readyz") in [(503, "it is starting\n"), (503, "it reads the journal\n")]
        assert site.ask("/healthz") == (200, "ok\n")
        assert "longhaul_ready 0" in site.ask("/metrics")[1]
        site.collector.kill()


def check_names(text):
    promtool = os.environ["LH_PROMTOOL"]
    assert os.access(promtool, os.X_OK), f"{promtool} is not there: run tools/setup readers"
    done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout + done.stderr) == (0, ""), "promtool has something to say"


def alerts(manual):
    """The manual's alerts: (expression, for how long)."""
    block = re.search(r"^Alerts that are worth.*?```\n(.*?)```", manual, re.M | re.S)[1]
    return [re.fullmatch(r"(.*?)(?:\s+for (\w+))?", line).groups() for line in block.splitlines()]


def test_the_manuals_alerts_can_be_rules(site, tmp_path):
    manual = (top_folder() / "docs" / "operating.md").read_text()
    rules = [{"alert": f"Longhaul{at}", "expr": what, **({"for": wait} if wait else {})} for at, (what, wait) in enumerate(alerts(manual))]
    assert len(rules) > 12
    file = tmp_path / "rules.yml"
    file.write_text(json.dumps({"groups": [{"name": "longhaul", "rules": rules}]}))  # JSON is YAML
    done = subprocess.run([os.environ["LH_PROMTOOL"], "check", "rules", str(file)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and f"SUCCESS: {len(rules)} rules found" in done.stdout, done.stdout + done.stderr
    names = set(re.findall(r"longhaul_\w+", " ".join(rule["expr"] for rule in rules)))
    told = wait_until(lambda: "longhaul_devices_surveyed" in (text := site.ask("/metrics")[1]) and text, "the first survey")
    assert {name for name in names if f"\n{name}" not in told} <= {"longhaul_writer_last_commit_timestamp_seconds"}


def test_metrics_agree_with_the_audit(site, recording):
    check_names(site.ask("/metrics")[1])
    before = site.metrics()
    site.add_devices(sorted(recording.devices), recording)
    agent = site.start_agent()
    assert agent.wait(60)[0] == 0, f"see {agent.log}"
    wait_until(lambda: site.metrics()["longhaul_writer_lag_bytes"] == 0, "everything to be in tables")
    after, (code, audit) = site.metrics(), site.audit()
    rose = {name: after[name] - before.get(name, 0) for name in after}
    totals = audit["totals"]
    assert code == 0 and totals["blocks"] > 0
    assert rose["longhaul_writer_rows_total"] >= totals["rows"] == recording.samples  # and those of system tables
    assert rose["longhaul_blocks_received_total"] == totals["blocks"] + totals["resent"]
    assert rose["longhaul_blocks_acknowledged_total"] == rose["longhaul_blocks_received_total"]
    assert rose["longhaul_block_bytes_acknowledged_total"] == rose["longhaul_block_bytes_received_total"] > 0
    assert rose["longhaul_received_bytes_total"] > rose["longhaul_block_bytes_received_total"]
    assert after["longhaul_writer_blocks"] == totals["blocks"]
    assert after["longhaul_writer_duplicate_blocks"] == totals["resent"]
    assert after["longhaul_writer_quarantined_entries"] == totals["quarantined"] == 0
    assert rose["longhaul_sessions_opened_total"] == len(recording.devices)
    assert rose["longhaul_journal_groups_total"] == rose["longhaul_journal_sync_seconds_count"] > 0
    assert after["longhaul_journal_durable_bytes"] == rose["longhaul_journal_written_bytes_total"] > 0
    assert after["longhaul_oldest_unacknowledged_seconds"] == after["longhaul_writer_lag_seconds"] == 0
    assert time.time() - after["longhaul_writer_last_commit_timestamp_seconds"] < 60 * PATIENCE
    assert after["longhaul_certificate_expiry_timestamp_seconds"] > time.time() + 300 * 86400
    check_names(site.ask("/metrics")[1])


def test_the_manual_names_every_metric_reason_and_key(site):
    manual = (top_folder() / "docs" / "operating.md").read_text()
    text = site.ask("/metrics")[1]
    names = re.findall(r"^# TYPE (\S+) ", text, re.M) + re.findall(r'reason="(\w+)"', text)
    section, keys = None, []
    for line in demand(COLLECTOR, "config", "example").splitlines():
        if line.startswith("["):
            section = line.strip("[] ")
        elif key := re.match(r"(?:# )?(\w+) = ", line):
            keys.append(f"{section}.{key[1]}")
    assert len(names) > 40 and len(keys) > 20
    assert [name for name in names + keys if f"`{name}`" not in manual] == []


def test_no_metric_names_a_device(site, recording):
    text = site.ask("/metrics")[1]
    assert not [name for name in recording.devices if name in text] and TENANT not in text


def test_refusals_are_counted_by_their_reason(site, recording):
    name = sorted(recording.devices)[0]
    before = site.metrics()
    site.registry("UPDATE devices SET state = 'revoked' WHERE name = ?", name)
    with wire.Link(site.port, site.devices / name) as link:
        assert "is revoked" in link.send(wire.hello(1)).bye()[1]
    site.registry("UPDATE devices SET state = 'allowed' WHERE name = ?", name)
    with wire.Link(site.port, site.devices / name) as link:
        link.send(b"\xff" * 8).bye()
    with socket.create_connection(("127.0.0.1", site.port), timeout=20 * PATIENCE) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\n\r\n")
        wait_until(lambda: site.metrics()["longhaul_handshake_failures_total"] > before["longhaul_handshake_failures_total"],
                   "the failed handshake", 20)
    after = site.metrics()
    rose = {key: after[key] - before[key] for key in before if key.startswith("longhaul_refusals") and after[key] > before[key]}
    assert rose == {f'longhaul_refusals_total{{reason="{reason}"}}': 1 for reason in ("revoked", "protocol", "handshake")}


# --- the service manager and its unit file -----------------------------------------------------------------
def test_notifications(tmp_path):
    with Operated(tmp_path / "site") as site:
        site.start()
        assert site.manager.wait_for("READY=1")
        assert "STOPPING=1" not in site.manager.heard[:site.manager.heard.index("READY=1")]
        assert site.manager.wait_for("WATCHDOG=1")
        assert re.match(r"STATUS=\d+ devices, oldest unacked \d+ s", site.manager.wait_for("STATUS=0 devices"))
        site.collector.process.send_signal(signal.SIGHUP)
        assert site.manager.wait_for("RELOADING=1") and site.manager.wait_for("MONOTONIC_USEC=")
        reloading = site.manager.heard.index("RELOADING=1")
        wait_until(lambda: "READY=1" in site.manager.listen()[reloading:], "READY=1 after the reload", 20)
        assert site.stop_collector() == 0
        site.manager.wait_for("STOPPING=1")


def test_the_unit_file_starts_what_there_is():
    """Without systemd: the command line is one that the program takes, and the socket is the one it talks to."""
    unit = (top_folder() / "docs" / "longhaul-collector.service").read_text()
    start = re.search(r"^ExecStart=(.*)$", unit, re.M)[1].split()
    assert Path(start[0]).name == "longhaul-collector" and start[1] == "run"
    usage = demand(COLLECTOR, start[1], "--help")
    assert all(option in usage for option in start[2:] if option.startswith("--"))
    assert "Type=notify" in unit and "ExecReload=/bin/kill -HUP $MAINPID" in unit and "WatchdogSec=" in unit


# --- reload ------------------------------------------------------------------------------------------------
def test_reload_takes_over_and_says_what(site):
    text = site.config.read_text()
    site.config.write_text(text.replace("commit_interval_s = 1", "commit_interval_s = 2").replace(
        'environment = "demo"', 'environment = "other"') + '\n[log]\nlevel = "debug"\n\n[session]\ncredit_bytes = 65536\n')
    said = site.reload("key=log.level")
    assert said.count("configuration changed key=") == 5 and "configuration read again changes=5" in said
    assert f'key=collector.listen from=127.0.0.1:0 to=127.0.0.1:{site.port} effect="needs a restart"' in said
    assert 'key=collector.environment from=demo to=other effect="needs a restart"' in said
    assert 'key=lake.commit_interval_s from=1 to=2 effect="at once"' in said
    assert 'key=session.credit_bytes from=262144 to=65536 effect="for new connections"' in said
    assert 'key=log.level from=info to=debug effect="at once"' in said
    name = sorted(site.recording.devices)[0]

    def credit():  # the old environment, and soon the new credit: the log tells of it before it is there
        with wire.Link(site.port, site.devices / name) as link:
            return link.send(wire.hello(1)).expect(wire.WELCOME)[4]
    wait_until(lambda: credit() == 65536, "the new credit", 20)
    wait_until(lambda: "debug session begins" in site.collector.messages(), "a line of level debug", 20)
    site.config.write_text(text)
    site.reload('key=session.credit_bytes from=65536 to=262144 effect="for new connections"')


def test_a_wrong_configuration_changes_nothing(site):
    text = site.config.read_text()
    site.config.write_text(text.replace("commit_interval_s = 1", "comit_interval_s = 9\ncommit_interval_s = 5"))
    said = site.reload("reload refused, everything stays as it was")
    assert "line " in said and r'unknown key \"comit_interval_s\", did you mean \"commit_interval_s\"?' in said
    site.config.write_text(text)
    said = site.reload("key=collector.listen")
    assert said.count("key=collector.listen") == 1 and "configuration read again changes=1" in said
    assert site.ask("/readyz")[0] == 200


def test_renewed_certificates_and_new_keys(site, recording, tmp_path):
    """Another authority's folder has everything that is new; the devices know the old one only."""
    other = Operated(tmp_path / "other")
    collector = site.authority / "collector"
    kept = {name: (collector / name).read_bytes() for name in ("server.crt", "server.key")}
    sealing = next((other.authority / "collector" / "sealing").glob("*.key"))
    shutil.copy(other.authority / "collector" / "server.key", collector / "server.key")
    said = site.reload("reload refused")
    assert "server.key: does not belong to server.crt" in said
    shutil.copy(other.authority / "collector" / "server.crt", collector / "server.crt")
    shutil.copy(sealing, collector / "sealing" / sealing.name)
    said = site.reload("sealing key added")
    assert "certificate renewed valid_until=" in said and f"key={sealing.stem}" in said
    with pytest.raises(Exception, match="CERTIFICATE_VERIFY_FAILED|certificate verify failed"):
        wire.Link(site.port, site.devices / sorted(recording.devices)[0])
    for name, content in kept.items():
        (collector / name).write_bytes(content)
    site.reload("certificate renewed")
    with wire.Link(site.port, site.devices / sorted(recording.devices)[0]) as link:
        link.send(wire.hello(1)).expect(wire.WELCOME)
    (collector / "sealing" / sealing.name).unlink()
    assert sealing.stem in site.reload("sealing key is gone")


def test_the_log_as_json(tmp_path):
    with Operated(tmp_path / "site") as site:
        site.start("--log-format", "json")
        with socket.create_connection(("127.0.0.1", site.port), timeout=20 * PATIENCE) as plain:
            plain.sendall(b"not TLS at all\r\n\r\n")
            wait_until(lambda: "refused" in site.collector.messages(), "the refusal", 20)
        assert site.stop_collector() == 0
        lines = [json.loads(line) for line in site.collector.messages().splitlines()]
        refused = next(line for line in lines if line["what"] == "refused")
        assert refused["level"] == "warning" and refused["reason"] == "handshake" and refused["peer"].startswith("127.0.0.1:")


# --- why ---------------------------------------------------------------------------------------------------
def ask_why(site, device):
    """Exit code and answer; the sentence for people is the same one."""
    code, output, messages = call(programs_folder() / "longhaul", "why", device, "--config", site.config, "--json")
    assert not messages, messages
    answer = json.loads(output)
    plain = call(programs_folder() / "longhaul", "why", device, "--config", site.config)
    assert plain[0] == code and len(plain[1].splitlines()) == 1
    return code, answer


def why(site, device, state, says=""):
    """Asks until the answer is this one: the registry hears of a refusal within a second."""
    def asked():
        code, answer = ask_why(site, device)
        return answer["state"] == state and says in answer["sentence"] and code == 0 and answer
    return wait_until(asked, f"{device} to be {state}: {ask_why(site, device)[1]}", 20)


def test_why(tmp_path, recording):
    """One device after the other gets into every state; the collector ends in between."""
    one, two = sorted(recording.devices)
    with Operated(tmp_path / "site") as site:
        site.config.write_text(site.config.read_text().replace("commit_interval_s = 1", "commit_interval_s = 3600"))
        site.start()
        site.add_devices([one, two], recording, block_bytes=1024)
        assert "nothing has ever come from it" in why(site, one, "never_heard")["sentence"]
        code, answer = ask_why(site, one[:-1] + "x")
        assert code == BAD_DATA and answer["state"] == "unknown" and answer["meant"] == one
        assert ask_why(site, "nobody/" + one)[0] == BAD_DATA

        assert site.start_agent().wait(60)[0] == 0
        answer = why(site, one, "in_flight")
        assert answer["in_flight"] == answer["blocks"] > 0 == answer["rows"]
        assert "the collector runs and commits every 3600 s; nothing is lost" in answer["sentence"]
        site.kill_collector()
        assert "the collector does not run, they become rows when it does" in why(site, one, "in_flight")["sentence"]

        site.start()
        assert site.stop_collector() == 0  # the last barrier
        answer = why(site, f"{TENANT}/{one}", "up_to_date")
        assert answer["rows"] == len(recording.devices[one]) and answer["heard_age_s"] < 600 and answer["losses"] == {}
        site.start()
        break_protocol(site, one)
        assert why(site, one, "refused")["refusal"]["reason"] == "protocol"
        site.registry("UPDATE devices SET state = 'revoked' WHERE name = ?", one)
        break_protocol(site, one)
        why(site, one, "revoked", "is revoked and was refused")
        site.registry("DELETE FROM devices WHERE name = ?", two)
        break_protocol(site, two)
        why(site, two, "unregistered", "is not registered and was refused")

        site.registry("INSERT OR REPLACE INTO devices VALUES (?, ?, 'allowed')", TENANT, two)
        send_altered(site, two, number_step=1)
        assert site.stop_collector() == 0
        answer = why(site, two, "quarantined")
        assert answer["quarantine"] == {"the block does not open": 1}
        assert "with their bytes" in answer["sentence"]
        site.start()
        send_altered(site, two, number_step=0)
        assert site.stop_collector() == 0
        assert "two different blocks have the name" in why(site, two, "damaged")["sentence"]


def break_protocol(site, device):
    with wire.Link(site.port, site.devices / device) as link:
        link.send(b"\xff" * 8).bye()


def send_altered(site, device, number_step):
    """The content of the last block, changed, under the name of the block so many behind it."""
    sealed = wire.Sealed.of(site.devices / device / "spool.db")
    last = sealed.blocks[-1]
    seq = int.from_bytes(last[12:16], "little") + number_step
    block = last[:12] + seq.to_bytes(4, "little") + last[16:-1] + bytes([last[-1] ^ 1])
    with wire.Link(site.port, site.devices / device) as link:
        link.send(sealed.introduction() + wire.frame(wire.BLOCK, block))
        link.expect(wire.WELCOME)
        link.expect(wire.ACK)
