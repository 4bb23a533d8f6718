#!/usr/bin/env python3
"""Three questions to a lake, with DuckDB.

    pip install duckdb duckdb-extension-delta duckdb-extensions
    python3 examples/with_duckdb.py build/demo/ca/collector/lake/acme

Continuous integration runs this file and compares its answers with those of the others.
"""
import sys

import duckdb
from duckdb_extensions import import_extension

WORST_LINKS = """
SELECT device, max(value) AS worst, avg(value) AS mean
FROM delta_scan('{lake}/pre_fec_ber') WHERE stats_type IN ('avg', 'max')
GROUP BY device ORDER BY worst DESC, device LIMIT 5"""

SLOWEST_ROUTES = """
SELECT route_id, avg(speed) * 3.6 AS km_h, count(DISTINCT device) AS buses
FROM delta_scan('{lake}/bus_position') WHERE speed > 0
GROUP BY route_id HAVING count(*) >= 100 ORDER BY km_h, route_id LIMIT 5"""

POWER_CUTS = """
SELECT device, count(*) AS boots, count(*) FILTER (WHERE previous_epoch > 0 AND NOT previous_clean) AS cuts
FROM delta_scan('{lake}/_epochs')
GROUP BY device ORDER BY cuts DESC, device LIMIT 5"""


def connect():
    # The delta extension comes from its Python package. Where DuckDB may download: INSTALL delta; LOAD delta
    connection = duckdb.connect()
    import_extension("delta", con=connection)
    connection.execute("LOAD delta")
    return connection


def answers(lake):
    connection = connect()
    return [connection.execute(question.format(lake=lake)).fetchall()
            for question in (WORST_LINKS, SLOWEST_ROUTES, POWER_CUTS)]


if __name__ == "__main__":
    for title, rows in zip(("worst optical links", "slowest routes, km/h", "devices that lost power"), answers(sys.argv[1])):
        print(title, *rows, sep="\n  ")
