"""Letters that are followed through a mail stack: send one, and see it hop by hop."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from panel.web import times
from panel.web.crumbs import stack_crumbs
from panel.web.domains import domain_context, get_domain
from panel.web.frame import shows
from panel.web.handling import actor_of, page, refuse
from panel.web.stacks import find_stack
from tenants import access
from tenants.actions.letters import follow_letter
from tenants.errors import Absent, Conflict, Invalid, TooMany
from tenants.formats.canary import Part, Way
from tenants.formats.letters import Found, Seen, State, Why
from tenants.letters import Step, Told, followed, letters_of
from tenants.models import CanaryRound, Stack

_BADGES = {
    "asked": ("wait", "Not begun"),
    "waiting": ("live", "Under way"),
    "proved": ("ok", "Arrived"),
    "failed": ("fail", "Lost"),
    "unknown": ("off", "Not found out"),
}
_STATES = {State.SEEN: "done", State.PASSED: "done", State.UNSEEN: "todo"}
_WHY = {
    Why.NAMED: "names it",
    Why.PEER: "its connection",
    Why.ADDRESS: "names its address",
    Why.PERHAPS: "perhaps of another",
}


@page()
def letters(request: HttpRequest, domain: str) -> HttpResponse:
    row, now = get_domain(request, domain), timezone.now()
    thing = find_stack(request, row)
    if thing is None:
        return render(request, "panel/stack/none.html", domain_context(request, row, "stack"))
    context = {
        **domain_context(request, row, "stack"),
        "crumbs": stack_crumbs(row.domain.name, "Letters"),
        "letters": [_line(each, now) for each in letters_of(thing)],
        "may_follow": may_follow(request, thing),
    }
    return render(request, "panel/stack/letters.html", context)


@page(methods=("POST",))
def letter_follow(request: HttpRequest, domain: str) -> HttpResponse:
    """Have one sent, and go where it is followed."""
    row = get_domain(request, domain)
    thing = find_stack(request, row)
    if thing is None:
        raise Absent
    try:
        letter = follow_letter(actor=actor_of(request), stack=thing, way=request.POST.get("way", "")[:10])
    except (Conflict, Invalid, TooMany) as error:
        refuse(request, error)
        return redirect("stack-letters", domain=row.domain.name)
    return redirect("stack-letter", domain=row.domain.name, letter_id=letter.pk)


@page()
def letter(request: HttpRequest, domain: str, letter_id: int) -> HttpResponse:
    """One letter; what changes of it by itself is asked for again while it does."""
    row, now = get_domain(request, domain), timezone.now()
    thing = find_stack(request, row)
    rows = CanaryRound.objects.select_related("canary__stack__domain", "canary__stack__share", "release")
    found = rows.filter(pk=letter_id, canary__stack=thing, asked_at__isnull=False).first() if thing else None
    if thing is None or found is None:
        raise Absent
    told = followed(actor_of(request), found, now)
    context = {
        **domain_context(request, row, "stack"),
        "crumbs": [
            *stack_crumbs(row.domain.name, "Letters")[:-1],
            {"label": "Letters", "url": reverse("stack-letters", kwargs={"domain": row.domain.name})},
            {"label": _title(found)},
        ],
        "letter": found,
        "title": _title(found),
        "badge": _BADGES[found.verdict],
        "sentence": _sentence(told, now),
        "told": told,
        "steps": [_sent(found, now), *(_step(each, told, now) for each in told.steps), _mailbox(told, now)],
        "may_follow": may_follow(request, thing),
    }
    template = "letter_now" if request.headers.get("HX-Request") == "true" else "letter"
    return render(request, f"panel/stack/{template}.html", context)


def may_follow(request: HttpRequest, stack: Stack) -> bool:
    """Is the button worth showing?"""
    is_given = shows(request, access.Verb.SWITCH, access.Kind.STACK, stack.domain.organization_id)
    return is_given and stack.wanted == Stack.Wanted.RUNNING


def _title(row: CanaryRound) -> str:
    return f"A letter {'into' if row.way == Way.IN else 'out of'} {row.canary.stack.domain}"


def _line(row: CanaryRound, now: datetime) -> dict[str, Any]:
    return {
        "id": row.pk,
        "title": _title(row),
        "badge": _BADGES[row.verdict],
        "at": times.moment(row.asked_at, now),
        "by": row.asked_by,
        "problem": row.problem,
        "took": _took(row.latency),
    }


def _sentence(told: Told, now: datetime) -> str:
    row = told.row
    match row.verdict:
        case "asked":
            return "A worker sends it in a moment, and not within 15 seconds of another one."
        case "waiting":
            return f"It was sent {times.ago(row.began_at, now)}, and has four minutes to arrive."
        case "proved" if row.latency is not None:
            return f"It arrived after {_took(row.latency)}."
        case "proved":
            return "It was taken. Nobody watches where the canary's mail arrives."
    return row.problem


def _took(milliseconds: int | None) -> str:
    if milliseconds is None:
        return ""
    return f"{milliseconds} ms" if milliseconds < 1_000 else times.took(timedelta(milliseconds=milliseconds))


# The timeline -------------------------------------------------------------------------------------------


def _sent(row: CanaryRound, now: datetime) -> dict[str, Any]:
    """The conversation with the first server, as we led it."""
    state = "live" if row.verdict == "waiting" and not row.took else "done"
    if row.verdict == "asked":
        state = "todo"
    elif row.failed and row.failed != Part.ARRIVED:
        state = "fail"
    elif row.verdict == "unknown" and not row.took:
        state = "skip"
    return {
        "title": "Rookery sends it",
        "state": state,
        "at": _clock(row.began_at, now) if row.verdict != "asked" else None,
        "clock": "Rookery's clock",
        "took": _took(sum(row.took.values())) if row.took else "",
        "detail": row.problem if state in ("fail", "skip") else "",
        "answers": [{"after": after, "asked": asked, "said": said} for after, asked, said in row.answers],
    }


def _step(step: Step, told: Told, now: datetime) -> dict[str, Any]:
    seen = step.seen
    return {
        "title": seen.hop.title[:1].upper() + seen.hop.title[1:],
        "label": seen.hop.label or seen.hop.address,
        "unikernel": step.unikernel,
        "state": _STATES[seen.state],
        "at": _clock(seen.at, now, exact=seen.is_exact) if seen.at else None,
        "clock": "its host's clock",
        "took": f"+{_took(round(seen.after.total_seconds() * 1000))}" if seen.after is not None else "",
        "detail": " ".join(filter(None, (_evidence(seen, told), step.console))),
        "received": seen.stamp.text if seen.stamp else "",
        "lines": [_console_line(each, now) for each in seen.found],
    }


def _evidence(seen: Seen, told: Told) -> str:
    """What is known of it here, and no more than that."""
    if seen.is_named:
        return ""
    if seen.state is State.UNSEEN and told.row.verdict in ("asked", "waiting"):
        return "Nothing was seen of it here so far. Lines of consoles may be late."
    maybe = " These lines came at that time, and may be about another one." if seen.found else ""
    if seen.state is State.UNSEEN:
        return f"No console line named it.{maybe}"
    if seen.stamp:
        return f"No console line named it; it wrote its Received field.{maybe}"
    if seen.state is State.PASSED:
        return f"No console line named it; what comes after had it.{maybe}"
    return f"No console line named it; it said that it took it.{maybe}"


def _console_line(found: Found, now: datetime) -> dict[str, Any]:
    return {
        "at": _clock(found.line.at, now),
        "text": found.line.text,
        "why": _WHY[found.why],
        "sure": found.why.sure,
    }


def _mailbox(told: Told, now: datetime) -> dict[str, Any]:
    row = told.row
    has_home = bool(row.canary.home)
    state = {"proved": "done" if has_home else "skip", "failed": "fail"}.get(row.verdict, "todo")
    if row.verdict == "waiting" and row.took:
        state = "live"
    detail = "" if has_home else "Nobody watches where the canary's mail arrives."
    if row.verdict == "failed":
        detail = " ".join(filter(None, (row.problem if row.failed == Part.ARRIVED else "", told.stuck)))
    arrived = row.began_at + timedelta(milliseconds=row.latency) if row.latency is not None else None
    return {
        "title": "Where the canary's mail arrives",
        "state": state,
        "at": _clock(arrived, now) if arrived else None,
        "clock": "Rookery's clock",
        "took": f"{_took(row.latency)} in all" if row.latency is not None else "",
        "detail": detail,
        "headers": [{"name": name, "text": text} for name, text in row.headers],
    }


def _clock(at: datetime, now: datetime, *, exact: bool = True) -> dict[str, Any]:
    local = timezone.localtime(at)
    text = f"{local:%H:%M:%S}" + (f".{local.microsecond // 1000:03}" if exact else "")
    return {"moment": times.moment(at, now), "text": text}
