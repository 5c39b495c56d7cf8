"""Which lines of the consoles are about a letter, and how sure that is.

At its usual level ptt names no letter. When a connection ends it says whose that was, `<10.0.0.7:49152>
submitted a message` (and the same for one that only said QUIT); a mail that comes to nothing has an error,
some with the address that it was for. So a line belongs to a letter by its tag, by the connection from the
hop before, or by an address, and the last two only near the time.

Lines have the host's clock, all hops of a stack the same one; the letter was sent by ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from ipaddress import ip_address

from tenants.formats.letters.hops import Hop

__all__ = ["WIDE", "Clue", "Found", "Line", "Why", "belonging"]

WIDE = timedelta(minutes=5)
"""How far a clock may be off for what names the letter itself."""
NEAR = timedelta(seconds=5)
_BEFORE_STAMP, _AFTER_STAMP = timedelta(seconds=3), timedelta(seconds=12)
SOON = timedelta(seconds=14)
"""ptt hands a mail on at once or never: connections later than this are of others. Errors may take longer."""
MOST_FOUND = 40
_PEER = re.compile(r"<([0-9A-Fa-f.:]{2,45}):([0-9]{1,5})>")
_TROUBLE = re.compile(r"\b(?:ERR|ERROR|WRN|WARN|WARNING)\b")


class Why(StrEnum):
    """Why a line is taken for one of the letter's, the surest first."""

    NAMED = "named"
    PEER = "peer"
    ADDRESS = "address"
    PERHAPS = "perhaps"

    @property
    def sure(self) -> bool:
        return self is not Why.PERHAPS


@dataclass(frozen=True)
class Line:
    id: int
    at: datetime
    text: str


@dataclass(frozen=True)
class Found:
    line: Line
    why: Why


@dataclass(frozen=True)
class Clue:
    """What is known of a letter. `source` is where it was sent from, "address:port", empty if unknown;
    `taken` is when the first server took it; `ended` when it arrived or was given up. `addresses` are those
    it is from and for. `stamps` are the times that the hops wrote into it, by role."""

    tag: str
    began: datetime
    ended: datetime
    taken: datetime | None = None
    source: str = ""
    addresses: tuple[str, ...] = ()
    stamps: Mapping[str, datetime] = field(default_factory=dict)


def belonging(hops: Sequence[Hop], lines: Mapping[str, Iterable[Line]], clue: Clue) -> dict[str, list[Found]]:
    """For each role its lines in their order, at most 40; none where nothing is about the letter."""
    own = {hop.role: sorted(lines.get(hop.role, ()), key=lambda each: (each.at, each.id)) for hop in hops}
    address, _, port = clue.source.rpartition(":")
    off = _offset(own[hops[0].role], clue, (_plain(address), port)) if hops else timedelta()
    found, before = {}, _plain(address)
    for number, hop in enumerate(hops):
        near = _near(clue, off, clue.stamps.get(hop.role))
        source = (before, port if number == 0 else "")
        found[hop.role] = _of_hop(own[hop.role], clue, source, near, is_first=number == 0)
        before = _plain(hop.address)
    return found


Span = tuple[datetime, datetime]


def _near(clue: Clue, off: timedelta, stamp: datetime | None) -> Span:
    if stamp is not None:
        return stamp - _BEFORE_STAMP, stamp + _AFTER_STAMP
    return clue.began + off - NEAR, clue.ended + off + NEAR


def _offset(lines: Iterable[Line], clue: Clue, source: tuple[str, str]) -> timedelta:
    """How much the host's clock is ahead, by a line at the first hop that can be no other letter's."""
    for line in lines:
        if _is_wide(line, clue) and clue.taken and (_names(line, clue.tag) or _peer(line.text) == source):
            return line.at - clue.taken
    return timedelta()


def _of_hop(
    lines: Sequence[Line], clue: Clue, source: tuple[str, str], near: Span, *, is_first: bool
) -> list[Found]:
    """`source` is the address of the hop before, and its port if that is known."""
    before, port = source
    mine: dict[int, Found] = {}

    def take(line: Line, why: Why) -> None:
        mine.setdefault(line.id, Found(line, why))

    close = [line for line in lines if near[0] <= line.at <= near[1]]
    for line in lines:
        if _is_wide(line, clue) and _names(line, clue.tag):
            take(line, Why.NAMED)
    quick = min(near[1], near[0] + NEAR + ((clue.taken or clue.ended) - clue.began) + SOON)
    exact = [line for line in lines if port and _is_wide(line, clue) and _peer(line.text) == source]
    soon = [line for line in close if line.at <= quick]
    from_before = exact or [line for line in soon if before and (_peer(line.text) or ("",))[0] == before]
    is_one = len({_peer(line.text) for line in from_before}) == 1
    for line in from_before:
        take(line, Why.PEER if is_one else Why.PERHAPS)
    words = _words(clue.addresses)
    for line in close:
        if words is not None and words.search(line.text.lower()):
            take(line, Why.ADDRESS)
    is_known = any(each.why.sure for each in mine.values())
    for line in close:
        peer = _peer(line.text)
        is_trouble = _TROUBLE.search(line.text) is not None and peer is None
        if is_trouble or (is_first and peer is not None and line.at <= quick and not is_known):
            take(line, Why.PERHAPS)
    surest = sorted(mine.values(), key=lambda each: list(Why).index(each.why))[:MOST_FOUND]
    return sorted(surest, key=lambda each: (each.line.at, each.line.id))


def _is_wide(line: Line, clue: Clue) -> bool:
    return clue.began - WIDE <= line.at <= clue.ended + WIDE


def _names(line: Line, tag: str) -> bool:
    return bool(tag) and tag in line.text.lower()


def _peer(text: str) -> tuple[str, str] | None:
    """Whose connection a line is about."""
    found = _PEER.search(text)
    return (_plain(found.group(1)), found.group(2)) if found else None


def _plain(address: str) -> str:
    try:
        return str(ip_address(address.strip("[]")))
    except ValueError:
        return ""


def _words(addresses: Iterable[str]) -> re.Pattern[str] | None:
    """An address, or the local part of one as ptt's relay writes it when nobody has that."""
    told = {word for each in addresses for word in (each.lower(), each.lower().partition("@")[0]) if word}
    whole = "|".join(re.escape(each) for each in sorted(told, key=len, reverse=True) if len(each) > 3)
    return re.compile(rf"(?<![\w.+-])(?:{whole})(?![\w+-])") if whole else None
