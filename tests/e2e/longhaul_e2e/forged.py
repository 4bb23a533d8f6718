"""A recording that no machine made: values of every kind at their limits, and lines of every sort to refuse."""

import csv
import math
import random
import struct
from datetime import datetime, timedelta, timezone
from pathlib import Path

from .recorded_lines import microseconds
from .recordings import Recording

START = datetime(2024, 2, 29, 23, 59, 58, 999_999, tzinfo=timezone.utc)
LABELS = ["idle", "cutting", "broken"]
FIELDS = {"count": "integer", "level": "decimal", "ready": "boolean", "state": "enumeration", "note": "text",
          "single": "float32", "real": "float64"}
NOTES = ["", "plain", 'with "quotes", commas', "two\nlines", "é 😀 ß", " spaces "]

MAPPING = """[trace]
file = "workshop.csv"
format = "csv"
separator = ","
device = ["machine"]
device_prefix = "forged-"
stream = "workshop"

[time]
column = "time"
format = "iso8601"

[schema]
name = "workshop"
class = "bulk"
deadline_ms = 300
"""


def any_double(chance):
    """Finite doubles of every size, -0 and denormal ones among them."""
    while True:
        value = struct.unpack("<d", chance.randbytes(8))[0]
        if math.isfinite(value):
            return chance.choice([value, value, -0.0, 5e-324, 0.1, 1e22])


def any_single(chance):
    while True:
        value = struct.unpack("<f", chance.randbytes(4))[0]
        if math.isfinite(value):
            return value


def sample(chance):
    """The values of a line as (text, what has to stand in the table)."""
    count = chance.choice([0, -1, 2**63 - 1, -2**63, chance.randrange(-10**6, 10**6)])
    level = f"{chance.choice(['', '-'])}{chance.randrange(10**chance.randrange(1, 15))}.{chance.randrange(10**4):04d}"
    ready = chance.choice([True, False])
    state, note = chance.choice(LABELS), chance.choice(NOTES)
    single, real = any_single(chance), any_double(chance)
    cells = [(str(count), count), (level, float(level)), (chance.choice(["true", "1"] if ready else ["false", "0"]), ready),
             (state, state), (note, note or None), (repr(single), single), (repr(real), real)]
    return [("", None) if chance.random() < 0.1 else cell for cell in cells]


def bad_lines(time):
    """Lines without a sample, by the reason for which they are refused; of machine a, if they name one."""
    good = ["1", "1.5", "1", "idle", "note", "1.5", "2.5"]
    return {"empty": [[""] * 9], "columns": [["a", time, *good, "more"], ["a", time]],
            "device": [["", time, *good]],
            "time": [["a", "2023-02-29T00:00:00Z", *good], ["a", "noon", *good], ["a", "", *good]],
            "value": [["a", time, *good[:at], bad, *good[at + 1:]] for at, bad in
                      [(0, "9223372036854775808"), (0, "1.0"), (1, "1,5"), (2, "yes"), (3, "asleep"),
                       (4, "x" * 1025), (5, "1e39"), (6, "0x10"), (6, "1e400")]]}


def forge(folder: Path, seed, devices=4, samples=250):
    """Writes the recording and its mapping; returns what has to come of them."""
    chance = random.Random(seed)
    folder.mkdir(parents=True, exist_ok=True)
    mapping = folder / "mapping.toml"
    extra = {"level": "scale = 3\n", "state": f"labels = {LABELS}\n"}
    mapping.write_text(MAPPING + "".join(
        f'\n[[field]]\nname = "{name}"\nkind = "{kind}"\nnullable = true\n{extra.get(name, "")}'
        for name, kind in FIELDS.items()))
    rows, lines = {f"forged-{chr(97 + at)}": [] for at in range(devices)}, []
    for at in range(devices * samples):
        moment = START + timedelta(microseconds=at * 333_333 - at % 5 * 2_000_000)
        cells = sample(chance)
        name = chance.choice(sorted(rows))
        rows[name].append((microseconds(moment), *(value for _, value in cells)))
        lines.append([name[-1].upper(), moment.isoformat(timespec="microseconds"), *(text for text, _ in cells)])
    bad = bad_lines(START.isoformat())
    for line in (line for each in bad.values() for line in each):
        lines.insert(chance.randrange(len(lines)), line)
    with open(folder / "workshop.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["machine", "time", *FIELDS], *lines])
    return Recording("forged", mapping, "workshop", "workshop", list(FIELDS), list(FIELDS.values()), rows,
                     {reason: len(bad[reason]) for reason in ("empty", "columns", "device")}, 0,
                     {"forged-a": {reason: len(bad[reason]) for reason in ("time", "value")}})
