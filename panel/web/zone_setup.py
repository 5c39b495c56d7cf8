"""The way to a zone: the repository that holds it, the primary that serves it, and beginning it."""

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
from panel.web.findings import decide
from panel.web.fragments import run_url
from panel.web.frame import shows
from panel.web.handling import actor_of, page, tell
from panel.web.repositories import (
    DriftForm,
    authorized_line,
    condition_lines,
    key_context,
    look_now,
    run_line,
    sandbox_told,
    save_drift_mode,
)
from panel.web.standing import DomainRow
from panel.web.zones import find_zone
from tenants import access
from tenants.actions import repositories, zone_repositories, zones
from tenants.errors import Absent, Conflict
from tenants.models import Finding, PrimaryServer, Repository, Run, SyncTarget, Zone
from tenants.relay_states import conditions_of, is_stopped
from tenants.same_by_hand.places import repository_by_hand

Kind, Verb = access.Kind, access.Verb


def zone_repositories_of(request: HttpRequest, row: DomainRow) -> list[Repository]:
    seen = access.visible_to(actor_of(request), Repository).filter(
        kind=Repository.Kind.ZONE, organization=row.domain.organization_id
    )
    return list(seen.select_related("primary", "sync_target", "organization").order_by("pk"))


def start_page(request: HttpRequest, row: DomainRow) -> HttpResponse:
    """A domain without a zone: the one next thing to do."""
    from panel.web.update_servers import update_servers_of  # noqa: PLC0415 - it needs panel.web.zones

    known, servers = zone_repositories_of(request, row), update_servers_of(request, row)
    at = {"domain": row.domain.name}
    organization_id = row.domain.organization_id
    context = {
        **domain_context(request, row, "zone"),
        "repositories": [
            {
                "name": each.short_name,
                "where": str(each),
                "primary": str(each.primary),
                "url": reverse("zone-repository", kwargs={**at, "repository_id": each.pk}),
                "found": _found_there(each, row),
                "take_url": reverse("zone-repository-take", kwargs={**at, "repository_id": each.pk}),
                "ready": bool(each.host_key) and not is_stopped(each.sync_target),
            }
            for each in known
        ],
        "servers": [
            {
                "id": each.pk,
                "name": str(each),
                "where": each.where,
                "url": reverse("update-server", kwargs={**at, "name_server_id": each.pk}),
                "ready": not is_stopped(each.sync_target),
            }
            for each in servers
        ],
        "may_connect_server": shows(request, Verb.CREATE, Kind.NAME_SERVER, organization_id),
        "may_connect": shows(request, Verb.CREATE, Kind.REPOSITORY, organization_id),
        "may_begin": shows(request, Verb.CREATE, Kind.ZONE, organization_id),
        "may_decide": shows(request, Verb.DECIDE, Kind.SYNC_TARGET, organization_id),
    }
    return render(request, "panel/zone/start.html", context)


def _found_there(repository: Repository, row: DomainRow) -> Finding | None:
    """A zone of this domain that stands in the repository, and that nobody here described."""
    return repository.sync_target.findings.filter(kind="foreign", unit=row.domain.name).first()


class ZoneRepositoryForm(forms.Form):
    host = Typed(label="Git host", widget=plain_input(maxlength="253", autocomplete="off"))
    port = forms.IntegerField(label="Port of git over SSH", initial=22)
    username = Typed(
        label="Account there", initial="git", widget=plain_input(maxlength="64", autocomplete="off")
    )
    path = Typed(label="Path", initial="zone.git", widget=plain_input(maxlength="400", autocomplete="off"))
    branch = Typed(
        label="Branch",
        initial="main",
        widget=plain_input(maxlength="200", autocomplete="off"),
        help_text="The one that the primary reads: what follows the # of its --remote, else main.",
    )
    address = Typed(
        label="Address of the primary",
        widget=plain_input(maxlength="45", autocomplete="off", placeholder="192.0.2.53"),
        help_text="The name server that reads this repository (primary-git).",
    )
    primary_port = forms.IntegerField(label="Its port", initial=53)
    grammar = forms.ChoiceField(
        label="Which image it is",
        choices=[
            (PrimaryServer.Grammar.NEW, "From 2024 or newer"),
            (PrimaryServer.Grammar.OLD, "From 2022 or 2023: it understands less, and Rookery writes less"),
        ],
        initial=PrimaryServer.Grammar.NEW,
        widget=forms.RadioSelect,
    )
    root_key = Secret(
        label="A key of it for all zones",
        required=False,
        mark_optional=True,
        widget=forms.PasswordInput({"autocomplete": "off"}),
        help_text=(
            "As name:SHA256:secret, from the file _keys. Without one, Rookery makes one and writes it there,"
            " and the primary has to be restarted once to read it."
        ),
    )


@page(methods=("GET", "HEAD", "POST"))
def zone_repository_new(request: HttpRequest, domain: str) -> HttpResponse:
    row = get_domain(request, domain)
    actor, organization = actor_of(request), row.domain.organization
    access.require_create(actor, Kind.REPOSITORY, organization)
    hint = _sandbox_hint()
    form = ZoneRepositoryForm(request.POST if request.method == "POST" else None, initial=hint)
    tried: Tried[Repository] | None = None
    if request.method == "POST":
        typed: dict[str, Any] = {}

        def act() -> Repository:
            typed.update(form.cleaned_data)
            if hint is not None and not typed["root_key"]:
                typed["root_key"] = hint["root_key"]
            reload = Repository.Reload.SANDBOX if hint is not None else Repository.Reload.HAND
            return zone_repositories.connect_zone_repository(
                actor=actor, organization=organization, reload=reload, **typed
            )

        tried = try_form(form, act)
        if tried.value is not None:
            tell(request, "The repository is known. Next: let our key in, and compare the host's key.")
            return redirect("zone-repository", domain=row.domain.name, repository_id=tried.value.pk)
    context = {
        **domain_context(request, row, "zone"),
        "crumbs": zone_crumbs(row.domain.name, "Connect a repository"),
        "form": form,
        "hint": hint,
    }
    return show(request, "panel/zone/repository_new.html", context, tried)


def _sandbox_hint() -> dict[str, Any] | None:
    """Where the sandbox's git host and primary are, for the form; None outside a sandbox."""
    told = sandbox_told()
    primary = told.get("primary") if told is not None else None
    if told is None or primary is None:
        return None
    return {
        "host": told["host"],
        "port": told["port"],
        "path": primary["path"],
        "branch": primary["branch"],
        "address": primary["address"],
        "primary_port": primary["port"],
        "root_key": primary["root_key"],
        "host_key": told["host_key"],
    }


def _load(request: HttpRequest, domain: str, repository_id: int) -> tuple[DomainRow, Repository]:
    row = get_domain(request, domain)
    for each in zone_repositories_of(request, row):
        if each.pk == repository_id:
            return row, each
    raise Absent


@page()
def zone_repository(request: HttpRequest, domain: str, repository_id: int) -> HttpResponse:
    row, thing = _load(request, domain, repository_id)
    return _show(request, row, thing)


def _show(
    request: HttpRequest, row: DomainRow, thing: Repository, *, status: int = 200, key_problem: str = ""
) -> HttpResponse:
    now, target = timezone.now(), thing.sync_target
    conditions = conditions_of(target)
    organization_id = thing.organization_id
    at = {"domain": row.domain.name, "repository_id": thing.pk}
    runs = list(access.visible_to(actor_of(request), Run).filter(target=target).order_by("-pk")[:5])
    stopped = is_stopped(target)
    synced = conditions.get("Synced")
    context = {
        **domain_context(request, row, "zone"),
        "crumbs": zone_crumbs(row.domain.name, thing.short_name),
        "repository": thing,
        "primary": thing.primary,
        "target": target,
        "headline": _headline(thing, stopped=stopped),
        "stop_title": sentences.stop_title(target.stop_code),
        "stop_sentence": synced.message if stopped and synced is not None else "",
        "stopped_url": run_url(runs[0].pk) if stopped and runs else "",
        "looked": times.moment(target.checked_at, now, relative=True),
        "authorized_line": authorized_line(thing),
        "by_hand": repository_by_hand(thing),
        "key": key_context(thing),
        "key_problem": key_problem,
        "pin_url": reverse("zone-repository-pin", kwargs=at),
        "look_url": reverse("zone-repository-look", kwargs=at),
        "drift_url": reverse("zone-repository-drift", kwargs=at),
        "take_url": reverse("zone-repository-take", kwargs=at),
        "conditions": condition_lines(conditions, now),
        "foreign": target.findings.filter(kind="foreign").order_by("-takeable", "unit")[:100],
        "takeable": target.findings.filter(kind="foreign", takeable=True, decision="").count(),
        "may_decide": shows(request, Verb.DECIDE, Kind.SYNC_TARGET, organization_id),
        "zones": names_of(target),
        "drift_form": DriftForm(initial={"mode": target.drift_mode}),
        "runs": [run_line(run, now) for run in runs],
        "may_look": shows(request, Verb.CREATE, Kind.RUN, organization_id),
        "may_pin": shows(request, Verb.CHANGE, Kind.REPOSITORY, organization_id),
        "may_choose": shows(request, Verb.CHANGE, Kind.SYNC_TARGET, organization_id),
        "may_begin": find_zone(request, row) is None
        and shows(request, Verb.CREATE, Kind.ZONE, organization_id),
        "is_moving": not thing.host_key or stopped or target.observed_generation < target.generation,
    }
    template = "repository_now" if request.headers.get("HX-Request") == "true" else "repository"
    return render(request, f"panel/zone/{template}.html", context, status=status)


def names_of(target: SyncTarget) -> list[str]:
    """The zones that Rookery keeps there, some of many."""
    rows = Zone.objects.filter(target=target, standing__in=Zone.KEPT).order_by("domain__name")
    return list(rows.values_list("domain__name", flat=True)[:200])


def _headline(thing: Repository, *, stopped: bool) -> str:
    target = thing.sync_target
    if not thing.host_key:
        return f"{thing.short_name} waits until you have compared the host's key."
    if stopped:
        return f"{thing.short_name} is stopped and needs you."
    if target.observed_generation < target.generation:
        return f"The last change of {thing.short_name} is on its way."
    return f"{thing.short_name} is served as it was asked for."


@page(methods=("POST",))
def zone_repository_pin(request: HttpRequest, domain: str, repository_id: int) -> HttpResponse:
    """Trust the host key whose fingerprint was shown; a changed one only with the host's name typed."""
    row, thing = _load(request, domain, repository_id)
    typed = request.POST.get("host_name", "").strip().lower()
    if thing.host_key and typed != thing.host.lower():
        access.require(actor_of(request), Verb.CHANGE, thing)
        problem = f"Type {thing.host} to say that you compared the new key."
        return _show(request, row, thing, status=400, key_problem=problem)
    seen = request.POST.get("fingerprint", "")[:100]
    try:
        repositories.confirm_host_key(actor=actor_of(request), repository=thing, fingerprint_seen=seen)
    except Conflict as error:
        thing.refresh_from_db()
        return _show(request, row, thing, status=409, key_problem=error.sentence)
    tell(request, f"The key of {thing.host} is pinned. Rookery goes on by itself.")
    return redirect("zone-repository", domain=row.domain.name, repository_id=thing.pk)


@page(methods=("POST",))
def zone_repository_look(request: HttpRequest, domain: str, repository_id: int) -> HttpResponse:
    row, thing = _load(request, domain, repository_id)
    look_now(request, thing.sync_target)
    return redirect("zone-repository", domain=row.domain.name, repository_id=thing.pk)


@page(methods=("POST",))
def zone_repository_drift(request: HttpRequest, domain: str, repository_id: int) -> HttpResponse:
    row, thing = _load(request, domain, repository_id)
    save_drift_mode(request, thing.sync_target)
    if request.POST.get("back") == "settings":
        return redirect("zone-settings", domain=row.domain.name)
    return redirect("zone-repository", domain=row.domain.name, repository_id=thing.pk)


@page(methods=("POST",))
def zone_repository_take(request: HttpRequest, domain: str, repository_id: int) -> HttpResponse:
    """Take over zones that stand in it and that nobody here described."""
    row, thing = _load(request, domain, repository_id)
    decide(request, thing.sync_target)
    return redirect("zone-repository", domain=row.domain.name, repository_id=thing.pk)


class ZoneForm(forms.Form):
    repository = forms.ModelChoiceField(queryset=Repository.objects.none(), label="Repository")
    first_server = Typed(
        label="Name of the name server",
        required=False,
        mark_optional=True,
        widget=plain_input(maxlength="253", autocomplete="off"),
        help_text="What the registrar is told. Within the domain, its address becomes a record too.",
    )
    address = Typed(
        label="Its public address",
        required=False,
        mark_optional=True,
        widget=plain_input(maxlength="45", autocomplete="off"),
        help_text="Where the world reaches the primary.",
    )
    contact = Typed(
        label="Who is asked about the zone",
        required=False,
        mark_optional=True,
        widget=plain_input(maxlength="254", autocomplete="off"),
        help_text="A mail address without a dot before the @.",
    )


@page(methods=("GET", "HEAD", "POST"))
def zone_new(request: HttpRequest, domain: str) -> HttpResponse:
    row = get_domain(request, domain)
    thing, actor = row.domain, actor_of(request)
    access.require_create(actor, Kind.ZONE, thing.organization)
    known = zone_repositories_of(request, row)
    if not known or find_zone(request, row) is not None:
        return redirect("zone", domain=thing.name)
    form = ZoneForm(request.POST if request.method == "POST" else None, initial={"repository": known[0]})
    seen = access.visible_to(actor, Repository).filter(pk__in=[each.pk for each in known])
    field = form.fields["repository"]
    field.queryset = seen.select_related("primary", "sync_target")  # type: ignore[attr-defined]
    if len(known) == 1:
        field.widget = forms.HiddenInput()
    form.fields["first_server"].widget.attrs["placeholder"] = f"ns1.{thing.name}"
    form.fields["address"].widget.attrs["placeholder"] = known[0].primary.address
    form.fields["contact"].widget.attrs["placeholder"] = f"hostmaster@{thing.name}"
    tried: Tried[Zone] | None = None
    if request.method == "POST":
        tried = try_form(form, lambda: zones.create_zone(actor=actor, domain=thing, **form.cleaned_data))
        if tried.ok:
            tell(request, "The zone is begun. Next: show that the domain is yours.")
            return redirect("zone", domain=thing.name)
    context = {
        **domain_context(request, row, "zone"),
        "crumbs": zone_crumbs(thing.name, "Begin the zone"),
        "form": form,
    }
    return show(request, "panel/zone/new.html", context, tried)
