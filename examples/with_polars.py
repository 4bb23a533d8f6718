#!/usr/bin/env python3
"""Three questions to a lake, with Polars.

    pip install polars deltalake
    python3 examples/with_polars.py build/demo/ca/collector/lake/acme

Continuous integration runs this file and compares its answers with those of the others.
"""
import sys

import polars as pl


def worst_links(lake):
    return (pl.scan_delta(f"{lake}/pre_fec_ber")
            .filter(pl.col("stats_type").is_in(["avg", "max"]))
            .group_by("device")
            .agg(worst=pl.col("value").max(), mean=pl.col("value").mean())
            .sort(["worst", "device"], descending=[True, False]).head(5).collect())


def slowest_routes(lake):
    return (pl.scan_delta(f"{lake}/bus_position")
            .filter(pl.col("speed") > 0)
            .group_by("route_id")
            .agg(km_h=pl.col("speed").mean() * 3.6, buses=pl.col("device").n_unique(), positions=pl.len())
            .filter(pl.col("positions") >= 100)
            .sort(["km_h", "route_id"]).head(5).select("route_id", "km_h", "buses").collect())


def power_cuts(lake):
    cut = (pl.col("previous_epoch") > 0) & ~pl.col("previous_clean")
    return (pl.scan_delta(f"{lake}/_epochs")
            .group_by("device")
            .agg(boots=pl.len(), cuts=cut.sum())
            .sort(["cuts", "device"], descending=[True, False]).head(5).collect())


def answers(lake):
    return [question(lake).rows() for question in (worst_links, slowest_routes, power_cuts)]


if __name__ == "__main__":
    for question in (worst_links, slowest_routes, power_cuts):
        print(question(sys.argv[1]))
