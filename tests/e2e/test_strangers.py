"""Rows that another engine has added to a table of ours, without a device: they are told, and stand in nobody's way."""

import shutil
from datetime import datetime, timezone

import pytest
from test_adopt import adopt, check_rows, run_agents

from longhaul_e2e.forged import forge
from longhaul_e2e.processes import call
from longhaul_e2e.site import TENANT, Site

DONE, CHECK_FAILED = 0, 1
LONG_AGO = "2020-01-01"


@pytest.fixture()
def site(tmp_path):
    with Site(tmp_path / "site") as made:
        made.recording = forge(tmp_path / "forged", 23, devices=1)
        made.table = made.lake / TENANT / made.recording.table
        made.start_collector()
        made.add_devices(sorted(made.recording.devices), made.recording, block_bytes=512)
        run_agents(made)
        assert made.stop_collector() == DONE
        yield made


def append(table, date, rows, **values):
    """As an engine that knows the table's columns and nothing of devices: all else is null."""
    import pyarrow
    from deltalake import write_deltalake
    when = datetime.fromisoformat(date).replace(tzinfo=timezone.utc)
    known = {"receive_date": date, "event_time": when, **values}
    columns = {name: pyarrow.array([value] * rows) for name, value in known.items()}
    before = set(table.rglob("*.parquet"))
    write_deltalake(str(table), pyarrow.table(columns), mode="append", schema_mode="merge")
    added, = set(table.rglob("*.parquet")) - before
    return added.relative_to(table)


def check_told(site, *sentences):
    """In a line for each, and of the devices nothing is said that is not so."""
    code, report = site.audit()
    assert code == CHECK_FAILED and not report["ok"]
    assert report["problems"] == [f"{TENANT}/{site.recording.table}: {sentence}" for sentence in sentences]
    totals = report["totals"]
    assert totals["rows"] == totals["samples"] == site.recording.samples
    assert (totals["holes"], totals["wrong"], totals["duplicates"]) == (0, 0, 0)


def clean(site):
    return call(site.bin / "longhaul", "lake", "clean", "--config", site.config, "--json")


def test_rows_without_a_device(site):
    today = datetime.now(timezone.utc).date().isoformat()
    added = append(site.table, today, 3)
    what = "rows whose device is null are of no device, another program has added them: in"
    check_told(site, f"3 {what} {added}")
    first = min(str(added), str(append(site.table, LONG_AGO, 2)))
    check_told(site, f"5 {what} {first} and 1 more files")
    named = append(site.table, today, 1, device=sorted(site.recording.devices)[0], incarnation=1, epoch=1)
    whose_seq = f"1 rows whose seq is null are of no device, another program has added them: in {named}"
    check_told(site, f"5 {what} {first} and 1 more files", whose_seq)

    # What is as old as they say goes, though it is in no account.
    code, _, messages = clean(site)
    assert code == DONE, messages
    check_told(site, f"3 {what} {added}", whose_seq)

    # A journal that is lost over them is replaced, and nothing of the device stands twice.
    shutil.rmtree(site.journal)
    code, report, messages = adopt(site)
    assert (code, messages) == (DONE, "")
    assert report["devices"] == 1
    site.start_collector()
    run_agents(site)
    assert site.stop_collector() == DONE
    code, report = site.audit()
    assert code == CHECK_FAILED and report["totals"]["duplicates"] == 0 and len(report["problems"]) == 2, report


def test_nothing_is_said_of_a_table_of_ours_alone(site):
    check_rows(site, site.recording, boots=1)
    assert clean(site)[0] == DONE
    check_rows(site, site.recording, boots=1)
