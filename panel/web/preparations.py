"""Preparing a host: whether it is ready, what would be done with the exact commands, and having it done."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from panel.web import sentences, times
from panel.web.fields import Tried, Typed, plain_input, show, try_form
from panel.web.git_hosts import BADGES
from panel.web.handling import actor_of, page, refuse, tell
from panel.web.hosts import load_share
from panel.web.sandbox_told import is_sandbox_host
from tenants import access
from tenants.actions import preparations
from tenants.errors import Conflict, Invalid
from tenants.host_readiness import readiness
from tenants.models import Host, HostPreparation, HostShare

Verb, Kind, State = access.Verb, access.Kind, HostPreparation.State


class PreparationForm(forms.Form):
    username = Typed(
        label="Account that does it",
        initial="root",
        widget=plain_input(maxlength="64", autocomplete="off"),
        help_text="root, or one that may use sudo without a password. It must let Rookery's key in.",
    )
    key_fingerprint = Typed(
        label="Fingerprint of the packages' key",
        required=False,
        mark_optional=True,
        widget=plain_input(maxlength="100", autocomplete="off"),
        help_text="40 hex digits, from somebody who knows. Without it the key that HTTPS brings is believed.",
    )
    with_git = forms.BooleanField(label="Repositories are kept there too", required=False, initial=True)
    with_firewall = forms.BooleanField(
        label="Rookery may keep rules in its firewall", required=False, initial=True
    )


def _load(request: HttpRequest, share_id: int) -> tuple[HostShare, HostPreparation | None]:
    """For those who run the host; Absent for guests."""
    share = load_share(request, share_id)
    access.require(actor_of(request), Verb.VIEW, share.host)
    rows = access.visible_to(actor_of(request), HostPreparation)
    return share, rows.filter(host=share.host).first()


@page(methods=("GET", "HEAD", "POST"))
def host_prepare(request: HttpRequest, share_id: int) -> HttpResponse:
    """How it stands; a POST asks for a look."""
    share, row = _load(request, share_id)
    if request.method != "POST":
        return _show(request, share, row, PreparationForm(initial=_initial(row)), None)
    actor = actor_of(request)
    access.require_create(actor, Kind.PREPARATION, share.host.organization)
    form = PreparationForm(request.POST)
    tried = try_form(
        form,
        lambda: preparations.look_at_preparation(actor=actor, host=share.host, **form.cleaned_data),
    )
    if tried.ok:
        tell(request, "A worker looks at it now. Nothing is changed.")
        return redirect("host-prepare", share_id=share.pk)
    return _show(request, share, row, form, tried)


def _initial(row: HostPreparation | None) -> dict[str, Any]:
    return {name: getattr(row, name) for name in PreparationForm.base_fields} if row is not None else {}


@page(methods=("POST",))
def host_prepare_do(request: HttpRequest, share_id: int) -> HttpResponse:
    """Have the plan carried out that was on the page."""
    share, _ = _load(request, share_id)
    try:
        plan = request.POST.get("plan", "")[:100]
        preparations.prepare_host(actor=actor_of(request), host=share.host, plan=plan)
        tell(request, "A worker does exactly this now, one step after the other, and looks again afterwards.")
    except (Conflict, Invalid) as error:
        refuse(request, error)
    return redirect("host-prepare", share_id=share.pk)


def _show(
    request: HttpRequest,
    share: HostShare,
    row: HostPreparation | None,
    form: PreparationForm,
    tried: Tried[HostPreparation] | None,
) -> HttpResponse:
    host, is_sandbox = share.host, is_sandbox_host(share.host)
    may_change = access.may_create(actor_of(request), Kind.PREPARATION, host.organization)
    is_there = host.transport == Host.Transport.SSH and bool(host.host_key) and not is_sandbox
    badge, word = BADGES[State(row.state) if row is not None else State.UNKNOWN]
    context = {
        "share": share,
        "host": host,
        "row": row,
        "checks": [{"it": each, "badge": _badge(each.ok)} for each in readiness(share, row)],
        "badge": badge,
        "word": word,
        "looked": times.moment(row.looked_at if row else None, timezone.now(), relative=True),
        "is_moving": row is not None and bool(row.asked),
        "may_do": row is not None and row.state == State.TODO and not row.asked,
        "may_change": may_change,
        "may_look": may_change and is_there,
        "right_words": sentences.amount(len(row.right) if row else 0, "thing is", "things are"),
        "is_sandbox": is_sandbox,
        "has_ssh": host.transport == Host.Transport.SSH,
        "form": form,
        "crumbs": [
            {"label": "Hosts", "url": reverse("hosts")},
            {"label": host.name, "url": reverse("host", kwargs={"share_id": share.pk})},
            {"label": "Prepare"},
        ],
    }
    if request.headers.get("HX-Request") == "true":
        return render(request, "panel/host/prepare_now.html", context)
    return show(request, "panel/host/prepare.html", context, tried)


def _badge(ok: bool | None) -> tuple[str, str]:
    return {True: ("ok", "Right"), False: ("todo", "To do"), None: ("off", "Not seen")}[ok]
