"""Webhooks: programs of an organization that are told of its events. Owners keep them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from tenants import access
from tenants.actions.audit import record
from tenants.actions.locking import lock
from tenants.actions.quotas import require_room
from tenants.actions.reversals import final, known_verbs
from tenants.actor import Actor
from tenants.errors import Checks, Invalid
from tenants.formats.text import check_name
from tenants.formats.webhook_address import read_webhook_address, shown_place
from tenants.formats.webhook_events import all_types, check_wanted
from tenants.formats.webhook_signing import new_secret
from tenants.models import Domain, Organization, Webhook, WebhookDelivery
from tenants.models.sync import LONG_AGO
from tenants.secrets import Purpose, seal

FORMER_SECRET_FOR = timedelta(hours=24)
Stopped = Webhook.Stopped


def known_types() -> list[str]:
    """Every type of event that a webhook can be told."""
    return all_types(known_verbs())


@transaction.atomic
def add_webhook(
    *,
    actor: Actor,
    organization: Organization,
    url: str,
    name: str,
    types: Sequence[str] = (),
    domain: Domain | None = None,
) -> tuple[Webhook, str]:
    """Tell a program of what happens from now on; returns the row and its secret, which is shown once.

    `types` are those of events or sets of them, none for all. With a domain, only its events are told.
    """
    access.require(actor, access.Verb.VIEW, organization)
    access.require_create(actor, access.Kind.WEBHOOK, organization)
    if domain is not None:
        access.require(actor, access.Verb.VIEW, domain)
        if domain.organization_id != organization.pk:
            raise Invalid.of("domain", f"{domain} is not in {organization}.", "Choose one of its domains.")
    values = _checked(name=name, url=url, types=types)
    if domain is not None:
        lock(domain)
    lock(organization)
    others = Webhook.objects.filter(organization=organization)
    require_room(organization, "webhook")
    _require_free_name(others, values["name"])
    secret = new_secret()
    row = Webhook.objects.create(
        organization=organization,
        domain=domain,
        sealed_secret=seal(Purpose.WEBHOOK, secret),
        created_by=actor.account,
        **values,
    )
    count_webhooks(organization)
    record(
        actor,
        "add_webhook",
        row,
        f"The webhook {row} to {place_of(row)} was added.",
        organization=organization,
        domain=domain,
        after=_told(row),
    )
    return row, secret


def _checked(**given: Any) -> dict[str, Any]:
    """The values of a webhook as they are kept. Raises Invalid with all that is wrong."""
    values: dict[str, Any] = {}
    checks = Checks()
    if "name" in given:
        with checks:
            values["name"] = check_name(given["name"], field="name", maximum=100)
    if "url" in given:
        with checks:
            read_webhook_address(given["url"], here=settings.SANDBOX)
            values["url"] = given["url"].strip()
    if "types" in given:
        with checks:
            values["types"] = check_wanted(given["types"], known_types())
    checks.finish()
    return values


def _require_free_name(others: Any, name: str) -> None:
    if others.filter(name=name).exists():
        raise Invalid.of("name", f"There is a webhook “{name}” already.", "Choose another name.")


def place_of(row: Webhook) -> str:
    """Where it is sent to, as far as everybody may read it."""
    return shown_place(row.url)


def count_webhooks(organization: Organization) -> None:
    """Note how many are switched on; the caller has locked the organization."""
    organization.webhook_count = Webhook.objects.filter(organization=organization, enabled=True).count()
    organization.save(update_fields=["webhook_count"])


def _told(row: Webhook) -> dict[str, Any]:
    return {"webhook": row.pk, "name": row.name, "place": place_of(row), "types": row.types}


@transaction.atomic
def change_webhook(
    *,
    actor: Actor,
    webhook: Webhook,
    name: str | None = None,
    url: str | None = None,
    types: Sequence[str] | None = None,
) -> Webhook:
    """Change what is given. What waits already goes to the new address."""
    access.require(actor, access.Verb.CHANGE, webhook)
    given = {"name": name, "url": url, "types": types}
    values = _checked(**{field: value for field, value in given.items() if value is not None})
    lock(webhook)
    before = _told(webhook)
    changed = [field for field, value in values.items() if getattr(webhook, field) != value]
    if not changed:
        return webhook
    if "name" in changed:
        others = Webhook.objects.filter(organization=webhook.organization_id).exclude(pk=webhook.pk)
        _require_free_name(others, values["name"])
    for field in changed:
        setattr(webhook, field, values[field])
    if "url" in changed:
        webhook.failures, webhook.failing_since, webhook.next_try_at = 0, None, LONG_AGO
        changed += ["failures", "failing_since", "next_try_at"]
    webhook.save(update_fields=changed)
    after = _told(webhook)
    if "url" in changed and after["place"] == before["place"]:
        after["place"] = f"{after['place']} (another path)"
    record(
        actor,
        "change_webhook",
        webhook,
        f"The webhook {webhook} was changed.",
        organization=webhook.organization,
        domain=webhook.domain,
        before=before,
        after=after,
    )
    return webhook


@transaction.atomic
def switch_webhook(*, actor: Actor, webhook: Webhook, enabled: bool) -> Webhook:
    """Switch it off or on again. What waits when it goes off is not sent; it can be replayed."""
    access.require(actor, access.Verb.SWITCH, webhook)
    lock(webhook)
    if webhook.enabled == enabled:
        return webhook
    before = {"webhook": webhook.pk, "enabled": webhook.enabled, "stopped": webhook.stopped}
    set_running(webhook, Stopped.NO if enabled else Stopped.PERSON)
    told = "switched on again" if enabled else "switched off"
    record(
        actor,
        "switch_webhook",
        webhook,
        f"The webhook {webhook} was {told}.",
        organization=webhook.organization,
        domain=webhook.domain,
        before=before,
        after={"webhook": webhook.pk, "enabled": enabled, "stopped": webhook.stopped},
    )
    return webhook


def set_running(webhook: Webhook, stopped: str) -> None:
    """Write that it runs (no reason) or why not; the caller has locked it. What waited for it is given up."""
    webhook.enabled, webhook.stopped = stopped == Stopped.NO, stopped
    webhook.failures, webhook.failing_since, webhook.next_try_at = 0, None, LONG_AGO
    webhook.save(update_fields=["enabled", "stopped", "failures", "failing_since", "next_try_at"])
    lock(webhook.organization)
    count_webhooks(webhook.organization)
    if not webhook.enabled:
        waiting = webhook.deliveries.filter(state=WebhookDelivery.State.WAITING)
        waiting.update(
            state=WebhookDelivery.State.FAILED,
            finished_at=timezone.now(),
            problem="The webhook was switched off before it could be sent.",
        )


@transaction.atomic
def rotate_webhook_secret(*, actor: Actor, webhook: Webhook) -> str:
    """Give it a new secret, which is returned and shown once. For a day both sign, so that its program can
    be changed meanwhile."""
    access.require(actor, access.Verb.CHANGE, webhook)
    lock(webhook)
    secret = new_secret()
    webhook.sealed_former_secret = webhook.sealed_secret
    webhook.former_until = timezone.now() + FORMER_SECRET_FOR
    webhook.sealed_secret = seal(Purpose.WEBHOOK, secret)
    webhook.save(update_fields=["sealed_secret", "sealed_former_secret", "former_until"])
    record(
        actor,
        "rotate_webhook_secret",
        webhook,
        f"The webhook {webhook} got a new secret.",
        organization=webhook.organization,
        domain=webhook.domain,
        after={"webhook": webhook.pk, "secret": "changed"},
    )
    return secret


@transaction.atomic
def remove_webhook(*, actor: Actor, webhook: Webhook) -> None:
    """Tell it nothing more, and forget what was sent and answered."""
    access.require(actor, access.Verb.DELETE, webhook)
    lock(webhook)
    name, place, told = str(webhook), place_of(webhook), _told(webhook)
    organization, domain = webhook.organization, webhook.domain
    webhook.delete()
    lock(organization)
    count_webhooks(organization)
    record(
        actor,
        "remove_webhook",
        name,
        f"The webhook {name} to {place} was removed.",
        organization=organization,
        domain=domain,
        before=told,
    )


final("Remove the webhook instead.", "add_webhook")
final("Change it again; what its address was is not kept, since it may hold a key.", "change_webhook")
final("Switch it again instead.", "switch_webhook")
final("The former secret is not kept for longer than a day. Make another one.", "rotate_webhook_secret")
final("Add it again instead; it gets a new secret.", "remove_webhook")
