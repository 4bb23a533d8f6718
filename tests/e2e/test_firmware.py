"""The image for a board without an operating system, in QEMU, against the real collector: it gets its address, comes in with its
own certificate, and what its receiver said stands in the table, each fix once; also when cable, collector and power go.
LH_FIRMWARE_KILLS and LH_FIRMWARE_SEED ask for more (tools/dev prove arm)."""

import contextlib
import gzip
import json
import os
import random
import re
import signal
import time

import pytest

from longhaul_e2e.compare import same
from longhaul_e2e.firmware import TORN_PLAN, Board, image_of
from longhaul_e2e.journal import BLOCK, EPOCH, bodies
from longhaul_e2e.processes import demand, pause, wait_until
from longhaul_e2e.readers import read_table
from longhaul_e2e.recorded_nmea import FIELDS, fixes_of
from longhaul_e2e.recorded_optical import FIELDS as OPTICAL, with_readings
from longhaul_e2e.site import TENANT, Site, top_folder

NAME = "board"
SEED = int(os.environ.get("LH_FIRMWARE_SEED", "1"))
KILLS = int(os.environ.get("LH_FIRMWARE_KILLS", "2"))
OUTAGE_S = int(os.environ.get("LH_FIRMWARE_OUTAGE_S", "0"))
TORN = int(os.environ.get("LH_FIRMWARE_TORN", "2"))
PRESETS = os.environ.get("LH_FIRMWARE_PRESETS", "cortex-m3 sf2").split()
WITH_ZSTD = ["cortex-m33"]  # LH_ZSTD of their toolchain files
TORN_STEPS = 60  # of the flash, within which the power goes
READING_EVERY = 20  # lines of the receiver
ROUNDS = 8  # of the recording in a boot: several blocks


def recorded():
    with gzip.open(top_folder() / "firmware-sim/traces/gnss-receivers/quectel-eg25-g.log.gz") as file:
        return with_readings(file.read() * ROUNDS, READING_EVERY)


def spoken():
    """Positions and optical values, on one line."""
    return recorded()[0]


def rows_by_epoch(site, table="gnss", fields=FIELDS):
    """The device's rows in the order of its samples, by epoch; nothing while there is no table."""
    path = site.lake / TENANT / table
    if not list((path / "_delta_log").glob("*.json")):
        return {}
    rows = read_table(path, ["incarnation", "epoch", "seq", "row", *fields]).to_pylist()
    epochs = {}
    for row in sorted(rows, key=lambda row: (row["epoch"], row["seq"], row["row"])):
        epochs.setdefault((row["incarnation"], row["epoch"]), []).append(tuple(row[name] for name in fields))
    return epochs


def epochs_of(site):
    path = site.lake / TENANT / "_epochs"
    if not list((path / "_delta_log").glob("*.json")):
        return []
    return sorted(read_table(path, ["epoch", "boot_cause", "last_words"]).to_pylist(), key=lambda row: row["epoch"])


def differences(epochs, said):
    """Every boot heard the same recording: its rows are the first samples of it, without a gap."""
    for epoch, rows in epochs.items():
        if len(rows) > len(said):
            yield f"{epoch}: {len(rows)} rows of {len(said)} samples"
        for at, (row, sample) in enumerate(zip(rows, said)):
            if not all(map(same, plain(row), plain(sample))):
                yield f"{epoch}, sample {at}: {row} instead of {sample}"
                break


def plain(row):
    """A time as microseconds, whatever the reader made of it."""
    return tuple(int(value.timestamp() * 1_000_000 + 0.5) if hasattr(value, "timestamp") else value for value in row)


def memory_used(consoles, preset):
    """The most of stack and heap that any start has used, and how much there is, as the board itself says; `tools/dev image-size` shows
    it beside what the compiler knows. No request to the heap was refused."""
    said = [match.groups() for text in consoles
            for match in re.finditer(r"stack (\d+) of (\d+) heap (\d+) of (\d+) refused (\d+)", text)]
    stack, stack_room, heap, heap_room, refused = (max(map(int, column)) for column in zip(*said))
    assert refused == 0, f"{refused} requests found no room in the heap"
    used = {"stack": (stack, stack_room), "heap": (heap, heap_room)}
    image_of(preset).with_suffix(".measured.json").write_text(json.dumps(used))
    return used


def disturb(chance, site, board):
    """Lets it run to a seeded moment; on the way the cable or the collector may go for a while."""
    what = chance.choice(["cable", "collector", "nothing"])
    if what == "cable":
        board.cable(False)
        pause(chance.uniform(0.1, 1.0))
        board.cable(True)
    elif what == "collector":
        site.kill_collector()
        pause(chance.uniform(0, 0.5))
        site.start_collector()
    if chance.random() < 0.5:
        begin, more = site.journal_bytes(), chance.randint(1, 4000)
        end = time.monotonic() + 5  # unless everything was said already
        wait_until(lambda: site.journal_bytes() >= begin + more or time.monotonic() > end, f"{more} bytes in the journal")
    pause(chance.uniform(0, 1.5))


def drain(site, board, said, fixes, torn=None):
    """A last start, in which all that the receiver says has to come to the table."""
    board.start(torn)
    board.say(said)
    last = lambda: max((len(rows) for rows in rows_by_epoch(site).values()), default=0)  # noqa: E731
    wait_until(lambda: last() >= len(fixes) - 256, f"{len(fixes)} fixes in the table: {board.log}", 120, poll_s=0.2)


def consoles_of(board):
    """What was said in each start, after which the board never started by itself, and no count of starts came twice. One that was
    killed at once may have said nothing, and is counted or not."""
    said = [(board.folder / f"console-{at}.log").read_text() for at in range(1, board.starts + 1)]
    starts = [int(found) for text in said for found in re.findall(r", start (\d+)", text)]
    assert all(text.count("longhaul: start\n") <= 1 for text in said), "the board started by itself"
    assert starts == sorted(set(starts)) and starts[-1] <= board.starts, f"{starts}: a count came twice"
    return said


def judge(site, fixes):
    """All is accounted for, nothing came twice, and what came is what was said; returns rows by epoch and the account."""
    assert site.stop_collector() == 0
    code, report = site.audit(drained=False)
    assert code == 0 and report["ok"], report
    assert report["totals"]["duplicates"] == 0
    epochs = rows_by_epoch(site)
    optical = rows_by_epoch(site, "transducer", OPTICAL)
    wrong = [*differences(epochs, fixes), *differences(optical, recorded()[1])]
    assert not wrong, wrong
    assert max(map(len, optical.values())) > 100, "optical values of the last start"
    return epochs, report["totals"]


@contextlib.contextmanager
def provisioned(site, preset, *options, codecs=None):
    """A board with its flash written, not started yet, beside a collector; closed at the end."""
    site.start_collector(*options)
    site.add_devices([NAME], codecs=codecs)
    board = Board(site, NAME, preset)
    try:
        board.provision()
        yield board
    finally:
        board.close()


@pytest.mark.parametrize("preset", PRESETS)
def test_every_fix_of_a_board_stands_in_its_table_once(tmp_path, preset):
    chance = random.Random(SEED)
    said = spoken()
    fixes, _ = fixes_of(said)
    with Site(tmp_path / "site") as site:
        with provisioned(site, preset) as board:
            for kill in range(KILLS):
                board.start()
                board.say(said)
                disturb(chance, site, board)
                board.kill()
            drain(site, board, said, fixes)
            memory = memory_used(consoles_of(board), preset)
            for what, (used, room) in memory.items():
                assert used <= room * 0.9, f"{what}: {used} of {room} bytes used, and nothing is left for what no test does"
        epochs, totals = judge(site, fixes)
        print(f"{preset}: {memory}, {board.starts} starts, {len(epochs)} epochs with rows, {sum(map(len, epochs.values()))} rows, "
              f"{totals['resent']} blocks came twice")


@pytest.mark.parametrize("preset", [preset for preset in PRESETS if preset in TORN_PLAN])
def test_torn_pages_and_half_erased_sectors_cost_nothing_that_was_acknowledged(tmp_path, preset):
    """The power goes in the middle of a seeded step of the flash, of a program or an erase."""
    chance = random.Random(SEED)
    said = spoken()
    fixes, _ = fixes_of(said)
    torn = []
    with Site(tmp_path / "site") as site:
        with provisioned(site, preset) as board:
            for cut in range(TORN):
                board.start(torn=(chance.randint(1, TORN_STEPS), chance.randrange(1 << 16)))
                board.say(said)
                end = time.monotonic() + 6  # unless it has fewer steps to do
                said_last = lambda: re.findall(r"longhaul: torn (\w+)\n$", board.console())  # noqa: E731
                wait_until(lambda: said_last() or time.monotonic() > end, "the flash is torn", poll_s=0.05)
                torn += said_last()
                board.kill()
            drain(site, board, said, fixes, torn=(0, 0))  # never, by the image with the small flash
            consoles_of(board)
        epochs, totals = judge(site, fixes)
        assert torn and (TORN < 20 or "erase" in torn)
        print(f"{preset}: of {TORN} starts {torn.count('program')} torn in a program, {torn.count('erase')} in an erase, {len(epochs)} epochs with rows, {sum(map(len, epochs.values()))} rows, "
              f"{totals['resent']} blocks came twice")


def outage(site, board, what, seconds):
    if what == "cable":
        board.cable(False)
    elif what == "gone":
        site.kill_collector()
    else:  # the kernel takes connections, and nobody answers in them: each attempt of the board ends with its deadline
        site.collector.process.send_signal(signal.SIGSTOP)
    pause(seconds)
    if what == "cable":
        board.cable(True)
    elif what == "gone":
        site.start_collector()
    else:
        site.collector.process.send_signal(signal.SIGCONT)


@pytest.mark.skipif(OUTAGE_S == 0, reason="takes minutes: tools/dev prove arm")
@pytest.mark.parametrize("preset", PRESETS)
def test_a_board_comes_back_from_long_outages_of_every_kind(tmp_path, preset):
    """Attempts that nobody answers leave connections behind, for which a small board has no memory: each takes that of the one before."""
    said = spoken()
    part = len(said) // ROUNDS
    with Site(tmp_path / "site") as site:
        with provisioned(site, preset) as board:
            board.start()
            for at, what in enumerate(("silent", "gone", "cable", "silent")):
                wait_until(lambda: "longhaul: connected" in board.console(), f"the board connects: {board.log}", 60)
                board.say(said[at * part:(at + 1) * part])  # so that something waits for an acknowledgement
                outage(site, board, what, OUTAGE_S)
                seen = site.journal_bytes()
                board.say(said[at * part:(at + 1) * part])
                wait_until(lambda: site.journal_bytes() > seen, f"blocks after the outage ({what}): {board.log}", 1000, poll_s=0.5)
                print(f"{preset}: back after {OUTAGE_S} s, {what}", flush=True)
            memory = memory_used(consoles_of(board), preset)
            assert "no memory for a connection" not in board.console()
        assert site.stop_collector() == 0
        code, report = site.audit(drained=False)
        assert code == 0 and report["ok"] and report["totals"]["duplicates"] == 0, report
        print(f"{preset}: {memory}, {board.console().count('longhaul: connected')} sessions")


@pytest.mark.parametrize("preset", PRESETS)
def test_last_words_of_a_board_that_started_anew_stand_beside_its_next_epoch(tmp_path, preset):
    said = spoken()
    with Site(tmp_path / "site") as site:
        with provisioned(site, preset) as board:
            board.start()
            for start in (1, 2):
                board.say(said)
                wait_until(lambda: len(epochs_of(site)) == start, f"epoch {start} in _epochs: {board.log}", 60, poll_s=0.2)
                if start == 1:
                    board.fault()
                    wait_until(lambda: board.console().count("longhaul: start\n") == 2, "the board starts anew", 30)
        assert "longhaul: before: processor fault at 0xe0000000" in board.console()
        assert [(epoch["boot_cause"], epoch["last_words"]) for epoch in epochs_of(site)] == [
            (1, None), (2, "processor fault at 0xe0000000")]


def sections(site):
    """(codec, samples, bytes) of the sections of a board that was started once, as `longhaul inspect block` says; not the system's."""
    (site.folder / "epoch").write_bytes(next(bodies(site.journal, EPOCH)))
    key, = (site.authority / "collector" / "sealing").glob("*.key")
    for at, sealed in enumerate(bodies(site.journal, BLOCK)):
        block = site.folder / f"block-{at}"
        block.write_bytes(sealed)
        said = demand(site.bin / "longhaul", "inspect", "block", block, "--key", key, "--epoch", site.folder / "epoch", "--json")
        for section in map(json.loads, said.splitlines()):
            if section.get("stream", 0) != 0:
                yield section["codec"], section["samples"], section["bytes"]


# Boards with zstd, too, wherever they are built; what is asked of each.
CODECS = [(preset, asked) for preset in PRESETS if preset not in WITH_ZSTD for asked in (None, ["zstd"])]
CODECS += [(preset, asked) for preset in WITH_ZSTD if image_of(preset).exists() for asked in (["zstd"], ["range", "zstd"])]


@pytest.mark.parametrize("preset, asked", CODECS, ids=str)
def test_a_board_codes_as_its_identity_block_asks_if_its_image_can(tmp_path, preset, asked):
    said = spoken()
    fixes, _ = fixes_of(said)
    expected = 1 if asked == ["zstd"] and preset in WITH_ZSTD else 2
    with Site(tmp_path / "site") as site:
        with provisioned(site, preset, codecs=asked) as board:
            drain(site, board, said, fixes)
            memory_used(consoles_of(board), preset)
        judge(site, fixes)
        found = list(sections(site))
    samples = {codec: sum(count for each, count, _ in found if each == codec) for codec, _, _ in found}
    assert samples.get(expected, 0) > 300 and samples[expected] > 0.9 * sum(samples.values()), samples
    size = sum(size for _, _, size in found) / sum(samples.values())
    print(f"{preset}: asked for {asked}, samples by codec {samples}, {size:.2f} bytes a sample")


def test_a_board_without_a_clock_resumes(tmp_path):
    with Site(tmp_path / "site") as site:
        with provisioned(site, "cortex-m3", "--log-level", "debug") as board:
            board.start()
            connected = lambda: board.console().count("longhaul: connected")  # noqa: E731
            wait_until(lambda: connected() == 1, "the board to connect", 60)
            pause(7)  # longer than a ticket without its age would be taken
            site.stop_collector()
            site.start_collector("--log-level", "debug")
            wait_until(lambda: connected() == 2, "the board to connect again", 90)
        assert site.collector.messages().count("handshake=full") == 1
        assert site.collector.messages().count("handshake=resumed") == 1
