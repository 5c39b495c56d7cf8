"""Hours and days of a canary's history: how long mail was proved to work, and how long it was not.

Counted by time, not by rounds, which come faster while something is wrong. A round stands for the time since
the one before; for longer than `MOST` it says nothing. All spans begin at full hours or days of UTC.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

__all__ = ["LENGTHS", "Length", "Piece", "covered", "pieces", "share"]

MOST = timedelta(minutes=15)


class Length(StrEnum):
    HOUR = "hour"
    DAY = "day"


LENGTHS = {
    Length.HOUR: (timedelta(hours=1), timedelta(days=8)),
    Length.DAY: (timedelta(days=1), timedelta(days=400)),
}
"""How long each is, and how long it is kept."""


@dataclass(frozen=True)
class Piece:
    """That part of a time that lies in one span; `begins` is the span's beginning."""

    begins: datetime
    seconds: float


def covered(before: datetime | None, at: datetime) -> timedelta:
    """How much time a round at `at` stands for; `before` is when the one before it was."""
    if before is None:
        return timedelta()
    return min(max(at - before, timedelta()), MOST)


def begin_of(at: datetime, length: Length) -> datetime:
    """The beginning of the span in which `at` (aware) lies."""
    at = at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return at.replace(hour=0) if length is Length.DAY else at


def pieces(start: datetime, end: datetime, length: Length) -> Iterator[Piece]:
    """Cut the time from `start` to `end` (aware) at the borders of spans."""
    step, _ = LENGTHS[length]
    begins = begin_of(start, length)
    while begins < end:
        seconds = (min(end, begins + step) - max(start, begins)).total_seconds()
        if seconds > 0:
            yield Piece(begins, seconds)
        begins += step


def share(proved: float, failed: float) -> float | None:
    """The per cent of the watched time in which it worked, rounded down to hundredths: what failed at all is
    never shown as 100. None where nothing was watched."""
    watched = proved + failed
    return int(10_000 * proved / watched) / 100 if watched > 0 else None
