"""The table of tools/dev bench codec: bytes a sample of the bundled recordings in the formats of others and in ours, all sealed
alike, and how fast our codecs are. Values come from codec_bench, the part of each recording that neither model 0 nor the model made for
it was trained on.

    codec.py CODEC_BENCH [--sizes] [--speed] [--json FILE] [RECORDING...]

Others' formats are written here from their specifications, without any shortcut that would make them larger: JSON compact, with
the names of the fields, times in microseconds and trailing zeros cut; CBOR maps with small integers as keys and the smallest
number that holds the value; protobuf rows with a float or double as the field's precision asks, each behind its length.
"""
import argparse
import json
import lzma
import struct
import subprocess
import sys
import zlib

import pyarrow

SEALED_BYTES = 20 + 16  # header and tag of a block
HEADER_BYTES = 2        # stream and codec of a section; count and length are counted
SECTION_SAMPLES = (1, 4, 16, 60, 256)
SHARED_BY = {1: 4, 4: 4}  # sections of so few samples come from four streams that share a block
INTEGER, DECIMAL, BOOLEAN, ENUMERATION, TEXT, BYTES, FLOAT32, FLOAT64 = range(1, 9)
ZSTD = pyarrow.Codec("zstd", compression_level=3)
OURS = ("codec 0", "codec 1", "codec 2 cold", "codec 2", "codec 2 without zstd", "codec 2 with model", "codec 3", "codec 3 with model", "smallest",
        "smallest with model")
OTHERS = ("JSON lines", "JSON + gzip", "CBOR", "protobuf + zstd")


def varint(number):
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes(out) + bytes([number])


def zigzag(number):
    return varint((number << 1 ^ number >> 63) & (1 << 64) - 1)


class Field:
    def __init__(self, name, kind, scale, labels):
        self.name, self.kind, self.scale = name, kind, scale
        self.labels = labels.split("\n")

    def plain(self, value):
        """What a program would print: a number, a text, a truth."""
        if isinstance(value, list):
            return value[0]
        if value is None or self.kind in (INTEGER, TEXT, FLOAT32, FLOAT64):
            return value
        if self.kind == DECIMAL:
            return value / 10 ** self.scale if self.scale else value
        if self.kind == BYTES:
            return value.encode("latin-1").hex()
        return bool(value) if self.kind == BOOLEAN else self.labels[value]


def json_line(fields, row):
    named = {"t": row[0]} | {field.name: field.plain(value) for field, value in zip(fields, row[1:]) if value is not None}
    return json.dumps(named, separators=(",", ":"), ensure_ascii=False).replace(".0,", ",").replace(".0}", "}").encode() + b"\n"


def cbor_head(major, number):
    for code, size in ((None, 24), (24, 1 << 8), (25, 1 << 16), (26, 1 << 32), (27, 1 << 64)):
        if number < size:
            if code is None:
                return bytes([major << 5 | number])
            return bytes([major << 5 | code]) + number.to_bytes(1 << code - 24, "big")
    raise ValueError(number)


def cbor_value(field, value):
    if isinstance(value, list) or field.kind in (FLOAT32, FLOAT64):
        real = value[0] if isinstance(value, list) else value
        single = real is None or struct.unpack(">f", struct.pack(">f", real))[0] == real
        return b"\xfa" + struct.pack(">f", real or 0) if single else b"\xfb" + struct.pack(">d", real)
    if field.kind == DECIMAL and field.scale:
        return float_bytes(field, value, b"\xfa", b"\xfb", ">")
    if field.kind == BOOLEAN:
        return b"\xf5" if value else b"\xf4"
    if field.kind in (TEXT, BYTES):
        data = value.encode("latin-1")
        return cbor_head(3 if field.kind == TEXT else 2, len(data)) + data
    return cbor_head(0, value) if value >= 0 else cbor_head(1, -1 - value)


def float_bytes(field, value, single, double, order):
    """A decimal as a float when that keeps its places, otherwise as a double."""
    real = value / 10 ** field.scale
    short = struct.pack(order + "f", real) if abs(real) < 1e38 else b""
    if short and round(struct.unpack(order + "f", short)[0], field.scale) == real:
        return single + short
    return double + struct.pack(order + "d", real)


def cbor_row(fields, row):
    present = [(number, field, value) for number, (field, value) in enumerate(zip(fields, row[1:]), 1) if value is not None]
    return cbor_head(5, 1 + len(present)) + b"\x00" + (cbor_head(0, row[0]) if row[0] >= 0 else cbor_head(1, -1 - row[0])) + \
        b"".join(cbor_head(0, number) + cbor_value(field, value) for number, field, value in present)


def protobuf_value(number, field, value):
    if isinstance(value, list) or field.kind == FLOAT64:
        real = value[0] if isinstance(value, list) else value
        return varint(number << 3 | 1) + struct.pack("<d", real or 0)
    if field.kind == FLOAT32:
        return varint(number << 3 | 5) + struct.pack("<f", value)
    if field.kind == DECIMAL and field.scale:
        return float_bytes(field, value, varint(number << 3 | 5), varint(number << 3 | 1), "<")
    if field.kind in (TEXT, BYTES):
        data = value.encode("latin-1")
        return varint(number << 3 | 2) + varint(len(data)) + data
    return varint(number << 3) + zigzag(value)


def protobuf_row(fields, row):
    body = b"\x08" + zigzag(row[0]) + b"".join(
        protobuf_value(number, field, value) for number, (field, value) in enumerate(zip(fields, row[1:]), 2) if value is not None)
    return varint(len(body)) + body


def gzip_bytes(data):
    return len(zlib.compress(data, 6, 31))


def zstd_bytes(data):
    return len(ZSTD.compress(data))


# Near the limit: all columns of the whole recording at once, with the second differences of numbers, through xz -9e.

def xz_column(field, values):
    present = [value for value in values if value is not None]
    nulls = bytes(value is None for value in values) if len(present) < len(values) else b""
    if field is not None and field.kind in (TEXT, BYTES):
        return nulls + b"".join(varint(len(value)) + value.encode("latin-1") for value in present)
    out, last, slope = [nulls], 0, 0
    for value in present:
        if isinstance(value, (list, float)):
            out.append(struct.pack("<d", (value[0] if isinstance(value, list) else value) or 0))
            continue
        out.append(zigzag(value - last - slope))
        slope, last = value - last, value
    return b"".join(out)


def xz_bytes(fields, runs):
    columns = [xz_column(field, [row[place] for rows in runs for row in rows])
               for place, field in enumerate((None, *fields))]
    return len(lzma.compress(b"".join(columns), preset=9 | lzma.PRESET_EXTREME))


def load(bench, name):
    lines = subprocess.run([bench, "dump", name], check=True, capture_output=True, text=True).stdout.splitlines()
    fields, runs, at = [Field(*words) for words in json.loads(lines[0])], [], 1
    while at < len(lines):
        count = int(lines[at])
        runs.append([json.loads(line) for line in lines[at + 1:at + 1 + count]])
        at += 1 + count
    return fields, runs


def others(fields, runs, samples):
    """Bytes a sample of each of OTHERS, sections one after the other as ours are."""
    total, count = dict.fromkeys(OTHERS, 0), 0
    for rows in runs:
        lines, cbor, protobuf = ([make(fields, row) for row in rows] for make in (json_line, cbor_row, protobuf_row))
        for at in range(0, len(rows) - samples + 1, samples):
            text = b"".join(lines[at:at + samples])
            total["JSON lines"] += len(text)
            total["JSON + gzip"] += gzip_bytes(text)
            total["CBOR"] += sum(map(len, cbor[at:at + samples]))
            total["protobuf + zstd"] += zstd_bytes(b"".join(protobuf[at:at + samples]))
            count += samples
    return {name: size / count for name, size in total.items()}


def ours(bench, name):
    """Bytes a sample, section header included, by number of samples and codec."""
    found = {}
    for line in subprocess.run([bench, "sizes", name], check=True, capture_output=True, text=True).stdout.splitlines():
        _, samples, codec, count, size = line.split("\t")
        samples, count, size = int(samples), int(count), int(size)
        sections = count // samples
        lengths = sections * (HEADER_BYTES + len(varint(samples)) + len(varint(size // sections)))
        found.setdefault(samples, {})[codec] = (size + lengths) / count
    return found


def sealed(samples):
    return SEALED_BYTES / (samples * SHARED_BY.get(samples, 1))


def size_table(bench, names):
    table = {}
    for name in names:
        fields, runs = load(bench, name)
        whole = xz_bytes(fields, runs) / sum(map(len, runs))
        for samples, codecs in ours(bench, name).items():
            row = {what: size + sealed(samples) for what, size in (others(fields, runs, samples) | codecs).items()}
            table[f"{name} {samples}"] = row | {"xz -9e, whole": whole + sealed(samples)}
        print(f"{name}: {sum(map(len, runs))} samples of {len(fields)} fields", file=sys.stderr)
    return table


def print_sizes(table):
    columns = (*OTHERS, *OURS, "xz -9e, whole")
    for samples in SECTION_SAMPLES:
        shared = f", {SHARED_BY[samples]} streams sharing a block" if samples in SHARED_BY else ""
        print(f"\n{samples} samples a section{shared}; bytes a sample, sealed\n\n| recording | " + " | ".join(columns) + " |")
        print("|---" * (len(columns) + 1) + "|")
        for key, row in table.items():
            name, count = key.rsplit(" ", 1)
            if int(count) == samples:
                print(f"| {name} | " + " | ".join(f"{row[what]:.2f}" if what in row else "" for what in columns) + " |")


def speed_table(bench, names):
    table = {}
    for name in names:
        for line in subprocess.run([bench, "speed", name], check=True, capture_output=True, text=True).stdout.splitlines():
            _, samples, codec, encode, decode = line.split("\t")
            table[f"{name} {samples} {codec}"] = {"encode": float(encode), "decode": float(decode)}
    return table


def print_speed(table):
    print("\nmillion values a second, one core, the best of seven rounds: encode, decode\n")
    for key, row in table.items():
        print(f"  {key:44} {row['encode']:7.1f} {row['decode']:7.1f}")


def main():
    parser = argparse.ArgumentParser(prog="tools/dev bench codec")
    parser.add_argument("bench")
    parser.add_argument("recordings", nargs="*")
    parser.add_argument("--sizes", action="store_true", help="only these")
    parser.add_argument("--speed", action="store_true", help="only this")
    parser.add_argument("--json", help="write all figures to a file as well")
    given = parser.parse_args()
    names = given.recordings or subprocess.run([given.bench, "names"], check=True, capture_output=True, text=True).stdout.split()
    both, found = given.sizes == given.speed, {}
    if given.sizes or both:
        found["sizes"] = size_table(given.bench, names)
        print_sizes(found["sizes"])
    if given.speed or both:
        found["speed"] = speed_table(given.bench, names)
        print_speed(found["speed"])
    if given.json:
        with open(given.json, "w", encoding="utf-8") as file:
            json.dump(found, file, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
