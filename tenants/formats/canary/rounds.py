"""One round of a canary, and when a row of them turns the status.

One lost mail proves little: a status turns only when three of the last four rounds say so. Three of four
cannot be good and bad at once, so alternating rounds turn nothing, from whichever side it began.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

__all__ = [
    "ARRIVES_WITHIN",
    "EVERY",
    "LATE_AFTER",
    "Answer",
    "Part",
    "Round",
    "Standing",
    "Verdict",
    "Way",
    "is_late",
    "next_round",
    "remembered",
    "turned",
]

EVERY, SOON = timedelta(minutes=5), timedelta(minutes=1)
ARRIVES_WITHIN = timedelta(minutes=4)
"""ptt has no queue: what is under way longer than this is lost."""
LATE_AFTER = 3 * EVERY
REMEMBERED, TURN = 4, 3
_JITTER = 0.2


class Way(StrEnum):
    IN = "in"
    OUT = "out"


class Part(StrEnum):
    """What a round consists of, in this order; AUTH only on the way out."""

    DIAL = "dial"
    BANNER = "banner"
    TLS = "tls"
    AUTH = "auth"
    ACCEPTED = "accepted"
    ARRIVED = "arrived"


class Verdict(StrEnum):
    """ASKED: a person wants it, and no worker has begun. UNKNOWN: nothing was found out, by a fault that is
    not the stack's. It counts neither way."""

    ASKED = "asked"
    WAITING = "waiting"
    PROVED = "proved"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Standing(StrEnum):
    NEW = "new"
    WORKS = "works"
    FAILING = "failing"


@dataclass(frozen=True)
class Answer:
    """What a server said, harmless: `asked` is what it answered, without secrets, `after` the milliseconds
    since the first byte."""

    after: int
    asked: str
    said: str


@dataclass(frozen=True)
class Round:
    """What sending one message came to. `took` are the milliseconds of each part that was reached; `failed`
    is the part at which it ended, with a sentence without its end; both are empty for one that is under way.
    `source` is our own "address:port" in the conversation, if there was one.
    """

    took: dict[Part, int] = field(default_factory=dict)
    failed: Part | None = None
    problem: str = ""
    answers: tuple[Answer, ...] = ()
    source: str = ""

    @property
    def accepted(self) -> bool:
        return self.failed is None and Part.ACCEPTED in self.took


def remembered(recent: Sequence[bool], good: bool) -> list[bool]:
    """The judged rounds that count, the newest last."""
    return [*recent, good][-REMEMBERED:]


def turned(standing: Standing, recent: Sequence[bool]) -> Standing:
    """The standing after the rounds of `recent`, the newest last. A first good round is enough for a canary
    that never was judged."""
    last = recent[-REMEMBERED:]
    good = sum(last)
    if len(last) - good >= TURN:
        return Standing.FAILING
    if good >= TURN or (standing is Standing.NEW and last and last[-1]):
        return Standing.WORKS
    return standing


def next_round(standings: Sequence[tuple[Standing, Sequence[bool]]], chance: float) -> timedelta:
    """Until the next round: sooner while the last one contradicts what is told. `chance`, from 0 to 1,
    spreads those of many stacks."""
    doubt = any(
        recent and (standing is Standing.NEW or recent[-1] != (standing is Standing.WORKS))
        for standing, recent in standings
    )
    usual = SOON if doubt else EVERY
    return usual * (1 - _JITTER / 2 + _JITTER * chance)


def is_late(judged_at: datetime | None, now: datetime) -> bool:
    """Nothing was found out for so long that the status is old news."""
    return judged_at is None or now - judged_at > LATE_AFTER
