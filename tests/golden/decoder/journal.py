"""The files of a journal: docs/spec/journal.md."""
import struct

from decoder.reader import Reader, refuse_unless


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


def decode_meta(data):
    reader = Reader(data)
    refuse_unless(reader.take(4) == b"LHJM" and reader.u(32) == 1, "magic or version")
    meta = {"uuid": reader.take(16).hex(), "resend": reader.u(32), "shards": reader.u(32), "salt": reader.u(64)}
    refuse_unless(reader.u(32) == crc32c(data[:40]), "checksum")
    reader.end("journal.meta")
    return meta


def decode_connection(reader):
    cost = {name: reader.varint() for name in ("connected_ms", "received_bytes", "sent_bytes")}
    flags = reader.u(8)
    refuse_unless(flags < 4, "flags")
    cost["ended"] = flags & 1 == 1
    if flags & 2:
        cost["backlog_blocks"] = reader.varint()
        refuse_unless(cost["backlog_blocks"] < 2**32, "blocks")
    reader.end("connection")
    return cost


def decode_segment(data):
    reader = Reader(data)
    refuse_unless(reader.take(4) == b"LHJ1" and reader.u(32) == 1, "magic or version")
    segment = {"shard": reader.u(32), "base": reader.u(64)}
    salt = reader.take(8)
    refuse_unless(reader.u(32) == crc32c(data[:28]), "checksum")
    entries = []
    while reader.more():
        offset = segment["base"] + reader.at - 32
        length, checksum = reader.u(32), reader.u(32)
        refuse_unless(11 <= length <= 65536, "length")
        content = reader.take(length)
        refuse_unless(checksum == crc32c(salt + struct.pack("<QI", offset, length) + content), "checksum")
        inner = Reader(content)
        entries.append({"offset": offset, "receive_time_us": inner.i64(), "kind": inner.u(8),
                        "tenant": inner.short_text(), "device": inner.short_text(),
                        "body": content[inner.at:].hex()})
        if entries[-1]["kind"] == 7:
            entries[-1]["cost"] = decode_connection(inner)
    return segment | {"entries": entries}
