"""Sending hints to workers. A broker that is away costs a moment, never a request."""

from __future__ import annotations

import time
from functools import lru_cache
from typing import Any

from django.conf import settings

# The sweep finds whatever was not hinted at.
_PAUSE_SECONDS = 10.0
# A hint that nobody took by then is repeated by the sweep: it need not wait in the broker.
EXPIRES_SECONDS = 60.0
# For one try: who waits here is a person who pressed a button.
_IMPATIENT = {"socket_timeout": 1, "socket_connect_timeout": 1, "max_retries": 1, "interval_start": 0}
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
        with _producers().acquire(block=True, timeout=1) as producer:
            app.send_task(
                f"workers.tasks.{task}",
                args=[row_id],
                queue=queue,
                retry=False,
                expires=EXPIRES_SECONDS,
                producer=producer,
            )
    except Exception:
        _silent_until = time.monotonic() + _PAUSE_SECONDS
        raise


@lru_cache(maxsize=1)
def _producers() -> Any:
    """Kept connections of this process."""
    from kombu.pools import producers  # noqa: PLC0415

    from workers.celery import app  # noqa: PLC0415

    return producers[app.connection_for_write(transport_options=_IMPATIENT)]
