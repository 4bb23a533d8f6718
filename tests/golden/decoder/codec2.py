"""Codec 2 and models: docs/spec/codec2.md."""
from decoder.reader import Reader, refuse_unless, signed
from decoder.zstd import decompress

# Places of the contexts, and the built-in columns by the kind of a field.
NULLS, EXCEPTIONS, CONSTANT, DIVISOR, PREDICTOR, NULL_MARKS, EXCEPTION_MARKS = 0, 1, 2, 3, 4, 7, 11
FIRST_SIGN, FIRST_LENGTH, SIGN, ZERO, LENGTH, MANTISSA, CONTEXTS = 15, 16, 80, 83, 131, 323, 383
TIME, NUMBER, SMALL, REFERENCE = range(4)
SETS = {"time": TIME, "integer": NUMBER, "decimal": NUMBER, "boolean": SMALL, "enumeration": SMALL, "text": REFERENCE,
        "bytes": REFERENCE, "float32": REFERENCE, "float64": REFERENCE}
HALF = 0x8000


# Models

def decode_model_column(reader):
    contexts = []
    for _ in range(reader.u(8)):
        contexts += [HALF] * reader.u(8)
        contexts += [reader.u(16) for _ in range(reader.u(8))]
        refuse_unless(len(contexts) <= CONTEXTS, "contexts")
    return contexts + [HALF] * (CONTEXTS - len(contexts))


def decode_model(data, decode_mixing=None):
    """decode_mixing: what reads the rest of it, for codec 3."""
    refuse_unless(len(data) <= 16384, "size")
    reader = Reader(data)
    refuse_unless(reader.u(8) == 1, "version")
    count = reader.u(8)
    refuse_unless(count <= 65, "columns")
    model = {"columns": [decode_model_column(reader) for _ in range(count)]}
    model["dictionary"] = reader.take(reader.varint()).hex()
    if decode_mixing:
        model["mixing"] = decode_mixing(reader)
    reader.end("the model")
    return model


class BitModel:
    def __init__(self, entry):
        self.p, self.seen = (entry >> 4) << 12, entry & 15

    def saw(self, yes):
        rate = (self.seen + 1).bit_length()
        if yes:
            self.p -= self.p >> rate
        else:
            self.p += ((1 << 24) - 1 - self.p) >> rate
        self.seen = min(self.seen + 1, 15)


class RangeDecoder:
    def __init__(self, data):
        self.data, self.at, self.range = data, 0, 0xffffffff
        self.code = 0
        for _ in range(4):
            self.take()

    def take(self):
        refuse_unless(self.at < len(self.data) + 4, "end")
        byte = self.data[self.at] if self.at < len(self.data) else 0
        self.at += 1
        self.code = (self.code << 8 | byte) & 0xffffffff

    def normalize(self):
        while self.range < 1 << 24:
            self.take()
            self.range = self.range << 8

    def bit(self, model):
        bound = (self.range >> 12) * min(max(model.p >> 12, 8), 4088)
        yes = self.code >= bound
        if yes:
            self.code, self.range = self.code - bound, self.range - bound
        else:
            self.range = bound
        model.saw(yes)
        self.normalize()
        return int(yes)

    def decide(self, probability_of_no):
        bound = (self.range >> 12) * probability_of_no
        yes = self.code >= bound
        if yes:
            self.code, self.range = self.code - bound, self.range - bound
        else:
            self.range = bound
        self.normalize()
        return int(yes)

    def raw(self, count):
        value = 0
        while count:
            step = min(count, 12)
            count -= step
            self.range >>= step
            part = min(self.code // self.range, (1 << step) - 1)
            self.code -= part * self.range
            value = value << step | part
            self.normalize()
        return value

    def end(self):
        refuse_unless(self.at >= len(self.data), "bytes behind the coded part")


class Column:
    """The decisions of one column."""

    def __init__(self, coded, entries):
        self.coded, self.contexts = coded, [BitModel(entry) for entry in entries]

    def bit(self, context):
        return self.coded.bit(self.contexts[context])

    def tree(self, context, bits):
        node = 1
        for _ in range(bits):
            node = node << 1 | self.bit(context + node)
        return node - (1 << bits)

    def marks(self, context, count):
        found, before = [], 0
        for _ in range(count):
            found.append(self.bit(context + before))
            before = (before << 1 | found[-1]) & 3
        return found

    def first(self):
        length = self.tree(FIRST_LENGTH, 6)
        if length == 63:
            length += self.bit(FIRST_LENGTH)
        if length == 0:
            return 0
        negative = self.bit(FIRST_SIGN)
        magnitude = 1 << length - 1 | self.coded.raw(length - 1)
        return signed(-magnitude if negative else magnitude)

    def length(self, expected):
        group = LENGTH + 16 * (min(expected, 12) - 1)
        length, steps = expected, 0
        if self.bit(group):
            length, steps = length + 1, 1
            while length < 64 and self.bit(group + min(steps, 7)):
                length, steps = length + 1, steps + 1
        else:
            while length > 1 and self.bit(group + 8 + min(steps, 7)):
                length, steps = length - 1, steps + 1
        return length

    def magnitude(self, length):
        if length == 1:
            return 1
        place = MANTISSA + 3 * (min(length, 21) - 2)
        high = self.bit(place)
        value = 2 | high
        if length > 2:
            value = value << 1 | self.bit(place + 1 + high)
        return value << max(length - 3, 0) | self.coded.raw(max(length - 3, 0))

    def integers(self, rows, zeros):
        """A number for each of the rows; zeros has the two notes of each row of the section."""
        if not rows:
            return []
        first = self.first()
        if len(rows) == 1:
            return [first]
        if self.bit(CONSTANT):
            for row in rows[1:]:
                zeros[row] = (zeros[row] << 1 | 1) & 3
            return [first] * len(rows)
        predictor, divisor = self.tree(PREDICTOR - 1, 2), 1
        if self.bit(DIVISOR):
            length = self.coded.raw(6)
            refuse_unless(length >= 2, "divisor")
            divisor = 1 << length - 1 | self.coded.raw(length - 1)
        values, last, before = [first], 0, 0
        previous, expected, zero, sign = 2, 2, 5, 0
        for row in rows[1:]:
            length = residual = 0
            if self.bit(ZERO + 4 * zero + zeros[row]):
                length = self.length(expected)
                negative = self.bit(SIGN + sign)
                sign = 1 + negative
                residual = self.magnitude(length) * (-1 if negative else 1)
            zeros[row] = (zeros[row] << 1 | (length == 0)) & 3
            zero = 2 * min(length, 5) + (previous != 0)
            smoothed = length if length >= previous else (length + previous + 1) // 2
            expected, previous = min(max(smoothed, 1), 63), length
            slope = signed(last - before)
            last, before = signed(residual + (0, last, last + slope, last + (slope >> 1))[predictor]), last
            values.append(signed(first + divisor * last))
        return values


class Literals:
    def __init__(self, data):
        self.reader = Reader(data)

    def one(self, kind):
        if kind in ("float32", "float64"):
            bits = int(kind[5:])
            return f"{self.reader.u(bits):0{bits // 4}x}"
        size = self.reader.varint()
        refuse_unless(size <= 1024, "text")
        data = self.reader.take(size)
        return data.decode() if kind == "text" else data.hex()


def split(data, dictionary):
    reader = Reader(data)
    head = reader.u(8)
    refuse_unless(head in (0, 1, 3), "head")
    if head == 0:
        return data[1:], b""
    size = reader.varint()
    coded = reader.take(len(data) - reader.at - size) if size <= len(data) - reader.at else None
    refuse_unless(size > 0 and coded is not None, "literals")
    literals = reader.take(size)
    return coded, decompress(literals, dictionary) if head == 3 else literals


def literal_column(column, literals, kind, rows, zeros):
    if not rows:
        return []
    values = [literals.one(kind)]
    for back in column.integers(rows[1:], zeros):
        refuse_unless(0 <= back <= len(values), "reference")
        values.append(values[-back] if back else literals.one(kind))
    return values


def number_column(column, field, rows, zeros, integer_value):
    exceptions = {}
    if field["kind"] == "decimal" and column.bit(EXCEPTIONS):
        marked = column.marks(EXCEPTION_MARKS, len(rows))
        exceptions = {row: {"bits": f"{column.coded.raw(64):016x}"} for row, mark in zip(rows, marked) if mark}
    whole = [row for row in rows if row not in exceptions]
    numbers = dict(zip(whole, column.integers(whole, zeros)))
    return [exceptions[row] if row in exceptions else integer_value(field, numbers[row]) for row in rows]


def decode_codec2(data, schema, n, builtin, integer_value, model=None):
    """builtin: model 0's columns; integer_value: what a number means in a field."""
    model = model or {"columns": [], "dictionary": ""}
    coded, literals = split(data, bytes.fromhex(model["dictionary"]))
    coded, literals, zeros = RangeDecoder(coded), Literals(literals), [0] * n

    def column(place, kind):
        columns = model["columns"]
        return Column(coded, columns[place] if place < len(columns) else builtin[SETS[kind]])

    samples = {"times": column(0, "time").integers(list(range(n)), zeros)}
    for place, field in enumerate(schema["fields"], 1):
        now, rows = column(place, field["kind"]), list(range(n))
        if field["nullable"] and now.bit(NULLS):
            rows = [row for row, null in zip(rows, now.marks(NULL_MARKS, n)) if not null]
        if SETS[field["kind"]] == REFERENCE:
            values = literal_column(now, literals, field["kind"], rows, zeros)
        else:
            values = number_column(now, field, rows, zeros, integer_value)
        values = dict(zip(rows, values))
        samples[field["name"]] = [values.get(row) for row in range(n)]
    coded.end()
    literals.reader.end("the literals")
    return samples
