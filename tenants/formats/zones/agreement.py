"""Whether a name server has the zone as its primary has it: what it said, judged. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from tenants.formats.text import printable
from tenants.formats.zones.serial import newer

__all__ = ["MOST_SERVERS", "Agreement", "Judged", "Reply", "Server", "is_overdue", "judge", "judge_all"]

MOST_SERVERS = 13
"""So many servers of a zone are asked; more name servers than these fit into no referral."""


class Agreement(StrEnum):
    """How what a server has compares with what the primary has."""

    AGREES = "agrees"
    BEHIND = "behind"
    AHEAD = "ahead"
    SILENT = "silent"
    FOREIGN = "not_authoritative"


@dataclass(frozen=True)
class Server:
    """A name server as Rookery knows it: `host` is its name, "" for a primary that has none in the zone."""

    host: str
    address: str
    primary: bool = False


@dataclass(frozen=True)
class Reply:
    """Its answer about the zone's SOA. `problem`: it did not answer, and why. No `serial`, or one that is
    not `authoritative`: it does not keep the zone."""

    serial: int | None = None
    authoritative: bool = False
    problem: str = ""


@dataclass(frozen=True)
class Judged:
    """`behind` is by how much the serial lies behind the primary's, else 0. `since` (aware) it is so;
    `apart_since` it did not agree, and fetched nothing, in whatever way: None while it agrees."""

    agreement: Agreement
    serial: int | None
    behind: int
    problem: str
    since: datetime
    apart_since: datetime | None


def judge(reply: Reply, newest: int | None, known: Judged | None, at: datetime) -> Judged:
    """Judge one answer given at `at` by the serial that the primary has; `known` is what was judged before.

    A server whose own serial has moved on fetches the zone, so its delay is counted anew.
    """
    agreement = _compare(reply, newest)
    serial = reply.serial if agreement not in {Agreement.SILENT, Agreement.FOREIGN} else None
    behind = 0
    if agreement is Agreement.BEHIND and newest is not None and serial is not None:
        behind = (newest - serial) % 2**32
    since = known.since if known is not None and known.agreement is agreement else at
    apart = None
    if agreement is not Agreement.AGREES:
        fetched = agreement is Agreement.BEHIND and known is not None and _moved(known.serial, serial)
        before = known.apart_since if known is not None and not fetched else None
        apart = before or at
    problem = printable(reply.problem, 200) if agreement is Agreement.SILENT else ""
    return Judged(agreement, serial, behind, problem, since, apart)


def judge_all(
    replies: dict[Server, Reply], served: int | None, known: dict[Server, Judged], at: datetime
) -> dict[Server, Judged]:
    """Judge all servers of a zone. The primary's answer is the measure; where it gives none, the serial that
    was proved to be `served` last."""
    said = [each.serial for server, each in replies.items() if server.primary and each.authoritative]
    newest = next((serial for serial in said if serial is not None), served)
    return {server: judge(each, newest, known.get(server), at) for server, each in replies.items()}


def _compare(reply: Reply, newest: int | None) -> Agreement:
    if reply.problem:
        return Agreement.SILENT
    if reply.serial is None or not reply.authoritative:
        return Agreement.FOREIGN
    if newest is None or reply.serial == newest:
        return Agreement.AGREES
    return Agreement.AHEAD if newer(reply.serial, newest) else Agreement.BEHIND


def _moved(before: int | None, now: int | None) -> bool:
    return before is not None and now is not None and newer(now, before)


def is_overdue(found: Judged, refresh: int, retry: int, now: datetime) -> bool:
    """Whether it is apart for longer than a secondary that works can be: it asks after `refresh` seconds,
    and again after `retry` seconds (RFC 1035 §3.3.13)."""
    return found.apart_since is not None and found.apart_since + timedelta(seconds=refresh + retry) < now
