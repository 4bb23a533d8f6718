"""Codec 3 and the mixing part of models: docs/spec/codec3.md."""
import base64

from decoder.codec2 import (EXCEPTION_MARKS, EXCEPTIONS, NULL_MARKS, NULLS, REFERENCE, SETS, Column, RangeDecoder)
from decoder.reader import Reader, refuse_unless, signed

IN_PLACE, AS_IT_IS, DIFFERENCE, FROM_TIME_US, FROM_TIME_MS, FROM_TIME_S = range(6)
UNITS = {FROM_TIME_US: 1, FROM_TIME_MS: 1000, FROM_TIME_S: 1000000}
T = (1, 2, 4, 6, 10, 17, 27, 45, 74, 120, 194, 311, 488, 747, 1102, 1546, 2048, 2550, 2994, 3349, 3608, 3785, 3902, 3976,
     4022, 4051, 4069, 4079, 4086, 4090, 4092, 4094, 4095)
M = 0xffffffff


def clamp(value, low, high):
    return min(max(value, low), high)


def make_squash():
    points = []
    for t in range(1, 4096):
        i, w = t // 128, t % 128
        points.append((T[i] * (128 - w) + T[i + 1] * w + 64) // 128)
    return points  # by d + 2047


SQUASH = make_squash()
STRETCH = [next((d for d in range(-2047, 2047) if SQUASH[d + 2047] >= p), 2047) for p in range(4096)]


def mix_hash(x):
    x &= M
    return (x ^ x >> 15) * 0x9e3779b1 & M


class Counters(dict):
    def __init__(self, start):
        super().__init__()
        self.start = start

    def __missing__(self, place):
        return self.start

    def stretched(self, place):
        return STRETCH[self[place] >> 4]

    def learn(self, place, bit):
        probability, seen = self[place] & 0xfff0, self[place] & 15
        way = ((0xfff0 if bit else 0) - probability) * (65536 // (seen + 2))
        learnt = way // 65536 if way >= 0 else -(-way // 65536)
        self[place] = (probability + learnt & 0xfff0) | min(seen + 1, 15)


def spread(base, node):
    return (base + node * 1021) & 0xffff


class Mixer:
    def __init__(self):
        self.counters = [Counters(0x8000) for _ in range(5)]
        self.expected_counters, self.match_counters = Counters(0xc000), Counters(0xc000)
        self.weights = {}
        self.history, self.match_places, self.match, self.match_length = [], {}, 0, 0
        self.last, self.last_key_sum, self.remembered = {}, {}, {}

    def begin_value(self, column, key):
        """key: a number, or None."""
        number = (key or 0) & 0xffffffffffffffff
        self.column = column
        self.key = mix_hash((number & M) ^ number >> 32) if key is not None else 0
        self.key_sum = sum(number.to_bytes(8, "little")) if key is not None else 0
        check = mix_hash(mix_hash(column + 1) + self.key)
        self.slot = check >> 20
        found = self.remembered.get(self.slot)
        self.same = bool(found and found["check"] == check)
        self.memory = found if self.same else {"check": check, "last": None, "before": b""}
        self.remembered[self.slot] = self.memory
        self.before = self.last.get(column, b"")
        self.above = self.memory["last"] if self.same else self.before
        self.above2 = self.memory["before"]
        self.value, self.word = bytearray(), 0
        self.sum = 0 if self.same else self.key_sum - self.last_key_sum.get(column, 0)

    def end_value(self):
        self.memory["before"] = self.memory["last"] or b""
        self.memory["last"] = bytes(self.value)
        self.last[self.column], self.last_key_sum[self.column] = bytes(self.value), self.key_sum

    def begin_byte(self):
        i = len(self.value)

        def beside(value):
            return value[i] + 1 if i < len(value) else 0

        k, k2, b = beside(self.above), beside(self.above2), beside(self.before)
        p1, p2 = (self.value[i - n] + 1 if i >= n else 0 for n in (1, 2))
        column = (self.column + 1) * 0x1000193
        place = column + min(i, 255) * 0x1234567
        contexts = (place * 3 + k * 0x10001, place * 5 + p1 * 0x30007, column * 7 + p1 * 0x30007 + p2 * 0x500017,
                    place * 19 + self.key + p1 * 0x30007, column * 29 + self.word)
        self.hashes = [x * 0x85ebca6b & M for x in contexts]
        keyed = place * 43 + self.key
        checked = self.sum + sum(self.value) - sum(self.above[:i])
        wanted = ((k, k - 1, keyed), (k and i, k - 1 + checked, place * 43), (k2, 2 * (k - 1) - (k2 - 1), keyed), (b, b - 1, place * 43))
        self.expected = [(byte & 255, mix_hash(slot + e * 0x5bd1e995) >> 16) if there else None
                         for e, (there, byte, slot) in enumerate(wanted)]
        self.set = 3 * min(i, 20) + (k != 0) + (k != 0 and self.same)
        if self.key:
            self.set = 63 + (mix_hash(keyed) >> 23)
        self.look_up(0)

    def look_up(self, half):
        self.bases, self.node = [mix_hash(x ^ (half * 0x2545f491 & M)) >> 16 for x in self.hashes], 1

    def weights_of(self, name):
        return self.weights.setdefault(name, [6554] * 10 + [0, 6554])

    def byte(self, coded):
        self.begin_byte()
        byte = 0
        for number in range(7, -1, -1):
            bit = self.bit(coded, number)
            byte = byte << 1 | bit
        self.end_byte(byte)
        return byte

    def bit(self, coded, number):
        places = [spread(base, self.node) for base in self.bases]
        inputs = [counters.stretched(place) for counters, place in zip(self.counters, places)]
        signs = []
        for expected in self.expected:
            signs.append(expected and (spread(expected[1], number), expected[0] >> number & 1))
            sure = self.expected_counters.stretched(signs[-1][0]) if expected else 0
            inputs.append(sure if expected and signs[-1][1] else -sure)
        matched = None
        if self.match_length:
            matched = (min(self.match_length, 15), self.history[self.match] >> number & 1)
            sure = self.match_counters.stretched(matched[0])
            inputs.append(sure if matched[1] else -sure)
        else:
            inputs.append(0)
        inputs += [256, 0]
        a, b = self.weights_of(("column", self.column)), self.weights_of(("place", self.set))
        d = clamp(sum(x * (v + w) for x, v, w in zip(inputs, a, b)) >> 16, -2047, 2047)
        probability = clamp(SQUASH[d + 2047], 1, 4095)
        bit = coded.decide(4096 - probability)
        error = 6 * (4096 * bit - probability)
        for weights in (a, b):
            for i, x in enumerate(inputs):
                grown = weights[i] + (x * error + (1 << 13) >> 14) & M
                weights[i] = grown - (1 << 32) if grown >> 31 else grown
        for counters, place in zip(self.counters, places):
            counters.learn(place, bit)
        for e, sign in enumerate(signs):
            if sign:
                self.expected_counters.learn(sign[0], sign[1] == bit)
                if sign[1] != bit:
                    self.expected[e] = None
        if matched:
            self.match_counters.learn(matched[0], matched[1] == bit)
            if matched[1] != bit:
                self.match_length = 0
        self.node = self.node << 1 | bit
        if number == 4:
            self.look_up(self.node)
        return bit

    def end_byte(self, byte):
        self.value.append(byte)
        self.word = (self.word + byte + 1) * 0x2f0b4c47 & M if bytes([byte]).isalnum() else 0
        self.history.append(byte)
        if self.match_length:
            self.match, self.match_length = self.match + 1, self.match_length + 1
        self.find_match()

    def find_match(self):
        h, used = self.history, len(self.history)
        if used < 4:
            return
        x = 0
        for one in h[-4:]:
            x = x * 0x2f0b4c47 + one + 1 & M
        place = mix_hash(x) >> 20
        if not self.match_length and self.match_places.get(place):
            self.match = self.match_places[place]
            while self.match_length < min(32, self.match) and h[self.match - 1 - self.match_length] == h[used - 1 - self.match_length]:
                self.match_length += 1
            if self.match_length < 4:
                self.match_length = 0
        self.match_places[place] = used


class MixedPart:
    """Values, one after the other, at most so many bytes of them."""

    def __init__(self, mixer, coded, bytes_max):
        self.mixer, self.coded, self.left = mixer, coded, bytes_max

    def take(self, count):
        refuse_unless(count <= self.left, "values of the mixed part")
        self.left -= count
        return bytes(self.mixer.byte(self.coded) for _ in range(count))

    def literal(self, kind):
        if kind in ("float32", "float64"):
            return self.take(int(kind[5:]) // 8).hex()
        head, shift, last = 0, 0, 0x80
        while last & 0x80:
            refuse_unless(shift < 21, "length of a text")
            last = self.take(1)[0]
            refuse_unless(last or not shift, "length of a text")
            head, shift = head | (last & 0x7f) << shift, shift + 7
        size, form = head >> 2, head & 3
        refuse_unless((size, 2 * size, 2 * size, (size + 2) // 3 * 4)[form] <= 1024, "text")
        data = self.take(size)
        data = (data, data.hex().encode(), data.hex().upper().encode(), base64.b64encode(data))[form]
        return data.decode() if kind == "text" else data.hex()

    def number(self, width):
        data = self.take(width)
        return int.from_bytes(self.take(8) if data == b"\xff" * width else data, "big")


def decode_mixing(reader):
    """The mixing part of a model: entries by column, and examples."""
    entries, examples = {}, []
    if not reader.more():
        return {"entries": entries, "examples": examples}
    least = 0
    for _ in range(reader.u(8)):
        column, form, key, width = (reader.u(8) for _ in range(4))
        refuse_unless(least <= column <= 64 and form <= FROM_TIME_S and key <= 64, "entry of a column")
        refuse_unless((1 <= width <= 8) if form else width == 0, "width of a column")
        refuse_unless(not key or key != column, "key of a column")
        refuse_unless(column or form < FROM_TIME_US, "form of the times")
        entries[column], least = (form, key, width), column + 1
    for column, (_, key, _) in entries.items():
        refuse_unless(key == 0 or comes_before(entries, key, column), "key of a column")
    while reader.more():
        samples = reader.u(8) + 1
        examples.append((samples, reader.take(reader.varint())))
    return {"entries": entries, "examples": examples}


def comes_before(entries, key, column):
    def turn(one):
        form = entries.get(one, (IN_PLACE, 0, 0))[0]
        return 65 if one == 0 else one + (65 if form >= FROM_TIME_US else 0)
    return entries.get(key, (IN_PLACE, 0, 0))[0] == IN_PLACE or turn(key) < turn(column)


class Section:
    def __init__(self, data, schema, n, builtin, model, integer_value):
        self.coded, self.n, self.builtin, self.model, self.integer_value = RangeDecoder(data), n, builtin, model, integer_value
        self.schema, self.values = schema, {}
        self.bytes_max = min(1024 + 64 * len(data), 65536)
        self.kinds = ["time"] + [field["kind"] for field in schema["fields"]]
        self.plan = {column: entry for column, entry in model["mixing"]["entries"].items() if self.fits(column, entry)}

    def literal(self, column):
        return column != 0 and SETS[self.kinds[column]] == REFERENCE

    def fits(self, column, entry):
        form, key, _ = entry
        if column >= len(self.kinds) or key >= len(self.kinds) or (form and self.literal(column)):
            return False
        return key == 0 or not self.literal(key)

    def form(self, column):
        return self.plan.get(column, (IN_PLACE, 0, 0))[0]

    def columns(self):
        """Each column: the rows that have a number or a literal, and those; in place of a literal the row that has it."""
        zeros, columns = [0] * self.n, self.model["columns"]
        for place, kind in enumerate(self.kinds):
            now = Column(self.coded, columns[place] if place < len(columns) else self.builtin[SETS[kind]])
            rows = list(range(self.n))
            if place and self.schema["fields"][place - 1]["nullable"] and now.bit(NULLS):
                rows = [row for row, null in zip(rows, now.marks(NULL_MARKS, self.n)) if not null]
            found = {}
            if kind == "decimal" and now.bit(EXCEPTIONS):
                marked = now.marks(EXCEPTION_MARKS, len(rows))
                found = {row: {"bits": f"{self.coded.raw(64):016x}"} for row, mark in zip(rows, marked) if mark}
                rows = [row for row in rows if row not in found]
            if self.literal(place):
                numbers = self.owners(now, rows, zeros)
            elif self.form(place):
                numbers = [now.first()] * len(rows) if rows else []
            else:
                numbers = now.integers(rows, zeros)
            self.values[place] = (rows, dict(zip(rows, numbers)), found)

    @staticmethod
    def owners(column, rows, zeros):
        found = rows[:1]
        for row, back in zip(rows[1:], column.integers(rows[1:], zeros)):
            refuse_unless(0 <= back <= len(found), "reference")
            found.append(found[-back] if back else row)
        return found

    def mixed(self, mixer):
        part = MixedPart(mixer, self.coded, self.bytes_max)
        places = range(1, len(self.kinds))
        here = [place for place in places if self.literal(place) or self.form(place)]
        order = [place for place in here if self.form(place) < FROM_TIME_US] + [0] * bool(self.form(0))
        for place in order + [place for place in here if self.form(place) >= FROM_TIME_US]:
            (form, key, width), (rows, numbers, _) = self.plan.get(place, (IN_PLACE, 0, 0)), self.values[place]
            keys = {} if not key else self.values[key][1]
            for at, row in enumerate(rows):
                if self.literal(place):
                    own = numbers[row]
                    if own == row:
                        mixer.begin_value(place, keys.get(row))
                        numbers[row] = part.literal(self.kinds[place])
                        mixer.end_value()
                    else:
                        numbers[row] = numbers[own]
                elif at:
                    mixer.begin_value(place, keys.get(row))
                    numbers[row] = self.number(form, part.number(width), numbers[rows[at - 1]], row)
                    mixer.end_value()

    def number(self, form, bits, before, row):
        if form == AS_IT_IS:
            return signed(bits)
        base = before if form == DIFFERENCE else self.values[0][1][row] // UNITS[form]
        return signed(base + (bits >> 1 ^ -(bits & 1)))

    def samples(self):
        found = {"times": [self.values[0][1][row] for row in range(self.n)]}
        for place, field in enumerate(self.schema["fields"], 1):
            rows, numbers, exceptions = self.values[place]
            if not self.literal(place):
                numbers = {row: self.integer_value(field, numbers[row]) for row in rows}
            found[field["name"]] = [(numbers | exceptions).get(row) for row in range(self.n)]
        return found


def decode_codec3(data, schema, n, builtin, integer_value, model):
    mixer = Mixer()
    examples = [(samples, content) for samples, content in model["mixing"]["examples"]]
    for samples, content in [*examples, (n, data)]:
        section = Section(content, schema, samples, builtin, model, integer_value)
        section.columns()
        section.mixed(mixer)
        section.coded.end()
        found = section.samples()
        refuse_unless(content is data or len(mixer.history) <= 65536, "examples")
    return found
