"""`longhaul audit` of a real site: it holds, and fails with 1 and a name when somebody takes a row out or writes one twice."""

import json
from datetime import datetime, timedelta, timezone

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
