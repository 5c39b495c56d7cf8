"""The one way an event is written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils import timezone

from tenants.actor import Actor
from tenants.models import Domain, Event, Mailbox, Organization, SyncTarget


def record(
    actor: Actor,
    verb: str,
    subject: object,
    sentence: str,
    *,
    organization: Organization | None = None,
    domain: Domain | None = None,
    mailbox: Mailbox | None = None,
    target: SyncTarget | None = None,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    reason: str = "",
) -> Event:
    """Write who did what to what. `before` and `after` hold no secrets: say "changed" instead."""
    event = unsaved_event(
        actor,
        verb,
        subject,
        sentence,
        organization=organization,
        domain=domain,
        mailbox=mailbox,
        target=target,
        before=before,
        after=after,
        reason=reason,
    )
    event.save()
    return event


def record_all(events: Sequence[Event]) -> None:
    """Write many events that `unsaved_event` made."""
    Event.objects.bulk_create(events, batch_size=500)


def unsaved_event(
    actor: Actor,
    verb: str,
    subject: object,
    sentence: str,
    *,
    organization: Organization | None = None,
    domain: Domain | None = None,
    mailbox: Mailbox | None = None,
    target: SyncTarget | None = None,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    reason: str = "",
) -> Event:
    """The row of an event; see `record`."""
    if domain is None and mailbox is not None:
        domain = mailbox.domain
    if organization is None and domain is not None:
        organization = domain.organization
    return Event(
        organization=organization,
        domain=domain,
        mailbox=mailbox,
        sync_target=target,
        generation=target.generation if target else 0,
        verb=verb,
        subject=str(subject)[:300],
        sentence=sentence[:500],
        before=before or {},
        after=after or {},
        reason=reason,
        actor=actor.account,
        actor_name=str(actor)[:300],
        via=actor.via.value,
        token=actor.token[:120],
        ip=actor.ip,
        request_id=actor.request_id[:40],
        at=timezone.now(),
    )
