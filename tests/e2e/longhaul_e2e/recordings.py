"""The recordings, and the rows that have to come of them, read here without any code of the programs."""

import gzip
import json
import re
import shutil
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from . import recorded_lines, recorded_nmea
from .site import top_folder

# What stands in firmware-sim/traces; behind a slash: which of several mappings.
NAMES = ("optical-prefec-ber", "bus-fleet-austin", "bus-liverpool", "train-node", "tracker-balloon", "sensors-lorawan",
         "gnss-receivers/eg25", "gnss-receivers/gp320fw", "boat-nmea2000", "car-can", "ais-vessels", "network-syslog")
DEMO_NAMES = NAMES[:2]  # whole fleets, one in a data centre and one on the road
SYSLOG_FIELDS = ["text", "raw", "facility", "severity"]  # what can be told without a parser of our own


@dataclass
class Recording:
    name: str
    mapping: Path  # beside the recording
    table: str
    stream: str
    fields: list    # names, in the order of the schema
    kinds: list
    devices: dict   # name -> its rows (event_time in microseconds, values...), in the order of the file
    refused: dict   # reason -> lines of no device, which whoever reads the file refuses
    json_bytes: int  # the same samples as JSON lines
    refused_of: dict = field(default_factory=dict)  # device -> reason -> its lines that hold no sample
    device_time: bool = False  # the file does not say when its samples were taken: event_time is None

    def refusals(self, devices):
        """What a process with some of the devices refuses, by reason."""
        total = dict(self.refused) if devices else {}
        for device in devices:
            for reason, lines in self.refused_of.get(device, {}).items():
                total[reason] = total.get(reason, 0) + lines
        return total

    @property
    def samples(self):
        return sum(len(rows) for rows in self.devices.values())

    @property
    def span_s(self):
        """How long the device that recorded longest did so; 0 when nobody knows."""
        if self.device_time:
            return 0.0
        return max(max(row[0] for row in rows) - min(row[0] for row in rows) for rows in self.devices.values()) / 1e6


def unpack(name, folder: Path, change=lambda mapping: mapping):
    """Puts a recording and its mapping into a folder of its own. `change` may edit the mapping's text."""
    where, _, which = name.partition("/")
    source = top_folder() / "firmware-sim" / "traces" / where
    target = folder / where
    target.mkdir(parents=True, exist_ok=True)
    mapping = target / f"{which or 'mapping'}.toml"
    mapping.write_text(change((source / mapping.name).read_text()))
    file = tomllib.loads(mapping.read_text())["trace"]["file"]
    if file.endswith(".gz"):
        shutil.copyfile(source / file, target / file)
    else:
        (target / file).write_bytes(gzip.decompress((source / (file + ".gz")).read_bytes()))
    return mapping


def read(mapping: Path):
    """Reads a recording with Python's own readers of CSV and JSON."""
    how = tomllib.loads(mapping.read_text())
    path = mapping.parent / how["trace"]["file"]
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    name = mapping.parent.name + ("" if mapping.stem == "mapping" else f"/{mapping.stem}")
    made = {"csv": read_cells, "ndjson": read_cells, "candump": read_candump, "nmea": read_nmea,
            "syslog": read_syslog}[how["trace"]["format"]](how, raw)
    return Recording(name=name, mapping=mapping, stream=how["trace"]["stream"], **made)


def device_name(prefix, parts):
    """Prefix and columns in lower case; what is no letter or digit becomes one hyphen."""
    return re.sub(r"[^a-z0-9]+", "-", (prefix + "-".join(parts)).lower()).strip("-")


def read_cells(how, raw):
    """Formats whose cells a mapping makes samples of."""
    trace, fields = how["trace"], how["field"]
    lines = recorded_lines.csv_lines if trace["format"] == "csv" else recorded_lines.ndjson_lines
    time_of = recorded_lines.time_reader(how["time"])
    time_column = how["time"]["column"]
    columns = [each.get("column", each["name"]) for each in fields]
    readers = [recorded_lines.value_reader(each) for each in fields]
    devices, refused, json_bytes = {}, {}, 0
    for line in lines(trace, raw):
        if isinstance(line, str):
            refused[line] = refused.get(line, 0) + 1
            continue
        name = trace.get("device_name") or device_name(trace["device_prefix"], [line(one) for one in trace["device"]])
        cells = [line(column) for column in columns]
        values = [None if cell == "" and each.get("nullable") else reader(cell)
                  for cell, reader, each in zip(cells, readers, fields)]
        devices.setdefault(name, []).append((time_of(line(time_column)), *values))
        json_bytes += len(json_line(name, line(time_column), fields, cells))
    return {"table": how["schema"]["name"], "fields": [each["name"] for each in fields],
            "kinds": [each["kind"] for each in fields], "devices": devices, "refused": refused,
            "json_bytes": json_bytes}


def json_line(device, time, fields, cells):
    """A sample as most agents would send it: one compact JSON object a line, numbers as they were written."""
    parts = [f'"device":{json.dumps(device)}', f'"time":{json.dumps(time)}']
    for each, cell in zip(fields, cells):
        number = each["kind"] in ("decimal", "integer", "float64") and cell != ""
        parts.append(f'"{each["name"]}":{cell if number else json.dumps(cell or None)}')
    return "{" + ",".join(parts) + "}\n"


def json_bytes_of(device, fields, rows):
    named = (dict(zip(["device", *fields], [device, *row])) for row in rows)
    return sum(len(json.dumps(each, default=bytes.hex, separators=(",", ":"))) + 1 for each in named)


def read_candump(how, raw):
    rows, refused = recorded_lines.candump_rows(raw)
    device, fields = how["trace"]["device_name"], ["interface", "id", "extended", "data"]
    return {"table": "can_frame", "fields": fields, "kinds": ["text", "integer", "boolean", "bytes"],
            "devices": {device: rows}, "refused": refused, "json_bytes": json_bytes_of(device, ["time", *fields], rows)}


def read_nmea(how, raw):
    fixes, refused = recorded_nmea.fixes_of(raw)
    device, fields = how["trace"]["device_name"], list(recorded_nmea.FIELDS)
    return {"table": "gnss", "fields": fields, "kinds": list(recorded_nmea.KINDS),
            "devices": {device: [(None, *fix) for fix in fixes]}, "refused": refused,
            "json_bytes": json_bytes_of(device, fields, fixes), "device_time": True}


def read_syslog(how, raw):
    device, rows, refused = how["trace"]["device_name"], [], {}
    for line in raw.split(b"\n")[:-1]:
        if line:
            rows.append((None, *recorded_lines.syslog_values(line)))
        else:
            refused["empty"] = refused.get("empty", 0) + 1
    return {"table": "syslog", "fields": SYSLOG_FIELDS, "kinds": ["text", "bytes", "integer", "integer"],
            "devices": {device: rows}, "refused": refused,
            "json_bytes": json_bytes_of(device, ["text"], [row[1:2] for row in rows]), "device_time": True}


def only(recording, names):
    """The same recording with some of its devices."""
    return Recording(**{**recording.__dict__, "devices": {name: recording.devices[name] for name in names}})


def by_table(recs):
    """Recordings of one table as one, with the devices of all of them."""
    tables = {}
    for rec in recs:
        if first := tables.get(rec.table):
            rec = Recording(**{**first.__dict__, "devices": first.devices | rec.devices})
        tables[rec.table] = rec
    return list(tables.values())
