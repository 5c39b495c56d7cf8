"""Passkeys: adding and removing one's own, and signing in by one alone.

A POST without an answer asks: its page has the options, and static/js/passkey.js puts the browser's answer
into the form.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from panel.web.account import person
from panel.web.entering import NEXT_KEY, finish_entering
from panel.web.fields import Tried, Typed, plain_input, show, try_form
from panel.web.fresh import fresh_sign_in
from panel.web.handling import actor_of, next_url, page, refuse, tell
from panel.web.passkey_questions import (
    AnswerForm,
    ask_for_new,
    ask_for_proof,
    asked_for_new,
    try_proof,
)
from tenants import limits, passkeys
from tenants.actions import passkeys as actions
from tenants.errors import Conflict, Invalid
from tenants.formats.agents import in_words


class PasskeyForm(AnswerForm):
    name = Typed(
        label="What you call it",
        widget=plain_input(autocomplete="off", maxlength="100"),
        help_text="To tell it from others later: which phone, which stick.",
    )


@page(methods=("POST",), without_factor=True)
@fresh_sign_in()
def passkey_add(request: HttpRequest) -> HttpResponse:
    me = person(request)
    if not passkeys.rp_id():
        raise Conflict(
            "Browsers keep passkeys for https addresses with a name, and for localhost. Whoever runs this"
            " Rookery has to give it one (ROOKERY_URL)."
        )
    if "answer" not in request.POST:
        name = in_words(request.META.get("HTTP_USER_AGENT", ""))
        return _add_page(request, PasskeyForm(initial={"name": name}))
    form = PasskeyForm(request.POST)

    def act() -> list[str]:
        state = asked_for_new(request, me)
        return actions.add_passkey(actor=actor_of(request), state=state, **form.cleaned_data)

    tried = try_form(form, act)
    if tried.value is None:
        return _add_page(request, form, tried)
    request.session.cycle_key()
    tell(request, "Your passkey is set up. Your other sessions were signed out.")
    if tried.value:
        return show(request, "account/recovery-codes.html", {"codes": tried.value})
    return redirect("account-factors")


def _add_page(request: HttpRequest, form: PasskeyForm, tried: Tried[Any] | None = None) -> HttpResponse:
    context = {"form": form, "options": ask_for_new(request, person(request))}
    return show(request, "account/passkey-new.html", context, tried)


@page(methods=("POST",), without_factor=True)
def passkey_rename(request: HttpRequest, passkey_id: int) -> HttpResponse:
    try:
        name = request.POST.get("name", "")
        actions.rename_passkey(actor=actor_of(request), passkey_id=passkey_id, name=name)
        tell(request, "The passkey has its new name.")
    except Invalid as error:
        refuse(request, error)
    return redirect("account-factors")


@page(methods=("POST",), without_factor=True)
@fresh_sign_in()
def passkey_remove(request: HttpRequest, passkey_id: int) -> HttpResponse:
    actions.remove_passkey(actor=actor_of(request), passkey_id=passkey_id)
    request.session.cycle_key()
    tell(request, "The passkey was removed. Your other sessions were signed out.")
    return redirect("account-factors")


@page(signed_in=False, methods=("POST",))
def sign_in_by_passkey(request: HttpRequest) -> HttpResponse:
    """By a passkey alone: the authenticator makes sure who holds it, so it is both steps."""
    if "answer" not in request.POST:
        limits.spend(limits.PASSKEYS_PER_NETWORK, limits.network_of(actor_of(request).ip))
        wanted = next_url(request, "")
        if wanted:
            request.session[NEXT_KEY] = wanted
        return _sign_in_page(request, AnswerForm())
    form = AnswerForm(request.POST)
    tried = try_proof(request, form, None)
    if tried.value is None:
        return _sign_in_page(request, form, tried)
    return finish_entering(request, tried.value)


def _sign_in_page(request: HttpRequest, form: AnswerForm, tried: Tried[Any] | None = None) -> HttpResponse:
    context = {"form": form, "options": ask_for_proof(request, None)}
    return show(request, "public/passkey.html", context, tried)
