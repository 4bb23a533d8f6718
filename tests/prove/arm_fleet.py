"""20 emulated boards and 500 simulated devices at once against one collector: tools/dev prove arm.

What the boards' receivers said and what `longhaul-sim fleet` made up has to be in the tables, once; the account has no hole. The last line
counts.

arm_fleet.py [BOARDS [DEVICES]]
"""
import json
import re
import sys
import tempfile
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TOP / "tests" / "e2e")]

from longhaul_e2e.firmware import Board  # noqa: E402
from longhaul_e2e.processes import Program, wait_until  # noqa: E402
from longhaul_e2e.readers import read_table  # noqa: E402
from longhaul_e2e.recorded_nmea import FIELDS, fixes_of  # noqa: E402
from longhaul_e2e.site import TENANT, Site  # noqa: E402
from test_firmware import differences, spoken  # noqa: E402

LIMIT_S = 1200  # two cores emulate all boards
SAMPLES, RATE = 120, 2  # of a simulated device, and a second


def start_fleet(site, devices):
    fleet = Program([site.bin / "longhaul-sim", "fleet", "--dir", site.authority, "--tenant", TENANT, "--collector",
                     f"127.0.0.1:{site.port}", "--json", "--devices", devices, "--samples", SAMPLES, "--rate", RATE, "--block-s", 5,
                     "--connect-rate", 10, "--drain-s", LIMIT_S], site.folder / "fleet.log")
    site.agents.append(fleet)
    return fleet


def rows_by_board(site):
    if not list((site.lake / TENANT / "gnss" / "_delta_log").glob("*.json")):
        return {}
    rows = read_table(site.lake / TENANT / "gnss", ["device", "epoch", "seq", "row", *FIELDS]).to_pylist()
    boards = {}
    for row in sorted(rows, key=lambda row: (row["device"], row["epoch"], row["seq"], row["row"])):
        boards.setdefault(row["device"], []).append(tuple(row[name] for name in FIELDS))
    return boards


def half_of_the_recording():
    lines = spoken().splitlines(keepends=True)
    return b"".join(lines[:len(lines) // 2])


def at_once(site, boards, devices, fixes):
    """Starts all and waits until all is there; seconds that it took."""
    fleet = start_fleet(site, devices)
    began = time.monotonic()
    for board in boards:
        board.start()
        board.say(half_of_the_recording())
    tenths = -1

    def there():
        nonlocal tenths
        got = sum(map(len, rows_by_board(site).values()))
        if got * 10 // (len(boards) * fixes) != tenths:
            tenths = got * 10 // (len(boards) * fixes)
            print(f"{time.monotonic() - began:5.0f} s: {got} rows of {len(boards) * fixes} fixes of the boards", flush=True)
        return len(rows_by_board(site)) == len(boards) and min(map(len, rows_by_board(site).values())) >= fixes
    wait_until(there, "every fix of every board in the table", LIMIT_S, poll_s=2)
    code, output = fleet.wait(LIMIT_S)
    assert code == 0, output + fleet.messages()
    return json.loads(output), time.monotonic() - began


def main():
    boards_count, devices = (int(word) for word in (sys.argv[1:] + ["20", "500"][len(sys.argv) - 1:])[:2])
    fixes, _ = fixes_of(half_of_the_recording())
    with tempfile.TemporaryDirectory(prefix="lh-fleet-") as folder, Site(Path(folder) / "site") as site:
        site.start_collector()
        names = [f"board-{at}" for at in range(boards_count)]
        site.add_devices(names)
        boards = [Board(site, name, ("cortex-m3", "sf2")[at % 2]) for at, name in enumerate(names)]
        try:
            for board in boards:
                board.provision()
            report, seconds = at_once(site, boards, devices, len(fixes))
            refused = [board.name for board in boards if re.search(r"refused [1-9]", board.console())]
            assert not refused, f"the heap of {refused} was too small"
        finally:
            for board in boards:
                board.close()
        assert site.stop_collector() == 0
        code, account = site.audit(drained=False)
        assert code == 0 and account["ok"] and account["totals"]["duplicates"] == 0, account
        wrong = list(differences(rows_by_board(site), fixes))
        assert not wrong, wrong
    total = devices * SAMPLES
    assert [report[key] for key in ("produced", "acked", "rows")] == [total, total, total], report
    print(f"boards {boards_count} fixes {boards_count * len(fixes)} devices {devices} samples {total} seconds {seconds:.0f}")


main()
