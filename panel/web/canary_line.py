"""Whether mail of a domain works, in one line: what its canary says."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.urls import reverse

from panel.web import times
from tenants.formats.canary import Standing, Way, is_late
from tenants.models import Canary, CanaryWay, Stack

_WORDS = {
    Standing.NEW: ("off", "Not known yet"),
    Standing.WORKS: ("ok", "Works"),
    Standing.FAILING: ("fail", "Fails"),
}


def canary_line(stack: Stack, now: datetime) -> dict[str, Any] | None:
    """The badge, a sentence and where to read more; nothing for a stack that is being removed."""
    return canary_lines([stack], now).get(stack.domain_id)


def canary_lines(stacks: Iterable[Stack], now: datetime) -> dict[int, dict[str, Any]]:
    """The lines by the id of their domains, with two queries for any number of stacks."""
    mine = [each for each in stacks if each.wanted != Stack.Wanted.REMOVED]
    rows = Canary.objects.filter(stack__in=mine).prefetch_related("ways") if mine else ()
    canaries = {each.stack_id: each for each in rows}
    return {each.domain_id: _line_of(each, canaries.get(each.pk), now) for each in mine}


def _line_of(stack: Stack, canary: Canary | None, now: datetime) -> dict[str, Any]:
    url = reverse("stack-uptime", kwargs={"domain": stack.domain.name})
    if canary is None:
        return _line("off", "Not watched", "It has no canary, so nobody sees whether its mail arrives.", url)
    return {**_judged(list(canary.ways.all()), now), "url": url}


def _judged(ways: list[CanaryWay], now: datetime) -> dict[str, Any]:
    failing = [each for each in ways if each.standing == Standing.FAILING]
    if failing:
        where = " and ".join(each.get_way_display() for each in failing)
        since = times.ago(failing[0].since, now)
        return _line("fail", "Mail fails", f"Mail {where} fails. It was seen {since}. {failing[0].problem}")
    if any(each.standing == Standing.NEW for each in ways):
        return _line("off", "Not known yet", "Its canary sends when the MX record is published.")
    late = [each for each in ways if is_late(each.judged_at, now)]
    if late:
        return _line("wait", "Not seen lately", "Nothing was found out about its mail lately.")
    if settings.CANARY_HOME:
        seen = max((each.proved_at for each in ways if each.proved_at is not None), default=now)
        sentence = f"Messages go in and out; the last one arrived {times.ago(seen, now)}."
        return _line("ok", "Mail arrives", sentence)
    return _line("ok", "Mail is taken", "Its servers take messages in and out. Nobody watches them arrive.")


def _line(badge: str, word: str, sentence: str, url: str = "") -> dict[str, Any]:
    return {"badge": badge, "word": word, "sentence": sentence, "url": url}


def way_lines(canary: Canary, now: datetime) -> list[dict[str, Any]]:
    """Both ways with their standing, the way in first."""
    rows = {each.way: each for each in canary.ways.all()}
    found = []
    for way in Way:
        row = rows[way.value]
        badge, word = _WORDS[Standing(row.standing)]
        found.append(
            {
                "way": way.value,
                "title": f"Mail {row.get_way_display()}",
                "badge": badge,
                "word": word,
                "since": times.moment(row.since, now),
                "judged": times.moment(row.judged_at, now, relative=True),
                "latency": f"{row.latency / 1000:.1f} s" if row.latency is not None else "",
                "problem": row.problem,
            }
        )
    return found
