"""For machines that watch machines: does the process live, and can it serve?"""

from __future__ import annotations

import socket
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Min
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from panel.metrics.database import seconds_since, sweep_age, waiting_targets
from panel.web.backups import is_old
from panel.web.handling import for_machines
from tenants import database_age
from tenants.models import Installation

BROKER_SECONDS = 0.5
MOST_SWEEP_AGE = 30


@for_machines
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers. Nothing else is asked, so that a slow database does not get it killed."""
    return JsonResponse({"ok": True})


@for_machines
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """200 when pages can be served, else 503; what only slows things down is a warning.

    `oldest_unsynced_seconds` is how long the longest-waiting change has waited; null when none waits.
    `sweep_age_seconds` is when a worker last looked for what is due; null if none ever did.
    """
    answer: dict[str, Any] = {"ok": False, "database": False, "migrations": False, "warnings": []}
    try:
        executor = MigrationExecutor(connection)
        answer["database"] = True
        newer = database_age.unknown_to(executor.loader)
        answer["migrations"] = not newer and not executor.migration_plan(executor.loader.graph.leaf_nodes())
        if newer:
            answer["warnings"].append(database_age.sentence(newer))
        if answer["migrations"]:
            answer |= _work()
            answer["ok"] = True
            answer["warnings"] += _backup_warnings()
    except DatabaseError:
        pass
    answer["broker"] = _broker_answers()
    if not answer["broker"]:
        answer["warnings"].append("The broker cannot be reached: changes wait for the next sweep.")
    age = answer.get("sweep_age_seconds")
    if answer["ok"] and (age is None or age > MOST_SWEEP_AGE + 10 * settings.SWEEP_SECONDS):
        answer["warnings"].append(
            "No worker swept lately: changes whose hint was lost wait. See beat and workers."
        )
    return JsonResponse(answer, status=200 if answer["ok"] else 503)


# A browser in which somebody has yet to set up a second factor is told the same.
for _view in (healthz, readyz):
    _view.without_factor = True  # type: ignore[attr-defined]


def _work() -> dict[str, int | None]:
    """Age of the last sweep, and of the oldest change that waits for a worker."""
    now = timezone.now()
    swept = sweep_age(now)
    oldest = waiting_targets().aggregate(oldest=Min("marked_at"))["oldest"]
    return {
        "sweep_age_seconds": None if swept is None else int(swept),
        "oldest_unsynced_seconds": int(seconds_since(oldest, now)) if oldest else None,
    }


def _backup_warnings() -> list[str]:
    """Only where backups are made: who never made one does it another way, or tries Rookery out."""
    made = Installation.objects.values_list("backed_up_at", flat=True).first()
    if made is None or not is_old(made, timezone.now()):
        return []
    return ["The last backup is old. The page of backups says why."]


def _broker_answers() -> bool:
    """Can a connection to the broker be opened? No command is sent, no password is needed."""
    parts = urlsplit(settings.REDIS_URL)
    try:
        if parts.scheme in {"unix", "redis+socket"}:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
                probe.settimeout(BROKER_SECONDS)
                probe.connect(parts.path)
                return True
        if not parts.hostname:
            return False
        with socket.create_connection((parts.hostname, parts.port or 6379), BROKER_SECONDS):
            return True
    except (OSError, ValueError):
        return False
