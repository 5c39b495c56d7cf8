"""Which sync targets a change of an address touches, and which other addresses change with it."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import QuerySet
from django.utils import timezone

from tenants import outbox
from tenants.actions.exchanges import judge_aliases
from tenants.models import Delivery, Domain, Mailbox, SyncTarget


def relay_target(domain: Domain) -> SyncTarget | None:
    """The sync target that holds this domain's users, once a relay repository is connected."""
    return SyncTarget.objects.filter(repository__domain=domain).first()


def mark_mailbox(mailbox: Mailbox) -> SyncTarget | None:
    """Mark the relay that holds `mailbox` and remember which generation carries this change.

    The entries of aliases that deliver to it hold its targets: they change with it, in the same pass.
    """
    target = relay_target(mailbox.domain)
    mailbox.changed_at = timezone.now()
    aliases = hold_aliases_of([mailbox.pk])
    fed = [] if aliases is None else list(aliases.values_list("pk", flat=True))
    judge_aliases([mailbox.pk, *fed])
    if target is not None:
        mailbox.generation = outbox.mark([target])[target.pk]
        if aliases is not None:
            aliases.update(generation=mailbox.generation)
    mailbox.save(update_fields=["changed_at", "generation"])
    return target


def hold_aliases_of(mailbox_ids: Iterable[int]) -> QuerySet[Mailbox] | None:
    """The aliases that deliver to any of these mailboxes, held until the transaction ends; None for none.

    Held before the sync target is, in the order of their ids, like everything that is locked (see locking).
    """
    feeding = Delivery.objects.filter(mailbox__in=list(mailbox_ids)).values("alias")
    aliases = Mailbox.objects.filter(pk__in=feeding)
    held = aliases.select_for_update().order_by("pk").values_list("pk", flat=True)
    return aliases if list(held) else None
