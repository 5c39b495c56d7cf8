"""Sending the messages of canaries and seeing them arrive: every few minutes, for each stack that runs, and
when a person wants to follow one."""

from __future__ import annotations

import logging
import ssl
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from tenants.actions.canary_rounds import (
    begin_canary_round,
    finish_canary_look,
    record_canary_arrival,
    record_canary_sent,
)
from tenants.actions.letters import begin_letter, finish_letter_look
from tenants.actor import Actor
from tenants.errors import Absent
from tenants.formats.canary import Verdict, Way
from tenants.formats.letters import kept_headers
from tenants.models import Canary, CanaryRound, CanaryWay, Stack, StackPhase
from tenants.secrets import Opener, Purpose
from workers.canary import Arrived, Dial, Leg, dial_directly, forget, make_message, read, send
from workers.errands.claims import claim
from workers.probes.talk import believing

log = logging.getLogger(__name__)

# Longer than two conversations and the wait after them may take.
CLAIM = timedelta(seconds=70)
AT_ONCE = 20
APART = timedelta(seconds=15)
"""Between a letter and any other message: longer than lines are looked for around one."""
_POLL_SECONDS = 0.1
_WITH = ("domain__organization", "release", "public")
NOWHERE = "rookery-canary@example.com"
"""Whom a canary without a home writes to: example.com takes no mail (RFC 2606, RFC 7505)."""


class UnknownPlaceError(Exception):
    """Nobody said where the servers are, so nothing is found out about them; says why."""


Places = Callable[[Stack, Way], Sequence[tuple[str, int]]]
"""Where mail of a stack's domain goes in, or its people send it: addresses with ports, the best first; none
when the DNS names none. Raises UnknownPlaceError."""


@dataclass(frozen=True)
class CanaryKeeper:
    """`trust` is for the submission server of a stack. `wait_seconds`: how long one look waits for mail."""

    opener: Opener
    places: Places
    maildir: Path
    dial: Dial = dial_directly
    trust: Callable[[Stack], Callable[[], ssl.SSLContext]] = lambda stack: believing
    helo: str = "localhost"
    now: Callable[[], datetime] = timezone.now
    seconds: float = 15.0
    wait_seconds: float = 6.0
    actor: Actor = field(default_factory=Actor.rookery)

    def look(self, canary_id: int) -> bool:
        """One round of a canary, or a look for what is under way, unless somebody does or it is not due."""
        if self._just_sent(canary_id, asked_at__isnull=False):
            return False
        canary = claim(due_canaries(), canary_id, CLAIM, *(f"stack__{each}" for each in _WITH))
        if canary is None:
            return False
        try:
            self._collect(canary)
            if not self._waiting(canary).filter(asked_at=None).exists():
                for way in Way:
                    at = self.now()
                    self._send(begin_canary_round(actor=self.actor, canary=canary, way=way, at=at))
                self._wait(canary)
            finish_canary_look(actor=self.actor, canary=canary, at=self.now())
        except (Absent, Canary.DoesNotExist):
            return False
        return True

    def follow(self, letter_id: int) -> bool:
        """Send a letter that somebody wants to follow, or look for it; not soon after another message, so
        that the consoles tell of one at a time."""
        rows = due_letters().select_related(*(f"canary__stack__{each}" for each in _WITH))
        letter = rows.filter(pk=letter_id).first()
        if letter is None or (letter.verdict == Verdict.ASKED and self._just_sent(letter.canary_id)):
            return False
        free = Canary.objects.filter(pk=letter.canary_id, claimed_until__lte=Now())
        if not free.update(claimed_until=Now() + CLAIM):
            return False
        canary = letter.canary
        try:
            self._collect(canary)
            if begin_letter(actor=self.actor, letter=letter, at=self.now()):
                self._send(letter)
                self._wait(canary)
            finish_letter_look(actor=self.actor, canary=canary, at=self.now())
        except (Absent, Canary.DoesNotExist, CanaryRound.DoesNotExist):
            return False
        return True

    def leg(self, canary: Canary, way: Way) -> Leg:
        """How its next message goes this way. Raises UnknownPlaceError."""
        stack, address = canary.stack, str(canary)
        places = self.places(stack, way)
        if way is Way.IN:
            # The null sender: the relay sends it on, and no policy of a domain is broken by that.
            return Leg(places, stack.domain.name, "", address, self.helo)
        return Leg(
            places,
            stack.submission_host,
            address,
            canary.home or NOWHERE,
            self.helo,
            canary.local_part,
            self.opener.open(Purpose.CANARY, bytes(canary.sealed_secret)),
            self.trust(stack),
        )

    def _just_sent(self, canary_id: int, **which: Any) -> bool:
        rounds = CanaryRound.objects.filter(canary=canary_id, began_at__gt=self.now() - APART, **which)
        return rounds.exclude(verdict=Verdict.ASKED).exists()

    def _send(self, row: CanaryRound) -> None:
        canary = row.canary
        try:
            leg = self.leg(canary, Way(row.way))
        except UnknownPlaceError as error:
            record_canary_sent(actor=self.actor, row=row, said=None, problem=str(error), at=self.now())
            return
        sender = leg.sender or canary.home or str(canary)
        content = make_message(tag=row.tag, sender=sender, recipient=leg.recipient, at=self.now())
        said = send(leg, content, dial=self.dial, seconds=self.seconds)
        record_canary_sent(actor=self.actor, row=row, said=said, at=self.now())

    def _wait(self, canary: Canary) -> None:
        ends = time.monotonic() + self.wait_seconds
        while self._waiting(canary).exists() and time.monotonic() < ends:
            time.sleep(_POLL_SECONDS)
            self._collect(canary)

    def _collect(self, canary: Canary) -> None:
        """Count what arrived, whosever it is: all canaries have one Maildir."""
        if not canary.home:
            return
        try:
            arrived = read(self.maildir, timezone.now())
        except OSError as error:
            log.warning("the canaries' Maildir cannot be read: %s", error.strerror)
            return
        forget(each for each in arrived if self._counts(each))

    def _counts(self, arrived: Arrived) -> bool:
        headers = kept_headers(arrived.head)
        return record_canary_arrival(actor=self.actor, tag=arrived.tag, at=arrived.at, headers=headers)

    def _waiting(self, canary: Canary) -> QuerySet[CanaryRound]:
        return canary.rounds.filter(verdict="waiting")


def due_letters() -> QuerySet[CanaryRound]:
    """Letters to send, or to look for, whose canary nobody is at."""
    return CanaryRound.objects.filter(
        asked_at__isnull=False,
        verdict__in=(Verdict.ASKED, Verdict.WAITING),
        canary__claimed_until__lte=Now(),
    ).order_by("asked_at")


def due_canaries() -> QuerySet[Canary]:
    """Canaries that are to be looked at, the longest due first: of stacks that shall run, once the MX record
    of one was proved."""
    proved = StackPhase.objects.filter(name="mx", state="proved").values("stack")
    began = CanaryWay.objects.filter(judged_at__isnull=False).values("canary")
    return Canary.objects.filter(
        Q(stack__in=proved) | Q(pk__in=began),
        # Not a join: a claim is an update, which must ask this again about a row that it had to wait for.
        stack__in=Stack.objects.filter(wanted=Stack.Wanted.RUNNING),
        next_look_at__lte=Now(),
        claimed_until__lte=Now(),
    ).order_by("next_look_at")
