"""Fixes of a satellite receiver, from its NMEA 0183 sentences: those of one time of day are one fix."""

import re
from datetime import date
from fractions import Fraction

FIELDS = ("gnss_time", "talker", "latitude", "longitude", "altitude", "speed", "course", "quality", "satellites", "hdop",
          "status", "mode")
KINDS = ("integer", "text", "decimal", "decimal", "decimal", "decimal", "decimal", "integer", "integer", "decimal", "text",
         "text")
# Where each kind of sentence says what, counted from 0 behind the address. A position takes four places.
PLACES = {
    "RMC": {"clock": 0, "status": 1, "position": 2, "speed": 6, "course": 7, "short_date": 8, "mode": 11},
    "GGA": {"clock": 0, "position": 1, "quality": 5, "satellites": 6, "hdop": 7, "altitude": 8},
    "GLL": {"position": 0, "clock": 4, "status": 5, "mode": 6},
    "VTG": {"course": 0, "speed": 4, "mode": 8},
    "ZDA": {"clock": 0, "long_date": 1},
    "GNS": {"clock": 0, "position": 1, "mode": 5, "satellites": 6, "hdop": 7, "altitude": 8},
}
DAY_US = 86_400_000_000
LINE_BYTES_MAX = 128


def sentence_of(line):
    """(address, fields) of a sound sentence, or the reason why the line is refused."""
    line = line.removesuffix(b"\r")
    if not re.fullmatch(rb"[$!][ -~]*", line):
        return "not_nmea"
    if len(line) > LINE_BYTES_MAX:
        return "too_long"
    if not re.search(rb"\*[0-9A-Fa-f]{2}$", line):
        return "checksum_missing"
    total = 0
    for byte in line[1:-3]:
        total ^= byte
    if total != int(line[-2:], 16):
        return "checksum_wrong"
    address, *fields = line[1:-3].decode().split(",")
    return address, fields


def degrees(text, hemisphere):
    """ddmm.mmmm to degrees, rounded half up to 1e-7, as the table has them."""
    point = text.index(".") if "." in text else len(text)
    exact = (int(text[:point - 2] or 0) + Fraction(text[point - 2:]) / 60) * 10**7
    rounded = (2 * exact.numerator + exact.denominator) // (2 * exact.denominator)
    return float(Fraction(-rounded if hemisphere in "SW" else rounded, 10**7))


def clock_us(text):
    return (int(text[0:2]) * 3600 + int(text[2:4]) * 60) * 1_000_000 + int(Fraction(text[4:]) * 1_000_000)


def days(year, month, day):
    return date(year, month, day).toordinal() - date(1970, 1, 1).toordinal()


def meaning_of(address, fields):
    """What a sentence says, by name; without what it leaves open."""
    fields = fields + [""] * 16
    said = {"talker": address[:2]}
    for name, at in PLACES[address[2:]].items():
        text = fields[at]
        if name == "position":
            for offset, axis in ((0, "latitude"), (2, "longitude")):
                if fields[at + offset]:
                    said[axis] = degrees(fields[at + offset], fields[at + offset + 1])
        elif text == "":
            continue
        elif name == "clock":
            said["clock"] = clock_us(text)
        elif name == "short_date":
            year = int(text[4:6])
            said["day"] = days(year + (1900 if year >= 80 else 2000), int(text[2:4]), int(text[0:2]))
        elif name == "long_date":
            said["day"] = days(int(fields[at + 2]), int(fields[at + 1]), int(text))
        elif name in ("quality", "satellites"):
            said[name] = int(text)
        elif name in ("status", "mode"):
            said[name] = text
        else:
            said[name] = float(Fraction(text))
    return said


def fixes_of(raw):
    """The fixes, each a tuple of FIELDS, and how many lines are refused for which reason."""
    fixes, refused = [], {}
    fix, seen = {}, set()

    def complete():
        if fix:
            if "clock" in fix and "day" in fix:
                fix["gnss_time"] = fix["day"] * DAY_US + fix["clock"]
            fixes.append(tuple(fix.get(name) for name in FIELDS))

    for line in raw.split(b"\n")[:-1]:
        sentence = sentence_of(line)
        if isinstance(sentence, str):
            refused[sentence] = refused.get(sentence, 0) + 1
            continue
        address, fields = sentence
        if len(address) != 5 or address[0] == "P" or address[2:] not in PLACES:
            continue
        said = meaning_of(address, fields)
        another_time = "clock" in fix and "clock" in said and fix["clock"] != said["clock"]
        if address in seen or another_time:
            complete()
            fix, seen = {}, set()
        seen.add(address)
        fix = {**said, **fix}  # what was said first stands
    complete()
    return fixes, refused
