"""A journal's files by hand, from docs/spec/journal.md."""

import struct
import time

CONNECTION = 7
HOUR_US = 3_600_000_000
HEADER_BYTES = 32


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


def begin_next_hour(journal, tenant):
    """What a collector that is stopped now appends an hour later: a device was there for no time. So the hour before is told."""
    segment = sorted((journal / "shard-0000").glob("*.seg"))[-1]
    salt = segment.read_bytes()[20:28]
    offset = int(segment.stem) + segment.stat().st_size - HEADER_BYTES
    content = struct.pack("<qB", time.time_ns() // 1000 + HOUR_US, CONNECTION)
    content += b"".join(bytes([len(name)]) + name for name in (tenant.encode(), b"later")) + bytes([0, 0, 0, 1])
    checksum = crc32c(salt + struct.pack("<QI", offset, len(content)) + content)
    with open(segment, "ab") as file:
        file.write(struct.pack("<II", len(content), checksum) + content)
