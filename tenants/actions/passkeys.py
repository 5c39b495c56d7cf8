"""Passkeys of one's own account: adding one, removing one, and signing in by one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from tenants import passkeys
from tenants.actions.accounts import own_account, warn
from tenants.actions.audit import record
from tenants.actions.locking import lock
from tenants.actions.reversals import final
from tenants.actions.second_factors import after_removal, new_codes_where_none
from tenants.actions.sessions import end_sessions
from tenants.actor import Actor
from tenants.errors import Absent, Checks, Conflict, Invalid
from tenants.formats.text import check_name
from tenants.models import Account, Passkey

MAX_PASSKEYS = 20


def _refusal() -> Invalid:
    return Invalid.of("answer", "This passkey was not taken.", "Try again, or use another way to sign in.")


@transaction.atomic
def add_passkey(*, actor: Actor, name: str, state: dict[str, Any], answer: str) -> list[str]:
    """Take a new passkey into use. `state` is what its browser was asked (tenants.passkeys.ask_for_new).

    Returns new recovery codes, or none where some are left. Its person's other sessions end.
    """
    account = own_account(actor)
    lock(account)
    with Checks() as checks:
        name = check_name(name, field="name", maximum=100)
    checks.finish()
    if account.passkeys.count() >= MAX_PASSKEYS:
        raise Conflict(f"You have {MAX_PASSKEYS} passkeys. Remove one that you do not use first.")
    try:
        made = passkeys.read_new(state, answer)
    except passkeys.BadAnswer as error:
        raise _refusal() from error
    credential = made.credential_data
    if credential is None:
        raise _refusal()
    try:
        with transaction.atomic():
            Passkey.objects.create(
                account=account,
                name=name,
                credential_id=bytes(credential.credential_id),
                credential=bytes(credential),
                counter=made.counter,
            )
    except IntegrityError as error:
        raise Conflict("This passkey is in use already.") from error
    end_sessions(account)
    record(
        actor,
        "add_passkey",
        account.email,
        f"{account.email} added the passkey “{name}”.",
        after={"passkey": name},
    )
    warn(
        actor,
        account,
        _("A passkey was added"),
        _("the passkey “%(name)s” was added for %(email)s") % {"name": name, "email": account.email},
    )
    return new_codes_where_none(account)


@transaction.atomic
def rename_passkey(*, actor: Actor, passkey_id: int, name: str) -> None:
    """Call a passkey otherwise. Nobody signs in differently by that, so sessions go on."""
    account = own_account(actor)
    lock(account)
    row = account.passkeys.filter(pk=passkey_id).first()
    if row is None:
        raise Absent
    with Checks() as checks:
        name = check_name(name, field="name", maximum=100)
    checks.finish()
    before = row.name
    if name == before:
        return
    row.name = name
    row.save(update_fields=["name"])
    record(
        actor,
        "rename_passkey",
        account.email,
        f"{account.email} calls the passkey “{before}” “{name}” now.",
        before={"passkey": before},
        after={"passkey": name},
    )


@transaction.atomic
def remove_passkey(*, actor: Actor, passkey_id: int) -> None:
    """Sign in without this passkey from now on. With the last second factor the recovery codes go, too."""
    account = own_account(actor)
    lock(account)
    row = account.passkeys.filter(pk=passkey_id).first()
    if row is None:
        raise Absent
    name = row.name
    row.delete()
    end_sessions(account)
    record(
        actor,
        "remove_passkey",
        account.email,
        f"{account.email} removed the passkey “{name}”.",
        before={"passkey": name},
        after={"passkey": "none"},
    )
    after_removal(account)
    warn(
        actor,
        account,
        _("A passkey was removed"),
        _("the passkey “%(name)s” of %(email)s was removed") % {"name": name, "email": account.email},
    )


@transaction.atomic
def sign_in_with_passkey(
    *, actor: Actor, account: Account | None, state: dict[str, Any], answer: str
) -> Account:
    """Return whose passkey answered; of `account` as second step, of anybody alone where that is None.

    `state` is what the browser was asked (tenants.passkeys.ask_for_proof); the caller uses it once. Alone,
    that asks the authenticator to make sure who holds it, so it is both steps. A counter that does not rise
    tells of a copy (WebAuthn §6.1.1) and is refused.
    """
    try:
        found = Passkey.objects.select_related("account").filter(
            credential_id=passkeys.credential_id_in(answer), account__is_active=True
        )
        row = (found if account is None else found.filter(account=account)).first()
        if row is None:
            raise passkeys.BadAnswer("No such passkey.")
        counter = passkeys.check_proof(state, row, answer)
    except passkeys.BadAnswer as error:
        raise _refusal() from error
    risen = Q(counter__lt=counter) if counter else Q(counter=0)
    if not Passkey.objects.filter(risen, pk=row.pk).update(counter=counter, last_used_at=timezone.now()):
        raise _refusal()
    how = "by the passkey" if account is None else "; the second step was the passkey"
    space = " " if account is None else ""
    record(
        replace(actor, account=row.account),
        "sign_in",
        row.account.email,
        f"{row.account.email} signed in{space}{how} “{row.name}”.",
    )
    return row.account


final("Remove the passkey on the page of your account.", "add_passkey")
final("Add the passkey again.", "remove_passkey")
final("Call the passkey what you like, on the page of your account.", "rename_passkey")
