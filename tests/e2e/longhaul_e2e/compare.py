"""Recordings against tables, row by row: values, times, order, duplicates, losses."""

import struct
from itertools import groupby

from .readers import IDENTITY, READERS, read

MESSAGES_MAX = 10
USUAL = {name: READERS[name] for name in ("DuckDB", "delta-rs with pyarrow")}  # where two are enough


def same(left, right):
    """Equal and of one type; floats by their bits, so that -0.0 is not 0.0 and NaN is NaN."""
    if type(left) is not type(right):
        return False
    if isinstance(left, float):
        return struct.pack("<d", left) == struct.pack("<d", right)
    return left == right


def differences(recording, rows, rebooted=frozenset()):
    """What is wrong with rows that a reader gave, in sentences; nothing, if they are the recording.

    A rebooted device plays its recording from the beginning again: its last epoch holds all of it, and each
    epoch before holds what was stored when the power went: the first samples, without a gap.
    """
    found = []
    seen = set()
    for row in rows:
        name = row[0], *row[2:6]
        if name in seen:
            found.append(f"{recording.table}: twice: {name}")
        seen.add(name)
        if row[1] != recording.stream:
            found.append(f"{recording.table}: {name} is of stream {row[1]}, not {recording.stream}")
    stored = {device: list(group) for device, group in groupby(rows, key=lambda row: row[0])}
    for device in sorted(stored.keys() - recording.devices.keys()):
        found.append(f"{recording.table}: device {device} is in no recording")
    for device, expected in recording.devices.items():
        epochs = [list(group) for _, group in groupby(stored.get(device, []), key=lambda row: row[2:4])] or [[]]
        if len(epochs) > 1 and device not in rebooted:
            found.append(f"{recording.table}: {device} has rows of {len(epochs)} epochs and was never killed")
        for at, epoch in enumerate(epochs):
            found += epoch_differences(f"{recording.table}: {device}", expected, epoch, at == len(epochs) - 1,
                                       recording.device_time)
    return found


def epoch_differences(device, expected, rows, whole, device_time):
    """One epoch of a device against its recording, sample by sample in order; times, if the recording has them."""
    if len(rows) > len(expected) or (whole and len(rows) < len(expected)):
        yield f"{device} has {len(rows)} rows, the recording {len(expected)}"
    first = len(IDENTITY) - (0 if device_time else 1)
    for at, (row, sample) in enumerate(zip(rows, expected)):
        actual, wanted = row[first:], sample[1:] if device_time else sample
        if not all(map(same, actual, wanted)):
            yield f"{device}, sample {at}: {actual} instead of {wanted}"
            return  # one shifted row makes all behind it differ


def check(recording, lake, tenant, rebooted=frozenset(), by=None):
    """Compares by every reader of `by`. Returns (values compared, sentences about what is wrong)."""
    values, found = 0, []
    table = lake / tenant / recording.table
    for reader, read_with in (by or USUAL).items():
        rows = read(read_with, table, dict(zip(recording.fields, recording.kinds)))
        values += len(rows) * (len(recording.fields) + (0 if recording.device_time else 1))
        found += [f"{reader}: {sentence}" for sentence in differences(recording, rows, rebooted)]
    return values, found[:MESSAGES_MAX] + ([f"and {len(found) - MESSAGES_MAX} more"] if len(found) > MESSAGES_MAX else [])
