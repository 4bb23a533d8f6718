"""The audit trails of a real site: every fact has its line, and a trail that was tampered with is told."""

import json
import signal

import pytest

from longhaul_e2e import wire
from longhaul_e2e.forged import forge
from longhaul_e2e.processes import call, wait_until
from longhaul_e2e.site import TENANT, Site, programs_folder

BAD_DATA = 65


def lines(site, trail):
    folder = site.authority / "collector" / "trail" / trail
    return [json.loads(line) for file in sorted(folder.glob("*.jsonl")) for line in file.read_text().splitlines()]


def verify(site, *options):
    code, output, messages = call(programs_folder() / "longhaul", "audit-trail", "verify", "--config", site.config, "--json",
                                  *options)
    return code, json.loads(output) if output else messages


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trail")
    recording = forge(folder / "forged", 3, devices=2)
    with Site(folder / "site", tenants=(TENANT, "rival")) as made:
        made.names = sorted(recording.devices)
        made.start_collector()
        made.add_devices(made.names)
        yield made


def wait_for(site, trail, what, sentence=""):
    def found():
        return next((line for line in lines(site, trail) if line["what"] == what and sentence in line["why"]), None)
    return wait_until(found, f"{what} {sentence} in the trail {trail}", 20)


def test_making_and_enrolling(site):
    assert [line["what"] for line in lines(site, "rival")] == ["tenant_added"]
    assert [(line["what"], line["about"]) for line in lines(site, TENANT)] == [
        ("tenant_added", TENANT), *[("enrolled", name) for name in site.names]]
    assert all(line["who"].startswith("person ") for line in lines(site, TENANT))
    used = {line["about"] for line in lines(site, "_site") if line["what"] == "key_used"}
    assert used == {path.stem for path in (site.authority / "collector" / "sealing").glob("*.key")}


def test_refusals(site):
    name = site.names[0]
    site.registry("UPDATE devices SET state = 'revoked' WHERE name = ?", name)
    for _ in range(30):  # more than a burst
        with wire.Link(site.port, site.devices / name) as link:
            assert "is revoked" in link.send(wire.hello(1)).bye()[1]
    site.registry("UPDATE devices SET state = 'allowed' WHERE name = ?", name)
    line = wait_for(site, TENANT, "refused", "revoked: ")
    assert line["about"].startswith(f"{TENANT}/{name} from 127.0.0.1:") and line["who"] == "collector"
    wait_until(lambda: [each["what"] for each in lines(site, TENANT)].count("refused") == 20, "a burst of lines", 20)


def test_a_stranger_is_the_sites_affair(site, tmp_path):
    stranger = Site(tmp_path / "stranger")
    stranger.add_devices([site.names[0]], collector=site.port)
    with pytest.raises(Exception, match="(?i)alert|closed|reset|EOF|unknown_ca|bad record mac"):
        with wire.Link(site.port, stranger.devices / site.names[0], root=site.authority / "root.crt") as link:
            assert link.send(wire.hello(1)).next_frame() is not None
            raise ConnectionError("closed")
    assert wait_for(site, "_site", "refused", "handshake: ")["about"].startswith("from 127.0.0.1:")


def test_reload(site):
    site.set_config("[lake]", "rows_max = 4711")
    site.collector.process.send_signal(signal.SIGHUP)
    line = wait_for(site, "_site", "configuration_changed", "from 1000000 to 4711, at once")
    assert line["about"] == "lake.rows_max"


def test_what_was_left_out_is_counted_at_the_end(site):
    assert site.stop_collector() == 0
    assert wait_for(site, TENANT, "left_out")["why"] == "10 times without a line: revoked"


def test_the_whole_trail_and_a_head(site):
    code, report = verify(site)
    assert code == 0 and report["whole"], report
    assert {trail["trail"]: trail["lines"] for trail in report["trails"]} == {
        name: len(lines(site, name)) for name in ("_site", TENANT, "rival")}
    head = next(trail["head"] for trail in report["trails"] if trail["trail"] == TENANT)
    assert verify(site, "--head", head)[0] == 0
    code, report = verify(site, "--head", "0" * 64)
    assert code == BAD_DATA and report["missing_heads"] == ["0" * 64]

    file = site.authority / "collector" / "trail" / TENANT / "000001.jsonl"
    kept = file.read_bytes()
    file.write_bytes(kept.replace(b'"what":"refused"', b'"what":"allowed"', 1))
    code, report = verify(site)
    assert code == BAD_DATA and "the line was changed" in str(report["trails"])
    file.write_bytes(b"".join(kept.splitlines(keepends=True)[:-1]))
    assert verify(site)[0] == 0  # nobody can see that ...
    assert verify(site, "--head", head)[0] == BAD_DATA  # ... without the head
    file.write_bytes(kept)


def test_a_power_cut_in_the_middle_of_an_append(site):
    """Told as unfinished, set aside at the next start, told as cut, and no fault for ever."""
    file = site.authority / "collector" / "trail" / "rival" / "000001.jsonl"
    kept = file.read_bytes()
    torn = kept[:40] + bytes(100) + b'"}\n' + kept[:200]  # a hole, and more behind it
    file.write_bytes(kept + torn)
    assert verify(site)[0] == BAD_DATA
    site.start_collector()
    code, report = verify(site)
    rival = next(trail for trail in report["trails"] if trail["trail"] == "rival")
    assert code == 0 and len(rival["cuts"]) == 1 and not rival["problems"] and not rival["unfinished"], report
    assert lines(site, "rival")[-1]["why"].startswith(f"{len(torn)} bytes of what was not finished")
    assert (file.parent / "torn-1").read_bytes() == torn
    assert site.stop_collector() == 0
    file.write_bytes(file.read_bytes().replace(b"tenant_added", b"tenant_adder"))
    assert verify(site)[0] == BAD_DATA
