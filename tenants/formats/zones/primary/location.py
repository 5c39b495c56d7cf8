"""LOC, read as ptt's primary reads it (RFC 1876 §3): numbers run over where a place would not exist."""

from __future__ import annotations

from tenants.formats.zones.data.location import LOC, MIDDLE, SEA_LEVEL, precision_of
from tenants.formats.zones.primary.cursor import Cursor, small_number
from tenants.formats.zones.primary.errors import UnreadableError

__all__ = ["read_location"]

_MAX = 0xFFFFFFFF
_DIRECTIONS = (b"N", b"S"), (b"E", b"W")


def read_location(cursor: Cursor) -> LOC:
    """Read the data of a LOC record. Raises UnreadableError.

    Lower-case directions are taken for south and west, whatever they are.
    """
    latitude = _angle(cursor, 0)
    cursor.blank()
    longitude = _angle(cursor, 1)
    cursor.blank()
    altitude = (SEA_LEVEL + _centimetres(cursor)) & _MAX
    precisions: list[int] = []
    while cursor.token.kind == "space" and len(precisions) < 3:
        cursor.blank()
        precisions.append(precision_of(_centimetres(cursor)))
    return LOC(latitude, longitude, altitude, *precisions)


def _angle(cursor: Cursor, axis: int) -> int:
    """Read degrees, maybe minutes, maybe seconds, and a direction."""
    degrees = cursor.number(_MAX)
    cursor.blank()
    minutes = thousandths = 0
    if cursor.token.kind == "number":
        minutes = cursor.number(_MAX)
        cursor.blank()
    if cursor.token.kind == "number":
        thousandths = _thousandths(cursor)
        cursor.blank()
    if cursor.token.kind != "word" or cursor.token.value.upper() not in _DIRECTIONS[axis]:
        raise cursor.expected(f"{' or '.join(word.decode() for word in _DIRECTIONS[axis])}")
    total = MIDDLE + (degrees * 60 + minutes) * 60000 + thousandths
    positive = cursor.advance().value == _DIRECTIONS[axis][0]
    return (total if positive else -total) & _MAX


def _thousandths(cursor: Cursor) -> int:
    start = cursor.token.start
    whole, fraction = _decimal(cursor)
    fraction = fraction or b"0"
    if len(fraction) > 3:
        raise UnreadableError("Seconds have at most three decimals.", start)
    if (seconds := small_number(whole)) > _MAX:
        raise UnreadableError("These are too many seconds.", start)
    return seconds * 1000 + int(fraction.ljust(3, b"0"))


def _centimetres(cursor: Cursor) -> int:
    """Read metres, with or without their unit."""
    start = cursor.token.start
    if cursor.token.kind == "metres":
        whole, _, fraction = cursor.advance().value.partition(b".")
    elif cursor.token.kind in {"number", "negative"}:
        whole, fraction = _decimal(cursor)
    else:
        raise cursor.expected("A length in metres")
    if len(fraction) > 2:
        raise UnreadableError("Metres have at most two decimals.", start)
    digits = whole.removeprefix(b"-") + fraction.ljust(2, b"0")
    value = -small_number(digits) if whole[:1] == b"-" else small_number(digits)
    if not -(2**63) <= value < 2**63:
        raise UnreadableError("This length is beyond reason.", start)
    return value


def _decimal(cursor: Cursor) -> tuple[bytes, bytes]:
    whole = cursor.advance().value
    if cursor.token.kind != "dot":
        return whole, b""
    cursor.advance()
    return whole, cursor.advance().value if cursor.token.kind == "number" else b""
