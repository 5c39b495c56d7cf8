"""A zone file, read line by line as ptt's primary reads it: the grammar above the data of single records.

Accepted are `$ORIGIN`, `$TTL`, and records as `owner [ttl] [IN] TYPE data`, TTL and class in either order.
Anything else (`$INCLUDE`, units of time, other classes) makes the primary throw the whole file away.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tenants.formats.text import printable
from tenants.formats.zones.data.simple import Data
from tenants.formats.zones.names import Name
from tenants.formats.zones.primary.cursor import Cursor, small_number
from tenants.formats.zones.primary.dialect import Dialect
from tenants.formats.zones.primary.errors import UnreadableError
from tenants.formats.zones.primary.lexer import tokens
from tenants.formats.zones.primary.records import read_data, read_generic
from tenants.formats.zones.zone import Soa

__all__ = ["Record", "read_records"]

_MAX_TTL = 0xFFFFFFFF  # of the parser; a zone with TTLs from 2^31 on is refused later
_CLASSES = {b"IN", b"CS", b"CH", b"HS"}


class Record(NamedTuple):
    """One record of a file, with the byte where its line begins."""

    owner: Name
    ttl: int
    data: Data | Soa
    start: int


def read_records(data: bytes, dialect: Dialect) -> list[Record]:
    """Return the records of a file in order. Raises UnreadableError where the primary gives up."""
    if dialect.ends_last_line:
        if not data:
            raise UnreadableError("The file is empty.", 0)
        if data[-1:] != b"\n":
            data += b"\n"
    return list(_records(Cursor(tokens(data, dialect), dialect)))


def _records(cursor: Cursor) -> Iterator[Record]:
    while (kind := cursor.token.kind) != "end":
        if kind == "eol":
            cursor.advance()
        elif kind == "origin":
            cursor.advance()
            cursor.blank()
            cursor.origin = cursor.name()
            cursor.end_of_line()
        elif kind == "ttl":
            cursor.advance()
            cursor.blank()
            cursor.ttl = cursor.number(_MAX_TTL)
            cursor.end_of_line()
        else:
            yield _record(cursor)


def _record(cursor: Cursor) -> Record:
    start = cursor.token.start
    if cursor.token.kind != "space":
        cursor.owner = cursor.name()
    cursor.blank()
    ttl, classed = None, False
    while True:
        if ttl is None and cursor.token.kind == "number":
            ttl = cursor.number(_MAX_TTL)
        elif not classed and cursor.token.kind == "word" and cursor.token.value.upper() in _CLASSES:
            if cursor.token.value.upper() != b"IN":
                raise cursor.fail("The class must be IN.")
            cursor.advance()
            classed = True
        else:
            break
        cursor.blank()
    data = _typed(cursor)
    cursor.end_of_line()
    if data.__class__.__name__ == "DNSKEY":
        ttl = 0  # the primary drops the TTL of keys
    return Record(cursor.owner, cursor.ttl if ttl is None else ttl, data, start)


def _typed(cursor: Cursor) -> Data | Soa:
    token = cursor.token
    name = token.value.upper()
    if token.kind == "type":
        cursor.advance()
        cursor.blank()
        return read_generic(cursor, small_number(token.value[4:]))
    if token.kind == "word" and name.decode() in cursor.dialect.types:
        cursor.advance()
        cursor.blank()
        return read_data(cursor, name.decode())
    if token.kind == "string":
        raise cursor.fail(f"The primary does not know the type {printable(token.value, 40)}.")
    raise cursor.expected("A type such as A or MX")
