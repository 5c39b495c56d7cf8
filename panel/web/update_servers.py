"""Name servers that take dynamic updates: connecting one, its page, its key, and zones kept there."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from panel.web import sentences, times
from panel.web.crumbs import zone_crumbs
from panel.web.domains import domain_context, get_domain
from panel.web.fields import Secret, Tried, Typed, plain_input, show, try_form
from panel.web.fragments import run_url
from panel.web.frame import shows
from panel.web.handling import actor_of, page, refuse, tell
from panel.web.repositories import (
    DriftForm,
    condition_lines,
    look_now,
    run_line,
    save_drift_mode,
)
from panel.web.standing import DomainRow
from panel.web.zone_setup import names_of
from panel.web.zones import find_zone
from tenants import access
from tenants.actions import update_servers, zones
from tenants.errors import Absent, Conflict, Invalid
from tenants.models import Run, UpdateServer
from tenants.relay_states import conditions_of, is_stopped
from tenants.same_by_hand.places import update_server_by_hand

Kind, Verb = access.Kind, access.Verb


def update_servers_of(request: HttpRequest, row: DomainRow) -> list[UpdateServer]:
    """Those of the domain's organization that this person may see."""
    seen = access.visible_to(actor_of(request), UpdateServer).filter(organization=row.domain.organization_id)
    return list(seen.select_related("sync_target", "organization").order_by("pk"))


def load_update_server(
    request: HttpRequest, domain: str, name_server_id: int
) -> tuple[DomainRow, UpdateServer]:
    row = get_domain(request, domain)
    for each in update_servers_of(request, row):
        if each.pk == name_server_id:
            return row, each
    raise Absent


class PlaceForm(forms.Form):
    name = Typed(
        label="What you call it",
        widget=plain_input(maxlength="63", autocomplete="off", placeholder="ns1"),
    )
    address = Typed(
        label="Its address",
        widget=plain_input(maxlength="45", autocomplete="off", placeholder="192.0.2.53"),
        help_text="Of the primary itself: a secondary only copies the zone.",
    )
    port = forms.IntegerField(label="Its port", initial=53)


def _key_field() -> Secret:
    return Secret(
        label="A key of it",
        widget=forms.PasswordInput({"autocomplete": "off"}),
        help_text=(
            "As name:SHA256:secret, or as nsupdate -y takes it. The server has to let it change and transfer"
            " your zones."
        ),
    )


class UpdateServerForm(PlaceForm):
    key = _key_field()


class UpdateKeyForm(forms.Form):
    key = _key_field()


@page(methods=("GET", "HEAD", "POST"))
def update_server_new(request: HttpRequest, domain: str) -> HttpResponse:
    row = get_domain(request, domain)
    actor, organization = actor_of(request), row.domain.organization
    access.require_create(actor, Kind.NAME_SERVER, organization)
    form = UpdateServerForm(request.POST if request.method == "POST" else None)
    tried: Tried[UpdateServer] | None = None
    if request.method == "POST":
        tried = try_form(
            form,
            lambda: update_servers.connect_update_server(
                actor=actor, organization=organization, **form.cleaned_data
            ),
        )
        if tried.value is not None:
            tell(request, "The name server is known. Nothing was sent there yet.")
            return redirect("update-server", domain=row.domain.name, name_server_id=tried.value.pk)
    context = {
        **domain_context(request, row, "zone"),
        "crumbs": zone_crumbs(row.domain.name, "Connect a name server"),
        "form": form,
    }
    return show(request, "panel/zone/update_server_new.html", context, tried)


@page(methods=("GET", "HEAD", "POST"))
def update_server(request: HttpRequest, domain: str, name_server_id: int) -> HttpResponse:
    """How it stands; a POST corrects where it is."""
    row, thing = load_update_server(request, domain, name_server_id)
    initial = {"name": thing.name, "address": thing.address, "port": thing.port}
    form = PlaceForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method != "POST":
        return _show(request, row, thing, form, UpdateKeyForm(), None)
    actor = actor_of(request)
    access.require(actor, Verb.CHANGE, thing)
    tried = try_form(
        form, lambda: update_servers.change_update_server(actor=actor, server=thing, **form.cleaned_data)
    )
    if tried.ok:
        tell(request, "Saved. A worker looks there now.")
        return redirect("update-server", domain=row.domain.name, name_server_id=thing.pk)
    thing.refresh_from_db()
    return _show(request, row, thing, form, UpdateKeyForm(), tried)


@page(methods=("POST",))
def update_server_key(request: HttpRequest, domain: str, name_server_id: int) -> HttpResponse:
    """Give it another key; the answer to a bad one is its page with what is wrong."""
    row, thing = load_update_server(request, domain, name_server_id)
    actor = actor_of(request)
    access.require(actor, Verb.CHANGE, thing)
    form = UpdateKeyForm(request.POST)
    tried = try_form(
        form, lambda: update_servers.change_update_key(actor=actor, server=thing, **form.cleaned_data)
    )
    if tried.ok:
        tell(request, "The key is used from now on. When it was proved, take the former one away there.")
        return redirect("update-server", domain=row.domain.name, name_server_id=thing.pk)
    initial = {"name": thing.name, "address": thing.address, "port": thing.port}
    return _show(request, row, thing, PlaceForm(initial=initial), form, tried)


def _show(
    request: HttpRequest,
    row: DomainRow,
    thing: UpdateServer,
    form: PlaceForm,
    key_form: UpdateKeyForm,
    tried: Tried[Any] | None,
) -> HttpResponse:
    now, target = timezone.now(), thing.sync_target
    conditions = conditions_of(target)
    organization_id = thing.organization_id
    at = {"domain": row.domain.name, "name_server_id": thing.pk}
    runs = list(access.visible_to(actor_of(request), Run).filter(target=target).order_by("-pk")[:5])
    stopped = is_stopped(target)
    synced = conditions.get("Synced")
    waits = target.observed_generation < target.generation
    context = {
        **domain_context(request, row, "zone"),
        "crumbs": zone_crumbs(row.domain.name, str(thing)),
        "server": thing,
        "headline": _headline(thing, stopped=stopped, waits=waits),
        "stop_title": sentences.stop_title(target.stop_code),
        "stop_sentence": synced.message if stopped and synced is not None else "",
        "stopped_url": run_url(runs[0].pk) if stopped and runs else "",
        "looked": times.moment(target.checked_at, now, relative=True),
        "key_since": times.moment(thing.key_since, now),
        "conditions": condition_lines(conditions, now),
        "refusals": target.findings.filter(kind="unsafe")[:50],
        "zones": names_of(target),
        "form": form,
        "key_form": key_form,
        "by_hand": update_server_by_hand(thing),
        "drift_form": DriftForm(initial={"mode": target.drift_mode}),
        "runs": [run_line(run, now) for run in runs],
        "look_url": reverse("update-server-look", kwargs=at),
        "key_url": reverse("update-server-key", kwargs=at),
        "drift_url": reverse("update-server-drift", kwargs=at),
        "begin_url": reverse("update-server-begin", kwargs=at),
        "may_look": shows(request, Verb.CREATE, Kind.RUN, organization_id),
        "disconnect_url": reverse("update-server-disconnect", kwargs=at),
        "may_disconnect": shows(request, Verb.DELETE, Kind.NAME_SERVER, organization_id),
        "may_change_server": shows(request, Verb.CHANGE, Kind.NAME_SERVER, organization_id),
        "may_choose": shows(request, Verb.CHANGE, Kind.SYNC_TARGET, organization_id),
        "may_begin": find_zone(request, row) is None
        and shows(request, Verb.CREATE, Kind.ZONE, organization_id),
        "is_moving": stopped or waits,
    }
    if request.headers.get("HX-Request") == "true":
        return render(request, "panel/zone/update_server_now.html", context)
    return show(request, "panel/zone/update_server.html", context, tried)


def _headline(thing: UpdateServer, *, stopped: bool, waits: bool) -> str:
    if stopped:
        return f"{thing} is stopped and needs you."
    if waits:
        return f"The last change at {thing} is on its way."
    return f"{thing} serves what was asked for."


@page(methods=("POST",))
def update_server_begin(request: HttpRequest, domain: str, name_server_id: int) -> HttpResponse:
    """Keep the domain's zone there."""
    row, thing = load_update_server(request, domain, name_server_id)
    try:
        zones.create_zone(actor=actor_of(request), domain=row.domain, server=thing)
        tell(request, "The zone is kept there. Next: show that the domain is yours.")
    except (Conflict, Invalid) as error:
        refuse(request, error)
    return redirect("zone", domain=row.domain.name)


@page(methods=("POST",))
def update_server_look(request: HttpRequest, domain: str, name_server_id: int) -> HttpResponse:
    row, thing = load_update_server(request, domain, name_server_id)
    look_now(request, thing.sync_target)
    return redirect("update-server", domain=row.domain.name, name_server_id=thing.pk)


@page(methods=("POST",))
def update_server_drift(request: HttpRequest, domain: str, name_server_id: int) -> HttpResponse:
    row, thing = load_update_server(request, domain, name_server_id)
    save_drift_mode(request, thing.sync_target)
    if request.POST.get("back") == "settings":
        return redirect("zone-settings", domain=row.domain.name)
    return redirect("update-server", domain=row.domain.name, name_server_id=thing.pk)
