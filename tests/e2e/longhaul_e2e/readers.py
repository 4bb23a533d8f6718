"""The tables, read by two engines that nobody here wrote: DuckDB, and delta-rs with pyarrow.

Both give the same thing: rows in the order (device, incarnation, epoch, seq, row), as tuples of the identity
columns and the asked-for fields, times as microseconds.
"""

import duckdb
import pyarrow.compute
from deltalake import DeltaTable
from duckdb_extensions import import_extension
from pyarrow import fs

IDENTITY = ["device", "stream", "incarnation", "epoch", "seq", "row", "event_time"]
ORDER = ["device", "incarnation", "epoch", "seq", "row"]


def connect():
    """DuckDB with its delta extension from the pinned package; nothing is downloaded."""
    connection = duckdb.connect()
    connection.execute("SET autoinstall_known_extensions = false; SET TimeZone = 'UTC'")
    import_extension("delta", con=connection)
    connection.execute("LOAD delta")
    return connection


def by_duckdb(table, fields):
    names = ", ".join(f'"{name}"' for name in fields)
    query = (f"SELECT device, stream, incarnation, epoch, seq, row, epoch_us(event_time), {names} "
             f"FROM delta_scan('{table}') ORDER BY {', '.join(ORDER)}")
    return connect().execute(query).fetchall()


def by_deltalake(table, fields):
    # Files are read by Arrow's own threads: delta-rs would call back into Python from them, even while it ends.
    files = fs.SubTreeFileSystem(str(table), fs.LocalFileSystem())
    rows = DeltaTable(str(table)).to_pyarrow_table(columns=[*IDENTITY, *fields], filesystem=files)
    rows = rows.sort_by([(name, "ascending") for name in ORDER])
    times = pyarrow.compute.cast(rows["event_time"], "int64")
    assert str(rows.schema.field("event_time").type) == "timestamp[us, tz=UTC]", rows.schema.field("event_time").type
    at = IDENTITY.index("event_time")
    rows = rows.set_column(at, "event_time", times)
    return list(zip(*(column.to_pylist() for column in rows.columns)))


READERS = {"DuckDB": by_duckdb, "delta-rs": by_deltalake}
