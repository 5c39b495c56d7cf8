"""Setting an address back to what it was before it was taken over from outside: several fields at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from tenants import access
from tenants.actions.audit import record
from tenants.actions.former_passphrases import former_passphrase, kept_for, not_kept, passphrase_now
from tenants.actions.mailboxes import restore_mailbox, trash_mailbox
from tenants.actions.marks import mark_mailbox
from tenants.actions.reversals import mailbox_of, targets_of, undoable
from tenants.actions.targets import (
    add_target_rows,
    agreement,
    check_target_list,
    lock_in_use,
    require_no_loop,
    still_agreed,
)
from tenants.actor import Actor
from tenants.errors import Checks, Conflict
from tenants.models import Event, Mailbox


def address_told(mailbox: Mailbox, word: str, targets: Sequence[str]) -> dict[str, Any]:
    """All that taking over changes of an address, as events hold it; `word` is for its passphrase."""
    return {
        "targets": list(targets),
        "kind": mailbox.kind,
        "enabled": mailbox.enabled,
        "trashed": mailbox.trashed_at is not None,
        "passphrase": word if mailbox.sealed_hash else "none",
    }


@transaction.atomic
def _set_back(actor: Actor, mailbox: Mailbox, event: Event) -> None:
    """An address that went into the trash comes back, one that came out of it goes there; for any other,
    who gets the mail, the passphrase and the switch become what they were, in one change."""
    if event.before["trashed"] != event.after["trashed"]:
        act = trash_mailbox if event.before["trashed"] else restore_mailbox
        act(actor=actor, mailbox=mailbox)
        return
    access.require(actor, access.Verb.MANAGE, mailbox)
    access.require_rank(actor, str(mailbox))
    lock_in_use(mailbox)
    kept = kept_for(event)
    if kept is None:
        raise Conflict(not_kept(mailbox, event))
    before = address_told(mailbox, "set", targets_of(mailbox))
    removed = _put_targets(actor, mailbox, event)
    former = bytes(mailbox.sealed_hash) if mailbox.sealed_hash else None
    mailbox.sealed_hash = bytes(kept.sealed_hash) if kept.sealed_hash else None
    mailbox.kind = Mailbox.Kind.MAILBOX if kept.sealed_hash else Mailbox.Kind.ALIAS
    mailbox.enabled = bool(event.before["enabled"])
    mailbox.save(update_fields=["sealed_hash", "kind", "enabled"])
    target = mark_mailbox(mailbox)
    done = record(
        actor,
        "set_back",
        mailbox,
        f"{mailbox} became what it was before.",
        mailbox=mailbox,
        target=target,
        before={**before, "removed": removed},
        after=address_told(mailbox, "changed", targets_of(mailbox)),
    )
    former_passphrase(done, mailbox, former).save(force_insert=True)


def _put_targets(actor: Actor, mailbox: Mailbox, event: Event) -> list[dict[str, str | None]]:
    """Make the targets those of `before`; returns those that were taken away."""
    wanted: list[str] = list(event.before["targets"])
    with Checks() as checks:
        check_target_list(wanted, mailbox.domain)
    checks.finish()
    gone = list(mailbox.targets.exclude(address__in=wanted))
    mailbox.targets.filter(pk__in=[row.pk for row in gone]).delete()
    require_no_loop(mailbox, wanted)
    there = set(targets_of(mailbox))
    agreed = {each["address"]: still_agreed(event, each) for each in event.before["removed"]}
    for address in wanted:
        if address in there:
            continue
        word = agreed.get(address)
        [row] = add_target_rows(actor, mailbox, [address], confirmed=word is not None)
        if word is not None:
            row.confirmed_at, row.source = word
            row.save(update_fields=["confirmed_at", "source"])
    return [agreement(row) for row in gone]


def _hindrance(mailbox: Mailbox, event: Event) -> str:
    if not event.before:
        return (
            f"{mailbox} stood outside before Rookery knew it. Put it into the trash if it shall go from the"
            " mail server."
        )
    return not_kept(mailbox, event) if event.before["trashed"] == event.after["trashed"] else ""


def _told(mailbox: Mailbox, event: Event) -> str:
    if event.before.get("trashed") and not event.after["trashed"]:
        return f"{mailbox} goes back into the trash."
    return f"{mailbox} becomes what it was before, and is written like that to the mail server."


for _verb in ("take_over", "set_back"):
    undoable(
        _verb,
        find=mailbox_of,
        present=passphrase_now,
        restore=_set_back,
        hindrance=_hindrance,
        told=_told,
        needs=access.Verb.MANAGE,
    )
