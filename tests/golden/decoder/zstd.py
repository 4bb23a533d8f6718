"""zstd frames as docs/spec/codec.md has them, by Debian's own library: one frame without magic number, nothing behind it."""
import ctypes
import ctypes.util

from decoder.reader import Reader, refuse_unless

MAGIC = bytes.fromhex("28b52ffd")
PLAIN_BYTES_MAX = 65536


def library():
    found = ctypes.CDLL(ctypes.util.find_library("zstd") or "libzstd.so.1")
    found.ZSTD_createDCtx.restype = ctypes.c_void_p
    found.ZSTD_freeDCtx.argtypes = [ctypes.c_void_p]
    found.ZSTD_decompress_usingDict.restype = ctypes.c_size_t
    found.ZSTD_decompress_usingDict.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p,
                                                ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t]
    return found


def content_bytes(reader):
    """Reads the frame's header (RFC 8878, 3.1.1.1) and returns the size that it promises."""
    descriptor = reader.u(8)
    size_flag, single, reserved = descriptor >> 6, descriptor >> 5 & 1, descriptor >> 3 & 1
    refuse_unless(not reserved and descriptor & 7 == 0, "checksum or dictionary id")
    refuse_unless(single or size_flag, "size of the content")
    if not single:
        reader.u(8)  # window
    size = reader.u(8 << size_flag)
    return size + 256 if size_flag == 1 else size


def skip_blocks(reader):
    last = False
    while not last:
        header = reader.u(24)
        last = header & 1
        reader.take(1 if header >> 1 & 3 == 1 else header >> 3)
    reader.end("the frame")


def decompress(frame, dictionary=b""):
    reader = Reader(frame)
    size = content_bytes(reader)
    refuse_unless(size <= PLAIN_BYTES_MAX, "size of the content")
    skip_blocks(reader)
    zstd, room = library(), ctypes.create_string_buffer(max(size, 1))
    context = zstd.ZSTD_createDCtx()
    data = MAGIC + frame
    got = zstd.ZSTD_decompress_usingDict(context, room, size, data, len(data), dictionary, len(dictionary))
    zstd.ZSTD_freeDCtx(context)
    refuse_unless(got == size, "frame")
    return room.raw[:size]
