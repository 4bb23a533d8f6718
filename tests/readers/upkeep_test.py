"""A lake after its upkeep, read by programs of others; and upkeep beside a writer and delta-rs that compact at the same time."""
import os
import random
import shutil
import signal
import subprocess
import time

import deltalake
import pytest
from longhaul_e2e.readers import READERS, SPARK
from readers_test import KINDS, ROWS_PER_BLOCK, by_identity, expected_rows, program

COMMITS = 256
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


def test_writers_that_are_killed_beside_two_that_compact_lose_and_double_nothing(tmp_path):
    chance = random.Random(SEED)
    print(f"seed {SEED}")
    table = str(tmp_path / "lake" / "acme" / "series")
    program(tmp_path, 0, 2, 1)
    done, kills, compacted, given_up = 2, 0, 0, 0
    while done < RACE_COMMITS:
        last = min(done + chance.randrange(4, 12), RACE_COMMITS)
        writer = start(tmp_path, done, last, 1)
        upkeep = start(tmp_path, "upkeep", 0)
        end = time.monotonic() + chance.uniform(0.02, 0.5)
        while time.monotonic() < end and writer.poll() is None:
            compacted += compact_by_delta_rs(table)
        for process in (writer, upkeep):
            if process.poll() is None and chance.random() < 0.5:
                process.send_signal(signal.SIGKILL)
                kills += 1
            output, _ = process.communicate(timeout=120)
            given_up += int(output.split()[4]) if process is upkeep and output else 0
        if writer.returncode == 0:
            done = last
    program(tmp_path, "upkeep", 0)
    rows = by_identity(READERS["delta-rs with pyarrow"](table, KINDS))
    assert rows == expected_rows(RACE_COMMITS)
    assert program(tmp_path, "audit").split() == [str(RACE_COMMITS * ROWS_PER_BLOCK), "0"]
    print(f"{RACE_COMMITS} commits, {kills} kills, {compacted} compactions by delta-rs, {given_up} of ours given up")
    assert compacted > 0


def test_a_writer_that_slept_while_another_took_its_place_writes_nothing(tmp_path):
    """Each has its own copy of the journal, as two machines have that were given one shard."""
    first, second = tmp_path / "first", tmp_path / "second"
    program(first, 0, 2, 1)
    table = str(first / "lake" / "acme" / "series")
    sleeper = start(first, 2, 400, 1)
    while deltalake.DeltaTable(table).version() < 4:
        assert sleeper.poll() is None, sleeper.communicate()
    sleeper.send_signal(signal.SIGSTOP)
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
