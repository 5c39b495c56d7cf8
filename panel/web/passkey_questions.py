"""What a browser's passkey was asked: it waits in the session, for one answer and a few minutes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils import timezone

from panel.web.fields import Tried, try_form
from panel.web.handling import actor_of
from tenants import passkeys
from tenants.actions.passkeys import sign_in_with_passkey
from tenants.errors import Invalid
from tenants.models import Account

WITHIN = timedelta(minutes=5)
_KEY = "asked_of_passkey"


class AnswerForm(forms.Form):
    """Filled in by static/js/passkey.js; templates/parts/passkey.html draws it."""

    answer = forms.CharField(widget=forms.HiddenInput, required=False, max_length=passkeys.LONGEST_ANSWER)

    @property
    def refused(self) -> str:
        """What was wrong, for the page that asks again."""
        return " ".join(str(each) for errors in self.errors.values() for each in errors)


def ask_for_new(request: HttpRequest, account: Account) -> str:
    """The options to show, as JSON."""
    options, state = passkeys.ask_for_new(account, list(account.passkeys.all()))
    return _keep(request, f"new {account.pk}", options, state)


def ask_for_proof(request: HttpRequest, account: Account | None) -> str:
    """The same for proving: as `account`, or whoever it is."""
    options, state = passkeys.ask_for_proof(None if account is None else list(account.passkeys.all()))
    return _keep(request, _proof_of(account), options, state)


def _proof_of(account: Account | None) -> str:
    return "anybody" if account is None else f"proof {account.pk}"


def _keep(request: HttpRequest, what: str, options: str, state: dict[str, Any]) -> str:
    request.session[_KEY] = {"what": what, "state": state, "at": timezone.now().timestamp()}
    return options


def asked_for_new(request: HttpRequest, account: Account) -> dict[str, Any]:
    return _take(request, f"new {account.pk}")


def try_proof(request: HttpRequest, form: AnswerForm, account: Account | None) -> Tried[Account]:
    """Take the answer of a passkey for `account`, or for whoever it is."""
    return try_form(
        form,
        lambda: sign_in_with_passkey(
            actor=actor_of(request),
            account=account,
            state=_take(request, _proof_of(account)),
            answer=form.cleaned_data["answer"],
        ),
    )


def _take(request: HttpRequest, what: str) -> dict[str, Any]:
    """What this browser was asked last; it counts for one answer. Raises Invalid."""
    kept = request.session.pop(_KEY, None)
    if not isinstance(kept, dict) or kept["what"] != what:
        raise _too_late()
    if not 0 <= timezone.now().timestamp() - kept["at"] < WITHIN.total_seconds():
        raise _too_late()
    state: dict[str, Any] = kept["state"]
    return state


def _too_late() -> Invalid:
    return Invalid.of("answer", "This took too long, or was answered before.", "Use your passkey once more.")
