"""A lake after its upkeep, read by programs of others; and upkeep beside a writer and delta-rs that compact at the same time."""
import datetime
import glob
import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import deltalake
import pyarrow
import pytest
from longhaul_e2e.readers import READERS, SPARK
from readers_test import KINDS, ROWS_PER_BLOCK, by_identity, expected_rows, program

COMMITS = 256
SHARD = "07000000-0000-0000-0000-000000000000/0"
# Spark takes long to start: `tools/dev prove collector` asks for it.
EVERY_READER = READERS | SPARK if "LH_SPARK" in os.environ else READERS
SEED = int(os.environ.get("LH_SEED", random.SystemRandom().randrange(1_000_000)))
RACE_COMMITS = int(os.environ.get("LH_RACE_COMMITS", 40))


def start(*arguments):
    return subprocess.Popen([os.environ["LH_WRITE_LAKE"], *map(str, arguments)], text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE)


@pytest.fixture(scope="module")
def old_lake(tmp_path_factory):
    """256 commits and 110 more, whose schema grew at the sixth; checkpoints, merges, a log that was cut."""
    path = tmp_path_factory.mktemp("upkeep")
    program(path, 0, COMMITS, 1)
    program(path, "upkeep", 0)
    program(path, COMMITS, COMMITS + 110, 1)
    passes = [list(map(int, program(path, "upkeep", days).split())) for days in (40, 80)]
    merged, checkpoints, deleted, commits, _ = map(sum, zip(*passes))
    assert merged > 0 and checkpoints > 0 and deleted > COMMITS and commits >= COMMITS
    program(path, COMMITS + 110, COMMITS + 113, 1)  # a writer that goes on from the checkpoint
    return path


@pytest.mark.parametrize("reader", EVERY_READER)
def test_after_commits_checkpoints_merges_growth_and_clean_up_every_cell_is_what_was_sampled(old_lake, reader):
    table = str(old_lake / "lake" / "acme" / "series")
    assert not os.path.exists(f"{table}/_delta_log/{0:020d}.json")
    assert by_identity(EVERY_READER[reader](table, KINDS)) == expected_rows(COMMITS + 113)
    print(f"read by {reader}")


def test_versions_go_on_and_files_are_few(old_lake):
    table = deltalake.DeltaTable(old_lake / "lake" / "acme" / "series")
    assert table.version() >= COMMITS + 113
    assert len(table.file_uris()) < 60


def compact_by_delta_rs(table):
    """Whether it came through; a conflict is an error of its own, and changes nothing."""
    try:
        deltalake.DeltaTable(table).optimize.compact()
        return True
    except deltalake.exceptions.DeltaError:
        return False


def append_rows(table, numbers, until):
    """Rows of another program's own, a commit each; the numbers of those that delta-rs says are there."""
    there = []
    while time.monotonic() < until:
        number = next(numbers)
        schema = deltalake.DeltaTable(table).to_pyarrow_dataset().schema
        row = {name: [None] for name in schema.names} | {"count": [number], "receive_date": [datetime.date(2026, 11, 21)]}
        try:
            deltalake.write_deltalake(table, pyarrow.table(row, schema=schema), mode="append")
            there.append(number)
        except deltalake.exceptions.DeltaError:  # the table grew a column meanwhile, or others were faster for too long
            pass
    return there


def check_txns(table):
    """Every commit of the writer brought its shard further, and none of them is there twice; how many there are."""
    txns = []
    for commit in sorted(glob.glob(f"{table}/_delta_log/*.json")):
        with open(commit, encoding="utf-8") as lines:
            txns += [action["txn"]["version"] for action in map(json.loads, lines) if action.get("txn", {}).get("appId") == SHARD]
    assert txns == sorted(set(txns))
    return len(txns)


def stop(writer):
    """Until it is, or has ended: one in the midst of a step finishes it first."""
    if writer.poll() is not None:
        return
    writer.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, writer.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)


class Zombies:
    """Writers that sleep while others, with copies of their journals, go on in their place; one at a time."""

    def __init__(self, lake):
        self.lake, self.sleeper, self.awake, self.heirs, self.refused = lake, None, False, 0, 0
        self.txn = 0

    def committed(self):
        return deltalake.DeltaTable(str(self.lake / "acme" / "series")).transaction_version(SHARD)

    def put_to_sleep(self, writer, folder):
        """In the middle of what it does; the folder of the one that goes on in its place."""
        stop(writer)
        if writer.poll() is not None or self.sleeper is not None:
            writer.send_signal(signal.SIGCONT)
            return folder
        self.sleeper, self.heirs, self.txn = writer, self.heirs + 1, self.committed()
        heir = self.lake.parents[1] / f"heir-{self.heirs}"
        shutil.copytree(folder / "journal", heir / "journal")
        (heir / "lake").symlink_to(self.lake)
        return heir

    def wake(self):
        """When its heir has committed; what it does now may change nothing. Before, it is the writer still, and its heir would be
        one that goes on with an older copy of its journal."""
        if self.sleeper is not None and self.committed() > self.txn:
            self.sleeper.send_signal(signal.SIGCONT)
            self.awake = True

    def bury(self):
        if not self.awake:
            return
        _, errors = self.sleeper.communicate(timeout=120)
        assert self.sleeper.returncode in (0, 1), errors  # 0: it slept behind its last commit
        self.refused += self.sleeper.returncode
        self.sleeper, self.awake = None, False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.sleeper is not None:
            self.sleeper.kill()
            self.sleeper.communicate()


def test_writers_that_are_killed_or_sleep_beside_others_that_compact_and_append_lose_and_double_nothing(tmp_path):
    chance = random.Random(SEED)
    print(f"seed {SEED}")
    folder = tmp_path / "writer"
    lake = folder / "lake"
    table = str(lake / "acme" / "series")
    program(folder, 0, 2, 1)
    numbers, appended = itertools.count(), []
    done, kills, compacted, given_up = 2, 0, 0, 0
    with Zombies(lake) as zombies, ThreadPoolExecutor(1) as another:
        while done < RACE_COMMITS:
            last = min(done + chance.randrange(4, 12), RACE_COMMITS)
            writer = start(folder, done, last, 1)
            upkeep = start(folder, "upkeep", 0)
            zombies.wake()
            end = time.monotonic() + chance.uniform(0.02, 0.5)
            appending = another.submit(append_rows, table, numbers, end)
            while time.monotonic() < end and writer.poll() is None:
                compacted += compact_by_delta_rs(table)
            appended += appending.result()
            zombies.bury()
            if zombies.refused == 0 or chance.random() < 0.3:
                folder = zombies.put_to_sleep(writer, folder)
            for process in (writer, upkeep):
                if process is zombies.sleeper:
                    continue
                if process.poll() is None and chance.random() < 0.5:
                    process.send_signal(signal.SIGKILL)
                    kills += 1
                output, _ = process.communicate(timeout=120)
                given_up += int(output.split()[4]) if process is upkeep and output else 0
            if writer is not zombies.sleeper and writer.returncode == 0:
                done = last
        zombies.wake()
        zombies.bury()
    program(folder, "upkeep", 0)
    rows = READERS["delta-rs with pyarrow"](table, KINDS)
    assert by_identity(row for row in rows if row[0] is not None) == expected_rows(RACE_COMMITS)
    count = list(KINDS).index("count")
    assert sorted(row[count] for row in rows if row[0] is None) == sorted(appended)
    assert program(folder, "audit").split() == [str(RACE_COMMITS * ROWS_PER_BLOCK), "0"]
    print(f"{check_txns(table)} commits, {kills} kills, {zombies.refused} writers that woke too late refused, "
          f"{len(appended)} appends and {compacted} compactions by delta-rs, {given_up} of ours given up")
    assert compacted > 0 and appended
    assert zombies.refused > 0 or RACE_COMMITS < 500


def test_a_writer_that_slept_while_another_took_its_place_writes_nothing(tmp_path):
    """Each has its own copy of the journal, as two machines have that were given one shard."""
    first, second = tmp_path / "first", tmp_path / "second"
    program(first, 0, 2, 1)
    table = str(first / "lake" / "acme" / "series")
    sleeper = start(first, 2, 400, 1)
    while deltalake.DeltaTable(table).version() < 4:
        assert sleeper.poll() is None, sleeper.communicate()
    stop(sleeper)
    shutil.copytree(first / "journal", second / "journal")
    (second / "lake").symlink_to(first / "lake")
    blocks = deltalake.DeltaTable(table).version() + 1
    last = blocks + 10
    assert last < 400
    program(second, 2, last, 1)
    compact_by_delta_rs(table)
    sleeper.send_signal(signal.SIGCONT)
    _, errors = sleeper.communicate(timeout=120)
    # Which it hears of depends on where it slept: between commits, or before it opened one of its tables.
    assert sleeper.returncode == 1 and ("another writer" in errors or "an older copy" in errors), errors
    assert by_identity(READERS["delta-rs with pyarrow"](table, KINDS)) == expected_rows(last)
    assert program(second, "audit").split() == [str(last * ROWS_PER_BLOCK), "0"]
