"""Invitations of a domain: made, shown once, listed, withdrawn."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from panel.web import sentences, times
from panel.web.activity import cut
from panel.web.crumbs import below_domain
from panel.web.domains import domain_context, get_domain
from panel.web.fields import Tried, Typed, email_input, plain_input, show, try_form
from panel.web.frame import shows
from panel.web.handling import actor_of, page, refuse, tell
from panel.web.standing import DomainRow
from tenants import access
from tenants.actions import invitations as actions
from tenants.errors import Conflict
from tenants.models import Domain, Invitation

Kind, Verb = access.Kind, access.Verb


class InvitationForm(forms.Form):
    note = Typed(
        label="Whom it is for",
        required=False,
        mark_optional=True,
        widget=forms.TextInput({"maxlength": "200", "autocomplete": "off"}),
        help_text="For your team only.",
    )
    email = Typed(
        label="Mail the link to",
        required=False,
        mark_optional=True,
        widget=email_input(maxlength="254", autocomplete="off"),
        help_text="Empty: you hand it out yourself.",
    )
    local_part = Typed(
        label="The address",
        required=False,
        mark_optional=True,
        widget=plain_input(maxlength="64", autocomplete="off"),
        help_text="Empty: they choose one.",
    )
    approved = forms.BooleanField(
        label="I say yes beforehand",
        required=False,
        help_text="The address is made as soon as they have confirmed where its mail goes.",
    )
    uses = forms.IntegerField(
        label="How many people may use it", min_value=1, max_value=actions.MOST_USES, initial=1
    )
    days = forms.IntegerField(
        label="How many days it works", min_value=1, max_value=actions.MOST_DAYS, initial=14
    )

    def __init__(self, data: Any, domain: Domain) -> None:
        super().__init__(data)
        self.fields["local_part"].suffix = f"@{domain.name}"  # type: ignore[attr-defined]


@page(methods=("GET", "HEAD", "POST"))
def invitations(request: HttpRequest, domain: str) -> HttpResponse:
    """The list; a POST makes one and shows its link on the answer, the only page that ever has it."""
    row = get_domain(request, domain)
    thing, actor = row.domain, actor_of(request)
    form = InvitationForm(request.POST if request.method == "POST" else None, thing)
    tried: Tried[actions.Invited] | None = None
    if request.method == "POST":
        access.require_create(actor, Kind.INVITATION, thing)
        tried = try_form(
            form, lambda: actions.make_invitation(actor=actor, domain=thing, **form.cleaned_data)
        )
        if tried.value is not None:
            made = {"made": tried.value.invitation, "link": tried.value.url}
            return show(request, "panel/request/invited.html", {**_context(request, row), **made})
    now = timezone.now()
    seen = access.visible_to(actor, Invitation).filter(domain=thing).select_related("made_by", "domain")
    found = cut(seen, request.GET, reverse("domain-invitations", kwargs={"domain": thing.name}))
    usable = actions.usable_invitations().filter(domain=thing).count()
    context = {
        **_context(request, row),
        "headline": headline(thing.name, usable),
        "lines": [_line(each, now) for each in found.rows],
        "pages": found.pages,
        "may_invite": shows(request, Verb.CREATE, Kind.INVITATION, thing.organization_id),
        "form": form,
    }
    return show(request, "panel/request/invitations.html", context, tried)


def _context(request: HttpRequest, row: DomainRow) -> dict[str, Any]:
    crumbs = below_domain(row.domain.name, "Invitations", ("Requests", "domain-requests"))
    return {**domain_context(request, row, "domain-requests"), "crumbs": crumbs}


def headline(domain: str, usable: int) -> str:
    if not usable:
        return f"No invitation to {domain} is open."
    return f"{sentences.amount(usable, 'invitation', 'invitations')} to {domain} can be used."


def _line(row: Invitation, now: datetime) -> dict[str, Any]:
    what = f"{row.local_part}@{row.domain.name}" if row.local_part else "an address of their choice"
    state = invitation_state(row, now)
    return {
        "pk": row.pk,
        "title": str(row),
        "what": what,
        "approved": row.approved,
        "uses": f"{row.uses - row.uses_left} of {sentences.amount(row.uses, 'use', 'uses')}",
        "by": str(row.made_by) if row.made_by else "",
        "mailed": row.recipient,
        "made": times.moment(row.created_at, now),
        "until": times.moment(row.expires_at, now),
        "state": state,
        "is_open": state == OPEN,
    }


OPEN = sentences.State("ok", "Open")


def invitation_state(row: Invitation, now: datetime) -> sentences.State:
    if row.withdrawn_at is not None:
        return sentences.State("off", "Withdrawn")
    if not row.uses_left:
        return sentences.State("off", "Used up")
    return OPEN if row.expires_at > now else sentences.State("off", "Expired")


@page(methods=("POST",))
def invitation_withdraw(request: HttpRequest, domain: str, invitation_id: int) -> HttpResponse:
    actor = actor_of(request)
    row = access.get(actor, Invitation, pk=invitation_id, domain__name=domain)
    try:
        actions.withdraw_invitation(actor=actor, invitation=row)
        tell(request, "The invitation was withdrawn: its link opens nothing any more.")
    except Conflict as error:
        refuse(request, error)
    return redirect("domain-invitations", domain=row.domain.name)
