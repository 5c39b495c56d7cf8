"""Which sync targets a change of an address touches."""

from __future__ import annotations

from django.utils import timezone

from tenants import outbox
from tenants.models import Domain, Mailbox, SyncTarget


def relay_target(domain: Domain) -> SyncTarget | None:
    """The sync target that holds this domain's users, once a relay repository is connected."""
    return SyncTarget.objects.filter(repository__domain=domain).first()


def mark_mailbox(mailbox: Mailbox) -> SyncTarget | None:
    """Mark the relay that holds `mailbox`, remember which generation carries this change, and whether anybody
    has confirmed to get its mail."""
    target = relay_target(mailbox.domain)
    mailbox.changed_at = timezone.now()
    if target is not None:
        mailbox.generation = outbox.mark([target])[target.pk]
    mailbox.reached = mailbox.targets.filter(confirmed_at__isnull=False).exists()
    mailbox.save(update_fields=["changed_at", "generation", "reached"])
    return target
