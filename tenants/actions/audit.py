"""The one way an event is written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypedDict, Unpack

from django.utils import timezone

from tenants.actions import gathering
from tenants.actions.webhook_outbox import owe
from tenants.actor import Actor
from tenants.models import Domain, Event, Mailbox, Organization, SyncTarget

_undone: ContextVar[Event | None] = ContextVar("undone", default=None)


@contextmanager
def undoing(event: Event) -> Iterator[None]:
    """The next event that is made says that it undoes `event`."""
    token = _undone.set(event)
    try:
        yield
    finally:
        _undone.reset(token)


class About(TypedDict, total=False):
    """What an event is about. `before` and `after` hold no secrets: say "changed" instead."""

    organization: Organization | None
    domain: Domain | None
    mailbox: Mailbox | None
    target: SyncTarget | None
    before: dict[str, Any]
    after: dict[str, Any]
    reason: str


def record(actor: Actor, verb: str, subject: object, sentence: str, **about: Unpack[About]) -> Event:
    """Write who did what to what; while a set is being changed, at its end."""
    event = unsaved_event(actor, verb, subject, sentence, **about)
    gathered = gathering.current()
    if gathered is not None:
        gathered.events.append(event)
    else:
        event.save()
        owe([event])
    return event


def record_all(events: Sequence[Event]) -> None:
    """Write many events that `unsaved_event` made."""
    Event.objects.bulk_create(events, batch_size=500)
    owe(events)


def unsaved_event(actor: Actor, verb: str, subject: object, sentence: str, **about: Unpack[About]) -> Event:
    """The row of an event. Its domain and organization follow from what is narrower."""
    mailbox, target = about.get("mailbox"), about.get("target")
    domain = about.get("domain") or (mailbox.domain if mailbox is not None else None)
    organization = about.get("organization") or (domain.organization if domain is not None else None)
    undone = _undone.get()
    _undone.set(None)
    return Event(
        organization=organization,
        domain=domain,
        mailbox=mailbox,
        sync_target=target,
        generation=target.generation if target else 0,
        undoes=undone,
        verb=verb,
        subject=str(subject)[:300],
        sentence=sentence[:500],
        before=about.get("before") or {},
        after=about.get("after") or {},
        reason=about.get("reason", ""),
        actor=actor.account,
        actor_name=str(actor)[:300],
        via=actor.via.value,
        token=actor.token[:120],
        ip=actor.ip,
        request_id=actor.request_id[:40],
        at=timezone.now(),
    )
