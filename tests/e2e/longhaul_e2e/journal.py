"""A journal's files by hand, from docs/spec/journal.md."""

import struct
import time

EPOCH, BLOCK, CONNECTION = 1, 3, 7
HOUR_US = 3_600_000_000
HEADER_BYTES = 32


def bodies(journal, kind):
    """Of all entries of a kind, shard by shard, of a journal that nobody writes to."""
    for segment in sorted(journal.glob("shard-*/*.seg")):
        data, at = segment.read_bytes(), HEADER_BYTES
        while at < len(data):
            length, = struct.unpack_from("<I", data, at)
            content = data[at + 8:at + 8 + length]
            at += 8 + length
            name = 9
            for _ in ("tenant", "device"):
                name += 1 + content[name]
            if content[8] == kind:
                yield content[name:]


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


def shard_of(tenant, device, shards):
    return crc32c(tenant.encode() + b"\0" + device.encode()) % shards


def shard_bytes(journal, shard):
    """Of all entries."""
    return sum(segment.stat().st_size - HEADER_BYTES for segment in (journal / f"shard-{shard:04}").glob("*.seg"))


def date_back(journal, device, by_us):
    """What came from the device came so much earlier; the collector is stopped. How many entries there are."""
    entries = 0
    for segment in journal.glob("shard-*/*.seg"):
        data = bytearray(segment.read_bytes())
        salt, at = bytes(data[20:28]), HEADER_BYTES
        while at < len(data):
            length, = struct.unpack_from("<I", data, at)
            tenant_bytes = data[at + 17]
            name = at + 18 + tenant_bytes
            if data[name + 1:name + 1 + data[name]] == device.encode():
                time_us, = struct.unpack_from("<q", data, at + 8)
                struct.pack_into("<q", data, at + 8, time_us - by_us)
                offset = int(segment.stem) + at - HEADER_BYTES
                content = bytes(data[at + 8:at + 8 + length])
                struct.pack_into("<I", data, at + 4, crc32c(salt + struct.pack("<QI", offset, length) + content))
                entries += 1
            at += 8 + length
        segment.write_bytes(data)
    return entries
