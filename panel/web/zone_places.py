"""Keeping a zone elsewhere, and letting go of a name server that holds none."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from panel.web.crumbs import zone_crumbs
from panel.web.domains import domain_context
from panel.web.fields import Tried, show, try_form
from panel.web.handling import actor_of, page, refuse, tell
from panel.web.update_servers import load_update_server, update_servers_of
from panel.web.zone_setup import zone_repositories_of
from panel.web.zones import load_zone
from tenants import access
from tenants.actions import zone_places
from tenants.errors import Conflict
from tenants.models import SyncTarget, Zone

Verb = access.Verb


class PlaceForm(forms.Form):
    place = forms.ChoiceField(label="Keep it", widget=forms.RadioSelect)
    take_along = forms.BooleanField(
        label="Take along what others wrote: Rookery writes it there from now on",
        required=False,
        initial=True,
    )
    even_so = forms.BooleanField(
        label="Move it although the last change was not proved where it is now", required=False
    )

    def __init__(self, *args: Any, places: dict[int, str], waits: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["place"]
        field.choices = [(str(pk), name) for pk, name in places.items()]  # type: ignore[attr-defined]
        if len(places) == 1:
            field.initial = str(next(iter(places)))
        if not waits:
            del self.fields["even_so"]


@page(methods=("GET", "HEAD", "POST"))
def zone_place(request: HttpRequest, domain: str) -> HttpResponse:
    """Where else the zone can be kept, and what would stay; a POST moves it."""
    row, thing = load_zone(request, domain)
    actor = actor_of(request)
    access.require(actor, Verb.CHANGE, thing)
    targets: dict[int, SyncTarget] = {}
    names: dict[int, str] = {}
    for repository in zone_repositories_of(request, row):
        targets[repository.sync_target.pk] = repository.sync_target
        names[repository.sync_target.pk] = f"in {repository}, which {repository.primary} serves"
    for server in update_servers_of(request, row):
        targets[server.sync_target.pk] = server.sync_target
        names[server.sync_target.pk] = f"at {server} ({server.where}), by dynamic updates"
    names.pop(thing.target_id, None)
    waits = zone_places.waits(thing)
    form = PlaceForm(request.POST if request.method == "POST" else None, places=names, waits=waits)
    tried: Tried[Zone] | None = None
    if request.method == "POST":

        def act() -> Zone:
            place = targets[int(form.cleaned_data["place"])]
            return zone_places.move_zone(
                actor=actor,
                zone=thing,
                repository=place.repository,
                server=place.update_server,
                take_along=form.cleaned_data["take_along"],
                even_so=form.cleaned_data.get("even_so", False),
            )

        tried = try_form(form, act)
        if tried.ok:
            tell(request, "It is kept there from now on. Nothing was taken out where it was.")
            return redirect("zone", domain=thing.name)
        thing = load_zone(request, domain)[1]
    context = {
        **domain_context(request, row, "zone"),
        "crumbs": zone_crumbs(thing.name, "Keep it elsewhere"),
        "zone": thing,
        "form": form,
        "places": names,
        "stays": zone_places.what_stays(thing),
        "is_server": thing.target.update_server is not None,
    }
    return show(request, "panel/zone/place.html", context, tried)


@page(methods=("POST",))
def update_server_disconnect(request: HttpRequest, domain: str, name_server_id: int) -> HttpResponse:
    row, thing = load_update_server(request, domain, name_server_id)
    name = str(thing)
    try:
        zone_places.disconnect_update_server(actor=actor_of(request), server=thing)
    except Conflict as error:
        refuse(request, error)
        return redirect("update-server", domain=row.domain.name, name_server_id=thing.pk)
    tell(request, f"{name} is disconnected. Its key works there until you take it out.")
    return redirect("zone", domain=row.domain.name)
