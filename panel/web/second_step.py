"""The second step of signing in, for whoever has a second factor."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from panel.web.entering import finish_entering, half_entered
from panel.web.fields import Tried, Typed, plain_input, show, try_form
from panel.web.handling import actor_of, page
from panel.web.passkey_questions import AnswerForm, ask_for_proof, try_proof
from tenants.actions.sign_ins import sign_in_with_code
from tenants.factors import Factors, factors_of
from tenants.models import Account


def code_input(**attributes: str | bool) -> forms.TextInput:
    """Phones offer digits and the code of a message; recovery codes have letters, so nothing is barred."""
    return plain_input(autocomplete="one-time-code", maxlength="100", **attributes)


def code_help(factors: Factors) -> str:
    return (
        "The six digits that your authenticator app shows now. If it is lost: a recovery code."
        if factors.app
        else "A recovery code."
    )


class CodeForm(forms.Form):
    code = Typed(label="Code", widget=code_input())


@page(signed_in=False, methods=("GET", "HEAD", "POST"))
def second_step(request: HttpRequest) -> HttpResponse:
    account = half_entered(request)
    if account is None:
        return redirect("sign-in")
    factors = factors_of(account)
    if request.method != "POST":
        return _page(request, CodeForm(), factors)
    if request.POST.get("way") == "passkey":
        return _by_passkey(request, account, factors)
    form = CodeForm(request.POST)

    def act() -> bool:
        sign_in_with_code(actor=actor_of(request), account=account, code=form.cleaned_data["code"])
        return True

    tried = try_form(form, act)
    return finish_entering(request, account) if tried.ok else _page(request, form, factors, tried)


def _by_passkey(request: HttpRequest, account: Account, factors: Factors) -> HttpResponse:
    """Ask, or take the answer."""
    form, tried = AnswerForm(request.POST), None
    if "answer" in request.POST:
        tried = try_proof(request, form, account)
        if tried.ok:
            return finish_entering(request, account)
    more = {"options": ask_for_proof(request, account), "refused": form.refused if tried else ""}
    return _page(request, CodeForm(), factors, tried, **more)


def _page(
    request: HttpRequest, form: CodeForm, factors: Factors, tried: Tried[Any] | None = None, **more: str
) -> HttpResponse:
    form.fields["code"].help_text = code_help(factors)
    if not factors.passkeys:
        form.fields["code"].widget.attrs["autofocus"] = True
    return show(request, "public/second-step.html", {"form": form, "factors": factors, **more}, tried)
