"""Sending hints to workers. A broker that is away costs a moment, never a request."""

from __future__ import annotations

import time

from django.conf import settings

_PAUSE_SECONDS = 10.0
_silent_until = 0.0


def send_hint(task: str, row_id: int, queue: str) -> None:
    """Tell a worker of `queue` to look at a row; raises what the broker's client raises.

    After a failure nothing is sent for a while, so that a dead broker cannot slow down every request.
    """
    global _silent_until  # noqa: PLW0603 - one clock per process
    if not settings.REDIS_URL or time.monotonic() < _silent_until:
        return
    from workers.celery import app  # noqa: PLC0415 - Celery loads only where something is sent

    try:
        app.send_task(f"workers.tasks.{task}", args=[row_id], queue=queue, retry=False)
    except Exception:
        _silent_until = time.monotonic() + _PAUSE_SECONDS
        raise
