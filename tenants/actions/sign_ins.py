"""Signing in with a panel password."""

from __future__ import annotations

from dataclasses import replace

from django.contrib.auth import authenticate

from tenants import limits
from tenants.actions.accounts import LONGEST_PASSWORD
from tenants.actions.audit import record
from tenants.actor import Actor
from tenants.errors import Checks, Invalid
from tenants.formats.addresses import check_target
from tenants.models import Account


def sign_in_with_password(*, actor: Actor, email: str, password: str) -> Account:
    """Return the account that `email` and its panel password belong to, and write that it signed in.

    Each try is counted, before it is known whether it is right. An unknown e-mail, one without a password
    and a wrong password give the same answer after the same time.
    """
    with Checks() as checks:
        email = check_target(email, field="email").lower()
    checks.finish()
    limits.spend(limits.PASSWORDS_PER_NETWORK, limits.network_of(actor.ip))
    limits.spend(limits.PASSWORDS_PER_ACCOUNT, email)
    account = authenticate(username=email, password=password[:LONGEST_PASSWORD])
    if not isinstance(account, Account) or len(password) > LONGEST_PASSWORD:
        raise Invalid.of(
            "password",
            "This e-mail and this password do not belong together.",
            "Try again, or let us send you a link: it works without a password.",
        )
    record(
        replace(actor, account=account),
        "sign_in",
        account.email,
        f"{account.email} signed in with the panel password.",
    )
    return account
