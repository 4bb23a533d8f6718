"""HKDF, AES-128-GCM, P-256 and HPKE in plain Python, from their public standards, for decode.py.

Slow, and not safe against those who measure its time: for test vectors only.
"""
import hashlib
import hmac


class Refused(Exception):
    """Bytes that the documents do not allow, or a seal or signature that does not match."""


# HKDF with SHA-256: RFC 5869.

def hkdf_extract(salt, key_material):
    return hmac.new(salt or bytes(32), key_material, hashlib.sha256).digest()


def hkdf_expand(key, info, length):
    out = block = b""
    for counter in range(1, 256):
        if len(out) >= length:
            break
        block = hmac.new(key, block + info + bytes([counter]), hashlib.sha256).digest()
        out += block
    return out[:length]


# AES-128: FIPS 197.

def times_x(byte):
    return (byte << 1 ^ (0x11b if byte & 0x80 else 0)) & 0xff


def make_s_box():
    power, logarithm, value = [], {}, 1
    for exponent in range(255):
        power.append(value)
        logarithm[value] = exponent
        value ^= times_x(value)  # times 3
    def image(byte):
        inverse = power[-logarithm[byte] % 255] if byte else 0
        bits = inverse * 0x101
        return (inverse ^ bits >> 4 ^ bits >> 5 ^ bits >> 6 ^ bits >> 7) & 0xff ^ 0x63
    return [image(byte) for byte in range(256)]


S_BOX = make_s_box()


def expand_key(key):
    words = [key[i:i + 4] for i in range(0, 16, 4)]
    round_constant = 1
    for i in range(4, 44):
        word = words[i - 1]
        if i % 4 == 0:
            word = bytes(S_BOX[b] for b in word[1:] + word[:1])
            word = bytes([word[0] ^ round_constant]) + word[1:]
            round_constant = times_x(round_constant)
        words.append(bytes(a ^ b for a, b in zip(words[i - 4], word)))
    return [b"".join(words[i:i + 4]) for i in range(0, 44, 4)]


def mix_column(column):
    total = column[0] ^ column[1] ^ column[2] ^ column[3]
    return [column[i] ^ total ^ times_x(column[i] ^ column[(i + 1) % 4]) for i in range(4)]


def aes_encrypt(round_keys, block):
    state = [a ^ b for a, b in zip(block, round_keys[0])]
    for number in range(1, 11):
        state = [S_BOX[state[(i + 4 * (i % 4)) % 16]] for i in range(16)]  # substitute, shift rows
        if number < 10:
            state = sum((mix_column(state[i:i + 4]) for i in range(0, 16, 4)), [])
        state = [a ^ b for a, b in zip(state, round_keys[number])]
    return bytes(state)


# GCM: NIST SP 800-38D, with nonces of 12 bytes.

def gcm_multiply(x, y):
    product = 0
    for bit in range(127, -1, -1):
        if x >> bit & 1:
            product ^= y
        y = y >> 1 ^ (0xe1 << 120 if y & 1 else 0)
    return product


def gcm_open(key, nonce, associated, sealed):
    if len(sealed) < 16:
        raise Refused("sealed bytes without a tag")
    ciphertext, tag = sealed[:-16], sealed[-16:]
    round_keys = expand_key(key)
    hash_key = int.from_bytes(aes_encrypt(round_keys, bytes(16)), "big")
    padded = b"".join(part + bytes(-len(part) % 16) for part in (associated, ciphertext))
    padded += (8 * len(associated)).to_bytes(8, "big") + (8 * len(ciphertext)).to_bytes(8, "big")
    digest = 0
    for i in range(0, len(padded), 16):
        digest = gcm_multiply(digest ^ int.from_bytes(padded[i:i + 16], "big"), hash_key)
    stream = b"".join(aes_encrypt(round_keys, nonce + (counter + 1).to_bytes(4, "big"))
                      for counter in range(len(ciphertext) // 16 + 2))
    if bytes(a ^ b for a, b in zip(digest.to_bytes(16, "big"), stream)) != tag:
        raise Refused("the tag does not match")
    return bytes(a ^ b for a, b in zip(ciphertext, stream[16:]))


# P-256: SEC 2. A point is (x, y), or None for the point at infinity.

P = 2**256 - 2**224 + 2**192 + 2**96 - 1
ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551
B = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b
BASE = (0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296,
        0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5)


def add_points(a, b):
    if a is None or b is None:
        return a or b
    if a[0] == b[0] and (a[1] + b[1]) % P == 0:
        return None
    slope = (3 * a[0] * a[0] - 3) * pow(2 * a[1], -1, P) if a == b else (b[1] - a[1]) * pow(b[0] - a[0], -1, P)
    x = (slope * slope - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P


def multiply_point(scalar, point):
    result = None
    while scalar:
        if scalar & 1:
            result = add_points(result, point)
        point = add_points(point, point)
        scalar >>= 1
    return result


def point_of(encoded):
    x, y = int.from_bytes(encoded[1:33], "big"), int.from_bytes(encoded[33:], "big")
    if len(encoded) != 65 or encoded[0] != 4 or (y * y - x * x * x + 3 * x - B) % P:
        raise Refused("not a point of P-256")
    return x, y


def encode_point(point):
    return b"\x04" + point[0].to_bytes(32, "big") + point[1].to_bytes(32, "big")


def ecdsa_verify(public_key, message, r, s):
    if not (0 < r < ORDER and 0 < s < ORDER):
        raise Refused("signature")
    digest = int.from_bytes(hashlib.sha256(message).digest(), "big")
    inverse = pow(s, -1, ORDER)
    point = add_points(multiply_point(digest * inverse % ORDER, BASE),
                       multiply_point(r * inverse % ORDER, point_of(public_key)))
    if point is None or point[0] % ORDER != r:
        raise Refused("the signature does not match")


# HPKE: RFC 9180, base mode, DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-128-GCM, first message.

def hpke_open(private_key, encapsulated, info, sealed):
    kem, suite = b"KEM\x00\x10", b"HPKE\x00\x10\x00\x01\x00\x01"

    def extract(of, salt, label, key_material):
        return hkdf_extract(salt, b"HPKE-v1" + of + label + key_material)

    def expand(of, key, label, context, length):
        return hkdf_expand(key, length.to_bytes(2, "big") + b"HPKE-v1" + of + label + context, length)

    scalar = int.from_bytes(private_key, "big")
    shared_point = multiply_point(scalar, point_of(encapsulated))[0].to_bytes(32, "big")
    own_public = encode_point(multiply_point(scalar, BASE))
    eae_key = extract(kem, b"", b"eae_prk", shared_point)
    shared_secret = expand(kem, eae_key, b"shared_secret", encapsulated + own_public, 32)
    context = b"\x00" + extract(suite, b"", b"psk_id_hash", b"") + extract(suite, b"", b"info_hash", info)
    secret = extract(suite, shared_secret, b"secret", b"")
    key = expand(suite, secret, b"key", context, 16)
    nonce = expand(suite, secret, b"base_nonce", context, 12)
    return gcm_open(key, nonce, b"", sealed)
