"""Suspending an organization and lifting it, by operators."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from panel.web.fields import try_form
from panel.web.handling import actor_of, page, tell
from panel.web.organizations import SuspensionForm, show_organization
from tenants import access
from tenants.actions import suspension as actions
from tenants.models import Organization


@page(methods=("POST",))
def organization_suspend(request: HttpRequest, organization_id: int) -> HttpResponse:
    actor = actor_of(request)
    thing = access.get(actor, Organization, pk=organization_id)
    form = SuspensionForm(request.POST)
    tried = try_form(
        form, lambda: actions.suspend_organization(actor=actor, organization=thing, **form.cleaned_data)
    )
    if not tried.ok:
        return show_organization(request, thing, suspension_form=form, tried=tried)
    tell(request, f"{thing.name} is suspended. Its mail goes on; its people change nothing.")
    return redirect("organization", organization_id=thing.pk)


@page(methods=("POST",))
def organization_lift(request: HttpRequest, organization_id: int) -> HttpResponse:
    actor = actor_of(request)
    thing = access.get(actor, Organization, pk=organization_id)
    actions.lift_suspension(actor=actor, organization=thing)
    tell(request, f"{thing.name} is not suspended any more.")
    return redirect("organization", organization_id=thing.pk)
