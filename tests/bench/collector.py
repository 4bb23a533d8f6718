"""A real collector under load: blocks taken and acknowledged, rows from the socket to the table, bytes a stored value.

tools/dev bench collector [--only receive|road|stored]... [--rows N] [--blocks N] [--rounds N] [--dir DIR] [--keep]

receive  A gateway takes blocks that were sealed beforehand, over TLS, makes them durable and acknowledges them. Beside it the
         same bytes in as many writes as it made, each with fdatasync.
road     An ordinary collector takes each block once, and ends when every row is committed. Beside it pyarrow, which writes
         the same table, identity columns and all, as one Parquet file.
stored   Each bundled recording in a lake of its own, compacted. Beside it the same values and times as CSV with zstd -3, and
         the same table as pyarrow's Parquet with zstd.

A core is a second of the collector's processor time, all its threads together. A block is about 256 samples.

Slow is no fault: how fast it should be stands in docs/benchmarks.md, and each figure is printed beside its limit. Wrong is one: a
block that is not acknowledged or not in the journal, a row that is missing or there twice, a `longhaul audit` that fails. The first
such thing ends it with 1 and a last line "bench collector: WRONG · what".
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests" / "e2e"))

import pyarrow  # noqa: E402
import pyarrow.csv  # noqa: E402
from deltalake import DeltaTable  # noqa: E402
from pyarrow import fs, parquet  # noqa: E402

from longhaul_e2e import recordings  # noqa: E402
from longhaul_e2e.operated import Operated  # noqa: E402
from longhaul_e2e.processes import demand, wait_until  # noqa: E402
from longhaul_e2e.site import TENANT, Site  # noqa: E402
from longhaul_e2e.wire import export  # noqa: E402
from road import LongRecording, call_cpu_s, children_cpu_s  # noqa: E402

LOADED = "optical-prefec-ber"
DEVICES = 8
BODY_BYTES = 720  # of a block: some 256 samples of that recording
UNDER_WAY = 32    # blocks of a device, so that an acknowledgement does not wait behind its own; else as the credit allows
LIMIT_S = 600
PEER_WRITES = 10  # once takes hardly longer than Python's start differs
OURS = ["device", "stream", "incarnation", "epoch", "seq", "row", "receive_time", "time_error_us"]
PARTS = ("receive", "road", "stored")


class Wrong(Exception):
    """What was measured is not what should have been done."""


def check(holds, what):
    if not holds:
        raise Wrong(what)


def check_audit(site, samples, blocks=None):
    """Everything that was acknowledged is in the tables once, and it is all that was sent."""
    code, report = site.audit()
    totals = report["totals"]
    check(code == 0, f"{site.folder.name}: longhaul audit ends with {code}: {report['problems'][:3] or totals}")
    check(totals["samples"] == totals["rows"] == samples,
          f"{site.folder.name}: {samples} samples were sent, {totals['samples']} acknowledged, {totals['rows']} are rows")
    check(blocks is None or totals["blocks"] == blocks, f"{site.folder.name}: {blocks} blocks were handed over, {totals['blocks']} are in the journal")


def processor_s(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# --- devices whose blocks are sealed and wait -----------------------------------------------------------------
class Load:
    """Devices of a site that have sealed a recording while there was no collector, and the program that hands it over."""

    def __init__(self, site, recording):
        listed = site.trace_devices(recording)["devices"]
        self.site, self.names = site, sorted(listed, key=listed.get)[-DEVICES:]
        self.samples = sum(listed[name] for name in self.names)
        site.add_devices(self.names, recording, collector=1, block_bytes=BODY_BYTES)
        agent = site.start_agent()
        wait_until(lambda: f" {self.samples} samples, " in agent.messages(), f"{self.samples} samples to be sealed", LIMIT_S, 0.2)
        agent.stop()
        for name in self.names:
            folder = site.devices / name
            export(folder / "spool.db", "--all")
            (folder / "spool.session").rename(folder / "session")

    def hand_over(self, *options):
        program = TOP / "build" / "host-release" / "tests" / "bench" / "block_load"
        return json.loads(demand(program, "--port", self.site.port, *options,
                                 *(self.site.devices / name for name in self.names), limit_s=LIMIT_S))


# --- receive --------------------------------------------------------------------------------------------------
def synced_writes_s(file, size, count):
    """Seconds for so many bytes in so many writes, each synced."""
    data = os.urandom(size // count)
    descriptor = os.open(file, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    begin = time.monotonic()
    for _ in range(count):
        os.write(descriptor, data)
        os.fdatasync(descriptor)
    took = time.monotonic() - begin
    os.close(descriptor)
    os.unlink(file)
    return took


def as_gateway(site):
    text = site.config.read_text()
    text, _, behind = text.partition("[lake]")
    site.config.write_text(text.replace("[collector]", '[collector]\nrole = "gateway"', 1) + "[http]" + behind.partition("[http]")[2])
    for key in (site.authority / "collector" / "sealing").glob("*.key"):
        key.unlink()


def receive_round(site, load, blocks, options):
    before, spent = site.metrics(), processor_s(site.collector.process.pid)
    done = load.hand_over("--blocks", blocks, *options)
    spent = processor_s(site.collector.process.pid) - spent
    after = site.metrics()
    grown = {what: int(after[f"longhaul_journal_{what}_total"] - before[f"longhaul_journal_{what}_total"])
             for what in ("written_bytes", "groups", "entries")}
    acked = int(after["longhaul_blocks_acknowledged_total"] - before["longhaul_blocks_acknowledged_total"])
    check(done["blocks"] == acked == blocks * DEVICES, f"receive: {blocks * DEVICES} blocks were sent, the devices were told of "
          f"{done['blocks']} that they are durable, the collector says {acked}")
    check(grown["entries"] >= acked, f"receive: {acked} blocks were acknowledged, {grown['entries']} entries are in the journal")
    limit_s = synced_writes_s(site.folder / "limit", grown["written_bytes"], grown["groups"])
    return {"wall": done["blocks"] / done["seconds"], "core": done["blocks"] / spent, "p50": done["ack_ms_p50"],
            "p99": done["ack_ms_p99"], "limit": done["blocks"] / limit_s, "group": done["blocks"] / grown["groups"],
            "bytes": done["block_bytes"] / done["blocks"]}


def receive(options, folder):
    recording = LongRecording(LOADED, folder / "long", 200_000)
    print(f"{'receive':26} {'blocks/s':>9} {'a core':>9} {'rows/s, a core':>15} {'p50 ms':>7} {'p99 ms':>7} "
          f"{'blocks/sync':>11} {'limit':>9} {'ratio':>6}")
    with Operated(folder / "receive") as site:
        load = Load(site, recording)
        as_gateway(site)
        site.start()
        stored = load.hand_over()
        samples = load.samples / stored["blocks"]
        for name, how in ((f"{UNDER_WAY} under way a device", ["--under-way", UNDER_WAY]), ("as the credit allows", [])):
            rounds = [receive_round(site, load, options.blocks // DEVICES, how) for _ in range(options.rounds)]
            found = {key: statistics.median(each[key] for each in rounds) for key in rounds[0]}
            print(f"{name:26} {found['wall']:9,.0f} {found['core']:9,.0f} {found['core'] * samples:15,.0f} {found['p50']:7.1f} "
                  f"{found['p99']:7.1f} {found['group']:11.1f} {found['limit']:9,.0f} {found['wall'] / found['limit']:6.2f}", flush=True)
        print(f"  {DEVICES} devices, {samples:.0f} samples and {found['bytes']:.0f} bytes a block; limit: write and fdatasync, blocks/s")


# --- road -----------------------------------------------------------------------------------------------------
def read_table(lake_table):
    """By Arrow's own threads: delta-rs would call back into Python from its own, even while this process ends."""
    return DeltaTable(lake_table).to_pyarrow_table(filesystem=fs.SubTreeFileSystem(str(lake_table), fs.LocalFileSystem()))


def write_with_pyarrow(lake_table, times):
    """The whole peer, in a process of its own and on one thread, which also reads what it writes so many times."""
    pyarrow.set_cpu_count(1)
    pyarrow.set_io_thread_count(1)
    table = read_table(lake_table)
    for _ in range(int(times)):
        parquet.write_table(table, f"{lake_table}.peer", compression="zstd")


def road(options, folder):
    recording = LongRecording(LOADED, folder / "long", options.rows)
    with Site(folder / "road", commit_interval_s=15) as site:
        load = Load(site, recording)
        site.start_collector()
        before, begin = children_cpu_s(), time.monotonic()
        done = load.hand_over()
        loaded = children_cpu_s() - before
        check(site.stop_collector() == 0, f"road: the collector did not end in good order: {site.collector.log}")
        seconds, spent = time.monotonic() - begin, children_cpu_s() - before - loaded
        table = site.lake / TENANT / recording.table
        rows = DeltaTable(table).to_pyarrow_dataset().count_rows()
        check(rows == load.samples, f"road: {rows} rows in the table, {load.samples} samples were sent")
        check_audit(site, load.samples, done["blocks"])
        peer = [call_cpu_s(sys.executable, __file__, "--peer", table, times)[0] for times in (0, PEER_WRITES)]
    limit = rows * PEER_WRITES / (peer[1] - peer[0])
    print(f"\nroad: {rows:,} rows of {recording.fields} values, {len(load.names)} devices: {rows / seconds:,.0f} rows/s, "
          f"{rows / spent:,.0f} a core; pyarrow writes {limit:,.0f} rows/s; ratio {rows / spent / limit:.2f}")


# --- stored ---------------------------------------------------------------------------------------------------
def printable(rows):
    """Bytes as hexadecimal digits, as they stand in recordings."""
    for place, field in enumerate(rows.schema):
        if pyarrow.types.is_binary(field.type):
            digits = [value and value.hex() for value in rows.column(place).to_pylist()]
            rows = rows.set_column(place, field.name, pyarrow.array(digits, pyarrow.string()))
    return rows


def stored_recording(name, folder):
    recording = recordings.read(recordings.unpack(name, folder / "traces"))
    with Site(folder / name.replace("/", "-"), commit_interval_s=1) as site:
        site.start_collector()
        site.add_devices(sorted(recording.devices), recording)
        check(site.start_agent().wait(LIMIT_S)[0] == 0, f"stored: {name}: not everything was acknowledged")
        check(site.stop_collector() == 0, f"stored: {name}: the collector did not end in good order")
        demand(site.bin / "longhaul", "lake", "compact", "--config", site.config, limit_s=LIMIT_S)
        table = DeltaTable(site.lake / TENANT / recording.table)
        ours = sum(pyarrow.table(table.get_add_actions(flatten=True)).to_pydict()["size_bytes"])
        rows = read_table(site.lake / TENANT / recording.table)
        check(rows.num_rows == recording.samples, f"stored: {name}: {recording.samples} samples were sent, {rows.num_rows} rows are there")
        check_audit(site, recording.samples)
    text, file = folder / "peer.csv", folder / "peer.parquet"
    pyarrow.csv.write_csv(printable(rows.drop_columns(OURS)), text)
    parquet.write_table(rows, file, compression="zstd")
    zstd = len(subprocess.run(["zstd", "-3", "-c", text], check=True, capture_output=True).stdout)
    values = rows.num_rows * len(recording.fields)
    print(f"{name:26} {rows.num_rows:9,} {len(recording.fields):7} {ours / values:9.2f} {zstd / values:9.2f} "
          f"{file.stat().st_size / values:9.2f} {ours / file.stat().st_size:6.2f}", flush=True)


def stored(_options, folder):
    print(f"\n{'stored, bytes a value':26} {'rows':>9} {'values':>7} {'ours':>9} {'CSV zstd':>9} {'pyarrow':>9} {'ratio':>6}")
    for name in recordings.NAMES:
        stored_recording(name, folder)


def main():
    parser = argparse.ArgumentParser(prog="tools/dev bench collector", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=PARTS, help="default: all")
    parser.add_argument("--rows", type=int, default=4_000_000, help="of the road, before devices are chosen; default 4,000,000")
    parser.add_argument("--blocks", type=int, default=400_000, help="that the gateway takes in a round; default 400,000")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--dir", type=Path, default=TOP / "build" / "bench-collector", help="folder to make (replaced)")
    parser.add_argument("--keep", action="store_true", help="leave the folder there")
    parser.add_argument("--peer", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peer:
        return write_with_pyarrow(*options.peer)
    shutil.rmtree(options.dir, ignore_errors=True)
    try:
        for part in options.only or PARTS:
            {"receive": receive, "road": road, "stored": stored}[part](options, options.dir.resolve())
    except (Wrong, RuntimeError, TimeoutError) as wrong:  # the last two: a program of ours gave up
        print("bench collector: WRONG ·", *str(wrong).split(), f"· look in {options.dir}", flush=True)
        return 1
    if not options.keep:
        shutil.rmtree(options.dir)
    return 0


if __name__ == "__main__":
    sys.exit(main())
