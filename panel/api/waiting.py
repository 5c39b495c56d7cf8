"""Waiting a little for workers, so that a program need not ask again. Bounded in time and in number."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

# A waiting request holds a thread of the web process: beyond this many, answers come at once.
_places = threading.BoundedSemaphore(8)


def pause(seconds: float) -> None:
    time.sleep(seconds)


def wait_until(done: Callable[[], bool], seconds: float) -> bool:
    """Ask `done` until it says yes or `seconds` are over; returns its last answer.

    `done` reads the database outside of any transaction, first after 50 ms, then ever more rarely.
    """
    if done():
        return True
    if not _places.acquire(blocking=False):
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
