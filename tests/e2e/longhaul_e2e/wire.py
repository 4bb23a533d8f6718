"""Frames and TLS by hand, from docs/spec/frames.md, for what no good device would send."""

import socket
import ssl
import struct
from dataclasses import dataclass
from pathlib import Path

from .processes import PATIENCE, demand
from .site import SERVER_NAME, programs_folder

HELLO, EPOCH, SCHEMA, BLOCK, BYE_OF_DEVICE, RENEW = 1, 2, 3, 4, 6, 8
WELCOME, ACK, WINDOW, BYE, RENEWED = 0x81, 0x82, 0x83, 0x87, 0x89
DONE, SHUTDOWN, PROTOCOL, VERSION, DENIED, BUSY, IDLE = range(7)
ALPN = "longhaul/1"
LIMIT_S = 20
RECORD_BYTES_MAX = 4096


def frame(kind, body=b"", length=None):
    """A frame; with another length than its own, if asked."""
    return bytes([kind]) + struct.pack("<I", len(body) if length is None else length)[:3] + body


def varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out + bytes([value]))


def hello(incarnation, protocol=1, extra=b""):
    """A Hello of a device that has something to send."""
    body = b"\x08" + varint(protocol) + b"\x1d" + struct.pack("<I", incarnation) + b"\x20\x01\x28\x01\x30\x01"
    return frame(HELLO, body + extra)


def parse(body):
    """Fields of a protobuf message: number -> value; of a repeated one the last."""
    fields, at = {}, 0

    def number():
        nonlocal at
        value = shift = 0
        while True:
            byte = body[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(body):
        key = number()
        if key & 7 == 0:
            fields[key >> 3] = number()
            continue
        size = {1: 8, 5: 4}.get(key & 7) or number()
        fields[key >> 3] = body[at:at + size]
        at += size
    return fields


class Link:
    """One TLS connection to a collector. Whatever it waits for, it waits with a limit."""

    def __init__(self, port, device: Path | None = None, root: Path | None = None, alpn=ALPN,
                 version=None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(root or device / "root.crt")
        if device is not None:
            context.load_cert_chain(device / "device.crt", device / "device.key")
        if version is not None:
            context.minimum_version = context.maximum_version = version
        if alpn:
            context.set_alpn_protocols([alpn])
        plain = socket.create_connection(("127.0.0.1", port), timeout=LIMIT_S * PATIENCE)
        self.tls = context.wrap_socket(plain, server_hostname=SERVER_NAME)
        self._bytes = b""

    def send(self, data):
        try:
            for at in range(0, len(data), RECORD_BYTES_MAX):
                self.tls.sendall(data[at:at + RECORD_BYTES_MAX])
        except (ssl.SSLError, ConnectionError):
            pass  # the collector has had enough; what it said can still be read
        return self

    def half_close(self):
        """Says at the level of TCP that nothing more comes, in the middle of whatever it was."""
        socket.socket.shutdown(self.tls, socket.SHUT_WR)  # the one of TLS would forget how to read

    def next_frame(self):
        """(type, body), or None at the end of the connection."""
        while len(self._bytes) < 4 or len(self._bytes) < 4 + self._length():
            try:
                data = self.tls.recv(65536)
            except ConnectionResetError:
                data = b""
            if not data:
                return None
            self._bytes += data
        kind, body = self._bytes[0], self._bytes[4:4 + self._length()]
        self._bytes = self._bytes[4 + len(body):]
        return kind, body

    def _length(self):
        return int.from_bytes(self._bytes[1:4], "little")

    def expect(self, kind):
        got = self.next_frame()
        assert got and got[0] == kind, f"frame {kind:#x} did not come, but {got}"
        return parse(got[1])

    def bye(self):
        """Reads to the end: (reason, sentence) of the collector's Bye, or None if there was none."""
        last = None
        while (got := self.next_frame()) is not None:
            last = got
        if last is None or last[0] != BYE:
            return None
        said = parse(last[1])
        return said.get(1, 0), said.get(2, b"").decode()

    def close(self):
        self.tls.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def export(spool: Path, *options):
    """A device's half of a session, from the spool of an agent that does not run."""
    file = spool.with_suffix(".session")
    file.unlink(missing_ok=True)
    demand(programs_folder() / "longhaul-agent", "spool", "export", spool, file, *options)
    return file.read_bytes()


def frames_of(data):
    """[(type, body)] of whole frames."""
    frames, at = [], 0
    while at < len(data):
        size = int.from_bytes(data[at + 1:at + 4], "little")
        frames.append((data[at], data[at + 4:at + 4 + size]))
        at += 4 + size
    assert at == len(data), "the last frame is cut"
    return frames


@dataclass
class Sealed:
    """What a real agent has in its spool: genuine schema, epoch record and blocks."""
    incarnation: int
    schema: bytes
    epoch: bytes
    blocks: list

    @staticmethod
    def of(spool: Path):
        frames = frames_of(export(spool, "--all"))
        of_kind = lambda kind: [body for each, body in frames if each == kind]  # noqa: E731
        incarnation, = struct.unpack("<I", parse(frames[0][1])[3])
        return Sealed(incarnation, of_kind(SCHEMA)[0], of_kind(EPOCH)[0], of_kind(BLOCK))

    def introduction(self):
        """All that comes before the first block."""
        return hello(self.incarnation) + frame(SCHEMA, self.schema) + frame(EPOCH, self.epoch)
