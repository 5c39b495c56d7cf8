"""Addresses: making them, who gets their mail, passphrases, switching off, the trash."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from tenants import access
from tenants.actions import gathering
from tenants.actions.audit import record
from tenants.actions.locking import lock
from tenants.actions.marks import mark_mailbox
from tenants.actions.organizations import give_quota_back, take_quota
from tenants.actions.targets import add_target_rows, check_target_list, lock_in_use, require_no_loop
from tenants.actor import Actor
from tenants.errors import Checks, Conflict, Invalid
from tenants.formats.addresses import check_local_part
from tenants.formats.passphrase import check_hash
from tenants.formats.text import check_text
from tenants.models import Account, Domain, Mailbox, SyncTarget, TargetAddress
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
    require_may_make(actor, domain)
    checked = check_new_mailbox(
        domain, local_part=local_part, targets=targets, password_hash=password_hash, note=note
    )
    return make_mailbox(actor, domain, checked, holder=holder)


def require_may_make(actor: Actor, domain: Domain) -> None:
    access.require(actor, access.Verb.VIEW, domain)
    access.require_create(actor, access.Kind.MAILBOX, domain.organization)


@dataclass(frozen=True)
class NewMailbox:
    """An address that may be made as far as its words go: `check_new_mailbox` made it."""

    local_part: str
    targets: tuple[str, ...]
    sealed_hash: bytes | None = field(default=None, repr=False)
    note: str = ""
    enabled: bool = True
    vouched: bool = False


def check_new_mailbox(
    domain: Domain, *, local_part: str, targets: Sequence[str], password_hash: str, note: str
) -> NewMailbox:
    """All that can be said without looking at other rows. Raises Invalid with every problem."""
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
    sealed = seal(Purpose.MAILBOX_HASH, password_hash) if password_hash else None
    return NewMailbox(local_part, tuple(targets), sealed, note)


def make_mailbox(actor: Actor, domain: Domain, new: NewMailbox, *, holder: Account | None = None) -> Mailbox:
    """Look at what is there already, and make it. The caller has asked whether `actor` may."""
    access.require_rank(actor, f"{new.local_part}@{domain.name}")
    mailbox = insert_sealed_mailbox(
        domain=domain,
        local_part=new.local_part,
        sealed_hash=new.sealed_hash,
        note=new.note,
        holder=holder,
        enabled=new.enabled,
    )
    add_target_rows(actor, mailbox, new.targets, vouched=new.vouched)
    record_new(actor, mailbox, new, mark_mailbox(mailbox))
    return mailbox


def record_new(actor: Actor, mailbox: Mailbox, new: NewMailbox, target: SyncTarget | None) -> None:
    after: dict[str, Any] = {"targets": list(new.targets), "kind": mailbox.kind, "note": new.note}
    if not new.enabled:
        after["enabled"] = False
    if new.vouched:
        after["confirmed"] = TargetAddress.Source.OWNER.value
    record(
        actor,
        "create_mailbox",
        mailbox,
        f"The address {mailbox} was made.",
        mailbox=mailbox,
        target=target,
        after=after,
    )


def unsaved_mailbox(
    domain: Domain, local_part: str, sealed_hash: bytes | None, note: str, *, enabled: bool = True
) -> Mailbox:
    return Mailbox(
        domain=domain,
        local_part=local_part,
        kind=Mailbox.Kind.MAILBOX if sealed_hash else Mailbox.Kind.ALIAS,
        sealed_hash=sealed_hash,
        note=note,
        enabled=enabled,
        changed_at=timezone.now(),
    )


def insert_sealed_mailbox(
    *,
    domain: Domain,
    local_part: str,
    sealed_hash: bytes | None,
    note: str,
    holder: Account | None,
    enabled: bool = True,
) -> Mailbox:
    """The row itself, its quota and its uniqueness; shared by making an address and approving a request."""
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
            mailbox = unsaved_mailbox(domain, local_part, sealed_hash, note, enabled=enabled)
            mailbox.holder = holder
            mailbox.save(force_insert=True)
    except IntegrityError as error:
        raise Conflict(f"{local_part}@{domain.name} was made by somebody else just now.") from error
    return mailbox


@transaction.atomic
def set_passphrase(*, actor: Actor, mailbox: Mailbox, password_hash: str) -> Mailbox:
    """Replace the passphrase, given as the BLAKE2b hash that the browser or `b2sum` made."""
    access.require(actor, access.Verb.CHANGE, mailbox)
    with Checks() as checks:
        password_hash = check_hash(password_hash)
    checks.finish()
    return set_sealed_passphrase(actor, mailbox, seal(Purpose.MAILBOX_HASH, password_hash))


def set_sealed_passphrase(actor: Actor, mailbox: Mailbox, sealed_hash: bytes) -> Mailbox:
    """The change itself, of a hash that was checked before it was sealed."""
    access.require(actor, access.Verb.CHANGE, mailbox)
    lock_in_use(mailbox)
    before = {"kind": mailbox.kind, "passphrase": "set" if mailbox.sealed_hash else "none"}
    mailbox.sealed_hash = sealed_hash
    mailbox.kind = Mailbox.Kind.MAILBOX
    mailbox.save(update_fields=["sealed_hash", "kind"])
    target = mark_mailbox(mailbox)
    record(
        actor,
        "set_passphrase",
        mailbox,
        f"{mailbox} got a new passphrase.",
        mailbox=mailbox,
        target=target,
        before=before,
        after={"kind": mailbox.kind, "passphrase": "changed"},
    )
    return mailbox


@transaction.atomic
def switch_mailbox(*, actor: Actor, mailbox: Mailbox, enabled: bool) -> Mailbox:
    """Switch an address on or off. Off: no login, no mail, everything kept here. Not for its holder."""
    access.require(actor, access.Verb.MANAGE, mailbox)
    lock_in_use(mailbox)
    if mailbox.enabled == enabled:
        return mailbox
    mailbox.enabled = enabled
    gathering.keep(mailbox, "enabled")
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
        gathering.keep(mailbox, "note")
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
    mailbox.trashed_at = gathering.now()
    gathering.keep(mailbox, "trashed_at")
    give_quota_back(mailbox.domain.organization, "mailbox")
    target = mark_mailbox(mailbox)
    record(
        actor,
        "trash_mailbox",
        mailbox,
        f"{mailbox} was put into the trash.",
        mailbox=mailbox,
        target=target,
        before={"trashed": False, "targets": _addresses(mailbox)},
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
    addresses = _addresses(mailbox)
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
        after={"trashed": False, "targets": addresses},
    )
    return mailbox


def _addresses(mailbox: Mailbox) -> list[str]:
    return [row.address for row in sorted(mailbox.targets.all(), key=lambda row: row.pk)]
