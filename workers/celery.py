"""The Celery application. Messages are disposable hints: correctness is in the database and the sweep."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery, signals
from celery.beat import PersistentScheduler
from django.conf import settings
from kombu import Exchange, Queue

from tenants.starting import or_one_sentence
from workers import alive

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "panel.settings")
with or_one_sentence():
    _broker_url = settings.REDIS_URL or "redis://127.0.0.1:6379/0"

# One queue per kind, so that two hanging hosts never delay a password change.
QUEUES = (
    "relay_repository",
    "zone_repository",
    "dynamic_update",
    "albatross_host",
    "firewall",
    "stack",
    "checks",
    "lookups",
    "mail_checks",
    "images",
    "reviews",
    "mail",
    "webhooks",
    "sweep",
)

EXCHANGE = Exchange("rookery", type="direct")

app = Celery("rookery")
app.conf.update(
    broker_url=_broker_url,
    broker_connection_retry_on_startup=True,
    # For ever: a worker that gave up after an hour would have to be started again by a person.
    broker_connection_max_retries=None,
    broker_transport_options={"socket_timeout": 10, "socket_connect_timeout": 3, "visibility_timeout": 900},
    task_publish_retry=False,
    task_serializer="json",
    accept_content=["json"],
    task_ignore_result=True,
    task_acks_late=False,
    worker_prefetch_multiplier=1,
    task_soft_time_limit=75,
    task_time_limit=85,
    task_default_queue="sweep",
    task_queues=[Queue(name, EXCHANGE, routing_key=name) for name in QUEUES],
    worker_hijack_root_logger=False,
    beat_schedule={
        "sweep": {
            "task": "workers.tasks.sweep",
            "schedule": settings.SWEEP_SECONDS,
            # Long enough for clocks that differ; ten waiting ones cost nothing.
            "options": {"expires": max(30.0, settings.SWEEP_SECONDS), "queue": "sweep"},
        }
    },
    beat_scheduler="workers.celery:Beat",
    beat_schedule_filename=str(settings.DATA_DIR / "beat-schedule"),
)
app.autodiscover_tasks(["workers"])


class Beat(PersistentScheduler):
    """Celery's own, which tells that it turns."""

    def tick(self, *args: Any, **kwargs: Any) -> float:
        alive.tell()
        return float(super().tick(*args, **kwargs))


@signals.heartbeat_sent.connect
def _tell_alive(**_: object) -> None:
    """A worker tells it every two seconds while it has its broker."""
    alive.tell()


@signals.worker_init.connect
def _require_key(**_: object) -> None:
    """A worker that can open nothing would take hints from those who can."""
    if settings.PRODUCTION and not settings.WORKERS_KEY:
        # Celery goes on after an exception of a listener; this ends it.
        raise SystemExit("A worker needs the workers' key: set ROOKERY_WORKERS_KEY_FILE.")


@signals.worker_init.connect
def _require_known_database(**_: object) -> None:
    """What a newer Rookery migrated, this one would write to without knowing all of it."""
    from tenants.database_age import DatabaseIsNewer, require_known_database  # noqa: PLC0415 - models are ready

    try:
        require_known_database()
    except DatabaseIsNewer as error:
        raise SystemExit(str(error)) from error
