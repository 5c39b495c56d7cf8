"""Addresses: making them, who gets their mail, passphrases, switching off, the trash."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import IntegrityError, transaction
from django.utils import timezone

from tenants import access
from tenants.actions.audit import record
from tenants.actions.former_passphrases import replace_sealed
from tenants.actions.locking import lock
from tenants.actions.marks import mark_mailbox
from tenants.actions.organizations import give_quota_back, take_quota
from tenants.actions.reversals import mailbox_now, mailbox_of, targets_of, undoable
from tenants.actions.targets import add_target_rows, check_target_list, lock_in_use, require_no_loop
from tenants.actor import Actor
from tenants.errors import Checks, Conflict, Invalid
from tenants.formats.addresses import check_local_part
from tenants.formats.passphrase import check_hash
from tenants.formats.text import check_text
from tenants.models import Account, Domain, Mailbox
from tenants.secrets import Purpose, seal

# What every domain should answer for (RFC 2142); a new domain is offered them.
OFFERED_LOCAL_PARTS = ("postmaster", "abuse", "hostmaster")


@transaction.atomic
def create_mailbox(
    *,
    actor: Actor,
    domain: Domain,
    local_part: str,
    targets: Sequence[str],
    password_hash: str = "",
    note: str = "",
    holder: Account | None = None,
) -> Mailbox:
    """Add an address. Without a passphrase's hash it is an alias: it gets mail, nobody can log in with it."""
    access.require(actor, access.Verb.VIEW, domain)
    access.require_create(actor, access.Kind.MAILBOX, domain.organization)
    checks = Checks()
    with checks:
        local_part = check_local_part(local_part)
    with checks:
        targets = check_target_list(targets, domain)
    with checks:
        password_hash = check_hash(password_hash) if password_hash else ""
    with checks:
        note = check_text(note, field="note", maximum=200) if note else ""
    checks.finish()
    access.require_rank(actor, f"{local_part}@{domain.name}")
    mailbox = insert_mailbox(
        domain=domain, local_part=local_part, password_hash=password_hash, note=note, holder=holder
    )
    add_target_rows(actor, mailbox, targets)
    target = mark_mailbox(mailbox)
    record(
        actor,
        "create_mailbox",
        mailbox,
        f"The address {mailbox} was made.",
        mailbox=mailbox,
        target=target,
        after={"targets": list(targets), "kind": mailbox.kind, "note": note, "trashed": False},
    )
    return mailbox


def insert_mailbox(
    *, domain: Domain, local_part: str, password_hash: str, note: str, holder: Account | None
) -> Mailbox:
    """The row itself, its quota and its uniqueness; shared by making an address and approving a request."""
    sealed = seal(Purpose.MAILBOX_HASH, password_hash) if password_hash else None
    return insert_sealed_mailbox(
        domain=domain, local_part=local_part, sealed_hash=sealed, note=note, holder=holder
    )


def insert_sealed_mailbox(
    *, domain: Domain, local_part: str, sealed_hash: bytes | None, note: str, holder: Account | None
) -> Mailbox:
    existing = Mailbox.objects.filter(domain=domain, local_part=local_part).first()
    if existing is not None:
        if existing.trashed_at:
            raise Invalid.of(
                "local_part",
                f"{existing} is in the trash.",
                "Restore it from there, or choose another name.",
            )
        raise Invalid.of("local_part", f"{existing} exists already.", "Open it, or choose another name.")
    take_quota(domain.organization, "mailbox")
    try:
        with transaction.atomic():
            return Mailbox.objects.create(
                domain=domain,
                local_part=local_part,
                kind=Mailbox.Kind.MAILBOX if sealed_hash else Mailbox.Kind.ALIAS,
                sealed_hash=sealed_hash,
                note=note,
                holder=holder,
                changed_at=timezone.now(),
            )
    except IntegrityError as error:
        raise Conflict(f"{local_part}@{domain.name} was made by somebody else just now.") from error


@transaction.atomic
def set_passphrase(*, actor: Actor, mailbox: Mailbox, password_hash: str) -> Mailbox:
    """Replace the passphrase, given as the BLAKE2b hash that the browser or `b2sum` made."""
    access.require(actor, access.Verb.CHANGE, mailbox)
    with Checks() as checks:
        password_hash = check_hash(password_hash)
    checks.finish()
    lock_in_use(mailbox)
    sealed = seal(Purpose.MAILBOX_HASH, password_hash)
    replace_sealed(actor, mailbox, sealed, f"{mailbox} got a new passphrase.")
    return mailbox


@transaction.atomic
def switch_mailbox(*, actor: Actor, mailbox: Mailbox, enabled: bool) -> Mailbox:
    """Switch an address on or off. Off: no login, no mail, everything kept here. Not for its holder."""
    access.require(actor, access.Verb.MANAGE, mailbox)
    lock_in_use(mailbox)
    if mailbox.enabled == enabled:
        return mailbox
    mailbox.enabled = enabled
    mailbox.save(update_fields=["enabled"])
    target = mark_mailbox(mailbox)
    record(
        actor,
        "switch_mailbox",
        mailbox,
        f"{mailbox} was switched {'on' if enabled else 'off'}.",
        mailbox=mailbox,
        target=target,
        before={"enabled": not enabled},
        after={"enabled": enabled},
    )
    return mailbox


@transaction.atomic
def change_note(*, actor: Actor, mailbox: Mailbox, note: str) -> Mailbox:
    """Change the owner's note; it stays here and is never written to the mail server."""
    access.require(actor, access.Verb.MANAGE, mailbox)
    with Checks() as checks:
        note = check_text(note, field="note", maximum=200) if note else ""
    checks.finish()
    lock(mailbox)
    if note != mailbox.note:
        before, mailbox.note = mailbox.note, note
        mailbox.save(update_fields=["note"])
        record(
            actor,
            "change_note",
            mailbox,
            f"The note of {mailbox} was changed.",
            mailbox=mailbox,
            before={"note": before},
            after={"note": note},
        )
    return mailbox


@transaction.atomic
def trash_mailbox(*, actor: Actor, mailbox: Mailbox) -> Mailbox:
    """Take an address away from the outside; it can come back from the trash with its passphrase."""
    access.require(actor, access.Verb.DELETE, mailbox)
    lock(mailbox)
    if mailbox.trashed_at is not None:
        raise Conflict(f"{mailbox} is in the trash already.")
    mailbox.trashed_at = timezone.now()
    mailbox.save(update_fields=["trashed_at"])
    give_quota_back(mailbox.domain.organization, "mailbox")
    target = mark_mailbox(mailbox)
    record(
        actor,
        "trash_mailbox",
        mailbox,
        f"{mailbox} was put into the trash.",
        mailbox=mailbox,
        target=target,
        before={"trashed": False},
        after={"trashed": True},
    )
    return mailbox


@transaction.atomic
def restore_mailbox(*, actor: Actor, mailbox: Mailbox) -> Mailbox:
    """Bring an address back from the trash as it was, if that is still possible."""
    access.require(actor, access.Verb.DELETE, mailbox)
    lock(mailbox)
    if mailbox.trashed_at is None:
        raise Conflict(f"{mailbox} is not in the trash.")
    access.require_rank(actor, str(mailbox))
    addresses = targets_of(mailbox)
    # Meanwhile another address may have begun to send its mail here.
    require_no_loop(mailbox, addresses)
    take_quota(mailbox.domain.organization, "mailbox")
    mailbox.trashed_at = None
    mailbox.save(update_fields=["trashed_at"])
    target = mark_mailbox(mailbox)
    record(
        actor,
        "restore_mailbox",
        mailbox,
        f"{mailbox} came back from the trash.",
        mailbox=mailbox,
        target=target,
        before={"trashed": True},
        after={"trashed": False},
    )
    return mailbox


for _verb in ("create_mailbox", "restore_mailbox"):
    undoable(
        _verb,
        find=mailbox_of,
        present=mailbox_now,
        restore=lambda actor, mailbox, event: trash_mailbox(actor=actor, mailbox=mailbox),
        told=lambda mailbox, event: f"{mailbox} goes into the trash, from where it can come back.",
        needs=access.Verb.DELETE,
    )
undoable(
    "trash_mailbox",
    find=mailbox_of,
    present=mailbox_now,
    restore=lambda actor, mailbox, event: restore_mailbox(actor=actor, mailbox=mailbox),
    told=lambda mailbox, event: f"{mailbox} comes back from the trash as it was.",
    needs=access.Verb.DELETE,
)
undoable(
    "switch_mailbox",
    find=mailbox_of,
    present=mailbox_now,
    restore=lambda actor, mailbox, event: switch_mailbox(
        actor=actor, mailbox=mailbox, enabled=bool(event.before["enabled"])
    ),
    told=lambda mailbox, event: f"{mailbox} is switched {'on' if event.before['enabled'] else 'off'} again.",
    needs=access.Verb.MANAGE,
)
undoable(
    "change_note",
    find=mailbox_of,
    present=mailbox_now,
    restore=lambda actor, mailbox, event: change_note(
        actor=actor, mailbox=mailbox, note=event.before["note"]
    ),
    told=lambda mailbox, event: f"The note of {mailbox} becomes what it was before.",
    needs=access.Verb.MANAGE,
)
