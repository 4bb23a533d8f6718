"""The whole road at full speed: real agents replay long recordings to a real collector, until the table is committed.

tools/dev bench road [--recording NAME] [--rows N] [--runs N] [--agents N] [--codecs A,B] [--at-least ROWS_S]
                    [--dir DIR] [--keep]

One line a recording and run, then the best run beside a peer: pyarrow, which reads the same CSV and writes the same
values as one Parquet file. Processor seconds are the steady figure; of the runs the one with the fewest counts. A third
process, a device of its own with one block under way at a time, measures how long an acknowledgement takes meanwhile.
With --at-least the exit code is 1 when the best run of a recording had fewer rows a second.
"""
import argparse
import csv
import json
import os
import resource
import shutil
import subprocess
import sys
import time
import tomllib
from datetime import datetime, timedelta
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests" / "e2e"))

import pyarrow.csv  # noqa: E402
from deltalake import DeltaTable  # noqa: E402
from pyarrow import compute, parquet  # noqa: E402

from longhaul_e2e import recordings  # noqa: E402
from longhaul_e2e.processes import Program, wait_until  # noqa: E402
from longhaul_e2e.site import TENANT, Site, programs_folder  # noqa: E402
from longhaul_e2e.wire import ACK, BLOCK, Link, Sealed, frame  # noqa: E402

RECORDINGS = ("optical-prefec-ber", "bus-fleet-austin")
PROBE = "probe"
PROBE_ROWS = 20_000    # of the recording that the probe's device seals beforehand
PROBE_PAUSE_S = 0.002  # between an acknowledgement and the next block
QUIET_ACKS = 500       # without any load
LIMIT_S = 300


class LongRecording:
    """A recording played several times, one after the other; each time later by its own length."""

    def __init__(self, name, folder: Path, rows):
        self.name = name
        self.mapping = recordings.unpack(name, folder, lambda mapping: mapping.replace('.csv.gz"', '.csv"'))
        how = tomllib.loads(self.mapping.read_text())
        self.table, self.fields = how["schema"]["name"], len(how["field"])
        self.csv = self.mapping.parent / how["trace"]["file"]
        self.columns = [field.get("column", field["name"]) for field in how["field"]]
        self.time_column = how["time"]["column"]
        head, lines = self._read(how)
        at = head.index(self.time_column)
        read, write = self._clock(how["time"]["format"])
        times = [read(line[at]) for line in lines]
        span = timedelta(days=(max(times) - min(times)).days + 1)
        copies = max(1, round(rows / len(lines)))
        self.rows = copies * len(lines)
        with open(self.csv, "w", newline="", encoding="utf-8") as file:
            out = csv.writer(file, delimiter=how["trace"]["separator"], lineterminator="\n")
            out.writerow(head)
            for copy in range(copies):
                for line, moment in zip(lines, times):
                    out.writerow([*line[:at], write(moment + copy * span), *line[at + 1:]])

    def _read(self, how):
        with open(self.csv, newline="", encoding="utf-8-sig") as file:
            head, *lines = csv.reader(file, delimiter=how["trace"]["separator"])
        return head, [line for line in lines if any(line)]

    @staticmethod
    def _clock(pattern):
        if pattern == "iso8601":
            return datetime.fromisoformat, datetime.isoformat
        return lambda text: datetime.strptime(text, pattern), lambda moment: moment.strftime(pattern)


def children_cpu_s():
    """Processor seconds of the children that have been waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def call_cpu_s(*command):
    before = children_cpu_s()
    output = subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True).stdout
    return children_cpu_s() - before, output


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(share * len(values)))] if values else float("nan")


# --- acknowledgements -----------------------------------------------------------------------------------------
def probe(port, device: Path, acks, out: Path):
    """Sends block after block, each when the one before it is durable; milliseconds into a file. 0 acks: until told."""
    sealed = Sealed.of(device / "spool.db")
    latencies = []
    with Link(port, device) as link:
        link.send(sealed.introduction())
        while acks == 0 or len(latencies) < acks:
            if acks == 0 and (out.parent / "enough").exists():
                break
            begin = time.monotonic()
            link.send(frame(BLOCK, sealed.blocks[len(latencies) % len(sealed.blocks)]))
            while link.next_frame()[0] != ACK:
                pass
            latencies.append((time.monotonic() - begin) * 1000)
            time.sleep(PROBE_PAUSE_S)
    out.write_text(json.dumps(latencies))


def start_probe(site, acks, name):
    out = site.folder / f"{name}.json"
    return out, Program([sys.executable, __file__, "--probe", str(site.port), site.devices / PROBE, str(acks), out],
                        site.folder / f"{name}.log")


# --- one run --------------------------------------------------------------------------------------------------
class Run:
    """A fresh site, all devices of the recording, and what came of them."""

    def __init__(self, long, short, folder: Path, agents, codecs):
        self.long, self.short, self.agents, self.codecs = long, short, agents, codecs
        with Site(folder, commit_interval_s=15) as site:
            self.site = site
            self._prepare()
            self.quiet_ms = self._quiet_acks()
            self._load()

    def _prepare(self):
        """The probe's blocks are sealed while there is no collector yet."""
        self.names = sorted(self.site.trace_devices(self.long)["devices"])
        self.site.add_devices([PROBE], self.short, collector=1, block_bytes=1100, folder=self.site.devices)
        config = self.site.devices / PROBE / "agent.toml"
        config.write_text(config.read_text().replace("[[trace]]", f'[[trace]]\nonly = "{self.names[0]}"'))
        agent = self.site.start_agent(self.site.devices)
        spool = self.site.devices / PROBE / "spool.db"
        wait_until(lambda: " samples, " in agent.messages() and spool.exists(), "the probe's blocks", LIMIT_S)
        agent.stop()
        self.site.start_collector()
        for at in range(self.agents):
            self.site.add_devices(self.names[at::self.agents], self.long, folder=self.site.folder / f"agent-{at}",
                                  codecs=self.codecs)

    def _quiet_acks(self):
        out, program = start_probe(self.site, QUIET_ACKS, "quiet")
        program.wait(LIMIT_S)
        return json.loads(out.read_text())

    def _load(self):
        out, program = start_probe(self.site, 0, "busy")
        folders = [self.site.folder / f"agent-{at}" for at in range(self.agents)]
        before = children_cpu_s()
        agents = [self.site.start_agent(folder) for folder in folders]
        self.reading_cpu_s = sum(self._read_recording(*each) for each in zip(agents, folders))
        begin = time.monotonic()
        self.reports = [json.loads(agent.wait(LIMIT_S)[1]) for agent in agents]
        self.agent_cpu_s = children_cpu_s() - before - self.reading_cpu_s
        (self.site.folder / "enough").touch()
        program.wait(LIMIT_S)
        before = children_cpu_s()
        self.site.stop_collector()
        self.seconds = time.monotonic() - begin
        self.collector_cpu_s = children_cpu_s() - before
        self.busy_ms = json.loads(out.read_text())
        self._measure_table()

    @staticmethod
    def _read_recording(agent, folder):
        """Waits until the agent has read its recording and made every spool; its processor seconds until then."""
        last = max(path for path in folder.iterdir()) / "spool.db"
        wait_until(last.exists, "the agent to read its recording", LIMIT_S, 0.001)
        user, system = Path(f"/proc/{agent.process.pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def _measure_table(self):
        table = DeltaTable(self.site.lake / TENANT / self.long.table)
        of_devices = compute.field("device") != PROBE
        rows = table.to_pyarrow_dataset().count_rows(filter=of_devices)
        if rows != self.long.rows:
            raise RuntimeError(f"{rows} rows in the table, {self.long.rows} in the recording: see {self.site.folder}")
        files = pyarrow.table(table.get_add_actions(flatten=True)).to_pydict()
        self.stored_bytes = sum(files["size_bytes"]) * rows / sum(files["num_records"])

    def sum(self, key):
        return sum(report[key] for report in self.reports)

    def text(self):
        rows, million = self.long.rows, self.long.rows / 1e6
        return (f"{rows / self.seconds:9,.0f} rows/s, processor seconds a million rows: agent {self.agent_cpu_s / million:5.2f}, "
                f"collector {self.collector_cpu_s / million:5.2f}; acknowledged in {percentile(self.busy_ms, 0.5):.1f} ms, "
                f"p99 {percentile(self.busy_ms, 0.99):.1f} ms ({len(self.busy_ms)} blocks); without load "
                f"{percentile(self.quiet_ms, 0.5):.1f} and {percentile(self.quiet_ms, 0.99):.1f} ms")


# --- the peer -------------------------------------------------------------------------------------------------
def write_with_pyarrow(source, target):
    """The whole peer, in a process of its own and on one thread."""
    pyarrow.set_cpu_count(1)
    parquet.write_table(pyarrow.csv.read_csv(source, pyarrow.csv.ReadOptions(use_threads=False)), target,
                        compression="zstd")


class Peer:
    def __init__(self, long):
        target = long.csv.with_suffix(".parquet")
        none_s, _ = call_cpu_s(sys.executable, __file__, "--peer", "", "")
        all_s, _ = call_cpu_s(sys.executable, __file__, "--peer", long.csv, target)
        self.cpu_s, self.bytes = all_s - none_s, target.stat().st_size
        self.zstd_bytes = len(subprocess.run(["zstd", "-3", "-c", long.csv], check=True, capture_output=True).stdout)


def report(long, runs, peer):
    """Prints the figures; returns the rows a second of the fastest run."""
    best = min(runs, key=lambda run: run.agent_cpu_s + run.collector_cpu_s)
    values, million = long.rows * long.fields, long.rows / 1e6
    ours_s = best.agent_cpu_s + best.collector_cpu_s
    print(f"\n{long.name}: {long.rows:,} rows of {long.fields} values, {len(best.names)} devices, {best.agents} agent process(es)")
    fastest = max(long.rows / run.seconds for run in runs)
    print(f"  rows/s, from the first handshake to the last commit {long.rows / best.seconds:,.0f}; best of {len(runs)} {fastest:,.0f}")
    print(f"  processor seconds a million rows: agent {best.agent_cpu_s / million:.2f} (and {best.reading_cpu_s / million:.2f} "
          f"to read the recording), collector {best.collector_cpu_s / million:.2f}")
    print(f"  limit: pyarrow from CSV to Parquet {peer.cpu_s / million:.2f}; ratio {peer.cpu_s / ours_s:.2f}")
    print(f"  bytes a value: sealed {best.sum('sealed_bytes') / values:.2f}, on the wire {best.sum('wire_bytes') / values:.2f}, "
          f"stored {best.stored_bytes / values:.2f}; CSV with zstd -3 {peer.zstd_bytes / values:.2f}, "
          f"Parquet of pyarrow with zstd {peer.bytes / values:.2f}")
    print(f"  samples a block {long.rows / best.sum('blocks'):.0f}")
    return fastest


def parse_arguments():
    parser = argparse.ArgumentParser(prog="tools/dev bench road", description=__doc__.split("\n")[0])
    parser.add_argument("--recording", action="append", choices=RECORDINGS, help="default: both")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--agents", type=int, default=1, help="processes that share the devices")
    parser.add_argument("--codecs", metavar="A,B", type=lambda text: [word for word in text.split(",") if word],
                        help="that devices may use beside columns, \"\" for none; default: range,zstd")
    parser.add_argument("--at-least", type=int, default=0, metavar="ROWS_S", help="exit 1 when the best run is slower")
    parser.add_argument("--dir", type=Path, default=TOP / "build" / "bench-road", help="folder to make (replaced)")
    parser.add_argument("--keep", action="store_true", help="leave the folder there")
    parser.add_argument("--probe", nargs=4, help=argparse.SUPPRESS)
    parser.add_argument("--peer", nargs=2, help=argparse.SUPPRESS)
    return parser.parse_args()


def main():
    options = parse_arguments()
    if options.probe:
        port, device, acks, out = options.probe
        return probe(int(port), Path(device), int(acks), Path(out))
    if options.peer:
        return write_with_pyarrow(*options.peer) if options.peer[0] else None
    folder = options.dir.resolve()
    shutil.rmtree(folder, ignore_errors=True)
    print(f"programs of {programs_folder()}")
    slow = []
    for name in options.recording or RECORDINGS:
        long = LongRecording(name, folder / "long", options.rows)
        short = LongRecording(name, folder / "short", PROBE_ROWS)
        runs = []
        for at in range(options.runs):
            runs.append(Run(long, short, folder / f"{name}-{at}", options.agents, options.codecs))
            print(f"{name} {at + 1}: {runs[-1].text()}", flush=True)
        fastest = report(long, runs, Peer(long))
        if fastest < options.at_least:
            slow.append(f"{name}: {fastest:,.0f} rows/s, not {options.at_least:,}")
    if not options.keep:
        shutil.rmtree(folder)
    if slow:
        print("bench road: too slow:", "; ".join(slow))
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
