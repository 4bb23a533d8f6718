#!/usr/bin/env python3
"""Decodes a block with nothing of ours but the specification: the decoder of tests/golden, which shares no code with Longhaul.

tools/decode_block.py BLOCK --key HEX --schema STREAM=FILE... [--model STREAM=FILE...]
tools/decode_block.py BODY --opened --schema STREAM=FILE...

BLOCK is a sealed block, KEY the block key of its epoch (16 bytes); BODY is a block that was opened. Schemas and models are
files of their encoded bytes. Any file may be hexadecimal text instead, its name ending in .hex. Prints JSON. Exit code 65: what
the specification refuses, with the reason.
"""
import argparse
import json
import pathlib
import sys

TOP = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TOP / "tests/golden")]

from decode import decode_section  # noqa: E402
from decoder.crypto import Refused  # noqa: E402
from decoder.device import decode_block_header, decode_body, open_block  # noqa: E402
from decoder.samples import decode_schema  # noqa: E402


def read(path):
    path = pathlib.Path(path)
    return bytes.fromhex(path.read_text()) if path.suffix == ".hex" else path.read_bytes()


def by_stream(words):
    return {int(stream): read(file) for stream, file in (word.split("=", 1) for word in words)}


def section_samples(body):
    """How many samples an opened body has: nobody else says so."""
    from decoder.reader import Reader
    reader, samples = Reader(body), 0
    while reader.more():
        stream, _, count, length = reader.u(8), reader.u(8), reader.varint(), reader.varint()
        reader.take(length)
        samples += count if stream else 0
    return samples


def main():
    parser = argparse.ArgumentParser(prog="tools/decode_block.py", description=__doc__.splitlines()[0])
    parser.add_argument("block")
    parser.add_argument("--key", help="of the epoch, hexadecimal")
    parser.add_argument("--opened", action="store_true")
    parser.add_argument("--schema", action="append", default=[], metavar="STREAM=FILE")
    parser.add_argument("--model", action="append", default=[], metavar="STREAM=FILE")
    given = parser.parse_args()
    if bool(given.key) == given.opened:
        parser.error("either --key or --opened")
    data, models = read(given.block), by_stream(given.model)
    schemas = {stream: decode_schema(schema) for stream, schema in by_stream(given.schema).items()}
    names = {id(schema): stream for stream, schema in schemas.items()}
    try:
        header = {} if given.opened else decode_block_header(data)
        body = data if given.opened else open_block(data, bytes.fromhex(given.key))
        samples = header["samples"] if header else section_samples(body)
        sections = decode_body(body, schemas, samples, (0, 1, 2, 3), lambda codec, content, schema, count:
                               decode_section(codec, content, schema, count, models.get(names[id(schema)])))
    except (Refused, UnicodeDecodeError) as error:
        print(f"refused: {error}", file=sys.stderr)
        return 65
    print(json.dumps({"header": header, "sections": sections}, indent=1, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
