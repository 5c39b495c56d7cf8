"""The trash: what is gone from the outside is kept for some days, then deleted for good.

Nothing is deleted here before its absence was proved outside: a row that is gone makes its name foreign, and
an entry that were still there would never be taken away.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from tenants import access
from tenants.actions.audit import record, record_all, unsaved_event
from tenants.actions.forgetting import forget_in_events
from tenants.actions.locking import lock
from tenants.actions.marks import relay_target
from tenants.actions.reversals import final, undoable
from tenants.actor import Actor
from tenants.errors import Absent, Conflict, Forbidden, Invalid
from tenants.formats.text import printable
from tenants.models import AddressRequest, Domain, Mailbox, SyncTarget

# How many rows one transaction deletes, and one look of the sweeper or one press of a button at most.
AT_ONCE = 200
AT_MOST = 25 * AT_ONCE
# One that is due and still there is looked at again after this.
LOOK_AGAIN = timedelta(minutes=10)


@dataclass(frozen=True)
class Emptied:
    """How many addresses were deleted for good, and how many are left in the trash."""

    deleted: int
    left: int


def is_gone(mailbox: Mailbox, target: SyncTarget | None) -> bool:
    """Was it proved that the outside does not have this trashed address (any more)?

    An entry that somebody else changed was left alone by the pass that carried the deletion, so it is still
    there. Without a repository nothing was ever written.
    """
    if target is None:
        return True
    left_alone: Collection[str] = target.proof.get("apart", {})
    return target.observed_generation >= max(mailbox.generation, 1) and mailbox.local_part not in left_alone


def kept_until(mailbox: Mailbox) -> datetime:
    """When a trashed address is deleted for good by itself, if it is proved gone by then."""
    assert mailbox.trashed_at is not None  # noqa: S101 - of those in the trash
    return mailbox.trashed_at + timedelta(days=mailbox.domain.trash_days)


@transaction.atomic
def change_trash_days(*, actor: Actor, domain: Domain, days: int) -> Domain:
    """Choose how many days an address stays in the trash; also for those that are in it."""
    access.require(actor, access.Verb.CHANGE, domain)
    if not 1 <= days <= 366:
        raise Invalid.of("trash_days", f"{days} days is not possible.", "Choose 1 to 366.")
    lock(domain)
    before = domain.trash_days
    if days == before:
        return domain
    domain.trash_days = days
    domain.save(update_fields=["trash_days"])
    _trash_of(domain).update(trash_look_at=timezone.now())
    record(
        actor,
        "change_trash_days",
        domain.name,
        f"Addresses of {domain} stay in the trash for {days} day{'s' if days != 1 else ''}.",
        domain=domain,
        before={"trash_days": before},
        after={"trash_days": days},
    )
    return domain


def purge_mailbox(*, actor: Actor, mailbox: Mailbox, typed: str) -> int:
    """Delete a trashed address for good, now. `typed` is the address, as a person typed it to confirm.

    Returns how many are left in its domain's trash. Raises Conflict while it is not proved gone outside.
    """
    domain = mailbox.domain
    _require_owner(actor, domain)
    if typed.strip().lower() != str(mailbox):
        raise Invalid.of(
            "address",
            f"“{printable(typed, 80)}” is not this address.",
            f"Type {mailbox} to delete it for good.",
        )
    if not _purge(actor, domain, [mailbox.pk]):
        mailbox = _again(mailbox)
        if mailbox.trashed_at is None:
            raise Conflict(f"{mailbox} is not in the trash. Put it there first.")
        raise Conflict(
            f"{mailbox} is still being taken away from the mail server. It can be deleted for good once it is"
            " proved gone there."
        )
    return _trash_of(domain).count()


def _trash_of(domain: Domain) -> QuerySet[Mailbox]:
    return Mailbox.objects.filter(domain=domain, trashed_at__isnull=False)


def _again(mailbox: Mailbox) -> Mailbox:
    row = Mailbox.objects.select_related("domain").filter(pk=mailbox.pk).first()
    if row is None:
        raise Absent
    return row


def empty_trash(*, actor: Actor, domain: Domain, typed: str) -> Emptied:
    """Delete for good all that is proved gone, some thousands at once; the rest stays and is counted.

    `typed` is the domain's name, as a person typed it to confirm. Done in several transactions: what was
    deleted stays deleted when a later one fails.
    """
    _require_owner(actor, domain)
    if typed.strip().lower() != domain.name:
        raise Invalid.of(
            "domain",
            f"“{printable(typed, 80)}” is not this domain.",
            f"Type {domain.name} to empty its trash.",
        )
    trash = _trash_of(domain).order_by("pk")
    deleted, after = 0, 0
    for _ in range(AT_MOST // AT_ONCE):
        keys = list(trash.filter(pk__gt=after).values_list("pk", flat=True)[:AT_ONCE])
        if not keys:
            break
        after = keys[-1]
        deleted += _purge(actor, domain, keys)
    return Emptied(deleted, trash.count())


def _require_owner(actor: Actor, domain: Domain) -> None:
    access.require(actor, access.Verb.VIEW, domain)
    access.require_not_halted(actor, domain.organization_id)
    if not access.may(actor, access.Verb.DELETE, domain):
        raise Forbidden("You may not delete an address for good. Ask an owner.")


def purge_trash(*, actor: Actor) -> int:
    """Delete for good what was in the trash for its days, some at once; returns how many.

    What is not due yet, or not proved gone, is looked at again when it may be.
    """
    if not actor.system:
        raise Forbidden("The trash empties itself; Rookery looks every few seconds.")
    now = timezone.now()
    rows = Mailbox.objects.filter(trashed_at__isnull=False, trash_look_at__lte=now)
    found = list(rows.select_related("domain__organization").order_by("trash_look_at", "pk")[:AT_ONCE])
    due: dict[Domain, list[int]] = {}
    later: dict[datetime, list[int]] = {}
    for row in found:
        until = kept_until(row)
        if until > now:
            later.setdefault(until, []).append(row.pk)
        else:
            due.setdefault(row.domain, []).append(row.pk)
    deleted = sum(_purge(actor, domain, keys) for domain, keys in due.items())
    # Those that are not there any more were deleted; the rest of them are still outside.
    later.setdefault(now + LOOK_AGAIN, []).extend(key for keys in due.values() for key in keys)
    for when, keys in later.items():
        Mailbox.objects.filter(pk__in=keys).update(trash_look_at=when)
    return deleted


@transaction.atomic
def _purge(actor: Actor, domain: Domain, keys: Sequence[int]) -> int:
    """Delete those of `keys` that are in the trash and proved gone, with all that is known of them."""
    rows = Mailbox.objects.select_for_update().filter(pk__in=keys, trashed_at__isnull=False)
    locked = list(rows.order_by("pk"))
    # Read after the rows are held: no change of them can be under way any more.
    target = relay_target(domain)
    gone = [row for row in locked if is_gone(row, target)]
    if not gone:
        return 0
    now = timezone.now()
    for row in gone:
        row.domain = domain
    forget_in_events(gone)
    AddressRequest.objects.filter(mailbox__in=gone).delete()
    Mailbox.objects.filter(pk__in=[row.pk for row in gone]).delete()
    record_all([unsaved_event(actor, "purge_mailbox", row, _said(row, now), domain=domain) for row in gone])
    return len(gone)


def _said(mailbox: Mailbox, now: datetime) -> str:
    days = (now - (mailbox.trashed_at or now)).days
    after = f", after {days} day{'s' if days != 1 else ''} in the trash" if days else ""
    return f"{mailbox} was deleted for good{after}."


undoable(
    "change_trash_days",
    find=lambda event: event.domain,
    present=lambda domain, event: {"trash_days": domain.trash_days},
    restore=lambda actor, domain, event: change_trash_days(
        actor=actor, domain=domain, days=event.before["trash_days"]
    ),
    told=lambda domain, event: (
        f"Addresses of {domain} stay in the trash for {event.before['trash_days']} days."
    ),
)
final("It was deleted for good: nothing of it is left. Its name can be made again.", "purge_mailbox")
