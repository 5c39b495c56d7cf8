"""From the first step of signing in to a session: the only place that begins one.

Whoever has a second factor is nobody between the steps: the session holds whose turn it is, and no right.
"""

from __future__ import annotations

from datetime import timedelta

from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from panel.fresh import stamp
from panel.sessions import describe
from panel.web.handling import is_ours
from panel.web.known_browsers import make_known
from tenants.factors import has_second_factor
from tenants.models import Account

BACKEND = "django.contrib.auth.backends.ModelBackend"
# Where to go on to after signing in.
NEXT_KEY = "next_after_sign_in"
# How long the first step waits for the second.
SECOND_STEP_WITHIN = timedelta(minutes=10)
_HALF_KEY = "first_step_of"


def home_of(account: Account) -> str:
    """The first page of a person: the overview for those who run something, their addresses otherwise."""
    runs_something = account.is_staff or account.memberships.exists() or account.domain_roles.exists()
    return reverse("overview") if runs_something else reverse("own-addresses")


def enter_panel(request: HttpRequest, account: Account, wanted: str = "") -> HttpResponse:
    """After the first step: on to `wanted`, or to the second step where the account has a second factor."""
    if wanted:
        request.session[NEXT_KEY] = wanted
    if not has_second_factor(account):
        return finish_entering(request, account)
    request.session.cycle_key()
    request.session[_HALF_KEY] = {
        "account": account.pk,
        "at": timezone.now().timestamp(),
        # A panel password that is set meanwhile ends this, as it ends sessions.
        "proof": account.get_session_auth_hash(),
    }
    return redirect("second-step")


def half_entered(request: HttpRequest) -> Account | None:
    """Who passed the first step in this browser and may take the second, a few minutes ago."""
    half = request.session.get(_HALF_KEY)
    if not isinstance(half, dict):
        return None
    age = timezone.now().timestamp() - half["at"]
    account = Account.objects.filter(pk=half["account"], is_active=True).first()
    if account is None or not 0 <= age < SECOND_STEP_WITHIN.total_seconds():
        return None
    return account if constant_time_compare(account.get_session_auth_hash(), half["proof"]) else None


def finish_entering(request: HttpRequest, account: Account) -> HttpResponse:
    """Every step is passed: begin the session and go where its person wanted."""
    wanted = str(request.session.pop(NEXT_KEY, ""))
    begin_session(request, account)
    answer = _onward(request, account, wanted)
    make_known(request, answer, account.email)
    return answer


def _onward(request: HttpRequest, account: Account, wanted: str) -> HttpResponse:
    return redirect(wanted if is_ours(request, wanted) else home_of(account))


def begin_session(request: HttpRequest, account: Account) -> None:
    """Sign in with a session id that nobody can have known before, also when somebody was signed in.

    Who proves again who they are keeps the CSRF token: forms that are open in other windows go on working.
    """
    request.session.pop(_HALF_KEY, None)
    if getattr(request.user, "pk", None) != account.pk:
        login(request, account, backend=BACKEND)
    describe(request)
    request.session.cycle_key()
    stamp(request.session)
