"""Deliveries of webhooks: asked for by people, and what workers say about each try."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from tenants import access, limits, outbox
from tenants.actions.audit import record
from tenants.actions.locking import lock
from tenants.actions.notices import About, Letter, notify
from tenants.actions.reversals import final
from tenants.actions.webhook_outbox import QUEUE, unsaved_delivery
from tenants.actions.webhooks import place_of, set_running
from tenants.actor import Actor
from tenants.errors import Conflict, Forbidden
from tenants.formats.webhook_events import TEST, write_body
from tenants.formats.webhook_signing import MOST_TRIES, asked_delay, delay_after, hold_after
from tenants.models import Account, Webhook, WebhookAttempt, WebhookDelivery
from tenants.models.sync import LONG_AGO
from tenants.notices import WEBHOOK_STOPPED

KEPT = timedelta(days=14)
"""So long deliveries, and what was asked and answered, can be read and replayed."""
FAILING_FOR = timedelta(days=5)
MOST_WAITING = 50_000
MOST_REPLAYED = 10_000
_MOST_ATTEMPTS = 20
_FORGOTTEN_AT_ONCE = 1_000
TESTS = limits.Limit("webhook-tests", 20, timedelta(minutes=10), "Many tests were sent to this webhook.")
State, Stopped = WebhookDelivery.State, Webhook.Stopped
# The log has one language, a mail that of its reader.
_WHY = {
    Stopped.GONE: gettext_noop("its server answered 410, which says that it wants no more"),
    Stopped.FAILING: gettext_noop("it has failed for %(days)d days"),
    Stopped.FULL: gettext_noop("more than %(most)d deliveries wait for it"),
}
_WHY_VALUES = {"days": FAILING_FOR.days, "most": MOST_WAITING}


@dataclass(frozen=True)
class Tried:
    """How one try went. `status` is None where no answer came; then `problem` says why."""

    at: datetime
    milliseconds: int
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int | None = None
    answer_headers: str = ""
    answer: str = ""
    retry_after: str = ""
    problem: str = ""

    @property
    def succeeded(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


@transaction.atomic
def send_webhook_test(*, actor: Actor, webhook: Webhook) -> WebhookDelivery:
    """Send an event of no meaning, once, also where the webhook is switched off."""
    access.require(actor, access.Verb.CHANGE, webhook)
    limits.spend(TESTS, str(webhook.pk))
    data = {"organization": webhook.organization_id, "webhook": webhook.pk, "sentence": "This is a test."}
    delivery = unsaved_delivery(webhook, TEST, write_body(TEST, timezone.now(), data))
    # It is sent now and before all else, whatever failed before.
    delivery.next_try_at = LONG_AGO
    delivery.save()
    Webhook.objects.filter(pk=webhook.pk).update(next_try_at=LONG_AGO)
    outbox.hint_on_commit("send_webhooks", webhook.pk, QUEUE)
    _record(actor, "send_webhook_test", webhook, f"A test was sent to the webhook {webhook}.")
    return delivery


@transaction.atomic
def replay_delivery(*, actor: Actor, delivery: WebhookDelivery) -> WebhookDelivery:
    """Send it once more, under the same id, with all its tries before it; one that waits for its next try is
    tried now, whatever failed before."""
    webhook = delivery.webhook
    access.require(actor, access.Verb.CHANGE, webhook)
    lock(webhook)
    if delivery.type != TEST:
        _require_on(webhook)
    lock(delivery)
    now = timezone.now()
    if delivery.state == State.WAITING and max(delivery.next_try_at, webhook.next_try_at) <= now:
        raise Conflict("It is on its way already. Look again in a moment.")
    if delivery.state == State.WAITING:
        WebhookDelivery.objects.filter(pk=delivery.pk).update(next_try_at=now)
        Webhook.objects.filter(pk=webhook.pk).update(next_try_at=LONG_AGO)
        outbox.hint_on_commit("send_webhooks", webhook.pk, QUEUE)
    else:
        _renew(WebhookDelivery.objects.filter(pk=delivery.pk), webhook)
    delivery.refresh_from_db()
    told = f"A delivery of {delivery.type} to the webhook {webhook} was replayed."
    _record(actor, "replay_delivery", webhook, told, delivery=delivery.message_id)
    return delivery


@transaction.atomic
def replay_deliveries(*, actor: Actor, webhook: Webhook, since: datetime | None = None) -> int:
    """Send all that failed since then once more, the oldest first; returns how many those are."""
    access.require(actor, access.Verb.CHANGE, webhook)
    lock(webhook)
    _require_on(webhook)
    failed = webhook.deliveries.filter(state=State.FAILED).exclude(type=TEST)
    if since is not None:
        failed = failed.filter(created_at__gte=since)
    chosen = list(failed.order_by("pk").values_list("pk", flat=True)[:MOST_REPLAYED])
    for start in range(0, len(chosen), 500):
        _renew(WebhookDelivery.objects.filter(pk__in=chosen[start : start + 500]), webhook)
    if chosen:
        told = f"{len(chosen)} deliveries to the webhook {webhook} were replayed."
        _record(actor, "replay_deliveries", webhook, told, deliveries=len(chosen))
    return len(chosen)


def _require_on(webhook: Webhook) -> None:
    if not webhook.enabled:
        raise Conflict("The webhook is switched off. Switch it on first.")


def _renew(rows: Any, webhook: Webhook) -> None:
    rows.update(state=State.WAITING, tries=0, problem="", finished_at=None, next_try_at=timezone.now())
    outbox.hint_on_commit("send_webhooks", webhook.pk, QUEUE)


def _record(actor: Actor, verb: str, webhook: Webhook, sentence: str, **after: Any) -> None:
    record(
        actor,
        verb,
        webhook,
        sentence,
        organization=webhook.organization,
        domain=webhook.domain,
        after={"webhook": webhook.pk, **after},
    )


# What workers say ---------------------------------------------------------------------------------------


def begin_attempt(*, actor: Actor, webhook: Webhook, at: datetime, jitter: float) -> WebhookDelivery | None:
    """The delivery that is due first, with its next try noted already: whoever dies between sending and
    noting leaves it to be sent again, later and under the same id."""
    _require_worker(actor)
    due = webhook.deliveries.filter(state=State.WAITING, next_try_at__lte=at)
    if not webhook.enabled:
        due = due.filter(type=TEST)
    for delivery in due.order_by("next_try_at", "pk")[:20]:
        if delivery.tries >= MOST_TRIES or (delivery.type == TEST and delivery.tries):
            _finish(
                delivery, State.FAILED, at, delivery.problem or "The worker that sent it ended meanwhile."
            )
            continue
        again = at + (delay_after(delivery.tries + 1, jitter) or timedelta(minutes=5))
        mine = WebhookDelivery.objects.filter(pk=delivery.pk, state=State.WAITING, tries=delivery.tries)
        if mine.update(tries=F("tries") + 1, next_try_at=again):
            delivery.tries, delivery.next_try_at = delivery.tries + 1, again
            return delivery
    return None


@transaction.atomic
def end_attempt(
    *, actor: Actor, webhook: Webhook, delivery: WebhookDelivery, tried: Tried, jitter: float
) -> None:
    """Note how a try went, and what follows from it for the delivery and its webhook."""
    _require_worker(actor)
    lock(webhook)
    problem = tried.problem if tried.status is None else f"Its server answered {tried.status}."
    _note(delivery, tried)
    if tried.succeeded:
        _finish(delivery, State.DELIVERED, tried.at, "")
    elif delivery.type == TEST or delivery.tries >= MOST_TRIES:
        _finish(delivery, State.FAILED, tried.at, problem)
    else:
        again = max(delivery.next_try_at, tried.at + asked_delay(tried.retry_after))
        WebhookDelivery.objects.filter(pk=delivery.pk, state=State.WAITING, tries=delivery.tries).update(
            problem=problem[:300], next_try_at=again
        )
    if tried.succeeded:
        webhook.failures, webhook.failing_since, webhook.next_try_at = 0, None, LONG_AGO
        webhook.succeeded_at = tried.at
    elif delivery.type != TEST:
        webhook.failures += 1
        webhook.failing_since = webhook.failing_since or tried.at
        hold = max(hold_after(webhook.failures, jitter), asked_delay(tried.retry_after))
        webhook.next_try_at = tried.at + hold
    webhook.save(update_fields=["failures", "failing_since", "next_try_at", "succeeded_at"])
    if delivery.type != TEST:
        _stop_if_needed(actor, webhook, tried)


def _note(delivery: WebhookDelivery, tried: Tried) -> None:
    WebhookAttempt.objects.create(
        delivery=delivery,
        at=tried.at,
        headers=dict(tried.headers),
        status=tried.status,
        answer_headers=tried.answer_headers,
        answer=tried.answer,
        milliseconds=tried.milliseconds,
        problem=tried.problem[:300],
    )
    kept = delivery.attempts.order_by("-pk").values_list("pk", flat=True)[:_MOST_ATTEMPTS]
    if len(kept) == _MOST_ATTEMPTS:
        delivery.attempts.filter(pk__lt=min(kept)).delete()


def _finish(delivery: WebhookDelivery, state: str, at: datetime, problem: str) -> None:
    """Unless somebody asked for it anew meanwhile."""
    WebhookDelivery.objects.filter(pk=delivery.pk, state=State.WAITING, tries=delivery.tries).update(
        state=state, finished_at=at, problem=problem[:300]
    )


def _stop_if_needed(actor: Actor, webhook: Webhook, tried: Tried) -> None:
    if not webhook.enabled:
        return
    if tried.status == 410:
        stop = Stopped.GONE
    elif webhook.failing_since is not None and tried.at - webhook.failing_since > FAILING_FOR:
        stop = Stopped.FAILING
    elif webhook.failing_since is not None and _is_full(webhook):
        stop = Stopped.FULL
    else:
        return
    set_running(webhook, stop)
    record(
        actor,
        "stop_webhook",
        webhook,
        f"The webhook {webhook} was switched off: {_WHY[stop] % _WHY_VALUES}.",
        organization=webhook.organization,
        domain=webhook.domain,
        before={"webhook": webhook.pk, "stopped": ""},
        after={"webhook": webhook.pk, "stopped": webhook.stopped},
    )
    _tell_owners(webhook, _WHY[stop])


def _is_full(webhook: Webhook) -> bool:
    waiting = webhook.deliveries.filter(state=State.WAITING).order_by("next_try_at")
    return waiting[MOST_WAITING : MOST_WAITING + 1].exists()


def _tell_owners(webhook: Webhook, why: str) -> None:
    def line() -> str:
        return _("The webhook %(webhook)s was switched off") % {"webhook": webhook}

    def mail(_account: Account) -> Letter:
        body = _(
            "Hello,\n\nRookery switched off the webhook %(webhook)s of %(organization)s, which sends to"
            " %(place)s: %(told)s. It is told nothing more; what was not delivered is kept for %(days)d days."
            "\n\nWhen its server works again, send a test, switch it on, and replay what"
            " failed:\n\n%(page)s\n"
        )
        values = {
            "webhook": webhook,
            "organization": webhook.organization,
            "place": place_of(webhook),
            "told": _(why) % _WHY_VALUES,
            "days": KEPT.days,
            "page": f"{settings.BASE_URL}/webhooks/{webhook.pk}",
        }
        return Letter(line(), body % values)

    about = About(f"/webhooks/{webhook.pk}", thing=webhook, organization=webhook.organization)
    notify(WEBHOOK_STOPPED, about, line=line, mail=mail)


@transaction.atomic
def forget_deliveries(*, actor: Actor) -> int:
    """Drop old deliveries and the former secrets that do not sign any more; returns how many deliveries."""
    _require_worker(actor)
    now = timezone.now()
    Webhook.objects.filter(former_until__lte=now).update(sealed_former_secret=None, former_until=None)
    old = WebhookDelivery.objects.filter(created_at__lt=now - KEPT).filter(
        ~Q(state=State.WAITING) | Q(created_at__lt=now - 2 * KEPT)
    )
    chosen = list(old.order_by("created_at").values_list("pk", flat=True)[:_FORGOTTEN_AT_ONCE])
    for start in range(0, len(chosen), 500):
        WebhookDelivery.objects.filter(pk__in=chosen[start : start + 500]).delete()
    return len(chosen)


def _require_worker(actor: Actor) -> None:
    if not actor.system:
        raise Forbidden("Only Rookery's workers send webhooks; ask for a replay instead.")


final("It was sent; there is nothing to undo.", "send_webhook_test", "replay_delivery", "replay_deliveries")
final("Switch it on again instead.", "stop_webhook")
