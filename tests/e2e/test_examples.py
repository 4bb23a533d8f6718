"""The examples for readers give the right answers, all of them the same: DuckDB, Polars, pandas and the notebook."""

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from statistics import fmean

import pytest

from longhaul_e2e import recordings
from longhaul_e2e.processes import PATIENCE
from longhaul_e2e.site import TENANT, Site, top_folder

EXAMPLES = top_folder() / "examples"
DISTANCE = 1e-9  # relative: engines add up in different orders

# Each runs in a process of its own, as a person's would, and leaves before Python tidies up: Arrow's threads, which
# delta-rs may still be calling back from, do not like to be tidied up.
RUN_FILE = """
import importlib, json, os, sys
sys.path.insert(0, sys.argv[1])
found = importlib.import_module(sys.argv[2]).answers(sys.argv[3])
print(json.dumps(found), flush=True)
os._exit(0)
"""
RUN_NOTEBOOK = """
import json, os, sys
os.environ["LAKE"] = sys.argv[3]
names = {}
for cell in json.load(open(f"{sys.argv[1]}/{sys.argv[2]}"))["cells"]:
    if cell["cell_type"] == "code":
        exec("".join(cell["source"]), names)
print(json.dumps([names[name].rows() for name in ("worst_links", "slowest_routes", "power_cuts")]), flush=True)
os._exit(0)
"""


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """The recordings of both fleets, whole."""
    folder = tmp_path_factory.mktemp("examples")
    recs = [recordings.read(recordings.unpack(name, folder / "traces")) for name in recordings.DEMO_NAMES]
    with Site(folder / "site") as site:
        site.start_collector()
        for rec in recs:
            site.add_devices(sorted(rec.devices), rec)
        site.start_agent().wait(120)
        site.stop_collector()
        yield site.lake / TENANT, recs


def expected(recs):
    """The same questions asked of the recordings, without any engine."""
    optical, buses = recs
    levels, speeds, riding = defaultdict(list), defaultdict(list), defaultdict(set)
    value, kind = 1 + optical.fields.index("value"), 1 + optical.fields.index("stats_type")
    for device, rows in optical.devices.items():
        levels[device] = [row[value] for row in rows if row[kind] in ("avg", "max")]
    speed, route = 1 + buses.fields.index("speed"), 1 + buses.fields.index("route_id")
    for device, rows in buses.devices.items():
        for row in rows:
            if row[speed] > 0:
                speeds[row[route]].append(row[speed])
                riding[row[route]].add(device)
    worst = sorted(((device, max(found), fmean(found)) for device, found in levels.items()), key=lambda row: (-row[1], row[0]))
    slow = sorted(((name, fmean(found) * 3.6, len(riding[name])) for name, found in speeds.items() if len(found) >= 100),
                  key=lambda row: (row[1], row[0]))
    booted = sorted([*optical.devices, *buses.devices])
    return [worst[:5], slow[:5], [(device, 1, 0) for device in booted[:5]]]


def close(found, wanted):
    if isinstance(wanted, float):
        return abs(found - wanted) <= DISTANCE * abs(wanted)
    return found == wanted


@pytest.mark.parametrize("script, name", [(RUN_FILE, "with_duckdb"), (RUN_FILE, "with_polars"), (RUN_FILE, "with_pandas"),
                                          (RUN_NOTEBOOK, "notebook.ipynb")])
def test_an_example_answers_what_the_recordings_say(lake, script, name):
    folder, recs = lake
    done = subprocess.run([sys.executable, "-c", script, EXAMPLES, name, folder], capture_output=True, text=True, timeout=120 * PATIENCE)
    assert done.returncode == 0, done.stderr
    for found, wanted in zip(json.loads(done.stdout), expected(recs), strict=True):
        assert len(found) == len(wanted) == 5
        for row, right in zip(found, wanted):
            assert len(row) == len(right) and all(map(close, row, right)), f"{name}: {row} instead of {right}"


def test_every_example_says_what_continuous_integration_runs():
    files = [path for path in EXAMPLES.iterdir() if path.is_file()]
    assert {path.name for path in files} == {"with_duckdb.py", "with_polars.py", "with_pandas.py", "with_spark.py", "with_r.R",
                                             "notebook.ipynb"}
    for path in files:
        head = "".join(json.loads(path.read_text())["cells"][0]["source"]) if path.suffix == ".ipynb" else path.read_text()[:900]
        assert "ontinuous integration" in head or "tools/dev prove road" in head, path.name
