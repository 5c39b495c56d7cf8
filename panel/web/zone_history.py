"""What happened to a zone, and to one of its record sets, with Undo where there is one."""

from __future__ import annotations

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from panel.web.crumbs import zone_crumbs
from panel.web.domains import domain_context
from panel.web.handling import actor_of, page
from panel.web.history import history_context
from panel.web.standing import DomainRow
from panel.web.zones import load_zone
from tenants import access
from tenants.models import Event

SET_VERBS = ("set_record_set", "delete_record_set", "take_over_record_set", "freeze_record_set")
ENDS = ("take_over_zone", "remove_zone", "let_go_zone", "bring_zone_back")
VERBS = (*SET_VERBS, *ENDS, "create_zone", "change_soa", "freeze_zone")


@page()
def zone_history(request: HttpRequest, domain: str) -> HttpResponse:
    row, thing = load_zone(request, domain)
    events = _events(request, row).filter(verb__in=VERBS)
    url = reverse("zone-history", kwargs={"domain": thing.name})
    return _show(request, row, events, url, f"the zone {thing.name}")


@page()
def record_set_history(request: HttpRequest, domain: str, kind: str, owner: str) -> HttpResponse:
    """Of a set that is gone, too: there is something to undo."""
    row, thing = load_zone(request, domain)
    at = {"domain": thing.name, "kind": kind, "owner": owner}
    subject = f"{owner.lower()} {kind.upper()}".replace("\0", "")[:300]
    events = _events(request, row).filter(subject=subject, verb__in=SET_VERBS, mailbox=None)
    return _show(request, row, events, reverse("record-set-history", kwargs=at), subject)


def _events(request: HttpRequest, row: DomainRow) -> QuerySet[Event]:
    return access.visible_to(actor_of(request), Event).filter(domain=row.domain)


def _show(
    request: HttpRequest, row: DomainRow, events: QuerySet[Event], url: str, subject: str
) -> HttpResponse:
    name = row.domain.name
    context = {
        **domain_context(request, row, "zone"),
        **history_context(request, events, url, domain=name),
        "crumbs": zone_crumbs(name, "History"),
        "subject": subject,
    }
    return render(request, "panel/zone/history.html", context)
