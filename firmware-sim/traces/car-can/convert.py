#!/usr/bin/env python3
"""Makes raw_can.csv.gz of the publisher's four NumPy arrays, once.

convert.py FOLDER    FOLDER: .../processed_log/CAN/raw_can, with t, address, data, src as .npy or .npy.gz
The time, a double of seconds, is written with six decimal places, that is to the microsecond.
"""
import ast
import gzip
import pathlib
import struct
import sys


def read_array(folder, name):
    """A version 1 array of one dimension as a list: doubles, integers or fixed-length bytes."""
    path = folder / f"{name}.npy"
    raw = path.read_bytes() if path.exists() else gzip.decompress((folder / f"{name}.npy.gz").read_bytes())
    assert raw[:8] == b"\x93NUMPY\x01\x00", f"{path} is no version 1 array"
    (length,) = struct.unpack_from("<H", raw, 8)
    head = ast.literal_eval(raw[10:10 + length].decode())
    kind, size, count = head["descr"][1], int(head["descr"][2:]), head["shape"][0]
    body = raw[10 + length:]
    if kind == "S":
        return [body[i * size:(i + 1) * size] for i in range(count)]
    letter = {"f8": "d", "i8": "q", "i4": "i", "i2": "h", "u1": "B", "i1": "b"}[f"{kind}{size}"]
    return list(struct.unpack(f"<{count}{letter}", body))


def main():
    folder = pathlib.Path(sys.argv[1])
    columns = [read_array(folder, name) for name in ("t", "address", "data", "src")]
    lines = ["time,address,data,bus\n"]
    lines += [f"{t:.6f},{address},{data.hex()},{bus}\n" for t, address, data, bus in zip(*columns)]
    text = "".join(lines).encode()
    (pathlib.Path(__file__).parent / "raw_can.csv.gz").write_bytes(gzip.compress(text, 9, mtime=0))
    print(f"{len(lines) - 1} frames, {len(text)} bytes")


if __name__ == "__main__":
    main()
