"""Numbers, texts and protobuf: docs/spec/README.md."""
import struct

from decoder.crypto import Refused


def refuse_unless(allowed, why):
    if not allowed:
        raise Refused(why)


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        refuse_unless(count <= len(self.data) - self.at, "cut")
        self.at += count
        return self.data[self.at - count:self.at]

    def u(self, bits):
        return int.from_bytes(self.take(bits // 8), "little")

    def i64(self):
        return int.from_bytes(self.take(8), "little", signed=True)

    def f64(self):
        return struct.unpack("<d", self.take(8))[0]

    def varint(self, shortest=True):
        value = shift = 0
        while True:
            byte = self.u(8)
            value |= (byte & 0x7f) << shift
            refuse_unless(value < 1 << 64 and shift <= 63, "varint over 64 bits")
            if byte < 0x80:
                refuse_unless(byte or shift == 0 or not shortest, "varint longer than needed")
                return value
            shift += 7

    def skip_varint(self):
        while self.u(8) >= 0x80:
            pass

    def zigzag(self):
        value = self.varint()
        return value >> 1 ^ -(value & 1)

    def short_text(self):
        return self.take(self.u(8)).decode()

    def more(self):
        return self.at < len(self.data)

    def end(self, what):
        refuse_unless(not self.more(), f"bytes after {what}")


def signed(value, bits=64):
    """The low bits of value as a two's complement number."""
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> bits - 1 else value


# Protobuf, as docs/spec/README.md narrows it. A table is {number: (name, type, limit)}; a type in a
# list may come several times, and a table is a message of its own.

NUMBERS = {"uint32": 32, "uint64": 64, "int64": 64, "sint64": 64, "bool": 64}


def number_of(kind, value):
    refuse_unless(value < 1 << NUMBERS[kind], "number")
    if kind == "sint64":
        return value >> 1 ^ -(value & 1)
    return {"int64": signed, "bool": bool}.get(kind, int)(value)


def text_of(data):
    """Protobuf's texts need not be UTF-8 unless a format says so."""
    return data.decode(errors="surrogateescape")


def is_utf8(text):
    return not any(0xd800 <= ord(letter) <= 0xdfff for letter in text)


def decode_bytes_field(reader, kind, limit):
    data = reader.take(reader.varint(False))
    if isinstance(kind, dict):
        return decode_protobuf(data, kind)
    if kind == "hash":
        limit = 32
    refuse_unless(len(data) in (0, limit) if kind == "fixed bytes" else len(data) <= limit, "length")
    return text_of(data.split(b"\0")[0]) if kind == "string" else data.hex()


def decode_protobuf(data, table):
    reader, message = Reader(data), {}
    while reader.more():
        tag = reader.varint(False)
        number, wire = tag >> 3, tag & 7
        refuse_unless(0 < number < 1 << 29 and wire in (0, 1, 2, 5), "tag")
        if number not in table:
            {0: reader.skip_varint, 1: lambda: reader.u(64), 5: lambda: reader.u(32),
             2: lambda: reader.take(reader.varint(False))}[wire]()
            continue
        name, kind, limit = table[number]
        repeated = isinstance(kind, list)
        kind = kind[0] if repeated else kind
        if kind == "fixed32":
            refuse_unless(wire == 5, "wire type")
            values = [reader.u(32)]
        elif kind == "fixed64":
            refuse_unless(wire == 1, "wire type")
            values = [reader.u(64)]
        elif isinstance(kind, dict) or kind not in NUMBERS:
            refuse_unless(wire == 2, "wire type")
            values = [decode_bytes_field(reader, kind, limit)]
        elif wire == 2 and repeated:
            packed, values = Reader(reader.take(reader.varint(False))), []
            while packed.more():
                values.append(number_of(kind, packed.varint(False)))
        else:
            refuse_unless(wire == 0, "wire type")
            values = [number_of(kind, reader.varint(False))]
        if repeated:
            message.setdefault(name, []).extend(values)
            refuse_unless(len(message[name]) <= limit, "too many")
        else:
            message[name] = values[-1]
    return message
