"""Making an address: checked by its words, then by what is there, then its row. Also for many: `creation`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypedDict, Unpack

from django.db import IntegrityError, transaction
from django.utils import timezone

from tenants import access
from tenants.actions.audit import record
from tenants.actions.marks import mark_mailbox
from tenants.actions.names import require_free_name
from tenants.actions.quotas import take_addresses
from tenants.actions.targets import add_target_rows, check_target_list
from tenants.actor import Actor
from tenants.errors import Checks, Conflict, Invalid
from tenants.formats.addresses import check_local_part
from tenants.formats.ends import check_end
from tenants.formats.passphrase import check_hash
from tenants.formats.text import check_text
from tenants.models import Account, Domain, Holding, Mailbox, SyncTarget
from tenants.secrets import Purpose, seal


def require_may_make(actor: Actor, domain: Domain) -> None:
    access.require(actor, access.Verb.VIEW, domain)
    access.require_create(actor, access.Kind.MAILBOX, domain)


class Further(TypedDict, total=False):
    """Columns that few addresses have: see the model."""

    enabled: bool
    made_for: Mailbox | None
    expires_at: datetime | None


@dataclass(frozen=True)
class NewMailbox:
    """An address that may be made as far as its words go: `check_new_mailbox` made it."""

    local_part: str
    targets: tuple[str, ...]
    sealed_hash: bytes | None = field(default=None, repr=False)
    note: str = ""
    enabled: bool = True
    vouched: bool = False
    expires_at: datetime | None = None


def check_new_mailbox(
    domain: Domain,
    *,
    local_part: str,
    targets: Sequence[str],
    password_hash: str,
    note: str,
    expires_at: datetime | None = None,
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
    with checks:
        expires_at = check_end(expires_at, now=timezone.now())
    checks.finish()
    sealed = seal(Purpose.MAILBOX_HASH, password_hash) if password_hash else None
    return NewMailbox(local_part, tuple(targets), sealed, note, expires_at=expires_at)


def make_mailbox(
    actor: Actor,
    domain: Domain,
    new: NewMailbox,
    *,
    holder: Account | None = None,
    accept_shared: bool = False,
) -> Mailbox:
    """Look at what is there already, and make it. The caller has asked whether `actor` may."""
    require_free_name(domain, new.local_part, actor)
    access.require_rank(actor, f"{new.local_part}@{domain.name}")
    mailbox = insert_sealed_mailbox(
        domain=domain,
        local_part=new.local_part,
        sealed_hash=new.sealed_hash,
        note=new.note,
        holder=holder,
        enabled=new.enabled,
        expires_at=new.expires_at,
    )
    add_target_rows(actor, mailbox, new.targets, vouched=new.vouched, accept_shared=accept_shared)
    record_new(actor, mailbox, new, mark_mailbox(mailbox))
    return mailbox


def record_new(actor: Actor, mailbox: Mailbox, new: NewMailbox, target: SyncTarget | None) -> None:
    after: dict[str, Any] = {
        "targets": list(new.targets),
        "kind": mailbox.kind,
        "note": new.note,
        "trashed": False,
        **end_of(mailbox),
    }
    if not new.enabled:
        after["enabled"] = False
    if new.vouched:
        after["vouched"] = True
    record(
        actor,
        "create_mailbox",
        mailbox,
        f"The address {mailbox} was made{f'; {actor} vouched for those who get its mail' * new.vouched}.",
        mailbox=mailbox,
        target=target,
        after=after,
    )


def end_of(mailbox: Mailbox) -> dict[str, str]:
    """The end of an address for an event, where it has one."""
    return {"expires_at": mailbox.expires_at.isoformat()} if mailbox.expires_at else {}


def unsaved_mailbox(
    domain: Domain, local_part: str, sealed_hash: bytes | None, note: str, **columns: Unpack[Further]
) -> Mailbox:
    return Mailbox(
        domain=domain,
        local_part=local_part,
        kind=Mailbox.Kind.MAILBOX if sealed_hash else Mailbox.Kind.ALIAS,
        sealed_hash=sealed_hash,
        note=note,
        changed_at=timezone.now(),
        **columns,
    )


def insert_sealed_mailbox(
    *,
    domain: Domain,
    local_part: str,
    sealed_hash: bytes | None,
    note: str,
    holder: Account | None,
    **columns: Unpack[Further],
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
    take_addresses(domain)
    try:
        with transaction.atomic():
            mailbox = unsaved_mailbox(domain, local_part, sealed_hash, note, **columns)
            mailbox.save(force_insert=True)
    except IntegrityError as error:
        raise Conflict(f"{local_part}@{domain.name} was made by somebody else just now.") from error
    if holder is not None:
        Holding.objects.create(mailbox=mailbox, account=holder, since=timezone.now())
    return mailbox
