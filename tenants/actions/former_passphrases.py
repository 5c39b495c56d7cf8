"""Replacing what is sealed for an address, and keeping what it had for some days, so that it can come back.

The panel copies sealed bytes from row to row; it can never open them.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from tenants import access
from tenants.actions import gathering
from tenants.actions.audit import record
from tenants.actions.marks import mark_mailbox
from tenants.actions.reversals import mailbox_now, mailbox_of, undoable
from tenants.actions.targets import lock_in_use
from tenants.actor import Actor
from tenants.errors import Conflict, Forbidden
from tenants.models import Event, FormerPassphrase, Mailbox

# Long enough for a weekend and a holiday; a former passphrase is a risk as long as it is kept.
KEPT = timedelta(days=7)
AT_ONCE = 500


def seal_of(sealed: bytes | memoryview[int] | None) -> str:
    """Identifies sealed bytes. Sealing is randomized, so this tells nothing about what is inside."""
    return hashlib.sha256(bytes(sealed or b"")).hexdigest()


def former_passphrase(event: Event, mailbox: Mailbox, sealed: bytes | None) -> FormerPassphrase:
    """The unsaved row that keeps `sealed`, which `event` replaced by what `mailbox` has now."""
    return FormerPassphrase(
        event=event,
        mailbox=mailbox,
        sealed_hash=sealed,
        followed_by=seal_of(mailbox.sealed_hash),
        kept_until=timezone.now() + KEPT,
    )


def replace_sealed(actor: Actor, mailbox: Mailbox, sealed: bytes | None, sentence: str) -> Event:
    """Put `sealed` in the place of what the address has, mark it, record it; the caller holds the row."""
    former = bytes(mailbox.sealed_hash) if mailbox.sealed_hash else None
    before = _told(mailbox, "set")
    mailbox.sealed_hash = sealed
    mailbox.kind = Mailbox.Kind.MAILBOX if sealed else Mailbox.Kind.ALIAS
    mailbox.save(update_fields=["sealed_hash", "kind"])
    target = mark_mailbox(mailbox)
    event = record(
        actor,
        "set_passphrase",
        mailbox,
        sentence,
        mailbox=mailbox,
        target=target,
        before=before,
        after=_told(mailbox, "changed"),
    )
    gathering.keep_former(former_passphrase(event, mailbox, former))
    return event


def _told(mailbox: Mailbox, word: str) -> dict[str, str]:
    return {"kind": mailbox.kind, "passphrase": word if mailbox.sealed_hash else "none"}


def forget_former_passphrases(*, actor: Actor) -> int:
    """Drop former passphrases whose days are over, some at once; returns how many."""
    if not actor.system:
        raise Forbidden("Former passphrases go by themselves; Rookery looks every few seconds.")
    late = FormerPassphrase.objects.filter(kept_until__lt=timezone.now()).order_by("kept_until")
    return FormerPassphrase.objects.filter(pk__in=list(late.values_list("pk", flat=True)[:AT_ONCE])).delete()[
        0
    ]


# Undoing ---------------------------------------------------------------------------------------------


def kept_for(event: Event) -> FormerPassphrase | None:
    return FormerPassphrase.objects.filter(event=event, kept_until__gte=timezone.now()).first()


def passphrase_now(mailbox: Mailbox, event: Event) -> dict[str, Any]:
    """As the event left it, or changed since; without the former one nothing is known of that."""
    kept = kept_for(event)
    same = kept is None or kept.followed_by == seal_of(mailbox.sealed_hash)
    now = mailbox_now(mailbox, event)
    if "passphrase" in event.after:
        now["passphrase"] = event.after["passphrase"] if same else "changed since"
    return now


def not_kept(mailbox: Mailbox, event: Event) -> str:
    if kept_for(event) is not None:
        return ""
    return (
        f"What {mailbox} had before is not kept any more: a former passphrase is deleted after"
        f" {KEPT.days} days. Set a new one instead."
    )


@transaction.atomic
def _put_back(actor: Actor, mailbox: Mailbox, event: Event) -> None:
    access.require(actor, access.Verb.CHANGE, mailbox)
    access.require_rank(actor, str(mailbox))
    lock_in_use(mailbox)
    kept = kept_for(event)
    if kept is None:
        raise Conflict(not_kept(mailbox, event))
    sealed = bytes(kept.sealed_hash) if kept.sealed_hash else None
    said = "got its former passphrase back" if sealed else "is without a passphrase again"
    replace_sealed(actor, mailbox, sealed, f"{mailbox} {said}.")


undoable(
    "set_passphrase",
    find=mailbox_of,
    present=passphrase_now,
    restore=_put_back,
    hindrance=not_kept,
    told=lambda mailbox, event: (
        f"{mailbox} gets back the passphrase that it had before."
        if event.before.get("passphrase") == "set"
        else f"{mailbox} is without a passphrase again: nobody can log in with it."
    ),
)
