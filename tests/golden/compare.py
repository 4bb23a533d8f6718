#!/usr/bin/env python3
"""Shows damaged golden files to two decoders, ours and the one made from the documents: they must refuse the same
bytes, and find the same samples in the others. So what docs/spec says about refusing is what the code does.

compare.py ORACLE [ROUNDS [SEED]]
"""
import random
import subprocess
import sys
from decimal import Decimal

import decode
from decoder.crypto import Refused
from decoder.device import decode_block_header, decode_body, decode_frames, decode_record, split_signed_epoch
from decoder.samples import decode_schema

SCHEMAS = ("schema/every-kind-v1", "schema/predictors-v1", "schema/texts-v1")
MODEL = "model/small-v1"
SAMPLES = 14


def value_text(field, value):
    if value is None:
        return "null"
    kind = field["kind"]
    if isinstance(value, dict) or kind.startswith("float"):
        return f"bits {int(value['bits'] if isinstance(value, dict) else value, 16)}"
    if kind in ("text", "bytes"):
        return "text " + (value.encode().hex() if kind == "text" else value)
    if kind == "decimal":
        return str(int(Decimal(value).scaleb(field["scale"])))
    return str(field["labels"].index(value) if kind == "enumeration" else int(value))


def body_text(data):
    schemas, text = decode.schemas_of_record(), ""
    for section in decode_body(data, schemas, SAMPLES, (0, 1, 2), decode.decode_section):
        if section["stream"] == 0:
            continue
        text += f"stream {section['stream']}:{samples_text(schemas[section['stream']], section['samples'])};"
    return text


def samples_text(schema, samples):
    text = "".join(f" {time}," for time in samples["times"])
    return text + "".join(f" {value_text(field, value)}," for field in schema["fields"] for value in samples[field["name"]])


def section_text(place, codec, count, model):
    schema = decode_schema(decode.golden(SCHEMAS[place]))
    return lambda data: samples_text(schema, decode.decode_section(codec, data, schema, count,
                                                                   decode.golden(MODEL) if model else None))


def section_format(place, codec, count, model, file):
    """Its name tells the oracle the same."""
    return f"section-{place}-{codec}-{count}-{model}", (section_text(place, codec, count, model), (file,))


def ok(decoder):
    return lambda data: decoder(data) is not None and "ok"


FORMATS = {  # name: decoder, golden files
    "schema": (ok(decode_schema), ("schema/optical-v1",) + SCHEMAS),
    "record": (ok(decode_record), ("epoch/record-v1", "epoch/record-model-v1", "epoch/record-words-v1")),
    "signed": (ok(split_signed_epoch), ("epoch/signed-v1",)),
    "header": (ok(decode_block_header), ("block/sealed-v1",)),
    "frames": (ok(decode_frames), ("frames/hello-v1", "frames/welcome-v1", "frames/ack-v1", "frames/window-v1",
                                   "frames/collector-bye-v1", "frames/device-v1", "frames/hello-models-v1",
                                   "frames/welcome-offers-v1", "frames/want-v1", "frames/model-v1",
                                   "frames/hello-sealing-v1", "frames/sealing-key-v1", "frames/hello-boot-v1",
                                   "frames/welcome-renew-v1")),
    "body": (body_text, ("block/body-v1", "block/body-codecs-v1")),
    "model": (ok(decode.mixing_model), ("model/small-v1", "model/mixing-v1")),
    **dict((section_format(0, 1, 6, 0, "codec/every-kind-codec1-v1"), section_format(0, 2, 6, 0, "codec/every-kind-codec2-v1"),
            section_format(1, 2, 8, 0, "codec/predictors-codec2-v1"), section_format(2, 2, 12, 0, "codec/texts-codec2-v1"),
            section_format(2, 1, 12, 1, "codec/texts-codec1-model-v1"),
            section_format(2, 2, 12, 1, "codec/texts-codec2-model-v1"))),
}


def damage(data, source):
    data = bytearray(data)
    for _ in range(source.choice((1, 1, 1, 2, 3))):
        at, way = source.randrange(len(data) + 1), source.randrange(6)
        if way == 0 and at < len(data):
            data[at] ^= 1 << source.randrange(8)
        elif way == 1 and at < len(data):
            data[at] = source.choice((0, 1, 2, 0x7f, 0x80, 0xff))
        elif way == 2:
            data[at:at] = bytes(source.choice((0, 0x80, 0xff, source.randrange(256)))
                                for _ in range(source.randrange(1, 4)))
        elif way == 3:
            del data[at:at + source.randrange(1, 4)]
        elif way == 4:
            begin = source.randrange(len(data) + 1)
            data[at:at] = data[begin:begin + source.randrange(1, 40)]
        elif source.randrange(4) == 0:
            del data[at:]
    return bytes(data)


def section(stream, count, content):
    length = bytes([len(content)]) if len(content) < 128 else bytes([len(content) & 127 | 128, len(content) >> 7])
    return bytes([stream, 0, count]) + length + content


def damaged_body(source):
    """Sections of the right lengths, one of them damaged inside, so that the codec sees the damage."""
    samples = [decode.golden("codec/every-kind-v1"), decode.golden("codec/predictors-v1")]
    which = source.randrange(2)
    samples[which] = damage(samples[which], source)
    return section(1, 6, samples[0]) + section(2, 8, samples[1])


def found_by_documents(decoder, data):
    try:
        return decoder(data)
    except (Refused, UnicodeDecodeError):
        return "refused"


def main(oracle, rounds=2000, seed=20261121):
    source = random.Random(int(seed))
    cases = [(name, damage(decode.golden(source.choice(files)), source))
             for name, (_, files) in FORMATS.items() for _ in range(int(rounds) // (4 if "section" in name else 1))]
    cases += [("body", damaged_body(source)) for _ in range(2 * int(rounds))]
    lines = "".join(f"{name} {data.hex() or '-'}\n" for name, data in cases)
    schemas = [decode.golden(name).hex() for name in SCHEMAS]
    run = subprocess.run([oracle, decode.golden(MODEL).hex(), *schemas], input=lines, text=True, stdout=subprocess.PIPE, check=True)
    answers = run.stdout.splitlines()
    differences = [] if len(answers) == len(cases) else ["the oracle did not answer everything"]
    for (name, data), ours in zip(cases, answers):
        theirs = found_by_documents(FORMATS[name][0], data)
        if theirs != ours:
            differences.append(f"{name} {data.hex()}\n  ours:      {ours}\n  documents: {theirs}")
    accepted = sum(answer != "refused" for answer in answers)
    print("\n".join([*differences[:10], f"compare: {len(cases)} damaged files, {accepted} still readable, "
                                        f"{len(differences)} differences; seed {seed}"]))
    return 1 if differences or accepted < len(cases) // 50 else 0


sys.exit(main(*sys.argv[1:]))
