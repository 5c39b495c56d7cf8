"""Sending webhooks: one worker at a time for each, a few of one organization at once, the rest in turn."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from tenants.actions.webhook_deliveries import Tried, begin_attempt, end_attempt
from tenants.actor import Actor
from tenants.errors import Absent
from tenants.formats.webhook_events import TEST
from tenants.formats.webhook_signing import headers
from tenants.models import Webhook, WebhookDelivery
from tenants.secrets import CannotOpen, Opener, Purpose
from workers.outward import FetchError, Poster

log = logging.getLogger(__name__)
REQUEST_SECONDS = 15.0
"""That one try may take; the specification recommends 15 to 30."""
SECONDS = 20.0
"""After which another webhook has its turn."""
MOST_AT_A_TURN = 50
OF_ONE_ORGANIZATION = 2
AT_ONCE = 3
"""Webhooks that are served at a time, so that slow ones leave room for other work of the process."""
MOST_ANSWER = 4_096
# Longer than the last try of a turn may take, with looking its name up.
CLAIM = timedelta(seconds=90)


@dataclass(frozen=True)
class WebhookSender:
    """Sends by `poster`, signs with secrets that `opener` opens; clocks and chance are injected."""

    poster: Poster
    opener: Opener
    now: Callable[[], datetime] = timezone.now
    monotonic: Callable[[], float] = time.monotonic
    jitter: Callable[[], float] = random.SystemRandom().random

    def serve(self, webhook_id: int) -> int:
        """Send what is due for one webhook, unless somebody does; returns how many tries it made."""
        until = self._claim(webhook_id)
        if until is None:
            return 0
        mine = Webhook.objects.filter(pk=webhook_id, claimed_until=until)
        try:
            return self._take_turn(mine)
        except Absent:
            return 0  # It was removed meanwhile.
        finally:
            # When it was served last says whose turn is next.
            mine.update(claimed_until=self.now())

    def _claim(self, webhook_id: int) -> datetime | None:
        now = self.now()
        row = due_webhooks(now).filter(pk=webhook_id).first()
        busy = Webhook.objects.filter(claimed_until__gt=now)
        if row is None or busy.count() >= AT_ONCE:
            return None
        if busy.filter(organization=row.organization_id).count() >= OF_ONE_ORGANIZATION:
            return None
        until = now + CLAIM
        claimed = due_webhooks(now).filter(pk=webhook_id).update(claimed_until=until)
        return until if claimed else None

    def _take_turn(self, mine: QuerySet[Webhook]) -> int:
        began, rookery = self.monotonic(), Actor.rookery()
        for tries in range(MOST_AT_A_TURN):
            now = self.now()
            row = mine.select_related("organization", "domain").filter(next_try_at__lte=now).first()
            if row is None or self.monotonic() - began > SECONDS:
                return tries
            delivery = begin_attempt(actor=rookery, webhook=row, at=now, jitter=self.jitter())
            if delivery is None:
                return tries
            tried = self._try(row, delivery)
            log.info("webhook %s: %s", row.pk, tried.status or tried.problem)
            end_attempt(actor=rookery, webhook=row, delivery=delivery, tried=tried, jitter=self.jitter())
        return MOST_AT_A_TURN

    def _try(self, row: Webhook, delivery: WebhookDelivery) -> Tried:
        at, began = self.now(), self.monotonic()
        request: dict[str, str] = {}

        def told(**answer: str | int) -> Tried:
            spent = int((self.monotonic() - began) * 1000)
            return Tried(at=at, milliseconds=spent, headers=request, **answer)  # type: ignore[arg-type]

        try:
            request |= {"content-type": "application/json", "user-agent": "Rookery-Webhooks/1"}
            request |= headers(
                delivery.message_id, int(at.timestamp()), delivery.body, self._secrets(row, at)
            )
            answer = self.poster.post(
                row.url, delivery.body.encode(), request, timeout=REQUEST_SECONDS, most=MOST_ANSWER
            )
        except FetchError as problem:
            sentence = f"{problem.sentence} {problem.fix}".strip()
            return told(problem=sentence[:1].upper() + sentence[1:])
        except CannotOpen as problem:
            return told(problem=str(problem))
        return told(
            status=answer.status,
            answer_headers=answer.headers,
            answer=answer.body,
            retry_after=answer.retry_after,
        )

    def _secrets(self, row: Webhook, at: datetime) -> list[str]:
        """The secret, and for a day after it was changed the one before."""
        sealed = [bytes(row.sealed_secret)]
        if row.sealed_former_secret is not None and row.former_until and row.former_until > at:
            sealed.append(bytes(row.sealed_former_secret))
        return [self.opener.open(Purpose.WEBHOOK, each) for each in sealed]


def due_webhooks(now: datetime) -> QuerySet[Webhook]:
    """Those with something to send that nobody serves just now; who was served longest ago comes first."""
    waiting = WebhookDelivery.objects.filter(
        Q(webhook__enabled=True) | Q(type=TEST),
        webhook=OuterRef("pk"),
        state=WebhookDelivery.State.WAITING,
        next_try_at__lte=now,
    )
    rows = Webhook.objects.filter(Exists(waiting), next_try_at__lte=now, claimed_until__lte=now)
    return rows.order_by(F("claimed_until").asc(), "pk")
