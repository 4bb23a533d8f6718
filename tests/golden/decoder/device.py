"""What a device sends: docs/spec/epoch.md, docs/spec/block.md, docs/spec/frames.md."""
import hashlib
import struct

from decoder import crypto
from decoder.reader import Reader, decode_protobuf, is_utf8, refuse_unless
from decoder.samples import decode_samples

# docs/spec/epoch.md

STREAM = {1: ("index", "uint32", 0), 2: ("name", "string", 48), 3: ("schema_hash", "fixed bytes", 32),
          4: ("block_class", "uint32", 0), 5: ("model", "fixed bytes", 32)}
CLASS_END = {1: ("block_class", "uint32", 0), 2: ("last_number", "uint32", 0), 3: ("closing_us", "int64", 0)}
RECORD = {1: ("version", "uint32", 0), 2: ("environment", "string", 48), 3: ("tenant", "string", 48),
          4: ("device", "string", 48), 5: ("incarnation", "fixed32", 0), 6: ("epoch", "uint32", 0),
          7: ("streams", [STREAM], 31), 8: ("sealing_key_id", "fixed bytes", 8),
          9: ("encapsulated_key", "fixed bytes", 65), 10: ("wrapped_block_key", "fixed bytes", 32),
          11: ("boot_cause", "uint32", 0), 12: ("firmware", "string", 48), 13: ("clock_state", "uint32", 0),
          14: ("previous_epoch", "uint32", 0), 15: ("previous_ends", [CLASS_END], 4),
          16: ("previous_clean", "bool", 0), 17: ("last_words", "string", 48)}


def decode_record(data):
    record = decode_protobuf(data, RECORD)
    refuse_unless(record.get("version") == 1, "version")
    refuse_unless(all(record.get(name) for name in ("environment", "tenant", "device", "epoch")), "identity")
    refuse_unless(record.get("previous_epoch", 0) < record["epoch"], "previous epoch")
    streams = record.get("streams", [])
    indexes = [stream.get("index", 0) for stream in streams]
    refuse_unless(all(1 <= i <= 31 for i in indexes) and len(set(indexes)) == len(indexes), "stream index")
    refuse_unless(all(stream.get("name") for stream in streams), "stream name")
    refuse_unless(is_utf8(record.get("firmware", "") + record.get("last_words", "") + "".join(stream["name"] for stream in streams)), "UTF-8")
    refuse_unless(all(entry.get("block_class", 0) <= 3 for entry in streams + record.get("previous_ends", [])), "class")
    return record


def block_key_of(record, sealing_key):
    info = b"longhaul epoch 1"
    for name in ("environment", "tenant", "device"):
        info += bytes([len(record[name].encode())]) + record[name].encode()
    info += struct.pack("<II", record["incarnation"], record["epoch"])
    own = crypto.encode_point(crypto.multiply_point(int.from_bytes(sealing_key, "big"), crypto.BASE))
    refuse_unless(hashlib.sha256(own).hexdigest()[:16] == record["sealing_key_id"], "another sealing key")
    return crypto.hpke_open(sealing_key, bytes.fromhex(record["encapsulated_key"]), info,
                            bytes.fromhex(record["wrapped_block_key"]))


def der_parts(data):
    """The elements of a DER sequence: (tag, content, whole)."""
    parts, reader = [], Reader(data)
    while reader.more():
        begin, tag, length = reader.at, reader.u(8), reader.u(8)
        if length >= 0x80:
            length = int.from_bytes(reader.take(length & 0x7f), "big")
        parts.append((tag, reader.take(length), data[begin:reader.at]))
    return parts


def certificate_parts(certificate):
    """Public key, what is signed, and the signature as r and s."""
    (_, whole, _), = der_parts(certificate)
    signed_part, _, signature = der_parts(whole)
    r, s = (int.from_bytes(part[1], "big") for part in der_parts(der_parts(signature[1][1:])[0][1]))
    public_key_info = der_parts(signed_part[1])[6]
    return der_parts(public_key_info[1])[1][1][1:], signed_part[2], r, s


def split_signed_epoch(data):
    reader = Reader(data)
    record = reader.take(reader.u(16))
    signature = reader.take(reader.u(8))
    certificate = reader.take(reader.u(16))
    reader.end("the signed epoch")
    refuse_unless(len(record) <= 3072 and len(signature) == 64 and len(certificate) <= 2048, "length")
    return record, signature, certificate


def decode_signed_epoch(data, authority):
    record, signature, certificate = split_signed_epoch(data)
    public_key, signed_part, r, s = certificate_parts(certificate)
    crypto.ecdsa_verify(certificate_parts(authority)[0], signed_part, r, s)
    names = decode_record(record)
    uri = f"longhaul://{names['environment']}/{names['tenant']}/{names['device']}".encode()
    refuse_unless(b"\x86" + bytes([len(uri)]) + uri in certificate, "another device's certificate")
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    crypto.ecdsa_verify(public_key, record, r, s)
    return {"record": hashlib.sha256(record).hexdigest(), "certificate": hashlib.sha256(certificate).hexdigest(),
            "device": uri.decode()}


# docs/spec/block.md

ANCHOR = {1: ("elapsed_us", "int64", 0), 2: ("wall_us", "sint64", 0), 3: ("error_us", "uint64", 0),
          4: ("source", "uint32", 0)}
LOSS = {1: ("epoch", "uint32", 0), 2: ("first_seq", "uint32", 0), 3: ("last_seq", "uint32", 0),
        4: ("samples", "uint64", 0), 5: ("reason", "uint32", 0), 6: ("from_us", "int64", 0), 7: ("to_us", "int64", 0),
        8: ("last_epoch", "uint32", 0)}
SYSTEM_ENTRY = {1: ("anchor", ANCHOR, 0), 2: ("loss", LOSS, 0)}


def decode_block_header(sealed):
    reader = Reader(sealed)
    refuse_unless(reader.u(8) == 1 and reader.u(8) == 0, "version or flags")
    body_bytes = reader.u(16)
    header = {"incarnation": reader.u(32), "epoch": reader.u(32), "seq": reader.u(32), "samples": reader.u(16)}
    refuse_unless(reader.u(16) == 0 and 16 <= body_bytes <= 16384 and header["samples"] <= 4096, "header")
    refuse_unless(header["epoch"] > 0 and header["seq"] & 0x3fffffff > 0, "name")
    header["class"], header["number"] = header["seq"] >> 30, header["seq"] & 0x3fffffff
    reader.take(body_bytes)
    reader.end("the block")
    return header


def decode_columns(codec, content, schema, count):
    return decode_samples(content, schema, count)


def decode_body(body, schemas, samples, codecs=(0,), decode_content=decode_columns):
    """codecs: those that the reader knows; decode_content turns a section's content into samples."""
    reader, sections, mixed = Reader(body), [], set()
    while reader.more():
        stream, codec, count, length = reader.u(8), reader.u(8), reader.varint(), reader.varint()
        refuse_unless(stream <= 31 and codec in (codecs if stream else (0,)) and 1 <= count <= 256, "section")
        content = reader.take(length)
        if stream == 0:
            inner = Reader(content)
            entries = [decode_protobuf(inner.take(inner.varint()), SYSTEM_ENTRY) for _ in range(count)]
            inner.end("the system entries")
            sections.append({"stream": 0, "entries": entries})
            continue
        refuse_unless(stream in schemas, "stream")
        refuse_unless(codec != 3 or stream not in mixed, "a second section of a stream in codec 3")
        if codec == 3:
            mixed.add(stream)
        samples -= count
        sections.append({"stream": stream, "samples": decode_content(codec, content, schemas[stream], count)})
    refuse_unless(samples == 0, "number of samples")
    return sections


def open_block(sealed, block_key):
    return crypto.gcm_open(block_key, sealed[4:16], sealed[:20], sealed[20:])


# docs/spec/frames.md

RANGE = {1: ("first", "uint32", 0), 2: ("last", "uint32", 0)}
ACK_RANGE = {1: ("epoch", "uint32", 0), 2: ("first_seq", "uint32", 0), 3: ("last_seq", "uint32", 0)}
HELLO = {1: ("protocol", "uint32", 0), 2: ("firmware", "string", 48), 3: ("incarnation", "fixed32", 0),
         4: ("oldest_epoch", "uint32", 0), 5: ("newest_epoch", "uint32", 0), 6: ("epochs", "uint32", 0),
         7: ("waiting", ["uint32"], 4), 8: ("schema_hashes", ["hash"], 31), 9: ("wall_us", "sint64", 0),
         10: ("models", "bool", 0), 11: ("sealing_key", "bytes", 8), 12: ("boot", "fixed64", 0), 13: ("rotation", "bool", 0)}
OFFER = {1: ("schema", "uint32", 0), 2: ("model", "fixed bytes", 32), 3: ("bytes", "uint32", 0)}
WELCOME = {1: ("journal_uuid", "fixed bytes", 16), 2: ("journal_resend", "uint32", 0),
           3: ("server_time_us", "sint64", 0), 4: ("credit", "uint64", 0), 5: ("known_epochs", [RANGE], 16),
           6: ("unknown_schemas", "fixed32", 0), 7: ("offers", [OFFER], 16),
           8: ("renewal", "bool", 0), 9: ("renew_now", "bool", 0)}
ACK = {1: ("journal_uuid", "fixed bytes", 16), 2: ("journal_resend", "uint32", 0), 3: ("ranges", [ACK_RANGE], 64)}
WINDOW = {1: ("credit", "uint64", 0)}
BYE = {1: ("reason", "uint32", 0), 2: ("text", "string", 159), 3: ("retry_after_ms", "uint32", 0)}


def digest(data):
    return {"sha256": hashlib.sha256(data).hexdigest()}


FRAMES = {0x01: ("Hello", 1191, lambda body: decode_protobuf(body, HELLO)),
          0x02: ("Epoch", 5189, digest), 0x03: ("Schema", 8192, digest), 0x04: ("Block", 16404, digest),
          0x06: ("Bye", 174, lambda body: decode_protobuf(body, BYE)),
          0x07: ("Want", 32, bytes.hex),
          0x81: ("Welcome", 1047, lambda body: decode_protobuf(body, WELCOME)),
          0x82: ("Ack", 1304, lambda body: decode_protobuf(body, ACK)),
          0x83: ("Window", 11, lambda body: decode_protobuf(body, WINDOW)),
          0x87: ("Bye", 174, lambda body: decode_protobuf(body, BYE)), 0x88: ("Model", 16384, digest),
          0x8a: ("SealingKey", 1024, digest)}


def decode_frames(data):
    reader, frames = Reader(data), []
    while reader.more():
        kind, length = reader.u(8), reader.u(24)
        refuse_unless(kind in FRAMES, "type")
        name, length_max, decode = FRAMES[kind]
        refuse_unless(length <= length_max, "length")
        frames.append({"frame": name, "body": decode(reader.take(length))})
    return frames
