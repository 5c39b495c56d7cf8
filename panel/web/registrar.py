"""What to enter at the registrar of a domain, and what the zone above says."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from panel.web import times
from panel.web.crumbs import zone_crumbs
from panel.web.domains import domain_context, get_domain
from panel.web.frame import shows
from panel.web.handling import page
from panel.web.mail_checks import follow_url
from panel.web.zones import find_zone
from tenants.access import Kind, Verb
from tenants.registrar import LOOKED_AT, Delegation, Entry, Parent, registrar_of

_BADGES = {True: ("ok", "the zone above has it"), False: ("todo", "not there"), None: ("off", "not known")}


@page()
def domain_registrar(request: HttpRequest, domain: str) -> HttpResponse:
    """Name servers, glue and DS, each to be copied; works for a zone that waits for proof too."""
    row = get_domain(request, domain)
    now, zone = timezone.now(), find_zone(request, row)
    found, parent, check = registrar_of(row.domain, zone)
    organization_id, above = row.domain.organization_id, _zone_above(row.domain.name)
    context = {
        **domain_context(request, row, "zone"),
        "crumbs": zone_crumbs(row.domain.name, "At the registrar"),
        "zone": zone,
        "sentence": _sentence(found, parent, above),
        "above": above,
        "servers": _lines(found.servers if found else ()),
        "glue": _lines(found.glue if found else ()),
        "found": found,
        "parent": parent,
        "looked_at": times.moment(parent.at, now),
        "checks": LOOKED_AT,
        "dns_elsewhere": check is not None and check.dns_elsewhere,
        "follow_url": follow_url(
            request, check, reverse("domain-registrar", kwargs={"domain": row.domain.name}), now
        ),
        "may_check": shows(request, Verb.CREATE, Kind.RUN, organization_id),
        "may_begin": shows(request, Verb.CREATE, Kind.ZONE, organization_id),
    }
    return render(request, "panel/domain/registrar.html", context)


def _zone_above(domain: str) -> str:
    """By its name where that is sure: a top-level domain is always a zone, what is deeper need not be."""
    _, _, parent = domain.partition(".")
    return "the zone above" if "." in parent else f"the zone above ({parent})"


def _sentence(found: Delegation | None, parent: Parent, above: str) -> str:
    if found is None:
        return "Rookery keeps no zone of this domain, so there is nothing of it to enter."
    if parent.servers is None:
        return f"What {above} says is not known yet. Enter this, and have it looked at."
    if found.is_right:
        return f"{above[:1].upper()}{above[1:]} says what it should. There is nothing to enter."
    if found.is_right is None:
        return f"As far as {above} tells, it says what it should."
    return f"{above[:1].upper()}{above[1:]} says something else. Make the registrar's page say exactly this."


def _lines(entries: tuple[Entry, ...]) -> list[dict[str, Any]]:
    lines = []
    for number, each in enumerate(entries, start=1):
        badge, word = _BADGES[each.there]
        text = each.address or each.name
        lines.append({"name": each.name, "text": text, "number": number, "badge": badge, "word": word})
    return lines
