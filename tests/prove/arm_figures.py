"""Instructions of the firmware on an emulated Cortex-M3: tools/dev prove arm prints them, docs/benchmarks.md keeps them.

QEMU counts (-icount); what the processor sleeps is left out. Interrupts, the console and the network's timers are in the figures. The
last line is "KEY FIGURE" pairs for a script.
"""
import re
import sys
import tempfile
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TOP / "tests" / "e2e")]

from longhaul_e2e.firmware import Board, instructions  # noqa: E402
from longhaul_e2e.processes import wait_until  # noqa: E402
from longhaul_e2e.site import Site  # noqa: E402
from test_firmware import ROUNDS, spoken  # noqa: E402

LIMIT_S = 120
PRESET = "cortex-m3"
STATUS = re.compile(r"^(\d+) longhaul: samples (\d+) blocks (\d+)", re.MULTILINE)


def connected(board):
    return board.console().count("longhaul: connected")


def begin(board):
    """Starts it and waits until it has connected; instructions of the boot, and from there to the connection."""
    board.start(counted=True)
    wait_until(lambda: connected(board) == 1, f"the board connects: {board.log}", LIMIT_S)
    boot = board.work("samples 0 blocks 0")
    return boot, board.work("connected") - boot


def resume(board, site):
    """Instructions from the end of one connection to the next, which the ticket of the first shortens."""
    site.stop_collector()
    site.start_collector("--log-level", "debug")
    wait_until(lambda: connected(board) == 2, f"the board connects again: {board.log}", LIMIT_S)
    if "handshake=resumed" not in site.collector.messages():
        sys.exit(f"the second handshake was a full one: {site.collector.log}")
    return board.work("connected") - board.work("disconnected")


def quiet(board, samples_min):
    """(work, samples) of a report behind which nothing is left to do: one more says the same of samples and blocks."""
    def settled():
        reports = [tuple(map(int, each)) for each in STATUS.findall(board.console())]
        return next((now for before, now in zip(reports, reports[1:]) if before[1:] == now[1:] and now[1] >= samples_min), None)
    work, samples, _ = wait_until(settled, f"{samples_min} fixes are sealed: {board.log}", LIMIT_S)
    return work, samples


def measure_samples(board):
    """Instructions a fix, from the bytes of its sentences to the sealed block in flash, with the cable out; the first ones also make the
    epoch, and do not count."""
    said = spoken()
    board.cable(False)
    board.say(said[:len(said) // ROUNDS])
    before = quiet(board, 30)
    board.say(said)
    after = quiet(board, before[1] + 300)
    fixes = after[1] - before[1]
    return fixes, instructions(after[0] - before[0]) // fixes


def main():
    with tempfile.TemporaryDirectory(prefix="lh-figures-") as folder, Site(Path(folder) / "site") as site:
        site.start_collector()
        site.add_devices(["board"])
        board = Board(site, "board", PRESET)
        try:
            board.provision()
            boot, handshake = begin(board)
            resumed = resume(board, site)
            fixes, sample = measure_samples(board)
        finally:
            board.close()
    print(f"boot, until it measures                               {boot:13,} instructions")
    print(f"address by DHCP, full handshake, Hello and Welcome    {handshake:13,}")
    print(f"the same, resumed, without the address               {resumed:13,}")
    print(f"a fix, from its sentences to the sealed block in flash {sample:12,}   (mean of {fixes})")
    print(f"boot {boot} handshake {handshake} resumed {resumed} sample {sample}")


main()
