"""What a check says: how bad it is, what is there, what should be, who can fix it, and how."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from tenants.formats.text import printable

__all__ = ["Finding", "Level", "Who", "shown", "worst"]

MOST_SHOWN = 500
_MOST_LISTED = 8


class Level(StrEnum):
    """What is worse comes later."""

    OK = "ok"
    INFO = "info"  # worth knowing; nothing to do
    RECOMMENDED = "recommended"  # mail works without it
    WAITING = "waiting"  # right at the source; others still have the old answer
    UNKNOWN = "unknown"  # could not be looked at: nothing is known
    WARN = "warn"  # some mail suffers, or soon will
    FAIL = "fail"  # mail is lost or refused


_RANK = {level: rank for rank, level in enumerate(Level)}


class Who(StrEnum):
    """Who can put it right, as the end of “… can fix this”."""

    NOBODY = ""
    OWNER = "you, in Rookery"
    REGISTRAR = "you, at the domain's registrar"
    DNS = "whoever keeps the domain's DNS"
    PROVIDER = "the provider of the server's address"
    SERVER = "whoever runs the mail server"
    LIST = "you, at the list"
    STRANGER = "whoever runs the other domain"


@dataclass(frozen=True)
class Finding:
    """One line of the checks. `check` and `subject` name the line from one run to the next.

    `until` (aware) is when the last old answer is forgotten; only with Level.WAITING.
    """

    check: str
    level: Level
    sentence: str
    subject: str = ""
    seen: tuple[str, ...] = ()
    wanted: tuple[str, ...] = ()
    who: Who = Who.NOBODY
    fix: str = ""
    until: datetime | None = None

    @property
    def line(self) -> str:
        return f"{self.check}:{self.subject}" if self.subject else self.check


def worst(levels: list[Level]) -> Level:
    """The worst of them; OK of none."""
    return max(levels, key=_RANK.__getitem__, default=Level.OK)


def shown(texts: tuple[str, ...] | list[str] | frozenset[str]) -> str:
    """Texts from outside as part of a sentence: short, sorted, harmless."""
    listed = sorted(texts)
    more = f" and {len(listed) - _MOST_LISTED} more" if len(listed) > _MOST_LISTED else ""
    return ", ".join(printable(each, 120) for each in listed[:_MOST_LISTED]) + more
