"""A person's own page: how they sign in, where they belong, what they may take along."""

from __future__ import annotations

from django import forms
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from panel.web.entering import begin_session
from panel.web.fields import Secret, Tried, show, try_form
from panel.web.fresh import fresh_sign_in
from panel.web.handling import actor_of, page, tell
from tenants import access
from tenants.actions import accounts
from tenants.errors import Absent
from tenants.factors import factors_of
from tenants.models import Account, Membership


class PanelPasswordForm(forms.Form):
    password = Secret(
        label="A panel password",
        widget=forms.PasswordInput({"autocomplete": "new-password", "maxlength": "1000"}),
        help_text=(
            "At least 12 characters. It opens this panel only: choose another one than the passphrase of"
            " your address."
        ),
    )


def person(request: HttpRequest) -> Account:
    """The account that is signed in; pages that need one are only shown to those."""
    account = actor_of(request).account
    if account is None:
        raise Absent
    return account


@page()
def account(request: HttpRequest) -> HttpResponse:
    return _account_page(request, PanelPasswordForm())


@page(methods=("POST",))
@fresh_sign_in("password")
def account_password(request: HttpRequest) -> HttpResponse:
    form = PanelPasswordForm(request.POST)
    actor = actor_of(request)
    tried = try_form(
        form, lambda: accounts.set_panel_password(actor=actor, password=form.cleaned_data["password"])
    )
    if not tried.ok:
        return _account_page(request, form, tried)
    update_session_auth_hash(request, person(request))
    begin_session(request, person(request))
    tell(request, "Your panel password is set. Your other sessions were signed out.")
    return redirect("account")


def _account_page(
    request: HttpRequest, form: PanelPasswordForm, tried: Tried[None] | None = None
) -> HttpResponse:
    me, actor = person(request), actor_of(request)
    memberships = access.visible_to(actor, Membership).filter(account=me).select_related("organization")
    context = {
        "me": me,
        "addresses": access.held_mailboxes(actor).count(),
        "memberships": memberships.order_by("organization__name"),
        "password_form": form,
        "has_password": me.has_usable_password(),
        "factors": factors_of(me),
        "tokens": me.tokens.count(),
        "sessions": me.sessions.filter(expire_date__gt=timezone.now()).count(),
    }
    return show(request, "account/account.html", context, tried)
