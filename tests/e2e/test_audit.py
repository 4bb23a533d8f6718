"""`longhaul audit` of a real site: it holds, and fails with 1 and a name when somebody takes a row out, writes one twice or
changes a value, in our files or in those that another program has made of them."""

import json
from datetime import datetime, timedelta, timezone

import pyarrow
import pytest
from deltalake import DeltaTable, write_deltalake

from longhaul_e2e.forged import forge
from longhaul_e2e.processes import call
from longhaul_e2e.site import TENANT, Site

DONE, CHECK_FAILED, BAD_DATA = 0, 1, 65


@pytest.fixture()
def site(tmp_path):
    recording = forge(tmp_path / "forged", 21, devices=2)
    with Site(tmp_path / "site") as made:
        made.start_collector()
        made.add_devices(sorted(recording.devices), recording)
        assert made.start_agent().wait()[0] == DONE
        assert made.stop_collector() == DONE
        made.recording = recording
        yield made


def audit(site, *options):
    """Exit code, report and messages."""
    code, output, messages = call(site.bin / "longhaul", "audit", "--config", site.config, "--json", *options)
    return code, json.loads(output) if output else None, messages


def table_of(site):
    """A data table with rows of the first device."""
    return next(path for path in sorted((site.lake / TENANT).iterdir()) if not path.name.startswith("_"))


def test_one_tenant_one_device_and_since(site):
    one, _ = sorted(site.recording.devices)
    code, whole, _ = audit(site)
    assert code == DONE and whole["devices"] == 2
    assert audit(site, "--tenant", TENANT)[1]["totals"] == whole["totals"]
    code, report, _ = audit(site, "--device", one)
    assert code == DONE and report["devices"] == 1
    assert {epoch["device"] for epoch in report["epochs"]} == {one}
    now = datetime.now(timezone.utc)
    assert audit(site, "--since", f"{now - timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}")[1]["totals"] == whole["totals"]
    code, report, _ = audit(site, "--since", f"{now + timedelta(days=1):%Y-%m-%d}")
    assert code == DONE and report["devices"] == 0
    code, _, messages = audit(site, "--tenant", "nobody")
    assert code == BAD_DATA and "knows anything of nobody/" in messages


def test_a_row_that_somebody_takes_out_or_writes_twice(site):
    path = str(table_of(site))
    row = DeltaTable(path).to_pyarrow_table().slice(0, 1)
    device, epoch, seq, number = (row.column(name)[0].as_py() for name in ("device", "epoch", "seq", "row"))
    write_deltalake(path, row, mode="append")
    code, report, _ = audit(site)
    assert code == CHECK_FAILED and not report["ok"] and report["totals"]["duplicates"] == 1
    assert f"{TENANT}/{device} epoch {epoch}: " in report["problems"][0] and "1 rows stand there twice" in report["problems"][0]

    DeltaTable(path).delete(f"device = '{device}' AND epoch = {epoch} AND seq = {seq} AND row = {number}")  # both of them
    code, report, _ = audit(site)
    assert code == CHECK_FAILED and report["totals"]["wrong"] == 1 and report["totals"]["duplicates"] == 0
    assert f"{TENANT}/{device} epoch {epoch}: " in report["problems"][0] and "samples were sent" in report["problems"][0]
    other = next(name for name in site.recording.devices if name != device)
    assert audit(site, "--device", other)[0] == DONE


def optimize(path):
    """By delta-rs, to files of its own, in another order."""
    assert DeltaTable(path).optimize.z_order(["count", "row"])["numFilesAdded"] >= 1
    return DeltaTable(path).to_pyarrow_table().num_rows


def name_of(row):
    return (row.column(name)[0].as_py() for name in ("device", "epoch", "seq", "row"))


def take_out(path, row):
    device, epoch, seq, number = name_of(row)
    DeltaTable(path).delete(f"device = '{device}' AND epoch = {epoch} AND seq = {seq} AND row = {number}")


def write_twice(path, row):
    write_deltalake(path, row, mode="append")
    DeltaTable(path).optimize.compact()


def change_in_place(path, row):
    device, epoch, seq, number = name_of(row)
    DeltaTable(path).update(updates={"count": "coalesce(count, 0) + 1"}, predicate=
                            f"device = '{device}' AND epoch = {epoch} AND seq = {seq} AND row = {number}")


def change_and_write_all(path, row, **options):
    """As a script does that reads everything, mends something and writes everything."""
    table = DeltaTable(path).to_pyarrow_table()
    rows = table.to_pylist()
    device, epoch, seq, number = name_of(row)
    for each in rows:
        if (each["device"], each["epoch"], each["seq"], each["row"]) == (device, epoch, seq, number):
            each["note"] = "mended"
    schema = table.schema
    if options:
        schema = pyarrow.schema([pyarrow.field(field.name, field.type) for field in schema])
    write_deltalake(path, pyarrow.Table.from_pylist(rows, schema), mode="overwrite", **options)


def change_and_write_table_anew(path, row):
    """Our descriptions of the columns are gone then."""
    change_and_write_all(path, row, schema_mode="overwrite")
    assert not any(field.metadata for field in DeltaTable(path).schema().fields)


@pytest.mark.parametrize("change, sentence", [
    (take_out, "samples were sent"), (write_twice, "1 rows stand there twice"),
    (change_in_place, "1 rows in the table workshop have other values than the writer gave them"),
    (change_and_write_all, "1 rows in the table workshop have other values than the writer gave them"),
    (change_and_write_table_anew, "1 rows in the table workshop have other values than the writer gave them")])
def test_a_change_in_files_that_another_program_has_rewritten(site, change, sentence):
    path = str(table_of(site))
    rows = optimize(path)
    code, report, messages = audit(site)
    assert code == DONE, messages
    assert report["rewritten"] == {"same": rows, "changed": 0, "unknown": 0}

    row = DeltaTable(path).to_pyarrow_table().slice(0, 1)
    device, epoch, seq, _ = name_of(row)
    change(path, row)
    code, report, _ = audit(site)
    assert code == CHECK_FAILED
    problem, = report["problems"]
    assert problem.startswith(f"{TENANT}/{device} epoch {epoch}: ") and f"bulk block {seq & 0x3fffffff}" in problem and sentence in problem
    assert report["rewritten"]["changed"] == ("other values" in sentence)
    other = next(name for name in site.recording.devices if name != device)
    assert audit(site, "--device", other)[0] == DONE


def test_of_rewritten_rows_whose_first_files_are_deleted_the_values_are_not_known(site):
    path = str(table_of(site))
    rows = optimize(path)
    DeltaTable(path).vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
    change_in_place(path, DeltaTable(path).to_pyarrow_table().slice(0, 1))
    code, report, messages = audit(site)
    assert code == DONE, messages
    assert report["rewritten"] == {"same": 0, "changed": 0, "unknown": rows}
    assert f"of {rows} its files are deleted, so that nobody knows" in call(site.bin / "longhaul", "audit", "--config", site.config)[1]
