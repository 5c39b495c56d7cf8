"""The history as a file: a table, or one JSON object a line, in pages of bounded size."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse

from panel.web.activity import filtered, pieces, pieces_for, with_proof
from panel.web.frame import narrowed
from panel.web.handling import actor_of, page
from tenants import access
from tenants.actions.reversals import CIRCUMSTANCES
from tenants.actions.undo import in_words
from tenants.bounded import newest_of_each
from tenants.history import events_of, hidden_fields, is_team
from tenants.models import Event, Mailbox

MOST_ROWS = 10_000
COLUMNS = ("id", "at", "verb", "subject", "sentence", "changes", "reason", "actor", "via", "token", "run")


@page()
def activity_download(request: HttpRequest) -> HttpResponse:
    """The newest events, narrowed as the page was: CSV, or with `form=jsonl` one JSON object a line.

    A file has at most MOST_ROWS events. Where there are more, `Link` leads to the file of those before.
    """
    actor, query = actor_of(request), request.GET
    events = narrowed(request, access.visible_to(actor, Event), "organization_id")
    address, organization = query.get("address", ""), query.get("organization", "")
    team = True
    if address:
        local_part, _, domain = address.replace("\0", "")[:320].rpartition("@")
        mine = access.visible_to(actor, Mailbox).filter(domain__name=domain.lower(), local_part=local_part)
        mailbox = mine.select_related("domain").first()
        events = events_of(actor, mailbox.pk if mailbox else 0)
        # Whoever holds an address reads its events, and not what is the team's in them.
        team = mailbox is not None and is_team(
            actor, Event(organization_id=mailbox.domain.organization_id, domain_id=mailbox.domain_id)
        )
    elif organization.isascii() and organization.isdigit() and len(organization) < 19:
        events = access.visible_to(actor, Event).filter(organization=int(organization))
    narrow = filtered(events, query)
    before = query.get("before", "")
    if before.isascii() and before.isdigit() and len(before) < 19:
        narrow = narrow.filter(pk__lt=int(before))
    parts = pieces(narrow, query) if address or organization else pieces_for(request, narrow)
    found = narrow.filter(pk__in=newest_of_each(parts, MOST_ROWS + 1)) if parts else narrow
    rows = list(with_proof(found)[: MOST_ROWS + 1])
    more, rows = len(rows) > MOST_ROWS, rows[:MOST_ROWS]
    hidden = hidden_fields(is_team=team)
    if query.get("form") == "jsonl":
        response = HttpResponse(_lines(rows, hidden, is_team=team), content_type="application/jsonl")
        name = "rookery-history.jsonl"
    else:
        response = HttpResponse(_csv(rows, hidden), content_type="text/csv; charset=utf-8")
        name = "rookery-history.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    if more:
        onward = {**{key: value for key, value in query.items() if value}, "before": rows[-1].pk}
        response["Link"] = f'<{request.path}?{urlencode(onward)}>; rel="next"'
    return response


def _csv(rows: Iterable[Event], hidden: frozenset[str]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(COLUMNS)
    for event in rows:
        writer.writerow([unformulated(each) for each in _cells(event, hidden)])
    return buffer.getvalue()


def _cells(event: Event, hidden: frozenset[str]) -> list[str]:
    names = [name for name in (event.before | event.after) if name not in hidden | CIRCUMSTANCES]
    changes = "; ".join(
        f"{name}: {in_words(event.before.get(name))} → {in_words(event.after.get(name))}" for name in names
    )
    return [
        str(event.pk),
        event.at.isoformat(timespec="seconds"),
        event.verb,
        event.subject,
        event.sentence,
        changes,
        event.reason,
        event.actor_name,
        event.via,
        event.token,
        str(vars(event).get("observed_by") or ""),
    ]


def unformulated(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


def _lines(rows: Iterable[Event], hidden: frozenset[str], *, is_team: bool) -> str:
    return "".join(f"{json.dumps(_told(each, hidden, is_team=is_team))}\n" for each in rows)


def _told(event: Event, hidden: frozenset[str], *, is_team: bool) -> dict[str, Any]:
    sides = {
        side: {name: value for name, value in getattr(event, side).items() if name not in hidden}
        for side in ("before", "after")
    }
    return {
        "id": event.pk,
        "at": event.at.isoformat(),
        "verb": event.verb,
        "subject": event.subject,
        "sentence": event.sentence,
        **sides,
        "reason": event.reason,
        "actor": event.actor_name,
        "via": event.via,
        "token": event.token,
        "ip": event.ip if is_team else None,
        "request_id": event.request_id,
        "run": vars(event).get("observed_by"),
    }
