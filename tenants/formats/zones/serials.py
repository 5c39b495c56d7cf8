"""Serial numbers of zones: 32 bits on a circle, where *newer* is the shorter way forward (RFC 1982)."""

from __future__ import annotations

from datetime import date

__all__ = ["MAX_SERIAL", "first_serial", "newest", "next_serial", "serial_newer", "serials_back_to"]

MAX_SERIAL = 2**32 - 1
_HALF = 2**31


def serial_newer(serial: int, than: int) -> bool:
    """Whether secondaries that have `than` take a zone with `serial`. Serials half the circle apart are
    neither newer nor older (RFC 1982 §3.2)."""
    return 0 < (serial - than) % (MAX_SERIAL + 1) < _HALF


def newest(serial: int, *others: int) -> int:
    """Return the newest of several serials. Where they stand around the whole circle, so that each is newer
    than another, the first given decides."""
    given = (serial, *others)
    for candidate in given:
        if all(candidate == other or serial_newer(candidate, other) for other in given):
            return candidate
    return serial


def next_serial(served: int | None, *known: int | None) -> int:
    """Return the serial of a zone's next version: one more than the newest of what is served, what stands in
    the file, and what was last written; None for what does not exist.

    What is served is what secondaries have, so it decides if the others lie half a circle away. 0 is left
    out, which some servers take for *no serial*. Raises ValueError when nothing is known.
    """
    given = [serial for serial in (served, *known) if serial is not None]
    if not given:
        raise ValueError("no serial is known; a new zone begins with first_serial")
    return (newest(*given) + 1) % (MAX_SERIAL + 1) or 1


def first_serial(today: date) -> int:
    """Return the serial of a new zone: the date and 01, as people know it (RFC 1912 §2.2)."""
    return int(today.strftime("%Y%m%d")) * 100 + 1


def serials_back_to(wanted: int, served: int) -> tuple[int, ...]:
    """Return the serials to publish one after the other, each until all secondaries have it, to get from
    `served` to `wanted`: one step forward, or around the circle in two (RFC 1912 §3.1)."""
    if wanted == served:
        return ()
    if serial_newer(wanted, served):
        return (wanted,)
    between = (served + _HALF - 1) % (MAX_SERIAL + 1)
    # From exactly half a circle away, one more serial is between.
    return (
        (between, wanted)
        if serial_newer(wanted, between)
        else (between, (between + 1) % (MAX_SERIAL + 1), wanted)
    )
