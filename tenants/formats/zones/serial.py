"""Serials of zones: which of two is newer, and which number the next version gets.

A serial is a point on a circle of 2^32 numbers (RFC 1982). Secondaries and ptt's primary take a zone as
newer when the difference, read as a signed 32-bit number, is above zero: 1 is newer than 4294967295, and
of two serials exactly half a circle apart neither is newer.
"""

from __future__ import annotations

from tenants.formats.text import FormatError

__all__ = ["MAX_SERIAL", "check_serial", "newer", "newest", "next_serial"]

MAX_SERIAL = 2**32 - 1
"""The primary rejects the whole zone when its serial (or another SOA number) is larger."""
_CIRCLE = 2**32
_HALF = 2**31


def check_serial(value: int, *, field: str = "serial") -> int:
    """Return `value` when it fits into a zone file. Raises FormatError, and says what to write instead."""
    if value < 0:
        raise FormatError(field, "A serial is never negative.", f"Write a number from 0 to {MAX_SERIAL}.")
    if value > MAX_SERIAL:
        stamp = " A date with hours and minutes is too long." if len(str(value)[:15]) == 14 else ""
        raise FormatError(
            field,
            f"The serial is larger than {MAX_SERIAL}, and the primary would drop the zone.{stamp}",
            "Use a date and two digits, such as 2026112101, or simply the next number.",
        )
    return value


def newer(one: int, other: int) -> bool:
    """Whether `one` comes after `other` (RFC 1982 §3.2). Raises FormatError for what is no serial."""
    return 0 < (check_serial(one) - check_serial(other)) % _CIRCLE < _HALF


def newest(*serials: int) -> int:
    """Return the serial that is equal to or newer than every other.

    Raises FormatError when there is none (three can chase each other round the circle), and ValueError
    when nothing is given.
    """
    if not serials:
        raise ValueError("no serial to choose from")
    for candidate in serials:
        if all(candidate == other or newer(candidate, other) for other in serials):
            return candidate
    raise _scattered(serials)


def next_serial(*serials: int) -> int:
    """Return the serial for the next version: one above the newest of `serials`, never 0.

    Give all that may have been seen: the file's, the served one, and the last one we know. 0 is skipped,
    for some servers and tools read it as "none". Raises FormatError when no number can be newer than all of
    them, and ValueError when nothing is given.
    """
    following = (newest(*serials) + 1) % _CIRCLE or 1
    if not all(newer(following, other) for other in serials):
        raise _scattered(serials)
    return following


def _scattered(serials: tuple[int, ...]) -> FormatError:
    listed = ", ".join(str(serial) for serial in dict.fromkeys(serials))
    return FormatError(
        "serial",
        f"The serials {listed} lie so far apart that no number is newer than all of them.",
        "Set the serial by hand to one of them, wait until every server has it, and publish again.",
    )
