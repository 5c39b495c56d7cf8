"""Makes minimal Solo5 images: nothing in them boots, but `readelf -n` shows their notes."""

from __future__ import annotations

import struct
from collections.abc import Sequence

ABI, MANIFEST = 0x31494241, 0x3154464D
BLOCK, NETWORK, RESERVED = 1, 2, 0x40000000
LOAD = b"\xf4" * 16


def note(kind: int, description: bytes, owner: bytes = b"Solo5\x00") -> bytes:
    """One note, padded to 4 bytes."""
    head = struct.pack("<III", len(owner), len(description), kind)
    return head + _padded(owner) + _padded(description)


def abi(target: int = 1, version: int = 2) -> bytes:
    return note(ABI, struct.pack("<IIII", target, version, 0, 0))


def entry(name: bytes, kind: int) -> bytes:
    return name.ljust(68, b"\x00") + struct.pack("<I", kind) + bytes(32)


def manifest(
    *entries: bytes, version: int = 1, count: int | None = None, first: bytes | None = None
) -> bytes:
    """The reserved entry and these; `count` lies about their number."""
    rows = (entry(b"", RESERVED) if first is None else first, *entries)
    head = bytes(4) + struct.pack("<II", version, len(rows) if count is None else count)
    return note(MANIFEST, head + b"".join(rows))


def image(
    *notes: bytes,
    sections: bool = True,
    segments: bool = True,
    section_notes: Sequence[bytes] | None = None,
    kind: int = 2,
    machine: int = 62,
    one_segment: bool = False,
) -> bytes:
    """An ELF file with one PT_LOAD and, for each note, a PT_NOTE and a section. `section_notes` makes the
    sections hold other notes than the segments; `one_segment` puts all notes into one, each aligned to 8."""
    pieces = list(notes)
    others = list(section_notes) if section_notes is not None else None
    loads = [(1, LOAD)] + ([(4, _aligned(pieces))] if one_segment else [(4, piece) for piece in pieces])
    loads = loads if segments else loads[:1]
    body, offset = b"", 64 + 56 * len(loads)
    headers, at = [], offset
    places: list[tuple[int, int]] = []
    for what, piece in loads:
        headers.append(struct.pack("<IIQQQQQQ", what, 4, at, at, at, len(piece), len(piece), 4))
        if what == 4:
            places.append((at, len(piece)))
        body += piece
        at += len(piece)
    listed = others if others is not None else ([] if segments else pieces)
    for piece in listed:
        if others is not None or not segments:
            places = [*([] if piece is listed[0] else places), (at, len(piece))]
        body += piece
        at += len(piece)
    names = b"\x00.note\x00.shstrtab\x00"
    body += names
    rows = [bytes(64)]
    rows += [struct.pack("<IIQQQQIIQQ", 1, 7, 2, 0, place, size, 0, 0, 4, 0) for place, size in places]
    rows += [struct.pack("<IIQQQQIIQQ", 7, 3, 0, 0, at, len(names), 0, 0, 1, 0)]
    at += len(names)
    ident = b"\x7fELF\x02\x01\x01" + bytes(9)
    table, count, last = (at, len(rows), len(rows) - 1) if sections else (0, 0, 0)
    header = struct.pack(
        "<HHIQQQIHHHHHH", kind, machine, 1, 0, 64, table, 0, 64, 56, len(loads), 64, count, last
    )
    return ident + header + b"".join(headers) + body + (b"".join(rows) if sections else b"")


def relay_image(*, monitored: bool = False) -> bytes:
    """What an image of the mail stack lists: one network device, or two."""
    devices = [entry(b"service", NETWORK)] + ([entry(b"management", NETWORK)] if monitored else [])
    return image(abi(), manifest(*devices))


def _padded(piece: bytes) -> bytes:
    return piece + bytes(-len(piece) % 4)


def _aligned(pieces: list[bytes]) -> bytes:
    joined = b""
    for piece in pieces:
        joined += bytes(-len(joined) % 8) + piece
    return joined
