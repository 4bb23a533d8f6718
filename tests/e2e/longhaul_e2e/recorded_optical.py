"""Optical values of the recording of transponder ports, as an instrument says them in the NMEA sentence XDR."""

import csv
import gzip
from decimal import Decimal

from .site import top_folder

FIELDS = ("transducer", "type", "value", "unit")


def readings_of_recording(count):
    """(transducer, type, value, unit) as the table has them, of the first rows of the recording."""
    path = top_folder() / "firmware-sim/traces/optical-prefec-ber/performance_elec.csv.gz"
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        rows = [row for row, _ in zip(csv.DictReader(file), range(count))]
    return [(f"{row['device_name']}{row['logical_name']}", "G", float(row["value"]), "") for row in rows]


def sentence_of(reading):
    name, kind, value, unit = reading
    content = f"IIXDR,{kind},{Decimal(repr(value)):f},{unit},{name}".encode()
    total = 0
    for byte in content:
        total ^= byte
    return b"$" + content + b"*%02X\r\n" % total


def with_readings(log, every):
    """The lines of a receiver's log, with a reading behind every so manyth; and the readings."""
    lines = log.splitlines(keepends=True)
    readings = readings_of_recording(len(lines) // every)
    said = []
    for at, line in enumerate(lines):
        said.append(line)
        if at % every == every - 1 and at // every < len(readings):
            said.append(sentence_of(readings[at // every]))
    return b"".join(said), readings
