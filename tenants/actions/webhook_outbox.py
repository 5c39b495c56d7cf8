"""Owing webhooks their events: rows in the transaction of the event, sent by a worker afterwards.

An organization without webhooks pays nothing: its count of them is on the row that the event names anyway.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from django.utils import timezone

from tenants import outbox
from tenants.formats.webhook_events import is_wanted, observed_type, type_of, write_body
from tenants.formats.webhook_signing import new_delivery_id
from tenants.models import Event, SyncTarget, Webhook, WebhookDelivery

QUEUE = "webhooks"
_AT_ONCE = 500
# Of one proof: more changes than these were an import, which is told by its own event.
_MOST_OBSERVED = 20_000
_LONGEST_FACT = 200


def owe(events: Iterable[Event]) -> None:
    """Owe these events, which have been written, to all who want them."""
    told = [each for each in events if each.organization is not None and each.organization.webhook_count]
    if told:
        _owe(told, {each.pk: type_of(each.verb) for each in told}, _what_happened)


def owe_observed(target: SyncTarget, *, before: int, generation: int, facts: Mapping[str, Any]) -> None:
    """Owe the news that what was asked of `target` after generation `before` was proved to be outside."""
    listening = Webhook.objects.filter(enabled=True)
    if not listening.exists():
        return
    asked = Event.objects.filter(
        sync_target=target,
        generation__gt=before,
        generation__lte=generation,
        organization__in=listening.values("organization_id"),
    )
    rows = list(asked.select_related("domain", "organization").order_by("pk")[:_MOST_OBSERVED])
    proof = {name: value for name, value in facts.items() if _is_short(value)}
    at = timezone.now()

    def observed(event: Event) -> tuple[datetime, dict[str, Any]]:
        mine = event.organization_id == target.organization_id
        told = {"of": type_of(event.verb), "observed": generation, "proof": proof if mine else {}}
        return at, {**_named(event), **told}

    if rows:
        _owe(rows, {each.pk: observed_type(each.verb) for each in rows}, observed)


def _is_short(value: Any) -> bool:
    return isinstance(value, (str, int)) and len(str(value)) <= _LONGEST_FACT


def _owe(events: list[Event], types: Mapping[int, str], tell: Any) -> None:
    organizations = {each.organization_id for each in events}
    hooks = list(Webhook.objects.filter(organization__in=organizations, enabled=True).order_by("pk"))
    rows = [row for event in events for row in _rows(event, hooks, types[event.pk], tell)]
    WebhookDelivery.objects.bulk_create(rows, batch_size=_AT_ONCE)
    for hook_id in {row.webhook_id for row in rows}:
        outbox.hint_on_commit("send_webhooks", hook_id, QUEUE)


def _rows(event: Event, hooks: list[Webhook], kind: str, tell: Any) -> Iterator[WebhookDelivery]:
    body = ""
    for hook in hooks:
        if hook.organization_id != event.organization_id:
            continue
        if hook.domain_id not in {None, event.domain_id} or not is_wanted(kind, hook.types):
            continue
        body = body or write_body(kind, *tell(event))
        yield unsaved_delivery(hook, kind, body, event_id=event.pk)


def unsaved_delivery(hook: Webhook, kind: str, body: str, *, event_id: int | None = None) -> WebhookDelivery:
    now = timezone.now()
    return WebhookDelivery(
        organization_id=hook.organization_id,
        webhook=hook,
        message_id=new_delivery_id(),
        event=event_id,
        type=kind,
        body=body,
        next_try_at=now,
        created_at=now,
    )


def _named(event: Event) -> dict[str, Any]:
    return {
        "event": event.pk,
        "organization": event.organization_id,
        "domain": event.domain.name if event.domain is not None else None,
        "subject": event.subject,
        "sentence": event.sentence,
        "target": event.sync_target_id,
        "generation": event.generation,
    }


def _what_happened(event: Event) -> tuple[datetime, dict[str, Any]]:
    """What the audit log says, without where the person was. Secrets are masked before they get there."""
    told = {
        "actor": event.actor_name,
        "via": event.via,
        "reason": event.reason,
        "undoes": event.undoes_id,
        "before": event.before,
        "after": event.after,
    }
    return event.at, {**_named(event), **told}
