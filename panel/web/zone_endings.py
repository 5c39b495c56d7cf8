"""Ending the zone of a domain: what disappears, removing it or letting go of it, and bringing it back."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from panel.web import times
from panel.web.crumbs import zone_crumbs
from panel.web.domains import domain_context, get_domain
from panel.web.frame import shows
from panel.web.handling import actor_of, page, refuse, tell
from panel.web.standing import DomainRow
from panel.web.zone_standing import zone_context
from panel.web.zones import find_ended, load_zone
from tenants import access
from tenants.actions import zone_endings
from tenants.errors import Absent, Conflict, Invalid
from tenants.models import Zone

Kind, Verb = access.Kind, access.Verb


@page(methods=("GET", "HEAD", "POST"))
def zone_end(request: HttpRequest, domain: str) -> HttpResponse:
    """What disappears; POST removes the zone, its name typed, or lets go of it."""
    row, thing = load_zone(request, domain)
    actor = actor_of(request)
    access.require(actor, Verb.DELETE, thing)
    problem, status = "", 200
    if request.method == "POST":
        do, name = request.POST.get("do", ""), request.POST.get("name", "")[:300]
        try:
            if do not in {"let_go", "remove"}:
                raise Invalid.of("do", "It was not said what is to be done.", "Press one of the buttons.")
            if do == "let_go":
                zone_endings.let_go_zone(actor=actor, zone=thing, name=name)
                tell(request, f"Rookery let go of {thing}. Outside it is as it was.")
            else:
                zone_endings.remove_zone(actor=actor, zone=thing, name=name)
                tell(request, f"A worker takes {thing} off the air now.")
            return redirect("zone", domain=thing.name)
        except (Conflict, Invalid) as error:
            problem, status = error.sentence, 409 if isinstance(error, Conflict) else 400
            thing.refresh_from_db()
    context = {
        **domain_context(request, row, "zone"),
        "crumbs": zone_crumbs(thing.name, "Stop keeping it"),
        "zone": thing,
        "told": zone_endings.preview_ending(actor, thing),
        "problem": problem,
    }
    return render(request, "panel/zone/end.html", context, status=status)


def ended_page(request: HttpRequest, row: DomainRow, thing: Zone) -> HttpResponse:
    """A zone that was removed or let go: how far that is, and the way back."""
    now = timezone.now()
    organization_id = row.domain.organization_id
    context = {
        **domain_context(request, row, "zone"),
        **zone_context(actor_of(request), thing, now),
        "since": times.moment(thing.ended_at, now) if thing.ended_at else None,
        "may_return": shows(request, Verb.CHANGE, Kind.ZONE, organization_id),
        "may_begin": thing.standing != Zone.Standing.REMOVING
        and shows(request, Verb.CREATE, Kind.ZONE, organization_id),
    }
    template = "state" if request.headers.get("HX-Request") == "true" else "ended"
    return render(request, f"panel/zone/{template}.html", context)


@page(methods=("POST",))
def zone_return(request: HttpRequest, domain: str) -> HttpResponse:
    """Keep it again."""
    row = get_domain(request, domain)
    thing = find_ended(request, row)
    if thing is None:
        raise Absent
    try:
        zone_endings.bring_zone_back(actor=actor_of(request), zone=thing)
        tell(request, f"{thing} is kept by Rookery again.")
    except (Conflict, Invalid) as error:
        refuse(request, error)
    return redirect("zone", domain=thing.name)
