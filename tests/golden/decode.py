#!/usr/bin/env python3
"""Decodes the golden files with a decoder that knows only what docs/spec says and shares no code with the project.

decode.py         decodes all of them and compares what it finds with the .json beside each
decode.py NAME    prints what it finds in one, for example schema/optical-v1
"""
import json
import pathlib
import sys

from decoder.codec2 import decode_codec2, decode_model, decode_model_column
from decoder.codec3 import decode_codec3, decode_mixing
from decoder.crypto import Refused
from decoder.device import (block_key_of, decode_block_header, decode_body, decode_frames, decode_record,
                            decode_signed_epoch, open_block)
from decoder.journal import decode_meta, decode_segment
from decoder.reader import Reader, refuse_unless
from decoder.samples import decode_samples, decode_schema, integer_value
from decoder.zstd import decompress

GOLDEN = pathlib.Path(__file__).resolve().parent
SEALING_KEY = bytes(range(0x01, 0x21))


def golden(name):
    return bytes.fromhex((GOLDEN / (name + ".hex")).read_text())


# Files that need others: the streams of a block have the schemas that the record names, and its key.

def record_and_key(data):
    record = decode_record(data)
    return record | {"block_key": block_key_of(record, SEALING_KEY).hex()}


def schemas_of_record():
    schemas = [decode_schema(golden(name)) for name in ("schema/every-kind-v1", "schema/predictors-v1")]
    by_hash = {schema["hash"]: schema for schema in schemas}
    streams = decode_record(golden("epoch/record-v1"))["streams"]
    return {stream["index"]: by_hash[stream["schema_hash"]] for stream in streams}


def sealed_block(sealed):
    header, record = decode_block_header(sealed), record_and_key(golden("epoch/record-v1"))
    refuse_unless((header["incarnation"], header["epoch"]) == (record["incarnation"], record["epoch"]), "epoch")
    body = open_block(sealed, bytes.fromhex(record["block_key"]))
    return {"header": header, "sections": decode_body(body, schemas_of_record(), header["samples"])}


def block_body(body):
    return decode_body(body, schemas_of_record(), 14, (0, 1, 2), decode_section)


def system_body(body):
    return decode_body(body, {}, 0)


def signed_epoch(data):
    return decode_signed_epoch(data, golden("epoch/authority-v1"))


def samples_of(schema, count):
    return lambda data: decode_samples(data, decode_schema(golden(schema)), count)


def builtin_columns(data):
    reader = Reader(data)
    columns = [decode_model_column(reader) for _ in range(4)]
    reader.end("model 0")
    return columns


def decode_section(codec, data, schema, count, model=None):
    """A section's samples in any codec; model: the bytes of the stream's, if it is not model 0."""
    nothing = {"columns": [], "dictionary": "", "mixing": {"entries": {}, "examples": []}}
    model = decode_model(model, decode_mixing) if model else nothing
    if codec == 3:
        return decode_codec3(data, schema, count, builtin_columns(golden("model/builtin-v1")), integer_value, model)
    if codec == 2:
        return decode_codec2(data, schema, count, builtin_columns(golden("model/builtin-v1")), integer_value, model)
    if codec == 1:
        data = decompress(data, bytes.fromhex(model["dictionary"]))
    return decode_samples(data, schema, count)


def mixing_model(data):
    model = decode_model(data, decode_mixing)
    mixing = model["mixing"]
    mixing["entries"] = {str(column): list(entry) for column, entry in mixing["entries"].items()}
    mixing["examples"] = [[samples, content.hex()] for samples, content in mixing["examples"]]
    return model


def section_of(codec, schema, count, model=None):
    return lambda data: decode_section(codec, data, decode_schema(golden(schema)), count, model and golden(model))


FILES = {  # name: decoder, and whether every cut of the file must be refused
    "schema/optical-v1": (decode_schema, True),
    "schema/every-kind-v1": (decode_schema, True),
    "schema/predictors-v1": (decode_schema, True),
    "codec/every-kind-v1": (samples_of("schema/every-kind-v1", 6), True),
    "codec/predictors-v1": (samples_of("schema/predictors-v1", 8), True),
    "schema/texts-v1": (decode_schema, True),
    "model/builtin-v1": (builtin_columns, True),
    "model/small-v1": (decode_model, True),
    "model/mixing-v1": (mixing_model, False),
    "codec/every-kind-codec3-v1": (section_of(3, "schema/every-kind-v1", 6), False),
    "codec/texts-codec3-v1": (section_of(3, "schema/texts-v1", 12), False),
    "codec/texts-codec3-model-v1": (section_of(3, "schema/texts-v1", 12, "model/mixing-v1"), False),
    "codec/every-kind-codec1-v1": (section_of(1, "schema/every-kind-v1", 6), True),
    "codec/every-kind-codec2-v1": (section_of(2, "schema/every-kind-v1", 6), False),
    "codec/predictors-codec2-v1": (section_of(2, "schema/predictors-v1", 8), False),
    "codec/texts-codec1-v1": (section_of(1, "schema/texts-v1", 12), True),
    "codec/texts-codec2-v1": (section_of(2, "schema/texts-v1", 12), False),
    "codec/texts-codec1-model-v1": (section_of(1, "schema/texts-v1", 12, "model/small-v1"), True),
    "codec/texts-codec2-model-v1": (section_of(2, "schema/texts-v1", 12, "model/small-v1"), False),
    "epoch/record-v1": (record_and_key, False),
    "epoch/record-model-v1": (record_and_key, False),
    "epoch/record-words-v1": (record_and_key, False),
    "epoch/signed-v1": (signed_epoch, True),
    "block/body-v1": (block_body, True),
    "block/body-codecs-v1": (block_body, True),
    "block/system-v1": (system_body, True),
    "block/sealed-v1": (sealed_block, True),
    "frames/hello-v1": (decode_frames, False),
    "frames/welcome-v1": (decode_frames, False),
    "frames/hello-models-v1": (decode_frames, False),
    "frames/welcome-offers-v1": (decode_frames, False),
    "frames/want-v1": (decode_frames, False),
    "frames/model-v1": (decode_frames, False),
    "frames/hello-sealing-v1": (decode_frames, False),
    "frames/sealing-key-v1": (decode_frames, False),
    "frames/hello-boot-v1": (decode_frames, False),
    "frames/welcome-renew-v1": (decode_frames, False),
    "frames/ack-v1": (decode_frames, False),
    "frames/window-v1": (decode_frames, False),
    "frames/bye-v1": (decode_frames, False),
    "frames/collector-bye-v1": (decode_frames, False),
    "frames/device-v1": (decode_frames, False),
    "journal/meta-v1": (decode_meta, True),
    "journal/segment-v1": (decode_segment, False),
    "journal/segment-models-v1": (decode_segment, False),
    "journal/segment-connection-v1": (decode_segment, False),
    "journal/segment-backlog-v1": (decode_segment, False),
}


def refuses(decode, data):
    try:
        decode(data)
    except (Refused, UnicodeDecodeError):
        return True
    return False


def faults_of(name):
    decode, every_cut = FILES[name]
    data, expected = golden(name), json.loads((GOLDEN / (name + ".json")).read_text())
    try:
        found = decode(data)
    except (Refused, UnicodeDecodeError) as error:
        return [f"{name}: refused: {error}"]
    faults = [] if found == expected else [f"{name}: decoded, but not as expected"]
    cuts = range(1, len(data)) if every_cut else ()
    return faults + [f"{name}: accepted when cut at {cut}" for cut in cuts if not refuses(decode, data[:cut])]


def check():
    faults = [fault for name in FILES for fault in faults_of(name)]
    forgotten = {path.relative_to(GOLDEN).with_suffix("").as_posix() for path in GOLDEN.rglob("*.hex")} - set(FILES)
    faults += [f"{name}: nobody decodes it" for name in sorted(forgotten - {"epoch/authority-v1"})]
    print("\n".join([*faults, f"decode: {len(FILES)} files, {len(faults)} faults"]))
    return 1 if faults else 0


if __name__ == "__main__":
    if len(sys.argv) == 1:
        sys.exit(check())
    print(json.dumps(FILES[sys.argv[1]][0](golden(sys.argv[1])), indent=1, ensure_ascii=False))
