"""Times on the wire: GeneralizedTime with none or three digits of fraction, and UTCTime in old releases.

Daemons keep trailing zeros (`.120Z`), which strict DER forbids, and read the digits after the dot as a
whole number of milliseconds; so we write none or three, and read any number of them as a fraction.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from workers.albatross import der_write as der
from workers.albatross.der_read import Element
from workers.albatross.errors import DecodeError, NotSendable

_GENERALIZED = re.compile(rb"(\d{14})(?:[.,](\d{1,18}))?Z")
_UTC = re.compile(rb"\d{12}Z")


def write_time(moment: datetime) -> der.Parts:
    """A GeneralizedTime. Raises NotSendable for a time without a zone."""
    moment = _utc(moment)
    millisecond = moment.microsecond // 1000
    fraction = f".{millisecond:03d}" if moment.microsecond else ""
    digits = f"{moment.year:04d}{moment:%m%d%H%M%S}{fraction}Z"
    return der.tlv(der.GENERALIZED_TIME, (digits.encode(),))


def write_utc_time(moment: datetime) -> der.Parts:
    """A UTCTime, whose years are 1950 to 2049. Raises NotSendable."""
    moment = _utc(moment)
    if not 1950 <= moment.year < 2050:
        raise NotSendable("since: this albatross knows the years 1950 to 2049 only.", "Choose a later time.")
    return der.tlv(der.UTC_TIME, (f"{moment:%y%m%d%H%M%S}Z".encode(),))


def read_time(element: Element) -> datetime:
    """A GeneralizedTime or UTCTime, in UTC. Raises DecodeError."""
    raw = bytes(element.body[:64])
    if element.octet == der.UTC_TIME and _UTC.fullmatch(raw):
        century = b"19" if raw >= b"50" else b"20"
        return _moment(century + raw[:-1], b"")
    found = _GENERALIZED.fullmatch(raw)
    if element.octet != der.GENERALIZED_TIME or found is None:
        raise DecodeError("a time cannot be read")
    return _moment(found[1], found[2] or b"")


def _moment(digits: bytes, fraction: bytes) -> datetime:
    year, rest = int(digits[:4]), digits[4:]
    month, day, hour, minute, second = (int(rest[at : at + 2]) for at in range(0, 10, 2))
    microsecond = int((fraction + b"000000")[:6])
    if second == 60:  # a leap second, which Python's clock does not have
        second, microsecond = 59, 999_999
    try:
        return datetime(year, month, day, hour, minute, second, microsecond, UTC)
    except ValueError:
        raise DecodeError("a time is not in the calendar") from None


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise NotSendable("since: the time has no zone.", "Give the time with its zone.")
    return moment.astimezone(UTC)
