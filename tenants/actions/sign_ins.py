"""Signing in: the panel password, and the second step of those who have a second factor.

A first step (this module's password, or a one-time link) proves half of who somebody is: the panel begins a
session by it only where the account has no second factor.
"""

from __future__ import annotations

from dataclasses import replace

from django.contrib.auth import authenticate
from django.db import transaction
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from tenants import limits
from tenants.actions.accounts import LONGEST_PASSWORD, record_first_step, warn
from tenants.actions.audit import record
from tenants.actions.second_factors import take_code, wrong_code
from tenants.actor import Actor
from tenants.errors import Checks, Invalid, TooMany
from tenants.formats.addresses import check_target
from tenants.formats.text import is_whole
from tenants.models import Account

_LONGEST_CODE = 100


def sign_in_with_password(*, actor: Actor, email: str, password: str, browser: str = "") -> Account:
    """Return the account that `email` and its panel password belong to, and write that it signed in.

    Each try is counted before it is known whether it is right, so that many at once cannot slip through; a
    right one is taken back, and the same wrong one counts once. An unknown e-mail, one without a password
    and a wrong password give the same answer after the same time.

    `browser` names one in which this account signed in before, by proof: its tries are counted apart, so that
    guesses of others, also in its own network, lock nobody out of it.
    """
    with Checks() as checks:
        email = check_target(email, field="email").lower()
    checks.finish()
    if not is_whole(password):
        raise _refusal()
    network = limits.network_of(actor.ip)
    uses: tuple[limits.Use, ...] = (
        (limits.PASSWORDS_PER_ACCOUNT, email),
        (limits.PASSWORDS_PER_NETWORK, network),
    )
    if browser:
        uses = ((limits.PASSWORDS_PER_ACCOUNT, f"{email} in {browser}"),)
    wrong = (limits.WRONG_PASSWORD, _fingerprint(email, network, password))
    if limits.was_spent(*wrong):
        raise _refusal()
    limits.spend_all(*uses)
    account = authenticate(username=email, password=password[:LONGEST_PASSWORD])
    if not isinstance(account, Account) or len(password) > LONGEST_PASSWORD:
        _count_once(wrong, uses)
        raise _refusal()
    limits.give_back(*uses)
    record_first_step(actor, account, "with the panel password")
    return account


def sign_in_with_code(*, actor: Actor, account: Account, code: str, field: str = "code") -> None:
    """The second step: a code of the account's authenticator app, or one of its recovery codes.

    The caller has proof of the first step. Tries are counted for the account before they are looked at, and
    only a right code takes its own try back: a new first step gives no new tries.
    """
    use = (limits.CODES_PER_ACCOUNT, str(account.pk))
    try:
        limits.spend(*use)
    except TooMany:
        _tell_of_guessing(actor, account)
        raise
    with transaction.atomic():
        what = take_code(account, code[:_LONGEST_CODE])
        if what:
            limits.give_back(use)
            by = replace(actor, account=account)
            record(by, "sign_in", account.email, f"{account.email} signed in; the second step was {what}.")
            if what == "a recovery code":
                _tell_of_recovery(by, account)
    if not what:
        raise wrong_code(field)


def _tell_of_recovery(actor: Actor, account: Account) -> None:
    left = account.recovery_codes.filter(used_at=None).count()
    warn(
        actor,
        account,
        _("You signed in with a recovery code"),
        _("a recovery code was used to sign in as %(email)s; %(left)s are left")
        % {"email": account.email, "left": left},
    )


def _tell_of_guessing(actor: Actor, account: Account) -> None:
    """Once a day: somebody who passed the first step does not get past the second."""
    try:
        limits.spend(limits.GUESSING_TOLD, str(account.pk))
    except TooMany:
        return
    warn(
        actor,
        account,
        _("Somebody tries codes of your second step"),
        _(
            "somebody passed the first step of signing in as %(email)s and typed many "
            "wrong codes. Whoever it is can read your mail or knows your panel password"
        )
        % {"email": account.email},
    )


def _fingerprint(email: str, network: str, password: str) -> str:
    """What a wrong try is known by: under our own key, for this network, until the account changes."""
    row = Account.objects.filter(email=email).values_list("password", "is_active").first()
    text = "\0".join([email, network, str(row), password])
    return salted_hmac("tenants.actions.sign_ins", text, algorithm="sha256").hexdigest()


def _count_once(wrong: limits.Use, uses: tuple[limits.Use, ...]) -> None:
    """Remember a wrong try; one that came twice at the same time was counted by the other."""
    try:
        limits.spend(*wrong)
    except TooMany:
        limits.give_back(*uses)


def _refusal() -> Invalid:
    return Invalid.of(
        "password",
        "This e-mail and this password do not belong together.",
        "Try again, or let us send you a link: it works without a password.",
    )
