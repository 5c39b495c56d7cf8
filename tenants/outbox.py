"""Marks: the rows that tell workers what to look at.

`mark` counts up a target's generation inside the caller's transaction; that row is the outbox. A hint is
sent on commit for speed only: when the broker is away, the sweep finds the row.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime

from django.db import transaction
from django.db.models import Case, F, Q, Value, When
from django.utils import timezone

from tenants.models import SyncTarget

log = logging.getLogger(__name__)
_READ_BACK = ("generation", "observed_generation", "marked_at", "next_try_at", "stop_code", "stop_generation")


def _no_hint(task: str, row_id: int, queue: str) -> None:
    """Without workers there is nobody to hint to."""


# Filled by the workers when Django starts.
send_hint: Callable[[str, int, str], None] = _no_hint


_noted: ContextVar[dict[int, int] | None] = ContextVar("noted", default=None)


@contextmanager
def noting() -> Iterator[dict[int, int]]:
    """Collect the marks that the block makes: generation by id of the target. Who wants to wait for the
    proof of what it did waits until each is observed."""
    outer, marks = _noted.get(), dict[int, int]()
    token = _noted.set(marks)
    try:
        yield marks
    finally:
        _noted.reset(token)
        if outer is not None:
            outer.update(marks)


def note(target: SyncTarget) -> None:
    """Tell who is noting that `target` was asked for its present generation."""
    marks = _noted.get()
    if marks is not None:
        marks[target.pk] = target.generation


def mark(targets: Iterable[SyncTarget]) -> dict[int, int]:
    """Ask for another pass over `targets`; returns each one's new generation by id.

    A target that waited for a worker already is not hinted at again: a thousand edits are one pending pass.
    Targets are taken in the order of their ids, so that two transactions cannot wait for each other.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("mark() belongs into the transaction that changes desired state")
    now = timezone.now()
    generations: dict[int, int] = {}
    for target in sorted(targets, key=lambda each: each.pk):
        SyncTarget.objects.filter(pk=target.pk).update(
            generation=F("generation") + 1, marked_at=_waiting_since(now), next_try_at=now
        )
        target.refresh_from_db(fields=[*_READ_BACK, "failures"])
        generations[target.pk] = target.generation
        note(target)
        waited_long = target.failures > 0
        if waited_long:
            SyncTarget.objects.filter(pk=target.pk).update(failures=0)
            target.failures = 0
        if waited_long or not _was_wanted(target):
            hint_on_commit("reconcile", target.pk, target.kind)
    return generations


def _waiting_since(now: datetime) -> Case:
    """A change that comes while another one waits for a worker does not make that one younger."""
    waits = Q(observed_generation__lt=F("generation")) & (
        Q(stop_code="") | Q(stop_generation__lt=F("generation"))
    )
    return Case(When(waits, then=F("marked_at")), default=Value(now))


def _was_wanted(target: SyncTarget) -> bool:
    """Did it want a pass before its last mark? Then its hint was sent, or the sweep finds it."""
    before = target.generation - 1
    return before > target.observed_generation and not (target.stop_code and before <= target.stop_generation)


def look_again(target: SyncTarget) -> None:
    """Ask for a pass although nothing was changed: a check now, or a retry now."""
    now = timezone.now()
    SyncTarget.objects.filter(pk=target.pk).update(
        next_try_at=now, next_check_at=now, failures=0, stop_generation=0
    )
    hint_on_commit("reconcile", target.pk, target.kind)


def hint_on_commit(task: str, row_id: int, queue: str) -> None:
    """Send a hint once the transaction is in the database; a dead broker is logged, never an error."""

    def send() -> None:
        try:
            send_hint(task, row_id, queue)
        except Exception as error:
            log.warning("no hint for %s %s: %s", task, row_id, type(error).__name__)

    transaction.on_commit(send, robust=True)
