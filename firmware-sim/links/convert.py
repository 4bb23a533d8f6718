#!/usr/bin/env python3
"""Makes the link recordings of this folder from what their publishers offer; see README.md.

convert.py FOLDER    FOLDER/link-5g-vehicle, link-lte-nyc and link-starlink-autobahn as published, unpacked from zip

A line of a recording is one second: one-way delay in ms, kbit/s from the device; 0 kbit/s: nothing gets through.
"""
import csv
import gzip
import pathlib
import sys

HEAD = "delay_ms,kbit_s\n"


def write(name, seconds):
    text = HEAD + "".join(f"{delay},{kbit}\n" for delay, kbit in seconds)
    pathlib.Path(__file__).with_name(name).write_text(text)


def car(folder):
    """A second in which no reply came is an outage; in the others half the shortest round trip. The rate was not measured."""
    seconds = []
    for run in sorted((folder / "rural").glob("south_n8_v10_*.txt.gz")):
        with gzip.open(run, "rt") as lines:
            rows = [(float(sent), float(came)) for sent, came, *_ in (line.split() for line in list(lines)[1:])]
        begin = rows[0][0]
        replies = {}
        for sent, came in rows:
            replies.setdefault(int((came - begin) / 1000), []).append(came - sent)
        for second in range(max(replies) + 1):
            come = replies.get(second)
            seconds.append((max(1, round(min(come) / 2)), 5000) if come else (0, 0))
    return seconds


def subway(file):
    """An hour and a half with the longest time of nothing in its middle. The delay was not measured."""
    with gzip.open(file, "rt") as lines:
        rates = [round(float(line.split(",")[0]) * 1000) for line in lines if line.strip()]
    longest, end, run = 0, 0, 0
    for at, rate in enumerate(rates):
        run = run + 1 if rate == 0 else 0
        if run > longest:
            longest, end = run, at
    begin = max(0, end - 2700)
    return [(40 if rate else 0, rate) for rate in rates[begin:begin + 5400]]


def satellite(file):
    """Every interval in which the upload was measured, one after the other. The delay was not measured."""
    with gzip.open(file, "rt") as lines:
        rates = [round(float(row["upload"] or 0) * 1000) for row in csv.DictReader(lines)]
    return [(30 if rate else 0, rate) for rate in rates]


def main():
    folder = pathlib.Path(sys.argv[1])
    write("car-5g.csv", car(folder / "link-5g-vehicle"))
    write("subway-lte.csv", subway(folder / "link-lte-nyc/multivariate/TT7.txt.gz"))
    write("autobahn-starlink.csv", satellite(folder / "link-starlink-autobahn/throughput.csv.gz"))


if __name__ == "__main__":
    main()
