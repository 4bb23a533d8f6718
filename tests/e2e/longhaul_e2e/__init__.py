"""Runs the real programs on loopback and reads the tables with engines that nobody here wrote.

processes   starts, stops and kills programs by their process id; waits on conditions
site        an authority, a collector, devices that replay recordings
proxy       a network between devices and collector that can be cut
recordings  the recordings of firmware-sim/traces, and the rows that have to come of them
readers     the tables, read by DuckDB, delta-rs, Polars, pandas, DataFusion, chdb and Spark
compare     recordings against tables, row by row
road        one run over the whole road, with programs killed
forged      a recording with values at their limits and lines to refuse
wire        frames and TLS by hand, for what no good device would send
"""
