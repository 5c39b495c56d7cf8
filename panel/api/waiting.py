"""Waiting a little for workers, so that a program need not ask again. Bounded in time and in number."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.core import signing
from django.urls import reverse

from tenants.actor import Actor
from tenants.errors import Absent
from tenants.models import SyncTarget

OBSERVED_HEADER = "Rookery-Observed"
_SALT = "rookery.changes"
# A waiting request holds a thread of the web process: beyond this many, answers come at once.
_places = threading.BoundedSemaphore(8)

Marks = Mapping[int, int]


def pause(seconds: float) -> None:
    time.sleep(seconds)


def wait_until(done: Callable[[], bool], seconds: float) -> bool:
    """Ask `done` until it says yes or `seconds` are over; returns its last answer.

    `done` reads the database outside of any transaction, first after 50 ms, then ever more rarely.
    """
    if done():
        return True
    if seconds <= 0 or not _places.acquire(blocking=False):
        return False
    try:
        end = time.monotonic() + seconds
        step = 0.05
        while time.monotonic() < end:
            pause(min(step, max(0.0, end - time.monotonic())))
            if done():
                return True
            step = min(step * 1.5, 0.5)
        return False
    finally:
        _places.release()


@dataclass(frozen=True)
class Progress:
    """How far the marks of one change are: targets by what is true of them. Those that are gone count as
    observed, since nothing more comes."""

    total: int
    observed: int
    stopped: int

    @property
    def is_observed(self) -> bool:
        return self.observed == self.total

    @property
    def is_over(self) -> bool:
        """Proved, or stopped: in both cases nothing more comes by itself."""
        return self.observed + self.stopped == self.total


def progress_of(marks: Marks) -> Progress:
    """Look at all targets of a change once."""
    waiting = stopped = 0
    rows = SyncTarget.objects.filter(pk__in=list(marks))
    for row in rows.only("generation", "observed_generation", "stop_code", "stop_generation"):
        if row.observed_generation < marks[row.pk]:
            is_stopped = row.stop_code != "" and row.generation <= row.stop_generation
            stopped += is_stopped
            waiting += not is_stopped
    return Progress(len(marks), len(marks) - waiting - stopped, stopped)


def wait_for(marks: Marks, seconds: float) -> Progress:
    """Wait until each target was observed at its generation, or stopped."""
    seen: list[Progress] = []

    def is_over() -> bool:
        seen.append(progress_of(marks))
        return seen[-1].is_over

    wait_until(is_over, seconds)
    return seen[-1]


# Going on with waiting --------------------------------------------------------------------------------------


def change_url(actor: Actor, marks: Marks) -> str:
    """Where to wait for a change that was made. Only its maker can use it."""
    account = actor.account.pk if actor.account is not None else None
    said = [account, *(number for mark in sorted(marks.items()) for number in mark)]
    return reverse("api:change", args=[signing.dumps(said, salt=_SALT, compress=True)])


def read_change(actor: Actor, change: str) -> Marks:
    """The marks behind such an address; raises Absent for what is none of the actor's."""
    try:
        account, *said = signing.loads(change, salt=_SALT)
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise Absent from error
    if actor.account is None or account != actor.account.pk:
        raise Absent
    return dict(zip(said[::2], said[1::2], strict=True))
