"""Lines of recordings in CSV, NDJSON, candump and syslog: cells by name, and what their texts mean."""

import csv
import io
import json
import re
from datetime import datetime, timedelta, timezone
from fractions import Fraction

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
UNIX = {"unix_s": 1_000_000, "unix_ms": 1000, "unix_us": 1}
CANDUMP = re.compile(rb"\((\d+)\.(\d{6})\) (\S+) ([0-9A-F]{3}|[0-9A-F]{8})#((?:[0-9A-F]{2}){0,8})\r?")
EXTENDED_DIGITS = 8


def whole(number):
    assert number.denominator == 1, f"{number} is no whole number"
    return number.numerator


def microseconds(moment):
    return (moment - EPOCH) // timedelta(microseconds=1)


def time_reader(how):
    """From a cell to UTC microseconds."""
    form = how["format"]
    assert how.get("utc_offset", "+00:00") == "+00:00", "no recording here needs another offset"
    if form in UNIX:
        return lambda text: whole(Fraction(text) * UNIX[form])
    if form == "iso8601":
        return lambda text: microseconds(with_zone(datetime.fromisoformat(text)))
    day = "" if "%d" in form else "1970-01-01 "
    pattern = form if "%d" in form else "%Y-%m-%d " + form
    return lambda text: microseconds(with_zone(datetime.strptime(day + text, pattern)))


def with_zone(moment):
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def value_reader(how):
    """How the text of a cell becomes what has to stand in the table."""
    kind = how["kind"]
    if kind == "decimal":
        scale = how["scale"]

        def decimal(text):
            whole(Fraction(text) * 10**scale)  # the recordings' decimals are all on the grid of their field
            return float(Fraction(text))  # the nearest double: what the exact decimal reads as

        return decimal
    return {"integer": int, "float64": float, "text": str, "enumeration": str, "bytes": bytes.fromhex,
            "boolean": lambda text: text in ("true", "1")}[kind]


def csv_lines(trace, raw):
    """For each line a function from a column's name to its cell, or the reason why the line is refused."""
    text = raw.decode("utf-8-sig")
    head = trace.get("columns")
    if trace.get("rest"):
        for line in text.splitlines():
            cells = line.split(trace["separator"], len(head) - 1)
            yield dict(zip(head, cells)).__getitem__ if len(cells) == len(head) else "columns"
        return
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=trace["separator"])
    for cells in lines:
        if head is None:
            head = cells
        elif not any(cells):
            yield "empty"
        elif len(cells) != len(head):
            yield "columns"
        else:
            yield dict(zip(head, cells)).__getitem__


def ndjson_lines(_trace, raw):
    """The same for JSON objects; numbers keep the text in which they were written."""
    for line in raw.split(b"\n")[:-1]:
        if not line.strip():
            yield "empty"
            continue
        try:
            found = json.loads(line, parse_float=str, parse_int=str)
        except ValueError:
            yield "malformed"
            continue
        yield lambda path, found=found: text_at(found, path)


def text_at(value, path):
    """What stands at a path of names and indexes; nothing there, or null: an empty cell."""
    for step in path.split("."):
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else ""


def candump_rows(raw):
    """Rows (time, interface, id, extended, data) and how many lines are refused."""
    rows, refused = [], {}
    for line in raw.split(b"\n")[:-1]:
        found = CANDUMP.fullmatch(line)
        if not found:
            reason = "malformed" if line.strip() else "empty"
            refused[reason] = refused.get(reason, 0) + 1
            continue
        seconds, fraction, interface, name, data = found.groups()
        rows.append((int(seconds) * 1_000_000 + int(fraction), interface.decode(), int(name, 16),
                     len(name) == EXTENDED_DIGITS, bytes.fromhex(data.decode())))
    return rows, refused


def syslog_values(line):
    """(text, raw, facility, severity): the line itself, and its priority if it begins with one."""
    priority = re.match(rb"<(\d{1,3})>", line)
    number = int(priority[1]) if priority and int(priority[1]) < 192 else None
    levels = (None, None) if number is None else divmod(number, 8)
    try:
        return line.decode(), None, *levels
    except UnicodeDecodeError:
        return None, line, *levels
