#!/usr/bin/env python3
"""Three questions to a lake, with pandas.

    pip install pandas deltalake pyarrow
    python3 examples/with_pandas.py build/demo/ca/collector/lake/acme

Continuous integration runs this file and compares its answers with those of the others.
"""
import sys

from deltalake import DeltaTable


def read(lake, table, columns):
    """Only these columns: a table of a year does not fit into memory as a whole."""
    return DeltaTable(f"{lake}/{table}").to_pandas(columns=columns)


def worst_links(lake):
    ber = read(lake, "pre_fec_ber", ["device", "stats_type", "value"])
    ber = ber[ber.stats_type.isin(["avg", "max"])]
    found = ber.groupby("device").value.agg(worst="max", mean="mean").reset_index()
    return found.sort_values(["worst", "device"], ascending=[False, True]).head(5)


def slowest_routes(lake):
    moving = read(lake, "bus_position", ["device", "route_id", "speed"]).query("speed > 0")
    found = moving.groupby("route_id").agg(km_h=("speed", "mean"), buses=("device", "nunique"), positions=("speed", "size"))
    found = found[found.positions >= 100].reset_index()
    found["km_h"] *= 3.6
    return found.sort_values(["km_h", "route_id"])[["route_id", "km_h", "buses"]].head(5)


def power_cuts(lake):
    epochs = read(lake, "_epochs", ["device", "previous_epoch", "previous_clean"])
    epochs["cut"] = (epochs.previous_epoch > 0) & ~epochs.previous_clean.astype(bool)
    found = epochs.groupby("device").agg(boots=("cut", "size"), cuts=("cut", "sum")).reset_index()
    return found.sort_values(["cuts", "device"], ascending=[False, True]).head(5)


def answers(lake):
    return [list(question(lake).itertuples(index=False, name=None))
            for question in (worst_links, slowest_routes, power_cuts)]


if __name__ == "__main__":
    for question in (worst_links, slowest_routes, power_cuts):
        print(question(sys.argv[1]).to_string(index=False), end="\n\n")
