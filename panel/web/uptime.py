"""How mail of a domain worked: its canary's two ways, per cents of the time, a strip of days, and outages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from panel.web import times
from panel.web.canary_line import canary_line, way_lines
from panel.web.crumbs import stack_crumbs
from panel.web.domains import domain_context, get_domain
from panel.web.frame import shows
from panel.web.handling import actor_of, page, refuse, tell
from panel.web.stacks import find_stack
from tenants import access
from tenants.actions.canaries import make_canary
from tenants.errors import Absent, Conflict
from tenants.formats.canary import Way, share
from tenants.models import Canary, CanaryOutage, CanarySpan, Stack

DAYS, MOST_OUTAGES = 90, 50
_SPANS = (
    ("the last 24 hours", "hour", 24),
    ("7 days", "day", 7),
    ("30 days", "day", 30),
    ("90 days", "day", 90),
)


@page()
def uptime(request: HttpRequest, domain: str) -> HttpResponse:
    row, now = get_domain(request, domain), timezone.now()
    thing = find_stack(request, row)
    if thing is None:
        return render(request, "panel/stack/none.html", domain_context(request, row, "stack"))
    canary = Canary.objects.filter(stack=thing).prefetch_related("ways").first()
    may = shows(request, access.Verb.CHANGE, access.Kind.STACK, row.domain.organization_id)
    context: dict[str, Any] = {
        **domain_context(request, row, "stack"),
        "crumbs": stack_crumbs(row.domain.name, "Uptime"),
        "canary": canary,
        "line": canary_line(thing, now),
        "may_make": may and thing.wanted != Stack.Wanted.REMOVED,
        "has_home": bool(settings.CANARY_HOME),
    }
    if canary is not None:
        spans = list(canary.spans.filter(begins_at__gt=now - timedelta(days=DAYS + 1)))
        by_way = {way.value: [each for each in spans if each.way == way.value] for way in Way}
        context["ways"] = [
            {
                **each,
                "shares": _shares(by_way[each["way"]], now),
                "strip": strip(by_way[each["way"]], now.date()),
            }
            for each in way_lines(canary, now)
        ]
        outages = canary.outages.order_by("-began_at")[:MOST_OUTAGES]
        context["outages"] = [_outage(each, now) for each in outages]
    return render(request, "panel/stack/uptime.html", context)


@page(methods=("POST",))
def stack_canary(request: HttpRequest, domain: str) -> HttpResponse:
    """Give a stack that has none its canary."""
    row = get_domain(request, domain)
    thing = find_stack(request, row)
    if thing is None:
        raise Absent
    try:
        make_canary(actor=actor_of(request), stack=thing)
        tell(request, "It has a canary. The first message goes out when the relay knows its address.")
    except Conflict as error:
        refuse(request, error)
    return redirect("stack-uptime", domain=row.domain.name)


@dataclass(frozen=True)
class Day:
    """One day of the strip; `state` is ok, some, fail or none."""

    day: date
    x: int
    state: str
    said: str
    lost: int


def strip(spans: Iterable[CanarySpan], today: date) -> Sequence[Day]:
    """The last days, the oldest first, each 8 wide."""
    known = {each.begins_at.astimezone(UTC).date(): each for each in spans if each.length == "day"}
    days = [today - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    return [_day(day, number * 8, known.get(day)) for number, day in enumerate(days)]


def _day(day: date, x: int, span: CanarySpan | None) -> Day:
    part = share(span.proved, span.failed) if span is not None else None
    if span is None or part is None:
        return Day(day, x, "none", "not watched", 0)
    state = "ok" if part >= 99.5 else "some" if part >= 90 else "fail"
    return Day(day, x, state, per_cent(part), span.lost)


def per_cent(part: float | None) -> str:
    return "not watched" if part is None else f"{part:.2f} %" if part < 100 else "100 %"


def _shares(spans: Sequence[CanarySpan], now: datetime) -> list[dict[str, str]]:
    found = []
    for title, length, count in _SPANS:
        since = now - timedelta(**{f"{length}s": count})
        chosen = [each for each in spans if each.length == length and each.begins_at > since]
        proved, failed = sum(each.proved for each in chosen), sum(each.failed for each in chosen)
        found.append({"title": title, "part": per_cent(share(proved, failed))})
    return found


def _outage(row: CanaryOutage, now: datetime) -> dict[str, Any]:
    return {
        "way": row.get_way_display(),
        "began": times.moment(row.began_at, now),
        "lasted": times.took((row.ended_at or now) - row.began_at),
        "is_over": row.ended_at is not None,
        "part": row.get_part_display(),
        "problem": row.problem,
    }
