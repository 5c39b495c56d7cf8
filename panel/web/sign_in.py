"""Signing in by a one-time link or a panel password, and signing out."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from panel.web.entering import NEXT_KEY, enter_panel, home_of
from panel.web.fields import Secret, Tried, Typed, email_input, show, try_form
from panel.web.handling import actor_of, next_url, page, tell
from panel.web.known_browsers import known_as
from tenants import tokens
from tenants.actions import accounts, sign_ins
from tenants.errors import Absent
from tenants.models import SignInLink


class LinkForm(forms.Form):
    email = Typed(label="Your e-mail address", widget=email_input(autocomplete="username"))


class PasswordForm(forms.Form):
    email = Typed(label="Your e-mail address", widget=email_input(autocomplete="username"))
    password = Secret(
        label="Panel password",
        widget=forms.PasswordInput({"autocomplete": "current-password"}),
        help_text="The one that you set on your account page; never the passphrase of an address.",
    )


@page(signed_in=False, methods=("GET", "HEAD", "POST"))
def sign_in(request: HttpRequest) -> HttpResponse:
    account = actor_of(request).account
    if account is not None:
        return redirect(next_url(request, home_of(account)))
    if request.method != "POST":
        return _forms(request)
    if request.POST.get("way") == "password":
        return _by_password(request)
    return _ask_for_link(request)


def _forms(
    request: HttpRequest,
    *,
    link: forms.Form | None = None,
    password: forms.Form | None = None,
    tried: Tried[Any] | None = None,
    template: str = "public/sign-in.html",
) -> HttpResponse:
    context = {
        "link_form": link or LinkForm(auto_id="link-%s"),
        "password_form": password or PasswordForm(auto_id="password-%s"),
        "password_open": password is not None,
        "next": next_url(request, ""),
    }
    return show(request, template, context, tried)


def _ask_for_link(request: HttpRequest) -> HttpResponse:
    form = LinkForm(request.POST, auto_id="link-%s")

    def act() -> None:
        accounts.ask_for_sign_in_link(actor=actor_of(request), email=form.cleaned_data["email"])

    tried = try_form(form, act)
    if not tried.ok:
        return _forms(request, link=form, tried=tried)
    wanted = next_url(request, "")
    if wanted:
        request.session[NEXT_KEY] = wanted
    return show(request, "public/link-sent.html", {"email": form.cleaned_data["email"]})


def _by_password(request: HttpRequest) -> HttpResponse:
    form = PasswordForm(request.POST, auto_id="password-%s")
    tried = try_form(
        form,
        lambda: sign_ins.sign_in_with_password(
            actor=actor_of(request),
            email=form.cleaned_data["email"],
            password=form.cleaned_data["password"],
            browser=known_as(request, form.cleaned_data["email"]),
        ),
    )
    if tried.value is None:
        return _forms(request, password=form, tried=tried)
    return enter_panel(request, tried.value, next_url(request, ""))


@page(signed_in=False, methods=("GET", "HEAD", "POST"))
def sign_in_link(request: HttpRequest, token: str) -> HttpResponse:
    """The page behind the link in a mail. Opening it changes nothing: mail scanners open links too."""
    if request.method != "POST":
        usable = SignInLink.objects.filter(
            digest=tokens.digest(token), used_at=None, expires_at__gt=timezone.now(), account__is_active=True
        ).exists()
        return show(request, "public/sign-in-link.html", {"token": token}) if usable else _spent(request)
    try:
        account = accounts.redeem_sign_in_link(actor=actor_of(request), token=token)
    except Absent:
        return _spent(request)
    return enter_panel(request, account)


def _spent(request: HttpRequest) -> HttpResponse:
    return _forms(request, tried=Tried(ok=False, status=404), template="public/sign-in-link-spent.html")


@page(signed_in=False, methods=("POST",))
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    tell(request, "You are signed out.")
    return redirect("sign-in")
