"""ELF notes of one owner, read from a file that may be hostile (System V ABI; 64-bit, little-endian).

Loaders read notes through segments, other tools through sections, and a stripped file may have only the
first. Both are read; they must not say different things.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from tenants.formats.text import FormatError

_MOST_HEADERS = 4096
_MOST_NOTES = 1000
_EXECUTABLE = (2, 3)
_SECTION_NOTE = 7
_SEGMENT_LOAD, _SEGMENT_NOTE = 1, 4
_MACHINES = {62: "x86_64", 183: "aarch64"}


@dataclass(frozen=True, slots=True)
class Note:
    """One note: its type and its description."""

    kind: int
    description: bytes


@dataclass(frozen=True, slots=True)
class _Piece:
    """What a header says about a part of the file."""

    kind: int
    offset: int
    size: int


def read_notes(elf: memoryview, owner: bytes, *, most: int) -> tuple[str, tuple[Note, ...]]:
    """The machine (`x86_64`, `aarch64` or its number) and the owner's notes, each once, at most `most` bytes
    long. Raises FormatError (field `image`) for what is no executable, is cut off or contradicts itself."""
    kind, machine = _header(elf)
    if kind not in _EXECUTABLE:
        raise bad("This ELF file is no executable.", "Upload the linked image, not an object file.")
    segments, sections = list(_segments(elf)), list(_sections(elf))
    for piece in segments:
        if piece.kind == _SEGMENT_LOAD and piece.offset + piece.size > len(elf):
            raise cut_off()
    budget = iter(range(_MOST_NOTES))
    loaded = _owned(elf, segments, _SEGMENT_NOTE, owner, budget, most)
    listed = _owned(elf, sections, _SECTION_NOTE, owner, budget, most)
    if loaded and listed and set(loaded) != set(listed):
        raise bad("The image says one thing in its segments and another in its sections.", "Build it anew.")
    return _MACHINES.get(machine, str(machine)), tuple(dict.fromkeys(loaded or listed))


def bad(problem: str, fix: str) -> FormatError:
    """What is wrong with an image."""
    return FormatError("image", problem, fix)


def cut_off() -> FormatError:
    return bad("The image is cut off: parts of it are missing.", "Upload it again.")


def _header(elf: memoryview) -> tuple[int, int]:
    """File type and machine."""
    if bytes(elf[:4]) != b"\x7fELF":
        what = "a gzip file" if bytes(elf[:2]) == b"\x1f\x8b" else "no ELF file"
        raise bad(f"This is {what}, so it is no unikernel image.", "Upload the .hvt or .spt file itself.")
    if len(elf) < 64:
        raise cut_off()
    if bytes(elf[4:6]) != b"\x02\x01":
        raise bad("This ELF file is not of a 64-bit little-endian machine.", "Build for x86_64 or aarch64.")
    kind, machine = struct.unpack_from("<HH", elf, 16)
    return kind, machine


def _segments(elf: memoryview) -> Iterator[_Piece]:
    (table,) = struct.unpack_from("<Q", elf, 0x20)
    size, count = struct.unpack_from("<HH", elf, 0x36)
    for at in _entries(elf, table, size, count, smallest=56):
        (kind,) = struct.unpack_from("<I", elf, at)
        offset, _, _, length = struct.unpack_from("<QQQQ", elf, at + 8)
        yield _Piece(kind, offset, length)


def _sections(elf: memoryview) -> Iterator[_Piece]:
    (table,) = struct.unpack_from("<Q", elf, 0x28)
    size, count = struct.unpack_from("<HH", elf, 0x3A)
    for at in _entries(elf, table, size, count, smallest=64):
        (kind,) = struct.unpack_from("<I", elf, at + 4)
        offset, length = struct.unpack_from("<QQ", elf, at + 24)
        yield _Piece(kind, offset, length)


def _entries(elf: memoryview, table: int, size: int, count: int, *, smallest: int) -> range:
    """Where the headers of a table begin."""
    if table == 0 or count == 0:
        return range(0)
    if size < smallest or count > _MOST_HEADERS:
        raise bad("The image's headers make no sense.", "Build it anew.")
    if table + size * count > len(elf):
        raise cut_off()
    return range(table, table + size * count, size)


def _owned(
    elf: memoryview, pieces: list[_Piece], kind: int, owner: bytes, budget: Iterator[int], most: int
) -> list[Note]:
    found: list[Note] = []
    for piece in pieces:
        if piece.kind == kind:
            found += _walk(elf, piece, owner, budget, most)
    return found


def _walk(elf: memoryview, piece: _Piece, owner: bytes, budget: Iterator[int], most: int) -> Iterator[Note]:
    """The owner's notes in one part of the file, one after another, each padded to 4 bytes; a part aligned to
    8 bytes has a word of zeros between some."""
    at, end = piece.offset, piece.offset + piece.size
    if end > len(elf):
        raise cut_off()
    while at + 12 <= end:
        if next(budget, None) is None:
            raise bad("The image has more notes than any image needs.", "Build it anew.")
        name_size, size, kind = struct.unpack_from("<III", elf, at)
        if name_size == 0:
            at += 4
            continue
        start = at + 12 + _padded(name_size)
        if bytes(elf[at + 12 : at + 12 + min(name_size, 64)]) == owner:
            if start + size > end or size > most:
                raise bad("A note of the image is longer than it can be.", "Build it anew.")
            yield Note(kind, bytes(elf[start : start + size]))
        at = start + _padded(size)


def _padded(size: int) -> int:
    return (size + 3) & ~3
