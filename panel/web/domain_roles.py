"""Who has a part in one domain: given, listed and taken back on its settings."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from panel.web import sentences
from panel.web.crumbs import settings_crumbs
from panel.web.domains import domain_context, get_domain
from panel.web.fields import Tried, Typed, email_input, show, try_form
from panel.web.frame import shows
from panel.web.fresh import fresh_sign_in
from panel.web.handling import actor_of, page, tell
from tenants import access
from tenants.actions import domain_roles as actions
from tenants.models import DomainRole

Kind, Verb, Role = access.Kind, access.Verb, DomainRole.Role


class DomainRoleForm(forms.Form):
    email = Typed(
        label="E-mail address",
        widget=email_input(autocomplete="off", maxlength="254"),
        help_text="They sign in with a link that is sent there.",
    )
    role = forms.ChoiceField(
        label="What they may do here",
        choices=[
            (Role.DECIDER, "Decide who gets an address"),
            (Role.POSTMASTER, "Make, change and delete addresses"),
            (Role.ZONE_KEEPER, "Change DNS records"),
            (Role.OBSERVER, "Look at everything, change nothing"),
        ],
    )


@page(methods=("GET", "HEAD", "POST"))
@fresh_sign_in()
def domain_roles(request: HttpRequest, domain: str) -> HttpResponse:
    row = get_domain(request, domain)
    thing, actor = row.domain, actor_of(request)
    access.require_view_of(actor, Kind.DOMAIN_ROLE, thing)
    form = DomainRoleForm(request.POST if request.method == "POST" else None)
    tried: Tried[DomainRole] | None = None
    if request.method == "POST":
        access.require_create(actor, Kind.DOMAIN_ROLE, thing)
        tried = try_form(
            form, lambda: actions.give_domain_role(actor=actor, domain=thing, **form.cleaned_data)
        )
        if tried.value is not None:
            made = tried.value
            tell(request, f"{made.account.email} {made.get_role_display()} of {thing.name} now.")
            return redirect("domain-roles", domain=thing.name)
    rows = access.visible_to(actor, DomainRole).filter(domain=thing).select_related("account")
    found = list(rows.order_by("account__email", "role")[: actions.MOST_ROLES])
    people = len({each.account_id for each in found})
    context: dict[str, Any] = {
        **domain_context(request, row, "domain-settings"),
        "crumbs": settings_crumbs(thing.name, "People"),
        "roles": found,
        "headline": headline(thing.name, people),
        "may_give": shows(request, Verb.CREATE, Kind.DOMAIN_ROLE, thing.organization_id),
        "form": form,
    }
    return show(request, "panel/domain/roles.html", context, tried)


def headline(domain: str, people: int) -> str:
    if not people:
        return f"Nobody has a part in {domain} alone."
    return f"{sentences.amount(people, 'person has', 'people have')} a part in {domain} alone."


@page(methods=("POST",))
def domain_role_take(request: HttpRequest, domain: str, role_id: int) -> HttpResponse:
    actor = actor_of(request)
    row = access.get(actor, DomainRole, pk=role_id, domain__name=domain.lower())
    actions.take_domain_role(actor=actor, role=row)
    tell(request, f"{row.account.email} no longer {row.get_role_display()} of {row.domain.name}.")
    return redirect("domain-roles", domain=row.domain.name)
