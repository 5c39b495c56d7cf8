"""One's own second factors: the page that lists them, setting up an authenticator app, recovery codes."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import segno
from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.safestring import SafeString, mark_safe

from panel.web.account import person
from panel.web.entering import begin_session
from panel.web.fields import Tried, Typed, show, try_form
from panel.web.fresh import fresh_sign_in
from panel.web.handling import actor_of, page, refuse, tell
from panel.web.second_step import code_input
from tenants.actions import second_factors as actions
from tenants.errors import Conflict
from tenants.factors import factors_of, who_requires
from tenants.formats.one_time_codes import app_address, spoken_seed
from tenants.models import Account
from tenants.passkeys import rp_id


class FirstCodeForm(forms.Form):
    code = Typed(
        label="The code that the app shows",
        widget=code_input(inputmode="numeric"),
        help_text="Six digits. A new one every half minute.",
    )


@page(without_factor=True)
def factors(request: HttpRequest) -> HttpResponse:
    me = person(request)
    context = {
        "me": me,
        "factors": factors_of(me),
        "required_by": who_requires(me),
        "takes_passkeys": bool(rp_id()),
    }
    return show(request, "account/factors.html", context)


@page(methods=("GET", "HEAD", "POST"), without_factor=True)
@fresh_sign_in()
def code_app(request: HttpRequest) -> HttpResponse:
    """Set up an authenticator app: a POST without a code begins, one with a code finishes."""
    actor, me = actor_of(request), person(request)
    if request.method == "POST" and "code" not in request.POST:
        try:
            actions.begin_code_app(actor=actor)
        except Conflict as error:
            refuse(request, error)
            return redirect("account-factors")
        return redirect("account-code-app")
    seed = actions.pending_seed(me)
    if seed is None:
        return redirect("account-factors")
    if request.method != "POST":
        return _app_page(request, me, seed, FirstCodeForm())
    form = FirstCodeForm(request.POST)
    tried = try_form(form, lambda: actions.confirm_code_app(actor=actor, code=form.cleaned_data["code"]))
    if tried.value is None:
        return _app_page(request, me, seed, form, tried)
    begin_session(request, me)
    tell(request, "Your authenticator app is set up. Your other sessions were signed out.")
    return _codes_page(request, tried.value) if tried.value else redirect("account-factors")


def _app_page(
    request: HttpRequest, me: Account, seed: bytes, form: FirstCodeForm, tried: Tried[Any] | None = None
) -> HttpResponse:
    issuer = f"Rookery {urlsplit(settings.BASE_URL).hostname}"
    address = app_address(seed, account=me.email, issuer=issuer)
    context = {"form": form, "seed": spoken_seed(seed), "address": address, "picture": _picture(address)}
    return show(request, "account/code-app.html", context, tried)


def _picture(address: str) -> SafeString:
    """A QR code as SVG, without styles of its own; black on white in every theme, as cameras want it."""
    made = segno.make(address, error="m", micro=False)
    return mark_safe(made.svg_inline(scale=4, border=4, dark="#000", light="#fff"))  # noqa: S308  # our own drawing


@page(methods=("POST",))
@fresh_sign_in()
def code_app_remove(request: HttpRequest) -> HttpResponse:
    actions.remove_code_app(actor=actor_of(request))
    request.session.cycle_key()
    tell(request, "The authenticator app was removed. Your other sessions were signed out.")
    return redirect("account-factors")


@page(methods=("POST",))
@fresh_sign_in()
def recovery_codes(request: HttpRequest) -> HttpResponse:
    """Make new ones; the answer is the only page that ever has them."""
    return _codes_page(request, actions.renew_recovery_codes(actor=actor_of(request)))


def _codes_page(request: HttpRequest, codes: list[str]) -> HttpResponse:
    return show(request, "account/recovery-codes.html", {"codes": codes})
