"""Which sync targets a change of an address touches."""

from __future__ import annotations

from django.utils import timezone

from tenants import outbox
from tenants.actions import gathering
from tenants.models import Domain, Mailbox, SyncTarget


def relay_target(domain: Domain) -> SyncTarget | None:
    """The sync target that holds this domain's users, once a relay repository is connected."""
    return SyncTarget.objects.filter(repository__domain=domain).first()


def mark_mailbox(mailbox: Mailbox) -> SyncTarget | None:
    """Mark the relay that holds `mailbox` and remember which generation carries this change.

    While a set of addresses is being changed, all of them are marked together at its end.
    """
    gathered = gathering.current()
    if gathered is not None:
        gathered.changed.append(mailbox)
        if mailbox.domain_id not in gathered.relays:
            gathered.relays[mailbox.domain_id] = relay_target(mailbox.domain)
        return gathered.relays[mailbox.domain_id]
    target = relay_target(mailbox.domain)
    mailbox.changed_at = timezone.now()
    if target is not None:
        mailbox.generation = outbox.mark([target])[target.pk]
    mailbox.save(update_fields=["changed_at", "generation"])
    return target
