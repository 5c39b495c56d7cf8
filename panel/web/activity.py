"""Who did what, and whether it is proved outside yet."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from panel.web import sentences, times
from panel.web.frame import chosen_organization, narrowed, organizations_of
from panel.web.handling import actor_of, page
from tenants import access
from tenants.actor import Via
from tenants.bounded import newest_of_each
from tenants.history import with_runs
from tenants.models import Domain, Event, SyncTarget

PAGE = 50
# SQLite joins at most 500 questions to one.
MOST_PARTS = 400

# What people look for, and the verbs of the audit log behind it.
GROUPS: dict[str, tuple[str, tuple[str, ...]]] = {
    "addresses": (
        "Addresses",
        (
            "create_mailbox",
            "switch_mailbox",
            "change_note",
            "trash_mailbox",
            "restore_mailbox",
            "purge_mailbox",
            "take_over",
        ),
    ),
    "passphrases": ("Passphrases", ("set_passphrase",)),
    "targets": (
        "Who gets the mail",
        ("add_target", "remove_target", "send_confirmation_again", "confirm_target"),
    ),
    "holders": ("Who holds it", ("add_holder", "remove_holder", "hand_over", "change_own_note")),
    "requests": (
        "Requests",
        (
            "submit_request",
            "confirm_request",
            "remind_deciders",
            "approve_request",
            "refuse_request",
            "withdraw_request",
            "expire_request",
            "lapse_request",
            "make_invitation",
            "withdraw_invitation",
            "change_request_rules",
        ),
    ),
    "servers": (
        "Repositories",
        (
            "connect_repository",
            "confirm_host_key",
            "approve_plan",
            "change_drift_mode",
            "confirm_reload",
            "link_reader",
            "unlink_reader",
            "restart_readers",
        ),
    ),
    "people": (
        "People and settings",
        (
            "add_member",
            "remove_member",
            "leave_organization",
            "delete_account",
            "create_organization",
            "change_quotas",
            "create_domain",
            "change_domain",
            "change_trash_days",
            "create_token",
            "revoke_token",
            "sign_in",
            "set_panel_password",
            "create_operator",
        ),
    ),
}


# By which way somebody came.
WAYS = {
    Via.WEB.value: "In the browser",
    Via.API.value: "With a program",
    Via.LINK.value: "By a link in a mail",
    Via.COMMAND.value: "At the server's command line",
    Via.WORKER.value: "Rookery by itself",
}

_VIA = {"api": "with a program", "link": "by a link in a mail"}


@dataclass(frozen=True)
class EventLine:
    """One event, ready for parts of pages: its sentence in three parts around the address that it is about.
    `proof` is empty for what stays in Rookery."""

    pk: int
    at: times.Moment | None
    before: str
    subject: str
    after: str
    actor: str
    via: str
    reason: str
    subject_url: str
    url: str
    proof: sentences.State | None
    proof_url: str


def with_proof(events: QuerySet[Event]) -> QuerySet[Event]:
    """Annotate the run that observed each event; newest first."""
    return with_runs(events.select_related("mailbox__domain", "sync_target")).order_by("-pk")


def event_lines(events: Iterable[Event], now: datetime) -> list[EventLine]:
    """Of events loaded by `with_proof`."""
    return [_line(event, now) for event in events]


def _line(event: Event, now: datetime) -> EventLine:
    run_id = vars(event).get("observed_by")
    mailbox = event.mailbox
    proof = proof_of(event.sync_target, event.generation) if event.sync_target else None
    observed = proof is not None and proof.badge == "ok"
    before, subject, after = (
        _split_around(str(mailbox), event.sentence) if mailbox else (event.sentence, "", "")
    )
    return EventLine(
        pk=event.pk,
        at=times.moment(event.at, now),
        before=before,
        subject=subject,
        after=after,
        actor=event.actor_name,
        via=_VIA.get(event.via, ""),
        reason=event.reason,
        subject_url=address_url(mailbox.domain.name, mailbox.local_part) if mailbox else "",
        url=reverse("event", kwargs={"event_id": event.pk}),
        proof=proof,
        proof_url=reverse("run", kwargs={"run_id": run_id}) if run_id and observed else "",
    )


def _split_around(address: str, sentence: str) -> tuple[str, str, str]:
    """What stands before and after `address` in a sentence; without it, the sentence and nothing."""
    found = re.search(rf"(?<![\w.+-]){re.escape(address)}(?![\w-])", sentence)
    if found is None:
        return sentence, "", ""
    return sentence[: found.start()], address, sentence[found.end() :]


def address_url(domain: str, local_part: str) -> str:
    return reverse("address", kwargs={"domain": domain, "local_part": local_part})


def proof_of(target: SyncTarget, generation: int) -> sentences.State:
    """Has the change that counted `target` up to `generation` been seen outside?"""
    if target.observed_generation >= generation:
        return sentences.State("ok", "Observed")
    if target.stop_code and target.stop_generation >= generation:
        return sentences.State("fail", "Held up")
    return sentences.ON_ITS_WAY


@dataclass(frozen=True)
class Page:
    """A page of a long list, newest first, continued by the id of its last row."""

    rows: list[Any]
    pages: dict[str, str]


def cut(
    rows: QuerySet[Any],
    query: QueryDict,
    url: str,
    *,
    size: int = PAGE,
    parts: Sequence[QuerySet[Any]] = (),
) -> Page:
    """The page that `?before=` asks for; other parameters of the query are kept in its links.

    `parts` are the same rows in pieces of which an index has each in order (see tenants.bounded).
    """
    before = query.get("before", "")
    kept = {key: value for key, value in query.items() if key != "before" and value}
    found = rows.order_by("-pk")
    if before.isascii() and before.isdigit() and len(before) < 19:
        found = found.filter(pk__lt=int(before))
        parts = [part.filter(pk__lt=int(before)) for part in parts]
    else:
        before = ""
    if parts:
        found = found.filter(pk__in=newest_of_each(parts, size + 1))
    shown = list(found[: size + 1])
    more, shown = len(shown) > size, shown[:size]
    return Page(
        shown,
        {
            "sentence": "Earlier than the ones before" if before else "The latest",
            "previous_url": f"{url}?{urlencode(kept)}" if before else "",
            "next_url": f"{url}?{urlencode({**kept, 'before': shown[-1].pk})}" if more else "",
        },
    )


def pieces(
    events: QuerySet[Event], query: Mapping[str, str], organizations: Sequence[int] = ()
) -> list[QuerySet[Event]]:
    """`filtered` events in pieces of which an index has each in order: by organization, and by verb. None
    where they are in one piece already, by what they are filtered by or by `organizations` being empty."""
    wholes = whole = [events]
    if organizations and not query.get("domain"):
        wholes = [events.filter(organization=each) for each in organizations]
    if query.get("verb") and not query.get("actor"):
        wholes = [each.filter(verb=verb) for each in wholes for verb in _verbs(query["verb"])]
    return wholes if wholes is not whole and len(wholes) <= MOST_PARTS else []


def pieces_for(request: HttpRequest, events: QuerySet[Event]) -> list[QuerySet[Event]]:
    """`pieces` of all that somebody sees, in the organization that they chose or in all of theirs."""
    chosen = chosen_organization(request)
    is_all = chosen is None and actor_of(request).is_operator
    mine = [chosen] if chosen else [] if is_all else organizations_of(request)
    return pieces(events, request.GET, [each.pk for each in mine])


def _verbs(wanted: str) -> tuple[str, ...]:
    return GROUPS[wanted][1] if wanted in GROUPS else (wanted.replace("\0", "")[:254],)


def filtered(events: QuerySet[Event], query: Mapping[str, str]) -> QuerySet[Event]:
    """Narrow by `domain` (a name), `actor` (a whole name), `verb` (a group of ours, or one verb), `via`, and
    the days `from` and `to`, both included; a day that is none narrows nothing."""
    domain, who, verb = (query.get(name, "").replace("\0", "")[:254] for name in ("domain", "actor", "verb"))
    if domain:
        # Its id first: with a name in the question, databases sort all events of the domain.
        found = Domain.objects.filter(name=domain.lower()).values_list("pk", flat=True).first()
        events = events.filter(domain=found or 0)
    if who:
        events = events.filter(actor_name=who)
    if verb:
        events = events.filter(verb__in=_verbs(verb))
    if query.get("via") in WAYS:
        events = events.filter(via=query["via"])
    first, last = _day(query.get("from", "")), _day(query.get("to", ""))
    if first is not None:
        before = Event.objects.filter(at__lt=first - _OUT_OF_ORDER).order_by("-at", "-pk")
        events = events.filter(at__gte=first, pk__gt=_key(before) or 0)
    if last is not None:
        end = last + timedelta(days=1)
        after = _key(Event.objects.filter(at__gte=end + _OUT_OF_ORDER).order_by("at", "pk"))
        events = events.filter(at__lt=end, **({"pk__lt": after} if after else {}))
    return events


# Keys and times of events are given by transactions side by side: in the same order but for this much.
_OUT_OF_ORDER = timedelta(hours=1)


def _key(events: QuerySet[Event]) -> int | None:
    return events.values_list("pk", flat=True).first()


def _day(text: str) -> datetime | None:
    """The beginning of a day written as 2026-11-21, where we are."""
    try:
        day = date.fromisoformat(text[:10])
    except ValueError:
        return None
    if not 2000 <= day.year < 2200:
        return None
    return datetime(day.year, day.month, day.day, tzinfo=timezone.get_current_timezone())


def filter_context(
    request: HttpRequest, url: str, *more: str, fixed: Mapping[str, object] | None = None
) -> dict[str, Any]:
    """The context of panel/parts/history_filter.html; `more` names parameters besides the usual ones.

    `fixed` narrows a download to what the page is about.
    """
    query = {name: request.GET.get(name, "")[:254] for name in ("verb", "actor", "via", "from", "to", *more)}
    return {
        "filter_url": url,
        "query": query,
        "is_filtered": any(query.values()),
        "ways": list(WAYS.items()),
        "groups": [(key, label) for key, (label, _) in GROUPS.items()],
        "fixed": fixed or {},
    }


@page()
def activity(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    actor = actor_of(request)
    seen = narrowed(request, access.visible_to(actor, Event), "organization_id")
    narrow = filtered(seen, request.GET)
    parts = pieces_for(request, narrow)
    found = cut(with_proof(narrow), request.GET, reverse("activity"), parts=parts)
    domains = narrowed(request, access.visible_to(actor, Domain), "organization_id")
    lines = event_lines(found.rows, now)
    moving = sum(line.proof is not None and line.proof.is_moving for line in lines)
    held = sum(line.proof is not None and line.proof.badge == "fail" for line in lines)
    context = {
        "events": lines,
        "pages": found.pages,
        "headline": activity_headline(len(lines), moving, held),
        "domains": list(domains.order_by("name").values_list("name", flat=True)[:500]),
        **filter_context(request, reverse("activity"), "domain"),
        "tabs": activity_tabs("activity"),
    }
    return render(request, "panel/activity.html", context)


def activity_headline(shown: int, moving: int, held: int) -> str:
    if not shown:
        return "Nothing has happened yet."
    if held:
        return f"{sentences.amount(held, 'change is', 'changes are')} held up; see what to do."
    if moving:
        return f"{sentences.amount(moving, 'change is', 'changes are')} on the way to the mail server."
    return "Everything listed here is done."


def activity_tabs(current: str) -> list[dict[str, Any]]:
    return [
        {"label": "What people did", "url": reverse("activity"), "current": current == "activity"},
        {"label": "Runs", "url": reverse("runs"), "current": current == "runs"},
    ]
