"""The journal is lost, or comes back as an older copy: a new one adopts the lake, and devices send again what they have."""

import json
import re
import shutil

import pytest

from longhaul_e2e.compare import differences
from longhaul_e2e.forged import forge
from longhaul_e2e.full import DEVICE, FullSpool
from longhaul_e2e.processes import call, demand, wait_until
from longhaul_e2e.readers import by_deltalake, connect, read
from longhaul_e2e.site import TENANT, Site

RIVAL = "rival"  # another tenant
DONE, BAD_DATA, RETRY = 0, 65, 75
SEGMENT_HEADER = 32  # bytes before the entry at offset 0


def adopt(site, *options):
    code, output, messages = call(site.bin / "longhaul", "adopt", "--config", site.config, "--json", *options)
    return code, json.loads(output) if output else None, messages


def set_commit_interval(site, seconds):
    site.config.write_text(re.sub(r"commit_interval_s = \d+", f"commit_interval_s = {seconds}", site.config.read_text()))


def run_agents(site, *folders):
    """Each run is a boot: the recordings are played once more, and what waits goes with it."""
    for agent in [site.start_agent(folder) for folder in folders or [site.devices]]:
        assert agent.wait()[0] == DONE


def check_refused(site):
    """The collector finds out by itself, and names the way on."""
    site.spawn_collector()
    assert site.collector.wait()[0] == BAD_DATA
    assert "longhaul adopt" in site.collector.messages()


def compact_by_others(lake):
    """As another engine may: with its own types and names, in place of our files."""
    from deltalake import DeltaTable
    compacted = 0
    for log in sorted(lake.glob("*/*/_delta_log")):
        compacted += DeltaTable(str(log.parent)).optimize.compact()["numFilesRemoved"]
    assert compacted > 1


def blocks_of_last_file(table):
    """Batch files bear the shard and the offsets from and to which they have its entries."""
    files = [file for file in table.rglob("*.parquet") if re.fullmatch(r"[0-9]+-[0-9]+-[0-9]+-[0-9a-f]+.parquet", file.name)]
    last = max(files, key=lambda file: int(file.name.split("-")[2]))
    return {seq for seq, in connect().execute(f"SELECT DISTINCT seq FROM read_parquet('{last}')").fetchall()}


def check_rows(site, recording, boots, tenant=TENANT):
    """Whatever the ledgers of the devices have is in the table once, as a reader of others sees it."""
    code, report = site.audit()
    assert code == DONE and report["ok"] and report["totals"]["duplicates"] == 0, report
    rows = read(by_deltalake, site.lake / tenant / recording.table, dict(zip(recording.fields, recording.kinds)))
    assert differences(recording, rows, recording.devices.keys()) == []
    assert len(rows) == boots * recording.samples


def check_listed(site, of_last_file):
    """What FullSpool's device has put is in the table, once, or listed as lost; how many rows there are. Of the last barrier
    before the loss, whose blocks the device has no more, nobody can tell whether it was whole."""
    table, losses = site.lake / TENANT / "reading", site.lake / TENANT / "_losses"
    there = {seq for seq, in connect().execute(f"SELECT DISTINCT seq FROM delta_scan('{table}')").fetchall()}
    listed = set()
    for first, last, reason in connect().execute(f"SELECT first_seq, last_seq, reason FROM delta_scan('{losses}')").fetchall():
        assert reason in ("journal_lost", "full")
        listed |= set(range(first, last + 1))
    assert listed - there and listed & there <= of_last_file
    assert listed | there == set(range(min(there), max(there) + 1))
    rows, distinct = connect().execute(f"SELECT count(*), count(DISTINCT n) FROM delta_scan('{table}')").fetchone()
    assert rows == distinct
    return rows


@pytest.fixture()
def site(tmp_path):
    with Site(tmp_path / "site") as made:
        made.recording = forge(tmp_path / "forged", 21, devices=2)
        made.start_collector()
        made.add_devices(sorted(made.recording.devices), made.recording, block_bytes=512)
        run_agents(made)
        assert made.stop_collector() == DONE
        yield made


def test_a_journal_that_is_lost_altogether(site):
    set_commit_interval(site, 3600)  # acknowledged, and in no table
    site.start_collector()
    run_agents(site)
    code, _, messages = adopt(site)
    assert code == RETRY and "another collector is using it" in messages
    site.kill_collector()
    shutil.rmtree(site.journal)
    check_refused(site)

    code, report, messages = adopt(site)
    assert (code, messages) == (DONE, "")
    assert report["devices"] == 2 and report["entries_kept"] == 0
    assert report["rows"] == site.recording.samples
    set_commit_interval(site, 1)
    site.start_collector()
    run_agents(site)
    assert site.stop_collector() == DONE
    check_rows(site, site.recording, boots=3)
    assert not (site.lake / TENANT / "_losses").exists()

    code, _, _ = adopt(site, "--close")
    assert code == DONE
    site.start_collector()
    assert site.stop_collector() == DONE
    check_rows(site, site.recording, boots=3)
    assert not (site.lake / TENANT / "_losses").exists(), "nothing was lost"


def test_a_journal_that_comes_back_as_an_older_copy(site, tmp_path):
    shutil.copytree(site.journal, tmp_path / "copy")
    site.start_collector()
    run_agents(site)
    assert site.stop_collector() == DONE
    shutil.rmtree(site.journal)
    shutil.copytree(tmp_path / "copy", site.journal)
    check_refused(site)
    compact_by_others(site.lake)

    code, report, messages = adopt(site)
    assert (code, messages) == (DONE, "")
    assert report["entries_kept"] > 0 and report["entries_damaged"] == 0
    assert (site.journal / report["kept_in"] / "journal.meta").exists()
    site.start_collector()
    run_agents(site)
    assert site.stop_collector() == DONE
    check_rows(site, site.recording, boots=3)


def test_two_collectors_on_copies_of_one_journal(site, tmp_path):
    """The second one's journal has more than the first has committed: that does not make these commits its own."""
    shutil.copytree(site.journal, tmp_path / "copy")
    set_commit_interval(site, 3600)
    site.start_collector()
    run_agents(site)
    run_agents(site)
    site.kill_collector()
    site.journal.rename(tmp_path / "second")
    (tmp_path / "copy").rename(site.journal)
    set_commit_interval(site, 1)
    site.start_collector()
    run_agents(site)
    assert site.stop_collector() == DONE
    site.journal.rename(tmp_path / "first")
    (tmp_path / "second").rename(site.journal)
    check_refused(site)
    assert "rows of another copy of this journal" in site.collector.messages()

    code, report, messages = adopt(site)
    assert (code, messages) == (DONE, "")
    assert report["entries_kept"] > 0
    site.start_collector()
    run_agents(site)
    assert site.stop_collector() == DONE
    check_rows(site, site.recording, boots=5)


def test_a_journal_that_has_rotted(site):
    set_commit_interval(site, 3600)  # acknowledged, and in no table
    site.start_collector()
    run_agents(site)
    site.kill_collector()
    entries = [json.loads(line) for line in demand(site.bin / "longhaul", "inspect", "journal", site.journal, "--json").splitlines()]
    blocks = [entry["offset"] for entry in entries if entry.get("kind") == "block"]
    segment, = site.journal.glob("shard-*/*.seg")
    for offset in (blocks[3], blocks[-3]):  # one that is in a table, and one that is not
        data = bytearray(segment.read_bytes())
        data[SEGMENT_HEADER + offset + 60] ^= 1
        segment.write_bytes(data)

    set_commit_interval(site, 1)
    site.start_collector()
    assert site.stop_collector() == DONE
    for offset in (blocks[3], blocks[-3]):
        assert f"cannot be read at offset {offset} of shard 0" in site.collector.messages()
    code, report, messages = adopt(site)
    assert (code, messages) == (DONE, "")
    assert report["entries_damaged"] == 2
    site.start_collector()
    run_agents(site)
    assert site.stop_collector() == DONE
    check_rows(site, site.recording, boots=3)


@pytest.mark.parametrize("shards", [1, 3])
def test_two_tenants_with_devices_of_the_same_names(tmp_path, shards):
    with Site(tmp_path / "site", tenants=(TENANT, RIVAL)) as site:
        site.set_config("[journal]", f"shards = {shards}")
        recordings = {TENANT: forge(tmp_path / "ours", 31, devices=2), RIVAL: forge(tmp_path / "theirs", 32, devices=2)}
        folders = [site.folder / tenant for tenant in recordings]
        assert len({tuple(sorted(recording.devices)) for recording in recordings.values()}) == 1
        site.start_collector()
        for (tenant, recording), folder in zip(recordings.items(), folders):
            site.add_devices(sorted(recording.devices), recording, tenant=tenant, folder=folder, block_bytes=512)
        run_agents(site, *folders)
        assert site.stop_collector() == DONE
        set_commit_interval(site, 3600)
        site.start_collector()
        run_agents(site, *folders)
        site.kill_collector()
        shutil.rmtree(site.journal)

        code, report, messages = adopt(site)
        assert (code, messages) == (DONE, "")
        assert (report["devices"], report["rows"]) == (4, sum(each.samples for each in recordings.values()))
        set_commit_interval(site, 1)
        site.start_collector()
        run_agents(site, *folders)
        assert site.stop_collector() == DONE
        assert adopt(site, "--close")[0] == DONE
        site.start_collector()
        assert site.stop_collector() == DONE
        for tenant, recording in recordings.items():
            check_rows(site, recording, boots=3, tenant=tenant)
            assert not (site.lake / tenant / "_losses").exists() and not (site.lake / tenant / "_quarantine").exists()


def test_a_journal_that_has_adopted_nothing_is_not_closed(site):
    before = site.journal_bytes()
    trail = {path: path.read_bytes() for path in (site.authority / "collector" / "trail").rglob("*.jsonl")}
    code, report, messages = adopt(site, "--close")
    assert (code, report) == (BAD_DATA, None)
    assert "this journal has adopted no lake, so there is nothing to close" in messages and str(site.journal.name) in messages
    assert site.journal_bytes() == before
    assert trail == {path: path.read_bytes() for path in (site.authority / "collector" / "trail").rglob("*.jsonl")}
    site.start_collector()
    run_agents(site)
    assert site.stop_collector() == DONE
    check_rows(site, site.recording, boots=2)


def test_what_cannot_be_had_again_is_listed(tmp_path):
    with Site(tmp_path / "site") as site:
        spool = FullSpool(site, "bytes_max = 65536")
        site.start_collector()
        spool.start()
        spool.put("reading", 200)
        wait_until(spool.drained, "everything to be acknowledged")
        assert site.stop_collector() == DONE
        set_commit_interval(site, 3600)
        site.start_collector()
        spool.put("reading", 4000)  # acknowledged, in no table, and more than the device can keep
        wait_until(spool.drained, "everything to be acknowledged")
        site.kill_collector()
        shutil.rmtree(site.journal)
        of_last_file = blocks_of_last_file(site.lake / TENANT / "reading")
        assert adopt(site)[0] == DONE

        set_commit_interval(site, 1)
        site.start_collector()
        spool.put("reading", 5)  # so that it is known when the device was back
        wait_until(spool.drained, "everything to be acknowledged")
        assert spool.agent.stop() == DONE
        assert site.stop_collector() == DONE
        assert adopt(site, "--close")[0] == DONE
        site.start_collector()
        assert site.stop_collector() == DONE
        code, report = site.audit()
        assert code == DONE and report["ok"] and report["totals"]["lost"] > 0, report
        rows = check_listed(site, of_last_file)
        assert 205 <= rows < 4205


def test_the_drill_a_machine_is_lost_and_another_takes_its_place(tmp_path):
    """Disk, registry, keys and journal are gone; there are a backup, the lake, and devices that know nothing of it."""
    with Site(tmp_path / "site") as site:
        spool = FullSpool(site, "bytes_max = 65536")
        recording = forge(tmp_path / "forged", 23, devices=2)
        buses = site.folder / "buses"
        site.start_collector()
        site.add_devices(sorted(recording.devices), recording, folder=buses, block_bytes=512)
        spool.start()
        spool.put("reading", 200)
        wait_until(spool.drained, "everything to be acknowledged")
        run_agents(site, buses)
        backup = tmp_path / "safe"
        demand(site.bin / "longhaul", "backup", backup, "--config", site.config)  # while it runs
        assert site.stop_collector() == DONE

        set_commit_interval(site, 3600)
        site.start_collector()
        run_agents(site, buses)  # acknowledged, in no table; these devices keep it
        spool.put("reading", 4000)  # this one cannot
        wait_until(spool.drained, "everything to be acknowledged")
        site.kill_collector()
        of_last_file = blocks_of_last_file(site.lake / TENANT / "reading")
        site.lake.rename(tmp_path / "lake")
        shutil.rmtree(site.authority / "collector")

        place = tmp_path / "new"
        site.config, site.journal, site.lake = place / "collector.toml", place / "journal", place / "lake"
        demand(site.bin / "longhaul", "restore", backup, "--config", site.config)
        (tmp_path / "lake").rename(site.lake)
        check_refused(site)
        code, report, messages = adopt(site)
        assert (code, messages) == (DONE, "") and report["devices"] == 3 and report["entries_kept"] == 0
        site.start_collector()
        run_agents(site, buses)
        spool.put("reading", 5)  # its agent has lived through it all
        wait_until(spool.drained, "everything to be acknowledged")
        assert spool.agent.stop() == DONE
        assert site.stop_collector() == DONE
        code, report = site.audit(drained=False)
        assert code == DONE and report["totals"]["awaited"] > 0, "what has not come is awaited until a person closes the account"

        assert adopt(site, "--close")[0] == DONE
        site.start_collector()
        assert site.stop_collector() == DONE
        check_rows(site, recording, boots=3)  # all of it, once, and the audit is clean
        lost_of = connect().execute(f"SELECT DISTINCT device FROM delta_scan('{site.lake / TENANT / '_losses'}')").fetchall()
        assert lost_of == [(DEVICE,)]
        rows = check_listed(site, of_last_file)
        assert 205 <= rows < 4205
        trails = demand(site.bin / "longhaul", "audit-trail", "verify", "--config", site.config)
        assert "acme: " in trails and "NOT whole" not in trails
