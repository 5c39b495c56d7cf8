"""A person's own page: their addresses, their requests, how they sign in."""

from __future__ import annotations

from dataclasses import dataclass

from django import forms
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from panel.web.address_state import AddressStanding
from panel.web.fields import Secret, Tried, show, try_form
from panel.web.handling import actor_of, page, tell
from panel.web.standing import address_standings, with_standing
from tenants import access
from tenants.actions import accounts
from tenants.errors import Absent
from tenants.models import Account, AddressRequest, Mailbox

# Of finished requests only the latest are told; addresses tell the rest.
SHOWN_REQUESTS = 10


class PanelPasswordForm(forms.Form):
    password = Secret(
        label="A panel password",
        widget=forms.PasswordInput({"autocomplete": "new-password", "maxlength": "1000"}),
        help_text=(
            "At least 12 characters. It opens this panel only: choose another one than the passphrase of"
            " your address."
        ),
    )


@dataclass(frozen=True)
class OwnAddress:
    mailbox: Mailbox
    standing: AddressStanding


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
def account_password(request: HttpRequest) -> HttpResponse:
    form = PanelPasswordForm(request.POST)
    actor = actor_of(request)
    tried = try_form(
        form, lambda: accounts.set_panel_password(actor=actor, password=form.cleaned_data["password"])
    )
    if not tried.ok:
        return _account_page(request, form, tried)
    update_session_auth_hash(request, person(request))
    tell(request, "Your panel password is set. Your other sessions were signed out.")
    return redirect("account")


def _account_page(
    request: HttpRequest, form: PanelPasswordForm, tried: Tried[None] | None = None
) -> HttpResponse:
    me, actor = person(request), actor_of(request)
    mine = access.visible_to(actor, Mailbox).filter(holder=me, trashed_at=None)
    mailboxes = with_standing(mine).order_by("domain__name", "local_part")
    asked = AddressRequest.objects.filter(account=me, mailbox=None).select_related("domain__organization")
    context = {
        "me": me,
        "addresses": [OwnAddress(row, standing) for row, standing in address_standings(mailboxes)],
        "asked": asked.exclude(status=AddressRequest.Status.APPROVED).order_by("-pk")[:SHOWN_REQUESTS],
        "password_form": form,
        "has_password": me.has_usable_password(),
        "tokens": me.tokens.count(),
    }
    return show(request, "account/account.html", context, tried)
