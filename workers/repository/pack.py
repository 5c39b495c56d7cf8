"""Writing packs by hand (gitformat-pack): whole objects, and a tree as a delta against the one before."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence

COMMIT, TREE, BLOB, REF_DELTA = 1, 2, 3, 7
# Level 1: the ids in a tree do not compress, and blobs are mostly hex digits.
LEVEL = 1


def _header(kind: int, size: int) -> bytes:
    first = (kind << 4) | (size & 0x0F)
    size >>= 4
    out = bytearray()
    while size:
        out.append(first | 0x80)
        first = size & 0x7F
        size >>= 7
    out.append(first)
    return bytes(out)


def whole(kind: int, content: bytes) -> bytes:
    """An object in full."""
    return _header(kind, len(content)) + zlib.compress(content, LEVEL)


def delta(base_id: bytes, instructions: bytes) -> bytes:
    """An object as a delta against one that the other side has."""
    return _header(REF_DELTA, len(instructions)) + base_id + zlib.compress(instructions, LEVEL)


def pack(entries: Sequence[bytes]) -> bytes:
    """A version 2 pack of these entries."""
    body = b"".join([b"PACK", (2).to_bytes(4, "big"), len(entries).to_bytes(4, "big"), *entries])
    return body + hashlib.sha1(body, usedforsecurity=False).digest()


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _copy(offset: int, size: int) -> bytes:
    parts = bytearray()
    while size:
        step = min(size, 0xFFFFFF)
        flags, numbers = 0x80, bytearray()
        for index in range(4):
            byte = offset >> (8 * index) & 0xFF
            if byte:
                flags |= 1 << index
                numbers.append(byte)
        for index in range(3):
            byte = step >> (8 * index) & 0xFF
            if byte:
                flags |= 0x10 << index
                numbers.append(byte)
        parts.append(flags)
        parts += numbers
        offset += step
        size -= step
    return bytes(parts)


def _insert(data: bytes) -> bytes:
    return b"".join(
        bytes([len(part)]) + part for part in (data[i : i + 127] for i in range(0, len(data), 127))
    )


def splice_delta(base: bytes, splices: Sequence[tuple[int, int, bytes]]) -> bytes:
    """Delta instructions that turn `base` into itself with (start, end, replacement) applied, in order."""
    parts: list[bytes] = []
    position = result = 0
    for start, end, replacement in splices:
        if start > position:
            parts.append(_copy(position, start - position))
            result += start - position
        parts.append(_insert(replacement))
        result += len(replacement)
        position = end
    if position < len(base):
        parts.append(_copy(position, len(base) - position))
        result += len(base) - position
    return _varint(len(base)) + _varint(result) + b"".join(parts)
