"""Signing in with a panel password."""

from __future__ import annotations

from dataclasses import replace

from django.contrib.auth import authenticate
from django.utils.crypto import salted_hmac

from tenants import limits
from tenants.actions.accounts import LONGEST_PASSWORD
from tenants.actions.audit import record
from tenants.actor import Actor
from tenants.errors import Checks, Invalid, TooMany
from tenants.formats.addresses import check_target
from tenants.formats.text import is_whole
from tenants.models import Account


def sign_in_with_password(*, actor: Actor, email: str, password: str) -> Account:
    """Return the account that `email` and its panel password belong to, and write that it signed in.

    Each try is counted before it is known whether it is right, so that many at once cannot slip through; a
    right one is taken back, and the same wrong one counts once. An unknown e-mail, one without a password
    and a wrong password give the same answer after the same time.
    """
    with Checks() as checks:
        email = check_target(email, field="email").lower()
    checks.finish()
    if not is_whole(password):
        raise _refusal()
    network = limits.network_of(actor.ip)
    uses = ((limits.PASSWORDS_PER_ACCOUNT, email), (limits.PASSWORDS_PER_NETWORK, network))
    wrong = (limits.WRONG_PASSWORD, _fingerprint(email, network, password))
    if limits.was_spent(*wrong):
        raise _refusal()
    limits.spend_all(*uses)
    account = authenticate(username=email, password=password[:LONGEST_PASSWORD])
    if not isinstance(account, Account) or len(password) > LONGEST_PASSWORD:
        _count_once(wrong, uses)
        raise _refusal()
    limits.give_back(*uses)
    record(
        replace(actor, account=account),
        "sign_in",
        account.email,
        f"{account.email} signed in with the panel password.",
    )
    return account


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
