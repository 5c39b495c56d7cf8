"""Sessions of one's browsers: closing them, and what closes them or gives them another key."""

from __future__ import annotations

from django.db import transaction

from tenants.actions.audit import record
from tenants.actions.reversals import final
from tenants.actor import Actor
from tenants.errors import Absent, Forbidden
from tenants.models import Account, Session

# A session is named by so many characters of its digest.
NAME_LENGTH = 16


def own(actor: Actor) -> Account:
    """The account whose sessions these are: of a person at the panel, not of a program."""
    if actor.account is None:
        raise Absent
    if actor.token:
        raise Forbidden("A program's token has no say over its person’s sessions. Sign in to the panel.")
    return actor.account


@transaction.atomic
def close_session(*, actor: Actor, name: str) -> None:
    """Sign one of the actor's own browsers out, at once."""
    account = own(actor)
    if len(name) != NAME_LENGTH or not name.isalnum():
        raise Absent
    gone, _ = account.sessions.filter(session_key__startswith=name).delete()
    if not gone:
        raise Absent
    record(actor, "close_session", account.email, f"{account.email} signed another browser out.")


@transaction.atomic
def close_other_sessions(*, actor: Actor, keep: str) -> int:
    """Sign out all of the actor's browsers but the one whose session has the digest `keep`: how many."""
    account = own(actor)
    gone, _ = account.sessions.exclude(session_key=keep).delete()
    if gone:
        record(
            actor, "close_other_sessions", account.email, f"{account.email} signed all other browsers out."
        )
    return gone


def end_sessions(account: Account) -> None:
    """How this person signs in was changed: every session ends. The page that did it begins a new one."""
    account.sessions.all().delete()


def rotate_sessions(account: Account) -> None:
    """Somebody else changed this person's rank: each session gets a new key when it is used next."""
    Session.objects.filter(account=account).update(must_rotate=True)


final("Whoever was signed out signs in again.", "close_session", "close_other_sessions")
