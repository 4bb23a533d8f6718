"""Many devices at once, by tests/support/tls_load.cpp, and what a process takes meanwhile."""

import subprocess
from pathlib import Path


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
