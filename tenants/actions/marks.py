"""Which sync targets a change of an address touches, and which other addresses change with it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db.models import Case, QuerySet, When
from django.utils import timezone

from tenants import outbox
from tenants.actions import gathering
from tenants.actions.exchanges import judge_aliases
from tenants.actions.gathering import batched
from tenants.models import Delivery, Domain, Mailbox, SyncTarget
from tenants.reach import REACHES_SOMEBODY


def relay_target(domain: Domain) -> SyncTarget | None:
    """The sync target that holds this domain's users, once a relay repository is connected."""
    return SyncTarget.objects.filter(repository__domain=domain).first()


def mark_mailbox(mailbox: Mailbox) -> SyncTarget | None:
    """Mark the relay that holds `mailbox`, remember which generation carries this change, and whether anybody
    gets its mail now.

    The entries of aliases that deliver to it hold its targets: they change with it, in the same pass. While
    a set of addresses is being changed, all of them are marked together at its end.
    """
    gathered = gathering.current()
    if gathered is not None:
        gathered.changed.append(mailbox)
        if mailbox.domain_id not in gathered.relays:
            gathered.relays[mailbox.domain_id] = relay_target(mailbox.domain)
        return gathered.relays[mailbox.domain_id]
    target = relay_target(mailbox.domain)
    mailbox.changed_at = timezone.now()
    aliases = hold_aliases_of([mailbox.pk])
    fed = [] if aliases is None else list(aliases.values_list("pk", flat=True))
    judge_aliases([mailbox.pk, *fed])
    if target is not None:
        mailbox.generation = outbox.mark([target])[target.pk]
        if aliases is not None:
            aliases.update(generation=mailbox.generation)
    if aliases is not None:
        judge_reach(aliases)
    mailbox.reached = Mailbox.objects.filter(REACHES_SOMEBODY, pk=mailbox.pk).exists()
    mailbox.save(update_fields=["changed_at", "generation", "reached"])
    return target


def judge_reach(mailboxes: QuerySet[Mailbox]) -> None:
    """Say anew of each whether somebody gets its mail. Asked when what they deliver to has been written."""
    mailboxes.update(reached=Case(When(REACHES_SOMEBODY, then=True), default=False))


def hold_aliases_of(mailbox_ids: Iterable[int]) -> QuerySet[Mailbox] | None:
    """The aliases that deliver to any of these mailboxes, held until the transaction ends; None for none.

    Held before the sync target is, in the order of their ids, like everything that is locked (see locking).
    """
    feeding = Delivery.objects.filter(mailbox__in=list(mailbox_ids)).values("alias")
    aliases = Mailbox.objects.filter(pk__in=feeding)
    held = aliases.select_for_update().order_by("pk").values_list("pk", flat=True)
    return aliases if list(held) else None


def mark_mailboxes(ids: Sequence[int], target: SyncTarget | None) -> int:
    """Mark a set of addresses of one domain, as `mark_mailbox` marks one; returns the generation that
    carries them, 0 without a relay. To be called last: sync targets are locked after everything else."""
    aliases: set[int] = set()
    for some in batched(sorted(ids)):
        aliases.update(Delivery.objects.filter(mailbox__in=some).values_list("alias_id", flat=True))
    for some in batched(sorted(aliases)):
        list(Mailbox.objects.select_for_update().filter(pk__in=some).order_by("pk").values_list("pk"))
    for some in batched(sorted(aliases.union(ids))):
        judge_aliases(some)
    generation = outbox.mark([target])[target.pk] if target is not None and ids else 0
    carried = {"generation": generation} if generation else {}
    for some in batched(sorted(ids)):
        Mailbox.objects.filter(pk__in=some).update(changed_at=timezone.now(), **carried)
    for some in batched(sorted(aliases.difference(ids)) if generation else []):
        Mailbox.objects.filter(pk__in=some).update(generation=generation)
    for some in batched(sorted(aliases.union(ids))):
        judge_reach(Mailbox.objects.filter(pk__in=some))
    return generation
