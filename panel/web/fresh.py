"""The guard before what a session alone is not enough for: sign in again, then go on with what was typed.

The guard answers at the address that was posted to. Its page carries everything that was typed in hidden
fields, so that either way of signing in leads on: the panel password in the same step, or a one-time link
that is opened in another window of the browser, after which this page's own button works. Whoever has a
second factor is asked for that one instead.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import Resolver404, resolve, reverse

from panel.fresh import FRESH_FOR, is_fresh
from panel.web.entering import NEXT_KEY, begin_session
from panel.web.fields import Secret, Tried, Typed, show, try_form
from panel.web.handling import actor_of, tell
from panel.web.known_browsers import known_as
from panel.web.passkey_questions import AnswerForm, ask_for_proof, try_proof
from panel.web.second_step import code_help, code_input
from tenants.actions import accounts, sign_ins
from tenants.errors import Absent, Invalid
from tenants.factors import Factors, factors_of
from tenants.models import Account

_WAY, _PASSWORD, _CODE, _ANSWER = "again_way", "again_password", "again_code", "again_answer"

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]


class AgainForm(forms.Form):
    again_password = Secret(
        label="Your panel password", widget=forms.PasswordInput({"autocomplete": "current-password"})
    )


class AgainCodeForm(forms.Form):
    again_code = Typed(label="Code", widget=code_input())


def fresh_sign_in(*secrets: str) -> Callable[[View[P]], View[P]]:
    """Before this view changes something, its person has signed in within `FRESH_FOR`.

    `secrets` are fields that no page repeats: they have to be typed once more.
    """

    def decorate(view: View[P]) -> View[P]:
        @wraps(view)
        def wrapped(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            if request.method in {"GET", "HEAD"}:
                return view(request, *args, **kwargs)
            if not is_fresh(request.session):
                answer = _ask(request, secrets)
                if answer is not None:
                    return answer
            if _WAY in request.POST and any(name not in request.POST for name in secrets):
                tell(request, "You are signed in again. Type it once more, then go on.")
                return redirect(_back(request))
            return view(request, *args, **kwargs)

        return wrapped

    return decorate


def _ask(request: HttpRequest, secrets: tuple[str, ...]) -> HttpResponse | None:
    """The page that asks, or nothing when the proof came with it: of the second factor if there is one."""
    account = actor_of(request).account
    if account is None:
        raise Absent
    way, factors = request.POST.get(_WAY, ""), factors_of(account)
    if factors:
        return _by_code(request, account, factors, secrets)
    if way == "password":
        return _by_password(request, account, secrets)
    if way == "link":
        form = forms.Form(request.POST)
        tried = try_form(
            form,
            lambda: accounts.ask_for_sign_in_link(actor=actor_of(request), email=account.email),
        )
        if tried.ok:
            request.session[NEXT_KEY] = _back(request)
        return _page(request, account, secrets, link_sent=tried.ok, link_form=form, tried=tried)
    waits = way == "go"
    return _page(request, account, secrets, link_sent=waits, waits=waits)


def _by_code(
    request: HttpRequest, account: Account, factors: Factors, secrets: tuple[str, ...]
) -> HttpResponse | None:
    if request.POST.get(_WAY) == "passkey" and factors.passkeys:
        return _by_passkey(request, account, factors, secrets)
    given = request.POST.get(_WAY) == "code"
    form = AgainCodeForm(request.POST if given else None)
    form.fields[_CODE].help_text = code_help(factors)
    if not given:
        return _page(request, account, secrets, factors=factors, form=form)

    def act() -> bool:
        sign_ins.sign_in_with_code(
            actor=actor_of(request), account=account, code=form.cleaned_data[_CODE], field=_CODE
        )
        return True

    tried = try_form(form, act)
    if not tried.ok:
        return _page(request, account, secrets, factors=factors, form=form, tried=tried)
    begin_session(request, account)
    return None


def _by_passkey(
    request: HttpRequest, account: Account, factors: Factors, secrets: tuple[str, ...]
) -> HttpResponse | None:
    """Ask, or take the answer."""
    form, tried = AnswerForm({"answer": request.POST.get(_ANSWER, "")}), None
    if _ANSWER in request.POST:
        tried = try_proof(request, form, account)
        if tried.ok:
            begin_session(request, account)
            return None
    codes = AgainCodeForm()
    codes.fields[_CODE].help_text = code_help(factors)
    more = {"options": ask_for_proof(request, account), "refused": form.refused if tried else ""}
    return _page(request, account, secrets, tried, factors=factors, form=codes, **more)


def _by_password(request: HttpRequest, account: Account, secrets: tuple[str, ...]) -> HttpResponse | None:
    form = AgainForm(request.POST)

    def act() -> Account:
        try:
            return sign_ins.sign_in_with_password(
                actor=actor_of(request),
                email=account.email,
                password=form.cleaned_data[_PASSWORD],
                browser=known_as(request, account.email),
            )
        except Invalid as error:
            raise Invalid(replace(each, field=_PASSWORD) for each in error.problems) from error

    tried = try_form(form, act)
    if tried.value is None:
        return _page(request, account, secrets, form=form, tried=tried)
    begin_session(request, tried.value)
    return None


def _page(
    request: HttpRequest,
    account: Account,
    secrets: tuple[str, ...],
    tried: Tried[Any] | None = None,
    **context: Any,
) -> HttpResponse:
    dropped = {_WAY, _PASSWORD, _CODE, _ANSWER, "username", "csrfmiddlewaretoken", *secrets}
    kept = [(name, value) for name, values in request.POST.lists() for value in values if name not in dropped]
    answer = show(
        request,
        "account/sign-in-again.html",
        {
            "form": AgainForm(),
            "me": account,
            "has_password": account.has_usable_password(),
            "kept": kept,
            "forgets": bool(secrets),
            "to": request.get_full_path(),
            "back": _back(request),
            "minutes": int(FRESH_FOR.total_seconds()) // 60,
            **context,
        },
        tried,
    )
    if tried is None:
        answer.status_code = 403
    return answer


def _back(request: HttpRequest) -> str:
    """The page that the form stood on: the nearest one above the address that was posted to."""
    path = request.path
    while path:
        try:
            match = resolve(path)
        except Resolver404:
            pass
        else:
            if "GET" in getattr(match.func, "page_methods", ()):
                return path
        path = path.rpartition("/")[0]
    return reverse("account")
