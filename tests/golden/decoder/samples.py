"""Schemas and the samples of a section: docs/spec/schema.md, docs/spec/codec.md."""
import hashlib
from decimal import Decimal

from decoder.reader import Reader, refuse_unless, signed

# docs/spec/schema.md

KINDS = (None, "integer", "decimal", "boolean", "enumeration", "text", "bytes", "float32", "float64")
FIXED = {"device", "stream", "incarnation", "epoch", "seq", "row", "event_time", "anchor", "time_error_us",
         "receive_time", "receive_date"}


def check_name(name):
    letters, others = "abcdefghijklmnopqrstuvwxyz", "0123456789_"
    refuse_unless(0 < len(name) <= 48 and name[0] in letters and set(name) <= set(letters + others), "name")
    return name


def decode_field(reader):
    field = {"name": check_name(reader.short_text())}
    refuse_unless(field["name"] not in FIXED, "name of a fixed column")
    kind = reader.u(8)
    refuse_unless(1 <= kind <= 8, "kind")
    field["kind"] = KINDS[kind]
    field["scale"] = reader.u(8)
    refuse_unless(field["scale"] <= (15 if field["kind"] == "decimal" else 0), "scale")
    flags = reader.u(8)
    refuse_unless(flags < 4, "flags")
    field["nullable"] = bool(flags & 1)
    field["unit"] = reader.short_text()
    refuse_unless(len(field["unit"].encode()) <= 32, "unit")
    field["help"] = reader.short_text()
    if flags & 2:
        field["minimum"], field["maximum"] = reader.f64(), reader.f64()
        refuse_unless(field["minimum"] <= field["maximum"], "bounds")
    if field["kind"] == "enumeration":
        size = reader.u(16)
        refuse_unless(size <= 1024, "labels")
        labels = reader.take(size).decode()
        refuse_unless(labels.endswith("\n"), "labels")
        field["labels"] = labels[:-1].split("\n")
        refuse_unless(all(field["labels"]), "empty label")
    return field


def decode_schema(data):
    refuse_unless(len(data) <= 8192, "size")
    reader = Reader(data)
    refuse_unless(reader.u(8) == 1, "version")
    schema = {"name": check_name(reader.short_text()), "time": reader.u(8), "tick_us": reader.u(32),
              "class": reader.u(8), "deadline_ms": reader.u(32)}
    refuse_unless(schema["time"] in (1, 2) and schema["class"] <= 3, "time or class")
    refuse_unless(schema["tick_us"] == 1 if schema["time"] == 2 else schema["tick_us"] > 0, "tick")
    schema["time"] = ("device", "source")[schema["time"] - 1]
    count = reader.u(8)
    refuse_unless(1 <= count <= 64, "fields")
    schema["fields"] = [decode_field(reader) for _ in range(count)]
    refuse_unless(len({field["name"] for field in schema["fields"]}) == count, "two fields of one name")
    reader.end("the schema")
    schema["hash"] = hashlib.sha256(data).hexdigest()
    return schema


# docs/spec/codec.md

NULLS, EXCEPTIONS, CONSTANT, DIVISOR = 4, 8, 16, 32


def decode_head(reader, kind, nullable):
    head = reader.u(8)
    allowed = {"text": 0, "bytes": 0, "float32": CONSTANT, "float64": CONSTANT}.get(kind, 3 | CONSTANT | DIVISOR)
    allowed |= (NULLS if nullable else 0) | (EXCEPTIONS if kind == "decimal" else 0)
    refuse_unless(head & ~allowed == 0, "head")
    refuse_unless(not (head & CONSTANT and head & (3 | DIVISOR)), "head")
    return head


def decode_null_runs(reader, n):
    present, run_is_null = [], False
    while len(present) < n:
        run = reader.varint()
        refuse_unless(run > 0 or not present and not run_is_null, "empty run")
        refuse_unless(run <= n - len(present), "run")
        present += [not run_is_null] * run
        run_is_null = not run_is_null
    refuse_unless(not all(present), "runs without a null")
    return present


def decode_exceptions(reader, values):
    """values: how many are not null. Returns their places among these, and their bits."""
    count, at, exceptions = reader.varint(), 0, {}
    refuse_unless(count > 0, "no exception")
    for _ in range(count):
        at += reader.varint()
        refuse_unless(at < values, "exception behind the end")
        exceptions[at] = f"{reader.u(64):016x}"
        at += 1
    return exceptions


def decode_integers(reader, head, m):
    if m == 0:
        return []
    first = reader.zigzag()
    if head & CONSTANT:
        return [first] * m
    divisor = 1
    if head & DIVISOR:
        divisor = reader.varint()
        refuse_unless(2 <= divisor < 1 << 63, "divisor")
    values, last, before = [first], 0, 0
    for _ in range(m - 1):
        slope = signed(last - before)
        predicted = (0, last, last + slope, last + (slope >> 1))[head & 3]
        last, before = signed(reader.zigzag() + predicted), last
        refuse_unless(-1 << 63 <= divisor * last < 1 << 63, "product")
        values.append(signed(first + divisor * last))
    return values


def integer_value(field, value):
    kind = field["kind"]
    if kind == "decimal":
        refuse_unless(abs(value) < 1 << 53, "decimal")
        return str(Decimal(value).scaleb(-field["scale"]))
    if kind == "boolean":
        refuse_unless(value in (0, 1), "boolean")
        return bool(value)
    if kind == "enumeration":
        refuse_unless(0 <= value < len(field["labels"]), "enumeration")
        return field["labels"][value]
    return value


def decode_texts(reader, kind, m):
    values = []
    for _ in range(m):
        length = reader.varint()
        refuse_unless(length <= 1025 and (length > 0 or values), "text")
        values.append(reader.take(length - 1) if length else values[-1])
    return [value.decode() if kind == "text" else value.hex() for value in values]


def decode_column(reader, field, n):
    """Floats and exceptions are given as the hexadecimal number that their bits are."""
    kind = field["kind"]
    head = decode_head(reader, kind, field["nullable"])
    present = decode_null_runs(reader, n) if head & NULLS else [True] * n
    count = sum(present)
    if kind in ("text", "bytes"):
        values = decode_texts(reader, kind, count)
    elif kind in ("float32", "float64"):
        bits = int(kind[5:])
        written = min(count, 1) if head & CONSTANT else count
        values = [f"{reader.u(bits):0{bits // 4}x}" for _ in range(written)]
        values = values * count if head & CONSTANT else values
    else:
        exceptions = decode_exceptions(reader, count) if head & EXCEPTIONS else {}
        whole = iter(decode_integers(reader, head, count - len(exceptions)))
        values = [{"bits": exceptions[i]} if i in exceptions else integer_value(field, next(whole))
                  for i in range(count)]
    values = iter(values)
    return [next(values) if there else None for there in present]


def decode_samples(data, schema, n):
    reader = Reader(data)
    samples = {"times": decode_integers(reader, decode_head(reader, "time", False), n)}
    for field in schema["fields"]:
        samples[field["name"]] = decode_column(reader, field, n)
    reader.end("the columns")
    return samples
