"""Many devices at once, by tests/support/tls_load.cpp, and what a process takes meanwhile."""

import subprocess
import time
from pathlib import Path

from .site import Site

DEVICE = "idle-1"
# What a connection that waits may cost a collector: options of tls_load, bytes of the process's own memory.
IDLE = {"TLS 1.2, fragments of 1024": (["--tls", "1.2", "--fragment", "1024"], 6 * 1024),
        "TLS 1.2": (["--tls", "1.2"], None), "TLS 1.3": (["--tls", "1.3"], 16 * 1024)}


def command(site, device, what, count, *options):
    folder = site.devices / device
    return [str(part) for part in (
        site.bin / "tls_load", what, "--count", count, "--port", site.port, "--root", folder / "root.crt",
        "--certificate", folder / "device.crt", "--key", folder / "device.key", *options)]


def start(site, device, what, count, *options):
    """Runs until its standard input is closed: communicate("") ends it and yields what it counted."""
    # Strangers have machines of their own; here they share the collector's, and must not slow it down by that.
    program = subprocess.Popen(["nice", "-n", "19", *command(site, device, what, count, *options)], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True)
    assert program.stdout.readline() == f"ready {count}\n", site.collector.messages()[-2000:]
    return program


def own_memory(pid):
    """Bytes that are the process's own, not a file's."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Anonymous:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("the kernel does not say what the process takes")


def fresh(folder):
    """A site that has served nobody, with one device."""
    site = Site(folder)
    site.start_collector()
    site.add_devices([DEVICE])
    return site


def idle_bytes(folder, count, options):
    """What the process of a fresh collector grows by, a connection."""
    with fresh(folder) as site:
        start(site, DEVICE, "idle", 20, *options).communicate("")  # what is needed once
        time.sleep(3)
        before = own_memory(site.collector.process.pid)
        program = start(site, DEVICE, "idle", count, *options)
        grown = (own_memory(site.collector.process.pid) - before) / count
        assert program.communicate("")[0] == f"alive {count}\n"
        return grown
