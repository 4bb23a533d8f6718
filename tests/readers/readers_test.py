"""Programs of others read a table of our writer: every cell, with filters, after a rewrite by one of them."""
import json
import math
import os
import struct
import subprocess
from datetime import UTC, datetime, timedelta

import deltalake
import duckdb
import pytest
from duckdb_extensions import import_extension
from longhaul_e2e.readers import READERS
from pyarrow import dataset, fs

START_US = 1_795_262_400_000_000  # 2026-11-21 12:00 UTC
ROWS_PER_BLOCK = 100
BLOCK_US = 7_200_000_000
BLOCKS = 12
EXTREMES = [-2**63, -62_135_596_800_000_001, 0, START_US, 253_402_300_800_000_000, 2**63 - 2]  # 2**63 - 1 is DuckDB's infinity
KINDS = dict.fromkeys(("device stream incarnation epoch seq row event_time anchor time_error_us receive_time "
                       "count level ready state note raw single real extra").split(), "number") | \
    dict.fromkeys(["device", "stream", "state", "note"], "text") | dict.fromkeys(["event_time", "receive_time"], "time")


def program(*arguments):
    done = subprocess.run([os.environ["LH_WRITE_LAKE"], *map(str, arguments)], text=True, check=False,
                          capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def as_float32(value):
    return struct.unpack("<f", struct.pack("<f", value))[0]


def real(i):
    return {49: math.nan, 48: math.inf, 47: -0.0}.get(i % 50, math.sqrt(i))


def expected_row(i):
    block, row = divmod(i, ROWS_PER_BLOCK)
    grown = block >= 6
    return (f"probe-{block % 2}", "series", 11, 2 if grown else 1, 0x80000001 + block, row,
            START_US + i * 1_000_003 - i % 3 * 5_000_000, None, None, START_US + block * BLOCK_US,
            None if i % 7 == 3 else i * i * 1_000_000_007 - 1000,
            0.1 * i if i % 11 == 5 else float(f"{i * 37 - 5000}e-2"),
            i % 2 == 1, ("off", "on", "unknown")[i % 3],
            None if i % 13 == 0 else f"n{i} é😀", bytes([i % 256]),
            as_float32(as_float32(i) / as_float32(3)), real(i), -i if grown else None)


def comparable(row):
    """Floats by their bits, so that -0.0 and NaN count."""
    def cell(value):
        if isinstance(value, float):
            return "nan" if math.isnan(value) else struct.pack("<d", value)
        return value
    return tuple(cell(value) for value in row)


def by_identity(rows):
    return sorted(map(comparable, rows), key=lambda row: row[:6])


def expected_rows(blocks):
    return by_identity(expected_row(i) for i in range(blocks * ROWS_PER_BLOCK))


def duck():
    import_extension("delta")
    connection = duckdb.connect()
    connection.execute("LOAD delta; SET timezone = 'UTC'")
    return connection


def arrow_table(path, columns=None):
    # Files are read by Arrow's own threads: delta-rs would call back into Python from them, even while it ends.
    files = fs.SubTreeFileSystem(str(path), fs.LocalFileSystem())
    return deltalake.DeltaTable(path).to_pyarrow_table(columns=columns, filesystem=files)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("readers")
    program(path, 0, BLOCKS)
    return path


@pytest.fixture(scope="module")
def table(folder):
    return str(folder / "lake" / "acme" / "series")


@pytest.mark.parametrize("reader", READERS)
def test_every_cell_is_what_was_sampled(table, reader):
    assert by_identity(READERS[reader](table, KINDS)) == expected_rows(BLOCKS)


FILTERS = [
    ("event_time >= TIMESTAMPTZ '2026-11-21 12:05:00.000001+00' AND "
     "event_time < TIMESTAMPTZ '2026-11-21 12:10:00+00'",
     lambda row: START_US + 300_000_001 <= row[6] < START_US + 600_000_000),
    ("event_time = TIMESTAMPTZ '2026-11-21 12:00:00+00'", lambda row: row[6] == START_US),
    ("device = 'probe-1'", lambda row: row[0] == "probe-1"),
    ("receive_date = DATE '2026-11-22'", lambda row: row[9] >= START_US + 43_200_000_000),
    ("seq = 2147483652", lambda row: row[4] == 2147483652),
    ("level < -40", lambda row: row[11] < -40),
    ("\"real\" > 33 AND \"real\" < 34", lambda row: 33 < row[17] < 34),
    ("note IS NULL", lambda row: row[14] is None),
    ("extra IS NOT NULL", lambda row: row[18] is not None),
    ("count > 9000000000000", lambda row: row[10] is not None and row[10] > 9_000_000_000_000),
]


@pytest.mark.parametrize("condition, holds", FILTERS)
def test_no_filter_loses_rows_to_the_statistics(table, condition, holds):
    wanted = sum(holds(expected_row(i)) for i in range(BLOCKS * ROWS_PER_BLOCK))
    assert wanted > 0
    found = duck().execute(f"SELECT count(*) FROM delta_scan('{table}') WHERE {condition}").fetchone()[0]
    assert found == wanted


def test_delta_rs_sees_types_notes_history_and_positions(table):
    read = deltalake.DeltaTable(table)
    assert read.metadata().name == "series"
    assert read.metadata().partition_columns == ["receive_date"]
    fields = {field.name: field for field in read.schema().fields}
    assert str(fields["event_time"].type.type) == "timestamp"
    assert str(fields["count"].type.type) == "long"
    assert str(fields["single"].type.type) == "float"
    assert read.metadata().description == "Samples of the schema series, one row for each"
    assert fields["level"].metadata == {"longhaul.kind": "decimal", "longhaul.unit": "Cel", "longhaul.scale": 2,
                                        "comment": "what the probe says"}
    assert fields["state"].metadata["longhaul.labels"].split("\n") == ["off", "on", "unknown"]
    assert fields["extra"].metadata == {"longhaul.kind": "integer"}  # came later; what was there has kept its notes
    assert "when it was sampled" in fields["event_time"].metadata["comment"]
    history = read.history()
    assert len(history) == 4
    assert all(entry["operation"] == "WRITE" for entry in history)
    assert read.transaction_version("07000000-0000-0000-0000-000000000000/0") > 0


def test_every_fixed_column_says_what_it_is(folder):
    for table in ("series", "_epochs"):
        for field in deltalake.DeltaTable(f"{folder}/lake/acme/{table}").schema().fields:
            if "longhaul.kind" not in field.metadata:
                assert field.metadata.get("comment"), f"{table}.{field.name}"


def test_system_tables_are_tables_too(folder):
    rows = duck().execute(f"SELECT device, epoch, streams FROM delta_scan('{folder}/lake/acme/_epochs') "
                          "ORDER BY ALL").fetchall()
    assert rows == [(f"probe-{probe}", epoch, "series") for probe in (0, 1) for epoch in (1, 2)] + \
        [("probe-9", 1, "extremes")]
    assert arrow_table(f"{folder}/lake/acme/_epochs").num_rows == 5


USAGE = dict.fromkeys("device hour received_bytes blocks duplicate_blocks sealed_bytes samples decoded_bytes".split(), "number") | \
    {"device": "text", "hour": "time"}


@pytest.mark.parametrize("reader", READERS)
def test_what_devices_used_is_a_row_for_each_hour(folder, reader):
    rows = sorted(READERS[reader](str(folder / "lake" / "acme" / "_usage"), USAGE))
    hours = [(f"probe-{block % 2}", START_US + block * BLOCK_US) for block in range(BLOCKS - 1)]  # the last one goes on
    assert [row[:2] for row in rows] == sorted(hours)
    for _, _, received, blocks, duplicates, sealed, samples, decoded in rows:
        assert (blocks, duplicates, samples) == (2, 1, ROWS_PER_BLOCK)
        assert received > 2 * sealed > 0 and decoded > sealed


def test_times_that_no_calendar_has_do_no_harm(folder):
    """A device may claim any time; its rows must not keep others from being read."""
    table = f"{folder}/lake/acme/extremes"
    assert arrow_table(table).num_rows == len(EXTREMES)
    for time_us in EXTREMES:
        found = duck().execute(f"SELECT count(*) FROM delta_scan('{table}') "
                               f"WHERE epoch_us(event_time) = {time_us}").fetchone()[0]
        assert found == 1, time_us
    assert duck().execute(f"SELECT count(*) FROM delta_scan('{table}') "
                          "WHERE event_time > TIMESTAMPTZ '2026-01-01 00:00:00+00' "
                          "AND event_time < TIMESTAMPTZ '2027-01-01 00:00:00+00'").fetchone()[0] == 1


def arrow_reads(table, condition):
    """How many files and row groups Arrow goes on to read, and how many rows it finds there."""
    data = deltalake.DeltaTable(table).to_pyarrow_dataset(filesystem=fs.SubTreeFileSystem(table, fs.LocalFileSystem()))
    files = list(data.get_fragments(condition))
    groups = [group for file in files for group in file.split_by_row_group(condition)]
    return len(files), len(groups), data.to_table(filter=condition).num_rows


def test_who_filters_by_device_and_time_reads_few_files_and_row_groups(tmp_path):
    """19 devices that measure every second for eight hours; a file an hour, later one with three row groups."""
    program(tmp_path, "fleet")
    table = str(tmp_path / "lake" / "acme" / "fleet")
    rows = 19 * 8 * 3600
    field, begin = dataset.field, datetime.fromtimestamp(START_US / 1e6, UTC)
    all_rows = field("seq") > 0
    five_minutes = (field("event_time") >= begin + timedelta(minutes=125)) & (field("event_time") < begin + timedelta(minutes=130))
    assert arrow_reads(table, all_rows) == (8, 8, rows)
    assert arrow_reads(table, five_minutes) == (1, 1, 19 * 300)
    assert arrow_reads(table, five_minutes & (field("device") == "bus-17")) == (1, 1, 300)

    program(tmp_path, "upkeep", 0)
    assert arrow_reads(table, all_rows) == (1, 3, rows)
    for device, groups in [("bus-00", 1), ("bus-09", 2), ("bus-12", 1), ("bus-18", 2)]:  # two of them lie on both sides of a border
        assert arrow_reads(table, field("device") == device) == (1, groups, 8 * 3600)
        assert arrow_reads(table, five_minutes & (field("device") == device))[::2] == (1, 300)
    assert arrow_reads(table, five_minutes & (field("device") == "bus-12"))[1] == 1
    assert arrow_reads(table, field("event_time") >= begin + timedelta(hours=8)) == (0, 0, 0)


def files_of_duckdb(table, condition):
    """How many files it reads, as its own profile of the query says."""
    plan = json.loads(duck().execute(f"EXPLAIN (ANALYZE, FORMAT json) SELECT count(*), max(count) FROM delta_scan('{table}') "
                                     f"WHERE {condition}").fetchone()[1])
    while plan.get("operator_name") != "DELTA_SCAN":
        plan, = plan["children"]
    return int(plan["extra_info"]["Total Files Read"])


def test_duckdb_leaves_out_files_by_day_device_and_number(table):
    files = deltalake.DeltaTable(table).file_uris()
    assert files_of_duckdb(table, "receive_time IS NOT NULL") == len(files) == 5
    of_day = [file for file in files if "receive_date=2026-11-22/" in file]
    assert files_of_duckdb(table, "receive_date = DATE '2026-11-22'") == len(of_day) == 2
    assert files_of_duckdb(table, "device = 'probe-1'") == 4  # the first block's rows were not late, and probe-0's
    assert files_of_duckdb(table, "seq > 2147483656 AND device = 'probe-1'") == 2


def test_the_writer_goes_on_after_another_engine_has_rewritten_the_table(tmp_path):
    table = str(tmp_path / "lake" / "acme" / "series")
    program(tmp_path, 0, 6)
    before = len(deltalake.DeltaTable(table).file_uris())
    deltalake.DeltaTable(table).optimize.compact()
    assert len(deltalake.DeltaTable(table).file_uris()) < before
    program(tmp_path, 6, BLOCKS)
    for reader, read in READERS.items():
        assert by_identity(read(table, KINDS)) == expected_rows(BLOCKS), reader
    assert program(tmp_path, "audit") == f"{BLOCKS * ROWS_PER_BLOCK} 0\n"
    history = [entry["operation"] for entry in deltalake.DeltaTable(table).history()]
    assert history == ["WRITE", "WRITE", "OPTIMIZE", "WRITE", "WRITE"]
