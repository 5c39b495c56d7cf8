"""Who else reads and writes a zone: its keys, and the name servers that copy it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from panel.web import times
from panel.web.crumbs import zone_crumbs
from panel.web.domains import domain_context
from panel.web.fields import Tried, Typed, plain_input, show, try_form
from panel.web.frame import shows
from panel.web.handling import actor_of, page, refuse, tell
from panel.web.server_answers import answer_lines
from panel.web.standing import DomainRow
from panel.web.zones import load_zone
from tenants import access
from tenants.actions import secondaries, tsig_keys
from tenants.actions.tsig_keys import NewKey
from tenants.errors import Absent, Conflict
from tenants.models import Repository, SecondaryServer, TsigKey, Zone
from tenants.same_by_hand.zones import secondary_by_hand, tsig_key_by_hand

Kind, Verb = access.Kind, access.Verb


def _repository(zone: Zone) -> Repository:
    if zone.target.repository is None:
        raise Absent
    return zone.target.repository


class KeyForm(forms.Form):
    used_by = Typed(
        label="Who uses it",
        widget=plain_input(maxlength="40", autocomplete="off", placeholder="letsencrypt"),
        help_text="One word: it becomes the first part of the key's name.",
    )
    right = forms.ChoiceField(
        label="What it may do",
        choices=[
            (TsigKey.Right.UPDATE, "Change records, copy the zone, and announce changes"),
            (TsigKey.Right.TRANSFER, "Copy the zone, and announce changes"),
            (TsigKey.Right.NOTIFY, "Announce changes only"),
        ],
        initial=TsigKey.Right.UPDATE,
        widget=forms.RadioSelect,
    )
    every_zone = forms.BooleanField(
        label="For every zone of this repository, not for this one alone", required=False
    )


@page(methods=("GET", "HEAD", "POST"))
def zone_keys(request: HttpRequest, domain: str) -> HttpResponse:
    """The list; a POST makes one and shows its secret on the answer, the only page that ever has it."""
    row, thing = load_zone(request, domain)
    actor, repository = actor_of(request), _repository(thing)
    form = KeyForm(request.POST if request.method == "POST" else None)
    tried: Tried[NewKey] | None = None
    if request.method == "POST":
        access.require_create(actor, Kind.TSIG_KEY, repository.organization)

        def act() -> NewKey:
            typed = form.cleaned_data
            of_zone = None if typed["every_zone"] else thing
            return tsig_keys.create_key(
                actor=actor,
                repository=repository,
                zone=of_zone,
                used_by=typed["used_by"],
                right=typed["right"],
            )

        tried = try_form(form, act)
        if tried.value is not None:
            return _made(request, row, thing, tried.value)
    now, proved = timezone.now(), thing.target.observed_generation
    keys = TsigKey.objects.filter(repository=repository, zone__in=[thing]) | TsigKey.objects.filter(
        repository=repository, zone=None
    )
    context = {
        **domain_context(request, row, "zone"),
        "crumbs": zone_crumbs(thing.name, "Keys"),
        "zone": thing,
        "form": form,
        "keys": [
            {
                "pk": key.pk,
                "name": key.name,
                "right": key.get_right_display(),
                "scope": "this zone" if key.zone_id else "every zone",
                "own": key.own,
                "made": times.moment(key.created_at, now),
                "badge": _badge(key, proved),
                "replaced": hasattr(key, "replaced_by"),
                "secondary": str(key.secondary) if hasattr(key, "secondary") else "",
                "removed": key.removed,
                "by_hand": tsig_key_by_hand(thing, key),
            }
            for key in keys.select_related("secondary", "replaced_by").order_by("-own", "name")
        ],
        "may_make": shows(request, Verb.CREATE, Kind.TSIG_KEY, row.domain.organization_id),
    }
    return show(request, "panel/zone/keys.html", context, tried)


def _badge(key: TsigKey, proved: int) -> dict[str, str]:
    if key.removed:
        return {"state": "live", "word": "Being removed"}
    if key.generation > proved:
        return {"state": "live", "word": "On its way"}
    return {"state": "ok", "word": "Known to the primary"}


def _made(request: HttpRequest, row: DomainRow, zone: Zone, new: NewKey) -> HttpResponse:
    context: dict[str, Any] = {
        **domain_context(request, row, "zone"),
        "crumbs": zone_crumbs(zone.name, "New key"),
        "zone": zone,
        "key": new.row,
        "secret": new.secret,
        "unikernel_string": new.unikernel_string(),
        "replaces": new.row.replaces,
    }
    return show(request, "panel/zone/key_made.html", context)


def _key(request: HttpRequest, zone: Zone, key_id: int) -> TsigKey:
    """Of this zone, or of its whole repository."""
    seen = access.visible_to(actor_of(request), TsigKey).filter(repository=_repository(zone), pk=key_id)
    key = seen.select_related("repository__organization", "zone__domain").first()
    if key is None or key.zone_id not in (None, zone.pk):
        raise Absent
    return key


@page(methods=("POST",))
def zone_key_rotate(request: HttpRequest, domain: str, key_id: int) -> HttpResponse:
    row, thing = load_zone(request, domain)
    key = _key(request, thing, key_id)
    try:
        new = tsig_keys.rotate_key(actor=actor_of(request), key=key)
    except Conflict as error:
        refuse(request, error)
        return redirect("zone-keys", domain=thing.name)
    return _made(request, row, thing, new)


@page(methods=("POST",))
def zone_key_remove(request: HttpRequest, domain: str, key_id: int) -> HttpResponse:
    _, thing = load_zone(request, domain)
    try:
        tsig_keys.remove_key(actor=actor_of(request), key=_key(request, thing, key_id))
        tell(request, "The key is being removed. Whoever uses it is refused from then on.")
    except Conflict as error:
        refuse(request, error)
    return redirect("zone-keys", domain=thing.name)


class SecondaryForm(forms.Form):
    host = Typed(
        label="Its name", widget=plain_input(maxlength="253", autocomplete="off", placeholder="ns6.gandi.net")
    )
    address = Typed(
        label="Its address",
        widget=plain_input(maxlength="45", autocomplete="off", placeholder="217.70.177.40"),
    )
    transfer = forms.ChoiceField(
        label="How it copies the zone",
        choices=[
            (SecondaryServer.Transfer.KEY, "With a key that Rookery makes now"),
            (SecondaryServer.Transfer.OPEN, "Without a key: the primary runs with --axfr"),
        ],
        initial=SecondaryServer.Transfer.KEY,
        widget=forms.RadioSelect,
    )


@page(methods=("GET", "HEAD", "POST"))
def zone_servers(request: HttpRequest, domain: str) -> HttpResponse:
    """Name servers that copy the zone; a POST adds one, and shows its key if it has one."""
    row, thing = load_zone(request, domain)
    actor = actor_of(request)
    form = SecondaryForm(request.POST if request.method == "POST" else None)
    tried: Tried[tuple[SecondaryServer, NewKey | None]] | None = None
    if request.method == "POST":
        access.require(actor, Verb.CHANGE, thing)
        tried = try_form(
            form, lambda: secondaries.add_secondary(actor=actor, zone=thing, **form.cleaned_data)
        )
        if tried.value is not None:
            server, new = tried.value
            if new is not None:
                return _made(request, row, thing, new)
            tell(request, f"{server.host} is on its way into the zone.")
            return redirect("zone-servers", domain=thing.name)
    context = {
        **domain_context(request, row, "zone"),
        "crumbs": zone_crumbs(thing.name, "Name servers"),
        "zone": thing,
        "form": form,
        "primary": _repository(thing).primary,
        "answers": answer_lines(thing, timezone.now()),
        "may_check": shows(request, Verb.CREATE, Kind.RUN, row.domain.organization_id),
        "servers": [
            {"row": server, "by_hand": secondary_by_hand(thing, server)}
            for server in thing.secondaries.select_related("key").order_by("host")
        ],
        "may_change_zone": shows(request, Verb.CHANGE, Kind.ZONE, row.domain.organization_id),
    }
    return show(request, "panel/zone/servers.html", context, tried)


@page(methods=("POST",))
def zone_server_remove(request: HttpRequest, domain: str, server_id: int) -> HttpResponse:
    _, thing = load_zone(request, domain)
    server = thing.secondaries.filter(pk=server_id).first()
    if server is None:
        raise Absent
    try:
        secondaries.remove_secondary(actor=actor_of(request), server=server)
        tell(request, f"{server.host} is taken out of the zone.")
    except Conflict as error:
        refuse(request, error)
    return redirect("zone-servers", domain=thing.name)
