"""TLS of a real collector: handshakes, bytes, and what an idle connection costs, beside mbedTLS alone in a loop.

tools/dev bench tls [--handshakes N] [--idle N]

A second means a second of one processor: the collector's whole process, with accept, registry, session and Welcome; in
the loop the server's half of mbedTLS and nothing else. The exit code is 1 when a connection that waits costs more than
6 KB (TLS 1.2, fragments of 1,024 bytes) or 16 KB (TLS 1.3).
"""
import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests" / "e2e"))

from longhaul_e2e import load  # noqa: E402
from longhaul_e2e.load import DEVICE, IDLE, fresh, idle_bytes  # noqa: E402
from longhaul_e2e.processes import demand  # noqa: E402
from longhaul_e2e.site import TENANT  # noqa: E402

def processor_s(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rates(site, count):
    """{(version, resumed): (handshakes a second, bytes sent by the device, bytes received)}."""
    found = {}
    for version in ("1.2", "1.3"):
        for resumed in (False, True):
            how_many = count * (10 if resumed else 1)
            before = processor_s(site.collector.process.pid)
            done = json.loads(demand(*load.command(site, DEVICE, "rate", how_many, "--tls", version,
                                           *(["--resume"] if resumed else [])), limit_s=300))
            spent = processor_s(site.collector.process.pid) - before
            found[version, resumed] = how_many / spent, done["sent"], done["received"]
    return found


def loop(site):
    device, collector = site.devices / DEVICE, site.authority / "collector"
    program = TOP / "build" / "host-release" / "tests" / "bench" / "tls_loop"
    lines = demand(program, collector / "server.crt", collector / "server.key",
                   site.authority / "tenants" / TENANT / "ca.crt", device / "root.crt", device / "device.crt",
                   device / "device.key")
    return {(each["tls"], each["resumed"]): 1 / each["seconds"] for each in map(json.loads, lines.splitlines())}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--handshakes", type=int, default=200)
    parser.add_argument("--idle", type=int, default=1000)
    options = parser.parse_args()
    failed = False
    with tempfile.TemporaryDirectory(dir=TOP / "build") as folder:
        with fresh(Path(folder) / "rates") as site:
            alone, ours = loop(site), rates(site, options.handshakes)
        print(f"{'handshake':24} {'collector/s':>12} {'mbedTLS/s':>12} {'ratio':>6} {'bytes up':>9} {'down':>6}")
        for key, (rate, sent, received) in ours.items():
            name = f"TLS {key[0]} {'resumed' if key[1] else 'full'}"
            print(f"{name:24} {rate:12,.0f} {alone[key]:12,.0f} {rate / alone[key]:6.2f} {sent:9} {received:6}")
        print(f"\n{'idle connection':28} {'bytes':>8} {'at most':>8}")
        for number, (name, (how, most)) in enumerate(IDLE.items()):
            grown = idle_bytes(Path(folder) / f"idle-{number}", options.idle, how)
            failed |= most is not None and grown > most
            print(f"{name:28} {grown:8,.0f} {most or '-':>8}{'  too much' if most and grown > most else ''}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
