"""Reading a letter that is followed: its hops, with the lines of those consoles that one may see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from tenants import access
from tenants.actor import Actor
from tenants.formats.canary import ARRIVES_WITHIN, Part, Verdict, Way
from tenants.formats.letters import (
    Clue,
    Hop,
    Line,
    Seen,
    Stamp,
    belonging,
    hops_of,
    stamped,
    stamps_of,
    stuck,
    trail,
)
from tenants.formats.letters.lines import WIDE
from tenants.models import CanaryRound, ConsoleLine, Stack, Unikernel, UnikernelWatch

__all__ = ["LINES_LATE", "Step", "Told", "followed", "letters_of"]

MOST_LETTERS = 50
MOST_LINES = 2_000
LINES_LATE = timedelta(seconds=15)
"""So long after its end, lines of a letter are waited for: they come from the host in their own time."""


@dataclass(frozen=True)
class Step:
    """A hop. `unikernel` is None for a service, for a console that one may not see, and for what is gone;
    `console` says why there are no lines to look through, or is empty."""

    seen: Seen
    unikernel: Unikernel | None
    console: str


@dataclass(frozen=True)
class Told:
    """Everything that can be told of a letter now. `is_settled`: nothing more is expected."""

    row: CanaryRound
    steps: Sequence[Step]
    stamps: Sequence[Stamp]
    stuck: str
    is_settled: bool


def letters_of(stack: Stack) -> list[CanaryRound]:
    """The newest first."""
    rows = CanaryRound.objects.filter(canary__stack=stack, asked_at__isnull=False)
    rows = rows.select_related("canary__stack__domain").order_by("-asked_at", "-pk")
    return list(rows[:MOST_LETTERS])


def followed(actor: Actor, row: CanaryRound, now: datetime | None = None) -> Told:
    """A letter as this actor may see it, who may see its stack."""
    now = now or timezone.now()
    stack, release = row.canary.stack, row.release
    hops = hops_of(Way(row.way), release.parts, release.services) if release is not None else []
    watched = _unikernels(actor, stack, hops)
    stamps = stamps_of(row.headers)
    by_role = stamped(hops, stamps, stack.domain.name)
    clue = Clue(
        tag=row.tag,
        began=row.began_at,
        ended=_arrived(row) or row.ended_at or now,
        taken=row.began_at + timedelta(milliseconds=sum(row.took.values())) if row.took else None,
        source=row.source,
        addresses=(str(row.canary), row.canary.home),
        stamps={role: each.at for role, each in by_role.items() if each.at is not None},
    )
    is_sent = row.verdict != Verdict.ASKED
    lines = {hop.role: _lines(watched[hop.label], clue) for hop in hops if is_sent and hop.label in watched}
    seen = trail(
        hops,
        belonging(hops, lines, clue),
        by_role,
        accepted=Part.ACCEPTED in row.took,
        arrived=_arrived(row) is not None,
    )
    home = row.canary.home.rpartition("@")[2]
    return Told(
        row=row,
        steps=[
            Step(each, watched.get(each.hop.label), _console(actor, each, watched, row, now)) for each in seen
        ],
        stamps=stamps,
        stuck=stuck(seen, Part(row.failed), home) if row.failed else "",
        is_settled=row.ended_at is not None and now - row.ended_at > LINES_LATE,
    )


def _arrived(row: CanaryRound) -> datetime | None:
    return row.began_at + timedelta(milliseconds=row.latency) if row.latency is not None else None


def _unikernels(actor: Actor, stack: Stack, hops: Sequence[Hop]) -> dict[str, Unikernel]:
    """By name, of those that one may see; also what was deleted meanwhile, as long as it is kept."""
    labels = [hop.label for hop in hops if hop.label]
    rows = access.visible_to(actor, Unikernel).filter(share=stack.share_id, name__in=labels)
    return {each.name: each for each in rows.select_related("watch").order_by("pk")}


def _lines(row: Unikernel, clue: Clue) -> list[Line]:
    until = min(clue.ended, clue.began + ARRIVES_WITHIN) + WIDE
    rows = ConsoleLine.objects.filter(unikernel=row, at__gte=clue.began - WIDE, at__lte=until)
    newest = rows.order_by("-pk").values_list("pk", "at", "text")[:MOST_LINES]
    return [Line(*each) for each in newest]


def _console(
    actor: Actor, seen: Seen, watched: Mapping[str, Unikernel], row: CanaryRound, now: datetime
) -> str:
    hop = seen.hop
    if seen.is_named:
        return ""
    if not hop.label:
        return f"A service at {hop.address} does this: what it says is in its own logs."
    unikernel = watched.get(hop.label)
    if unikernel is None:
        if not access.may(actor, access.Verb.VIEW, row.canary.stack.share):
            return "You may not see its console."
        return f"Its unikernel {hop.label} is not there any more."
    watch: UnikernelWatch | None = getattr(unikernel, "watch", None)
    read_at = watch.looked_at if watch is not None else None
    if now - row.began_at > LINES_LATE and (read_at is None or read_at < row.began_at):
        return "Its console was not read since then: its host is not watched at the moment."
    return ""
