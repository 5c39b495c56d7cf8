"""Taking one's data along, deleting one's account, leaving an organization."""

from __future__ import annotations

import json

from django import forms
from django.contrib.auth import logout
from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from panel.web.account import person
from panel.web.fields import Tried, Typed, email_input, show, try_form
from panel.web.fresh import fresh_sign_in
from panel.web.handling import actor_of, page, refuse, tell
from tenants import access
from tenants.actions import own_account as actions
from tenants.errors import Conflict, Invalid
from tenants.models import Membership, Organization
from tenants.own_export import account_export


class DeleteForm(forms.Form):
    email = Typed(
        label="Type how you sign in to go on",
        widget=email_input(autocomplete="off", maxlength="254"),
    )


@page()
def account_export_file(request: HttpRequest) -> HttpResponse:
    """Everything about the account as one JSON file; no secrets, so that it may lie about."""
    body = json.dumps(account_export(actor_of(request)), cls=DjangoJSONEncoder, indent=2, ensure_ascii=False)
    answer = HttpResponse(body + "\n", content_type="application/json; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="rookery-{timezone.localdate():%Y-%m-%d}.json"'
    return answer


@page(methods=("GET", "HEAD", "POST"))
@fresh_sign_in()
def account_delete(request: HttpRequest) -> HttpResponse:
    """What goes with the account and what keeps it, then the button."""
    me = person(request)
    form = DeleteForm(request.POST or None)
    tried: Tried[str] | None = None
    if request.method == "POST":
        tried = try_form(form, lambda: _delete(request, me.email, form))
        if tried.ok:
            logout(request)
            tell(request, "Your account was deleted. Nothing of it can be used any more.")
            return redirect("sign-in")
    context = {
        "me": me,
        "leaving": actions.what_leaves(me),
        "form": form,
        "crumbs": [{"label": "Your account", "url": reverse("account")}, {"label": "Delete it"}],
    }
    return show(request, "account/delete.html", context, tried)


def _delete(request: HttpRequest, email: str, form: forms.Form) -> str:
    if form.cleaned_data["email"].lower() != email:
        raise Invalid.of("email", "That is not how you sign in.", f"Type {email} to delete your account.")
    return actions.delete_account(actor=actor_of(request))


@page(methods=("POST",))
def organization_leave(request: HttpRequest, organization_id: int) -> HttpResponse:
    me, actor = person(request), actor_of(request)
    organization = access.get(actor, Organization, pk=organization_id)
    membership = access.get(actor, Membership, organization=organization, account=me)
    name = organization.name
    try:
        actions.leave_organization(actor=actor, membership=membership)
        tell(request, f"You left {name}.")
    except (Invalid, Conflict) as error:
        refuse(request, error)
    return redirect("account")
