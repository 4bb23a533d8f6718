"""The recordings, and the rows that have to come of them, read here without any code of the programs."""

import csv
import gzip
import json
import re
import tomllib
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from fractions import Fraction
from pathlib import Path

from .site import top_folder

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
NAMES = ("optical-prefec-ber", "bus-fleet-austin")


def device_name(prefix, parts):
    """Prefix and columns in lower case; what is no letter or digit becomes one hyphen."""
    return re.sub(r"[^a-z0-9]+", "-", (prefix + "-".join(parts)).lower()).strip("-")


def microseconds(moment):
    return (moment - EPOCH) // timedelta(microseconds=1)


def time_reader(how):
    if how["format"] == "iso8601":
        return lambda text: microseconds(datetime.fromisoformat(text))
    pattern = how["format"]
    assert how.get("utc_offset", "+00:00") == "+00:00"
    return lambda text: microseconds(datetime.strptime(text, pattern).replace(tzinfo=timezone.utc))


def value_reader(field):
    """How the text of a cell becomes what has to stand in the table."""
    kind = field["kind"]
    if kind == "decimal":
        scale = field["scale"]

        def decimal(text):
            grid = Fraction(text) * 10**scale
            assert grid.denominator == 1, f"{text} is not on the grid of {scale} places"
            return float(Fraction(text))  # the nearest double: what the exact decimal reads as

        return decimal
    return {"integer": int, "float64": float, "text": str, "enumeration": str,
            "boolean": lambda text: text in ("true", "1")}[kind]


@dataclass
class Recording:
    name: str
    mapping: Path  # beside the unpacked recording
    table: str
    stream: str
    fields: list    # names, in the order of the schema
    kinds: list
    devices: dict   # name -> its rows (event_time in microseconds, values...), in the order of the file
    refused: dict   # reason -> lines of no device, which whoever reads the file refuses
    json_bytes: int  # the same samples as JSON lines
    refused_of: dict = field(default_factory=dict)  # device -> reason -> its lines that hold no sample

    def refusals(self, devices):
        """What a process with some of the devices refuses, by reason."""
        total = dict(self.refused)
        for device in devices:
            for reason, lines in self.refused_of.get(device, {}).items():
                total[reason] = total.get(reason, 0) + lines
        return total

    @property
    def samples(self):
        return sum(len(rows) for rows in self.devices.values())


def unpack(name, folder: Path, change=lambda mapping: mapping):
    """Puts a recording and its mapping into a folder of its own. `change` may edit the mapping's text."""
    source = top_folder() / "firmware-sim" / "traces" / name
    target = folder / name
    target.mkdir(parents=True, exist_ok=True)
    mapping = target / "mapping.toml"
    mapping.write_text(change((source / "mapping.toml").read_text()))
    how = tomllib.loads(mapping.read_text())
    packed = source / (how["trace"]["file"] + ".gz")
    (target / how["trace"]["file"]).write_bytes(gzip.decompress(packed.read_bytes()))
    return mapping


def read(mapping: Path):
    """Reads a recording with Python's own CSV reader."""
    how = tomllib.loads(mapping.read_text())
    trace, fields = how["trace"], how["field"]
    time_of = time_reader(how["time"])
    columns = [field.get("column", field["name"]) for field in fields]
    readers = [value_reader(field) for field in fields]
    nullable = [field.get("nullable", False) for field in fields]
    devices, refused, json_bytes = {}, {}, 0
    with open(mapping.parent / trace["file"], newline="", encoding="utf-8-sig") as file:
        for line in csv.DictReader(file, delimiter=trace["separator"]):
            if not any(line.values()):
                refused["empty"] = refused.get("empty", 0) + 1
                continue
            name = device_name(trace["device_prefix"], [line[column] for column in trace["device"]])
            cells = [line[column] for column in columns]
            values = [None if cell == "" and may_be_null else reader(cell)
                      for cell, reader, may_be_null in zip(cells, readers, nullable)]
            devices.setdefault(name, []).append((time_of(line[how["time"]["column"]]), *values))
            json_bytes += len(json_line(name, line[how["time"]["column"]], fields, cells))
    return Recording(mapping.parent.name, mapping, how["schema"]["name"], trace["stream"],
                     [field["name"] for field in fields], [field["kind"] for field in fields], devices, refused,
                     json_bytes)


def json_line(device, time, fields, cells):
    """A sample as most agents would send it: one compact JSON object a line, numbers as they were written."""
    parts = [f'"device":{json.dumps(device)}', f'"time":{json.dumps(time)}']
    for field, cell in zip(fields, cells):
        number = field["kind"] in ("decimal", "integer", "float64")
        parts.append(f'"{field["name"]}":{cell if number else json.dumps(cell or None)}')
    return "{" + ",".join(parts) + "}\n"


def only(recording, names):
    """The same recording with some of its devices."""
    return Recording(**{**recording.__dict__, "devices": {name: recording.devices[name] for name in names}})
