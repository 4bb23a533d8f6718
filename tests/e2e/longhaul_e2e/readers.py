"""The tables, read by seven programs that nobody here wrote, each in its own way.

A reader is a function of (table's folder, columns by name with the kind of their field); it gives the rows in any order, as
tuples of the asked-for columns: Python's own int, float, bool, str and bytes, times as microseconds, None for null. Engines
are imported where they are used: whoever needs one does not wait for all.
"""

from contextlib import chdir
from functools import cache

IDENTITY = ["device", "stream", "incarnation", "epoch", "seq", "row", "event_time"]
FIXED = dict.fromkeys(IDENTITY, "integer") | {"device": "text", "stream": "text", "event_time": "time"}
ORDER = [IDENTITY.index(name) for name in ("device", "incarnation", "epoch", "seq", "row")]


def connect():
    """DuckDB with its delta extension from the pinned package; nothing is downloaded."""
    import duckdb
    from duckdb_extensions import import_extension
    connection = duckdb.connect()
    connection.execute("SET autoinstall_known_extensions = false; SET TimeZone = 'UTC'")
    import_extension("delta", con=connection)
    connection.execute("LOAD delta")
    return connection


def selected(columns, time, quote='"'):
    """The columns for a SELECT; `time` is the engine's way from a timestamp to microseconds."""
    names = {name: f"{quote}{name}{quote}" for name in columns}
    return ", ".join(time.format(names[name]) if kind == "time" else names[name] for name, kind in columns.items())


def by_duckdb(table, columns):
    return connect().execute(f"SELECT {selected(columns, 'epoch_us({})')} FROM delta_scan('{table}')").fetchall()


def rows_of_arrow(rows, columns):
    """An Arrow table as rows; times must be microseconds of UTC."""
    import pyarrow
    for name, kind in columns.items():
        if kind == "time":
            assert rows.schema.field(name).type == pyarrow.timestamp("us", "UTC"), rows.schema.field(name)
    lists = [(rows[name].cast("int64") if kind == "time" else rows[name]).to_pylist() for name, kind in columns.items()]
    return list(zip(*lists))


def read_table(table, columns):
    from deltalake import DeltaTable
    from pyarrow import fs
    # Files are read by Arrow's own threads: delta-rs would call back into Python from them, even while it ends.
    files = fs.SubTreeFileSystem(str(table), fs.LocalFileSystem())
    return DeltaTable(str(table)).to_pyarrow_table(columns=list(columns), filesystem=files)


def by_deltalake(table, columns):
    return rows_of_arrow(read_table(table, columns), columns)


def by_pandas(table, columns):
    import pandas
    from deltalake import DeltaTable
    from pyarrow import fs
    files = fs.SubTreeFileSystem(str(table), fs.LocalFileSystem())
    # Without the mapper an integer column with nulls would become doubles.
    frame = DeltaTable(str(table)).to_pandas(columns=list(columns), filesystem=files, types_mapper=pandas.ArrowDtype)
    for name, kind in columns.items():
        if kind == "time":
            frame[name] = frame[name].astype("int64[pyarrow]")
    lists = [[None if value is pandas.NA else value for value in frame[name]] for name in columns]
    return list(zip(*lists))


def by_polars(table, columns):
    import polars
    wanted = [polars.col(name).dt.epoch("us") if kind == "time" else polars.col(name) for name, kind in columns.items()]
    return polars.scan_delta(str(table)).select(wanted).collect().rows()


def by_datafusion(table, columns):
    import pyarrow
    from datafusion import SessionContext
    from deltalake import DeltaTable
    context = SessionContext()
    context.register_table("t", DeltaTable(str(table)))
    batches = context.sql(f"SELECT {selected(columns, '{}')} FROM t").collect()
    return rows_of_arrow(pyarrow.Table.from_batches(batches), columns) if batches else []


def by_chdb(table, columns):
    import chdb
    query = f"SELECT {selected(columns, 'toUnixTimestamp64Micro({0}) AS {0}')} FROM deltaLakeLocal('{table}')"
    with chdir(table):  # it reads nothing outside of the working folder
        rows = chdb.query(f"{query} SETTINGS output_format_arrow_string_as_string = 0", "ArrowTable")
    lists = [rows[name].to_pylist() for name in columns]
    for at, kind in enumerate(columns.values()):  # ClickHouse has one type for texts and bytes
        if kind in ("text", "enumeration"):
            lists[at] = [None if value is None else value.decode() for value in lists[at]]
    return list(zip(*lists))


@cache
def spark_session():
    """Spark on two cores of this machine, with the jars that tools/setup has fetched and checked."""
    import os
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    from pyspark.sql import SparkSession
    from .site import top_folder
    jars = sorted((top_folder() / "build" / "spark-jars").glob("*.jar"))
    settings = {"spark.jars": ",".join(map(str, jars)), "spark.ui.enabled": "false",
                "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
                "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
                "spark.sql.session.timeZone": "UTC", "spark.driver.host": "127.0.0.1",
                "spark.driver.bindAddress": "127.0.0.1", "spark.driver.memory": "2g",
                "spark.sql.shuffle.partitions": "2", "spark.ui.showConsoleProgress": "false",
                "spark.databricks.delta.snapshotPartitions": "2"}
    builder = SparkSession.builder.master("local[2]").appName("longhaul")
    for key, value in settings.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session


def by_spark(table, columns):
    rows = spark_session().sql(f"SELECT {selected(columns, 'unix_micros({})', '`')} FROM delta.`{table}`").collect()
    return [tuple(bytes(value) if isinstance(value, bytearray) else value for value in row) for row in rows]


def has_spark():
    """Whether tools/setup spark was here."""
    from importlib.util import find_spec
    from .site import top_folder
    return find_spec("pyspark") is not None and any((top_folder() / "build" / "spark-jars").glob("*.jar"))


READERS = {"delta-rs with pyarrow": by_deltalake, "Polars": by_polars, "DuckDB": by_duckdb, "pandas": by_pandas,
           "DataFusion": by_datafusion, "chdb": by_chdb}
SPARK = {"Spark": by_spark}


def read(reader, table, fields):
    """The rows of a table in the order (device, incarnation, epoch, seq, row): identity, then the fields (name -> kind)."""
    rows = reader(table, FIXED | fields)
    return sorted(rows, key=lambda row: [row[at] for at in ORDER])
