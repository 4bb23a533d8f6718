"""`longhaul-sim fleet`: devices over sockets and TLS. Its verdict is not believed: rows are read by delta-rs, and audited."""

import json

import pytest

from longhaul_e2e.processes import Program, call, wait_until
from longhaul_e2e.readers import read_table
from longhaul_e2e.site import TENANT, Site

DEVICES, SAMPLES = 60, 40
LOAD = ["--devices", DEVICES, "--samples", SAMPLES, "--rate", 8, "--block-s", 1, "--connect-rate", 200]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with Site(tmp_path_factory.mktemp("fleet") / "site") as made:
        made.start_collector()
        yield made


def command(site, *options, port=None):
    return [site.bin / "longhaul-sim", "fleet", "--dir", site.authority, "--tenant", TENANT,
            "--collector", f"127.0.0.1:{port or site.port}", "--json", *options]


def rows_of(site):
    """(device, incarnation, sample) of each row, in any order."""
    columns = ("device", "incarnation", "sample")
    rows = read_table(site.lake / TENANT / "position", columns)
    return list(zip(*(rows[name].to_pylist() for name in columns)))


# Both with devices of the same names: what the first run has left in the table does not disturb the second.
@pytest.mark.parametrize("mode, options", [("long-lived", []), ("per batch", ["--per-batch", 20])])
def test_all_is_acknowledged_and_in_the_lake_although_the_collector_is_killed(site, mode, options):
    before = set(rows_of(site)) if (site.lake / TENANT / "position").exists() else set()
    journal = site.journal_bytes()
    fleet = Program(command(site, *LOAD, *options), site.folder / f"fleet-{mode[:3]}.log")
    site.agents.append(fleet)
    wait_until(lambda: site.journal_bytes() > journal + 50_000, "all epochs and the first blocks")
    site.kill_collector()
    site.start_collector()
    code, output = fleet.wait(120)
    assert code == 0, output + fleet.messages()
    report = json.loads(output)
    total = DEVICES * SAMPLES
    assert [report[key] for key in ("produced", "acked", "rows")] == [total, total, total]
    assert report["sessions"] > DEVICES, "again behind the kill, or for another batch"

    new = [row for row in rows_of(site) if row not in before]
    assert len(new) == total
    spools = {(device, incarnation) for device, incarnation, _ in new}
    assert sorted(device for device, _ in spools) == sorted(f"sim-{i}" for i in range(DEVICES))
    assert set(new) == {(*spool, sample) for spool in spools for sample in range(SAMPLES)}
    assert site.audit()[0] == 0


@pytest.mark.parametrize("options, sessions_min", [([], 3), (["--per-batch", 2], 6)])
def test_rows_that_do_not_come_are_told(tmp_path, options, sessions_min):
    with Site(tmp_path / "site", commit_interval_s=3600) as site:
        site.start_collector()
        code, output, messages = call(*command(site, "--devices", 3, "--samples", 6, "--rate", 4, "--lake-s", 1, *options))
        report = json.loads(output)
        assert code == 1, messages
        assert not report["holds"] and report["acked"] == 18 and report["missing"] == 18
        assert "rows in the lake: 0 instead of 18" in report["violations"]
        assert report["sessions"] >= sessions_min
        assert options or report["connected_max"] == 3


def test_what_cannot_begin_says_why(site, tmp_path):
    few = call("prlimit", "--nofile=100:100", *command(site, "--devices", 1000))
    assert few[0] == 78 and "open files" in few[2] and "prlimit" in few[2]
    nobody = call(*command(site, port=1))
    assert nobody[0] == 69 and "connection refused" in nobody[2] and "longhaul-collector run" in nobody[2]
    stranger = call(site.bin / "longhaul-sim", "fleet", "--dir", site.authority, "--tenant", "nobody")
    assert stranger[0] == 78 and "nobody" in stranger[2]
    assert call(site.bin / "longhaul-sim", "fleet", "--tenant", TENANT, "--dir", tmp_path)[0] == 78
