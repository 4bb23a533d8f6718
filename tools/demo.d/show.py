"""What tools/demo shows: 202 devices replay two recordings to a collector, over a network that is cut and
through a collector that is killed, and every sample stands in a table exactly once."""

import argparse
import json
import random
import re
import shutil
import sys
import time
from pathlib import Path

import pyarrow
from deltalake import DeltaTable

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests" / "e2e"))

from longhaul_e2e import compare, readers, recordings  # noqa: E402
from longhaul_e2e.processes import wait_until  # noqa: E402
from longhaul_e2e.proxy import Proxy  # noqa: E402
from longhaul_e2e.site import TENANT, Site  # noqa: E402

REPLAY_S = 14  # the longest recording, fifteen days, takes so long
DEADLINE_MS = 2000  # days pass in seconds here, so blocks are sealed sooner than the recordings' minute
JOURNAL_BYTES = 60_000  # so much has arrived before anything breaks
BEGAN = time.monotonic()

WORST_LINKS = """
SELECT device, max(value) AS worst, avg(value) AS mean, any_value(center_frequency) / 1e6 AS thz
FROM delta_scan('{lake}/{tenant}/pre_fec_ber') WHERE stats_type IN ('avg', 'max')
GROUP BY device ORDER BY worst DESC LIMIT 5"""

SLOWEST_ROUTES = """
SELECT route_id, avg(speed) * 3.6 AS km_h, count(*) AS positions, count(DISTINCT device) AS buses
FROM delta_scan('{lake}/{tenant}/bus_position') WHERE speed > 0
GROUP BY route_id HAVING count(*) >= 100 ORDER BY km_h LIMIT 5"""


def say(text=""):
    print(f"[demo {time.monotonic() - BEGAN:5.1f} s] {text}" if text else "", flush=True)


class Verdict:
    """Collects what was wrong."""

    def __init__(self):
        self.wrong = []

    def demand(self, holds, sentence):
        if not holds:
            self.wrong.append(sentence)


def quicken(mapping):
    return re.sub(r"deadline_ms = \d+", f"deadline_ms = {DEADLINE_MS}", mapping)


def read_recordings(folder):
    recs = [recordings.read(recordings.unpack(name, folder, quicken)) for name in recordings.DEMO_NAMES]
    for rec in recs:
        refused = f", {rec.refused['empty']} empty lines to refuse" if rec.refused else ""
        say(f"recording {rec.name}: {rec.samples:,} samples of {len(rec.devices)} devices{refused}")
    return recs


def add_devices(site, recs, proxy):
    """Two thirds connect directly; the rest, every third of each recording, through a network that we can cut."""
    for rec in recs:
        span_s = max(rows[-1][0] - rows[0][0] for rows in rec.devices.values()) / 1e6
        names = sorted(rec.devices)
        far = names[::3]
        near = [name for name in names if name not in far]
        speed = max(1.0, span_s / REPLAY_S)
        site.add_devices(near, rec, folder=site.devices / "near", speed=speed)
        site.add_devices(far, rec, folder=site.devices / "far", collector=proxy.port, speed=speed)
    return [site.devices / "near", site.devices / "far"]


def run_the_road(site, proxy, agents, seed):
    """Cuts the network, kills the collector, heals both, and waits until all is acknowledged."""
    chance = random.Random(seed)

    def wait_for(seconds):
        end = time.monotonic() + seconds
        wait_until(lambda: time.monotonic() > end or not any(agent.running() for agent in agents), "time to pass")

    wait_until(lambda: site.journal_bytes() > JOURNAL_BYTES, "blocks to arrive")
    wait_for(chance.uniform(0.0, 1.0))
    proxy.cut()
    say("the network is cut for a third of the devices: they go on sampling into their spools")
    wait_for(chance.uniform(1.0, 2.0))
    site.kill_collector()
    say(f"collector killed with -9, its journal at {site.journal_bytes():,} bytes")
    wait_for(chance.uniform(0.4, 0.8))
    site.start_collector()
    say("collector started again: it replays its journal, devices come back by themselves")
    wait_for(chance.uniform(0.4, 0.8))
    proxy.heal()
    say("the network is whole again")
    figures = []
    for agent in agents:
        code, output = agent.wait(180)
        if code != 0:
            raise RuntimeError(f"the agent ended with exit code {code}:\n{agent.messages()[-2000:]}")
        figures.append(json.loads(output))
    say("drained: every block is acknowledged")
    return figures


def total(figures, name):
    return sum(each[name] for each in figures)


def wait_until_committed(site):
    """Nothing is in flight any more when the writer's next commit is made."""
    return wait_until(lambda: (lambda report: report if report[0] == 0 else None)(site.audit()),
                      "the writer to commit everything", 60)


def stored_bytes(site):
    """What the tables of the recordings take: the files that their logs name."""
    tables = [DeltaTable(str(site.lake / TENANT / name)) for name in ("pre_fec_ber", "bus_position")]
    return sum(sum(pyarrow.table(table.get_add_actions(flatten=True))["size_bytes"].to_pylist()) for table in tables)


def compare_tables(site, recs, verdict):
    values = 0
    for rec in recs:
        compared, wrong = compare.check(rec, site.lake, TENANT)
        values += compared
        for sentence in wrong:
            verdict.demand(False, sentence)
    return values


def print_figures(site, recs, figures, report, verdict):
    samples = sum(rec.samples for rec in recs)
    totals = report["totals"]
    acked = total(figures, "acked_samples")
    json_bytes = sum(rec.json_bytes for rec in recs)
    wire, sealed = total(figures, "wire_bytes"), total(figures, "sealed_bytes")
    values = sum(rec.samples * len(rec.fields) for rec in recs)
    stored = stored_bytes(site)
    devices = total(figures, "devices")
    lost = acked - totals["rows"]

    print()
    print(f"  devices              {devices:>12,}")
    print(f"  samples              {samples:>12,}")
    print(f"  acknowledged         {acked:>12,}")
    print(f"  rows                 {totals['rows']:>12,}")
    print(f"  lost                 {lost:>12,}")
    print(f"  duplicated           {totals['duplicates']:>12,}   ({totals['resent']:,} blocks came twice, each was dropped once)")
    print(f"  bytes as JSON lines  {json_bytes:>12,}   {json_bytes / samples:.1f} a sample")
    print(f"  bytes of blocks      {sealed:>12,}   {sealed / samples:.1f} a sample, sealed: {json_bytes / sealed:.0f} times less")
    print(f"  bytes on the wire    {wire:>12,}   TLS handshakes of {devices} devices and all repetition included: "
          f"{json_bytes / wire:.1f} times less")
    print(f"  bytes stored         {stored:>12,}   {stored / values:.2f} a value, columns of identity included")
    print()
    verdict.demand(devices == 202, f"{devices} devices, not 202")
    verdict.demand(total(figures, "samples") == samples, "the devices took other samples than the recordings hold")
    verdict.demand(acked >= samples, f"{acked} samples acknowledged of {samples}")
    verdict.demand(totals["rows"] == samples, f"{totals['rows']} rows of {samples} samples")
    verdict.demand(totals["duplicates"] == 0 and lost == 0, "rows are lost or stand there twice")
    verdict.demand(wire < json_bytes, "the wire carried more than JSON would have needed")


def answer(site, title, query, row_format):
    print(title)
    for row in readers.connect().execute(query.format(lake=site.lake, tenant=TENANT)).fetchall():
        print("    " + row_format.format(*row))
    print()


def main():
    arguments = argparse.ArgumentParser(prog="tools/demo")
    arguments.add_argument("--dir", type=Path, default=TOP / "build" / "demo", help="folder to make (replaced)")
    arguments.add_argument("--seed", type=int, default=1, help="of the moments of cut and kill")
    options = arguments.parse_args()
    folder = options.dir.resolve()
    if folder.exists() and any(folder.iterdir()) and not (folder / "ca").exists():
        sys.exit(f"tools/demo: {folder} is there and no demo's folder; choose another --dir")
    shutil.rmtree(folder, ignore_errors=True)

    verdict = Verdict()
    say(f"everything goes to {folder}; seed {options.seed}")
    recs = read_recordings(folder / "traces")
    with Site(folder, commit_interval_s=2) as site:
        say("authority for tenant acme; mutual TLS from here on")
        port = site.start_collector()
        say(f"collector listens on 127.0.0.1:{port}")
        proxy = Proxy(port)
        folders = add_devices(site, recs, proxy)
        say(f"{sum(len(rec.devices) for rec in recs)} devices have keys, certificates, configuration")
        agents = [site.start_agent(each) for each in folders]
        say(f"devices replay their recordings: days in {REPLAY_S} seconds")
        figures = run_the_road(site, proxy, agents, options.seed)
        code, report = wait_until_committed(site)
        say(f"longhaul audit: {'holds' if code == 0 else 'fails'}, {report['totals']['holes']} holes")
        verdict.demand(code == 0 and report["ok"], "the audit fails")
        exit_code = site.stop_collector()
        verdict.demand(exit_code == 0, f"the collector ended with exit code {exit_code}")
        proxy.close()
    values = compare_tables(site, recs, verdict)
    say(f"{values:,} values compared with the recordings by DuckDB and delta-rs: "
        f"{'all equal' if not verdict.wrong else 'NOT equal'}")
    print_figures(site, recs, figures, report, verdict)
    answer(site, "For the network operator: the worst optical links (bit error ratio before correction)",
           WORST_LINKS, "{0:<20} worst {1:.2e}   mean {2:.2e}   at {3:.2f} THz")
    answer(site, "For the dispatcher: the slowest routes (while moving)", SLOWEST_ROUTES,
           "route {0:<6} {1:5.1f} km/h   {2:,} positions of {3} buses")
    bin_folder = site.bin.relative_to(TOP) if site.bin.is_relative_to(TOP) else site.bin
    print(f"""Everything is left in {site.folder}. Look on, from {TOP}:
    PYTHONPATH=tests/e2e build/venv/bin/python -c "from longhaul_e2e.readers import connect; \\
        print(connect().sql(\\"FROM delta_scan('{site.lake}/{TENANT}/bus_position') LIMIT 10\\"))"
    {bin_folder}/longhaul audit --config {site.config} --drained
    {bin_folder}/longhaul inspect journal {site.journal} | head
""")
    for sentence in verdict.wrong:
        print(f"WRONG: {sentence}")
    say("fails" if verdict.wrong else "done: nothing lost, nothing twice")
    sys.exit(1 if verdict.wrong else 0)


if __name__ == "__main__":
    main()
