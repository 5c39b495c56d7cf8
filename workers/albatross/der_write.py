"""Writing DER (X.690) as a list of buffers, so that an image inside a message is never copied."""

from __future__ import annotations

from collections.abc import Iterable

from workers.albatross.errors import NotSendable

Parts = tuple[bytes | memoryview, ...]
"""One encoded value: its bytes are the parts, one after another."""
LARGE = 16_384
"""A piece of this size or more is passed on as it is; smaller ones are joined."""
SMALLEST, BIGGEST = -(2**62), 2**62 - 1
"""OCaml's integers have 63 bits; a daemon closes the connection on anything else."""

INTEGER, OCTETS, NULL_TAG, UTF8, UTC_TIME, GENERALIZED_TIME = 0x02, 0x04, 0x05, 0x0C, 0x17, 0x18
BOOLEAN, SEQUENCE, SET = 0x01, 0x30, 0x31
CONTEXT = 0xA0
NULL: Parts = (b"\x05\x00",)


def tlv(tag: int, *contents: Parts) -> Parts:
    """Tag, length and contents."""
    pieces = [piece for content in contents for piece in content]
    done: list[bytes | memoryview] = []
    small: list[bytes | memoryview] = [_head(tag, sum(map(len, pieces)))]
    for piece in pieces:
        if len(piece) < LARGE:
            small.append(piece)
        else:
            done += (b"".join(small), piece)
            small = []
    return (*done, b"".join(small)) if small else tuple(done)


def _head(tag: int, size: int) -> bytes:
    if size < 128:
        return bytes((tag, size))
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length


def integer(value: int) -> Parts:
    """An INTEGER in its shortest form. Raises NotSendable outside OCaml's range."""
    if not SMALLEST <= value <= BIGGEST:
        raise NotSendable("a number is outside the range of albatross.", "Use a smaller number.")
    size = (value if value >= 0 else value + 1).bit_length() // 8 + 1
    return tlv(INTEGER, (value.to_bytes(size, "big", signed=True),))


def int64(value: int) -> Parts:
    """Albatross's own Int64: an OCTET STRING of 8 bytes, big endian, two's complement."""
    return octets((value & 0xFFFFFFFFFFFFFFFF).to_bytes(8, "big"))


def boolean(value: bool) -> Parts:
    return tlv(BOOLEAN, (b"\xff" if value else b"\x00",))


def octets(value: bytes | memoryview) -> Parts:
    """An OCTET STRING; a large value is not copied."""
    return tlv(OCTETS, (value if isinstance(value, bytes) else value.cast("B"),))


def text(value: str | bytes) -> Parts:
    """A UTF8String. Albatross accepts any bytes in it. Raises NotSendable for text that has none."""
    if isinstance(value, str):
        try:
            value = value.encode()
        except UnicodeEncodeError:
            raise NotSendable("a text has characters that cannot be sent.", "Write it anew.") from None
    return tlv(UTF8, (value,))


def sequence(*parts: Parts) -> Parts:
    return tlv(SEQUENCE, *parts)


def sequence_of(parts: Iterable[Parts]) -> Parts:
    return tlv(SEQUENCE, *parts)


def set_of(parts: Iterable[Parts]) -> Parts:
    """A SET OF, its elements in ascending order of their bytes, as DER wants it."""
    return tlv(SET, tuple(sorted(b"".join(part) for part in parts)))


def context(number: int, *parts: Parts) -> Parts:
    """An explicit (or constructed implicit) context tag, 0 to 30."""
    return tlv(CONTEXT + number, *parts)
