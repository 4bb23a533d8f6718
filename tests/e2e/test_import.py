"""A device that never reached its collector: its spool comes as a file, and is judged like a session."""

import json

import pytest

from longhaul_e2e.forged import forge
from longhaul_e2e.processes import call, demand, wait_until
from longhaul_e2e.site import TENANT, Site
from longhaul_e2e.wire import BLOCK, export, frames_of

DONE, BAD_DATA, RETRY, DENIED = 0, 65, 75, 77


def fill_spool(site, recording):
    """A device of the site whose spool has the whole recording; nobody listened. Yields its folder."""
    name, = recording.devices
    site.start_collector()
    site.add_devices([name], recording, block_bytes=512)
    site.stop_collector()
    agent = site.start_agent()
    wait_until(lambda: f"{recording.samples} samples" in agent.messages(), "all samples to be in the spool")
    agent.stop()
    return site.devices / name


@pytest.fixture()
def site(tmp_path):
    recording = forge(tmp_path / "forged", 12, devices=1)
    with Site(tmp_path / "site") as made:
        made.recording = recording
        made.device = fill_spool(made, recording)
        made.session = made.device / "spool.session"
        export(made.device / "spool.db")
        made.blocks = [body for kind, body in frames_of(made.session.read_bytes()) if kind == BLOCK]
        yield made


def take(site, file=None):
    """Imports; the exit code, the report if there is one, and the messages."""
    code, output, messages = call(site.bin / "longhaul", "import", file or site.session, "--config", site.config, "--json")
    return code, json.loads(output) if output else None, messages


def rows_after_a_start(site):
    """Lets the collector write what its journal has; the audit's totals, which have to be right."""
    site.start_collector()
    assert site.stop_collector() == DONE
    code, report = site.audit()
    assert code == DONE and report["ok"], report
    assert report["totals"]["duplicates"] == 0
    return report["totals"]


def test_a_spool_is_imported_once(site):
    code, report, messages = take(site)
    assert (code, messages) == (DONE, "")
    assert report["ok"] and report["whole"] and report["faults"] == []
    assert (report["tenant"], report["device"]) == (TENANT, site.device.name)
    assert (report["blocks"], report["blocks_known"]) == (len(site.blocks), 0)
    before = site.journal_bytes()

    code, report, _ = take(site)  # once more changes nothing
    assert code == DONE and (report["blocks"], report["blocks_known"]) == (0, len(site.blocks))
    assert site.journal_bytes() == before
    totals = rows_after_a_start(site)
    assert totals["rows"] == site.recording.samples and totals["resent"] == 0
    trail = demand(site.bin / "longhaul", "audit-trail", "verify", "--config", site.config)
    assert "NOT whole" not in trail
    assert '"what":"imported"' in (site.authority / "collector/trail" / TENANT / "000001.jsonl").read_text()

    # The device gets a network after all: it sends the same, and plays its recording once more.
    site.start_collector()
    assert site.start_agent().wait()[0] == DONE
    code, report, messages = take(site)
    assert code == RETRY and report is None
    assert "stop it, import, and start it again" in messages
    assert site.stop_collector() == DONE
    code, report = site.audit()
    assert code == DONE and report["totals"]["duplicates"] == 0, report
    assert (report["totals"]["rows"], report["totals"]["resent"]) == (2 * site.recording.samples, len(site.blocks))


def test_who_may_not_connect_may_not_hand_in_either(site, tmp_path):
    before = site.journal_bytes()
    demand(site.bin / "longhaul", "device", "revoke", site.device.name, "--why", "stolen", "--config", site.config)
    code, _, messages = take(site)
    assert code == DENIED and "is revoked; nothing was taken" in messages

    with Site(tmp_path / "elsewhere") as other:  # the same names, another authority
        foreign = fill_spool(other, site.recording)
        export(foreign / "spool.db")
        code, _, messages = take(site, foreign / "spool.session")
        assert code == DENIED and "authority" in messages
    assert take(site, site.config)[0] == BAD_DATA  # no spool at all
    assert take(site, site.folder / "no such file")[0] == BAD_DATA
    assert site.journal_bytes() == before


def test_of_a_torn_file_the_whole_part_is_taken_and_the_rest_named(site):
    data = site.session.read_bytes()
    torn, cut = site.folder / "torn.session", data.index(site.blocks[-3]) + 100
    torn.write_bytes(data[:cut])
    code, report, _ = take(site, torn)
    assert code == BAD_DATA and not report["ok"] and not report["whole"]
    assert report["blocks"] == len(site.blocks) - 3
    fault, = report["faults"]
    assert data[fault["at"] + 4:].startswith(site.blocks[-3]) and "middle of a frame" in fault["text"]

    # Nothing that was damaged on its way takes the place of what comes whole later.
    flipped = bytearray(data)
    flipped[data.index(site.blocks[-1]) + 60] ^= 1
    torn.write_bytes(flipped)
    code, report, _ = take(site, torn)
    assert code == BAD_DATA and report["whole"]
    assert (report["blocks"], report["blocks_known"]) == (2, len(site.blocks) - 3)
    fault, = report["faults"]
    assert "it does not open" in fault["text"]

    code, report, _ = take(site)
    assert code == DONE and (report["blocks"], report["blocks_known"]) == (1, len(site.blocks) - 1)
    totals = rows_after_a_start(site)
    assert totals["rows"] == site.recording.samples and totals["quarantined"] == 0
