"""The history of an address, a domain, an organization: each event, its before and after, its proof, Undo."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from panel.web import address as address_pages
from panel.web import fragments, times
from panel.web.activity import (
    EventLine,
    address_url,
    cut,
    event_lines,
    filter_context,
    filtered,
    pieces,
    with_proof,
)
from panel.web.crumbs import address_crumbs
from panel.web.domains import domain_context, get_domain
from panel.web.frame import roles_of, shows
from panel.web.handling import actor_of, page, refuse, tell
from panel.web.proofs import diff_lines
from tenants import access
from tenants.actions.reversals import CIRCUMSTANCES, Reversal, mailbox_of
from tenants.actions.undo import FieldChange, how_to_undo, in_words, preview_undo, undo_event
from tenants.actor import Via
from tenants.errors import Conflict, Invalid
from tenants.history import find_event, hidden_fields, label
from tenants.models import Event, Evidence, Organization

Kind, Verb = access.Kind, access.Verb
PAGE = 50

_VIA = {
    Via.WEB: "in the browser",
    Via.API: "with a program",
    Via.COMMAND: "at the server's command line",
    Via.WORKER: "by itself",
}


@dataclass(frozen=True)
class HistoryLine:
    """One event with all that is told of it; urls are empty where there is nothing to open or to do."""

    event: EventLine
    label: str
    url: str
    facts: list[str]
    diff: list[dict[str, Any]]
    commit: str
    undo_url: str
    undoes_url: str
    undone_url: str


def differences(event: Event, hidden: frozenset[str]) -> list[dict[str, Any]]:
    """The context of parts/diff.html: one block per field that is not the same before and after."""
    names = [name for name in (event.before | event.after) if name not in hidden | CIRCUMSTANCES]
    sides = ((name, _text(event.before.get(name)), _text(event.after.get(name))) for name in names)
    return [
        {"name": label(name), "note": "", "lines": diff_lines(before, after)}
        for name, before, after in sides
        if before != after
    ]


def _text(value: Any) -> str:
    """One line for each thing, as in a diff."""
    if isinstance(value, list):
        return "\n".join(in_words(each) for each in value)
    if isinstance(value, dict):
        return "\n".join(f"{label(name)}: {in_words(inner)}" for name, inner in value.items())
    return "" if value in (None, "") else in_words(value)


def history_lines(request: HttpRequest, events: Sequence[Event], now: datetime) -> list[HistoryLine]:
    """Of events loaded by `with_history`; a constant number of questions for any number of them."""
    runs = {vars(event).get("observed_by") for event in events} - {None}
    # By the event itself: who has a part in one domain sees its organization, and not all that happens there.
    seen = access.visible_to(actor_of(request), Event).filter(pk__in=[event.pk for event in events])
    team = set(seen.values_list("pk", flat=True))
    proofs = Evidence.objects.filter(run__in=runs, name="Commit").values_list("run_id", "value")
    commits = dict(proofs)
    return [
        _line(request, event, line, commits, is_team=event.pk in team)
        for event, line in zip(events, event_lines(events, now), strict=True)
    ]


def with_history(events: QuerySet[Event]) -> QuerySet[Event]:
    """Load what `history_lines` reads."""
    return with_proof(events).select_related("mailbox__domain", "sync_target", "undoes", "undone_by")


def _line(
    request: HttpRequest, event: Event, line: EventLine, commits: Mapping[int, str], *, is_team: bool
) -> HistoryLine:
    is_team = is_team or actor_of(request).is_operator
    undone = getattr(event, "undone_by", None)
    return HistoryLine(
        event=line,
        label=f"{event.sentence.rstrip('.')} ({event.pk})",
        url=_url(event),
        facts=facts_of(event, is_team=is_team),
        diff=differences(event, hidden_fields(is_team=is_team)),
        commit=commits.get(vars(event).get("observed_by") or 0, "")[:7] if line.proof_url or is_team else "",
        undo_url=f"{_url(event)}#undo" if offers_undo(request, event) else "",
        undoes_url=_url(event.undoes) if event.undoes else "",
        undone_url=_url(undone) if undone else "",
    )


def _url(event: Event) -> str:
    return reverse("event", kwargs={"event_id": event.pk})


def facts_of(event: Event, *, is_team: bool) -> list[str]:
    """By which way it came; where from is for the team only."""
    facts = [_VIA.get(Via(event.via), event.via) if event.via in set(Via) else event.via]
    if event.token:
        facts.append(f"token “{event.token}”")
    if event.ip and is_team:
        facts.append(f"from {event.ip}")
    return facts


def offers_undo(request: HttpRequest, event: Event) -> bool:
    """Is an Undo worth showing? The event's own page says exactly what it would do, or why not."""
    how = how_to_undo(event.verb)
    if not isinstance(how, Reversal) or getattr(event, "undone_by", None) is not None:
        return False
    if how.find is not mailbox_of:
        return shows(request, Verb.CHANGE, Kind.DOMAIN, event.organization_id or 0)
    if event.mailbox is None:
        return False
    if shows(request, how.needs, Kind.MAILBOX, event.organization_id or 0):
        return True
    as_holder = access.TABLE[access.Role.HOLDER][Kind.MAILBOX]
    return how.needs in as_holder and event.organization_id not in roles_of(request)


def history_context(
    request: HttpRequest, events: QuerySet[Event], url: str, **fixed: object
) -> dict[str, Any]:
    """Lines, pages and filter of any list of events; `fixed` is what all of them are about."""
    narrow = filtered(events, request.GET)
    parts = pieces(narrow, request.GET)
    found = cut(with_history(narrow), request.GET, url, size=PAGE, parts=parts)
    return {
        "lines": history_lines(request, found.rows, timezone.now()),
        "pages": found.pages,
        **filter_context(request, url, fixed=fixed),
    }


# Pages ------------------------------------------------------------------------------------------------


@page()
def domain_activity(request: HttpRequest, domain: str) -> HttpResponse:
    row = get_domain(request, domain)
    url = reverse("domain-activity", kwargs={"domain": row.domain.name})
    events = access.visible_to(actor_of(request), Event).filter(domain=row.domain)
    context = {
        **domain_context(request, row, "domain-activity"),
        **history_context(request, events, url, domain=row.domain.name),
    }
    return render(request, "panel/domain/activity.html", context)


@page()
def address_history(request: HttpRequest, domain: str, local_part: str) -> HttpResponse:
    mailbox = fragments.load_mailbox(actor_of(request), domain__name=domain.lower(), local_part=local_part)
    at = {"domain": mailbox.domain.name, "local_part": mailbox.local_part}
    url = reverse("address-history", kwargs=at)
    context = {
        **address_pages.around(request, mailbox),
        **history_context(request, Event.objects.filter(mailbox=mailbox), url, address=mailbox),
        "mailbox": mailbox,
        "crumbs": address_crumbs(actor_of(request), mailbox, "History"),
    }
    return render(request, "panel/address/history.html", context)


@page()
def organization_activity(request: HttpRequest, organization_id: int) -> HttpResponse:
    thing = access.get(actor_of(request), Organization, pk=organization_id)
    url = reverse("organization-activity", kwargs={"organization_id": thing.pk})
    events = access.visible_to(actor_of(request), Event).filter(organization=thing)
    context = {
        **history_context(request, events, url, organization=thing.pk),
        "organization": thing,
        "crumbs": [
            {
                "label": thing.name,
                "url": reverse("organization", kwargs={"organization_id": thing.pk}),
            },
            {"label": "History"},
        ],
    }
    return render(request, "panel/organization/activity.html", context)


@page()
def event_page(request: HttpRequest, event_id: int) -> HttpResponse:
    actor, now = actor_of(request), timezone.now()
    find_event(actor, event_id)
    event = with_history(Event.objects.filter(pk=event_id)).select_related("domain", "organization").get()
    [line] = history_lines(request, [event], now)
    preview = preview_undo(actor, event)
    context = {
        "line": line,
        "record": event,
        "when": times.moment(event.at, now),
        "preview": preview,
        "fields": [_field(each) for each in preview.fields],
        "is_known": isinstance(how_to_undo(event.verb), Reversal),
        "domain": event.domain if event.organization_id in roles_of(request) or actor.is_operator else None,
        "crumbs": [_way_back(request, event), {"label": "What was done"}],
    }
    return render(request, "panel/event.html", context)


def _way_back(request: HttpRequest, event: Event) -> dict[str, str]:
    if event.mailbox is not None:
        at = {"domain": event.mailbox.domain.name, "local_part": event.mailbox.local_part}
        return {"label": f"History of {event.mailbox}", "url": reverse("address-history", kwargs=at)}
    return {"label": "Activity", "url": reverse("activity")}


def _field(change: FieldChange) -> dict[str, Any]:
    return {
        "name": label(change.name),
        "before": in_words(change.before),
        "after": in_words(change.after),
        "now": in_words(change.now),
        "changed": change.changed_since,
    }


@page(methods=("POST",))
def event_undo(request: HttpRequest, event_id: int) -> HttpResponse:
    """Undo it; on to where the proof is shown, or back with the reason why not."""
    actor = actor_of(request)
    event = find_event(actor, event_id)
    try:
        done = undo_event(actor=actor, event=event)
    except (Conflict, Invalid) as error:
        refuse(request, error)
        return redirect("event", event_id=event.pk)
    tell(request, f"Undone: {done.sentence}")
    if done.mailbox is not None:
        return redirect(address_url(done.mailbox.domain.name, done.mailbox.local_part))
    return redirect("event", event_id=done.pk)
