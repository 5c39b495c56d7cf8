"""For machines that watch machines: does the process live, and can it serve?"""

from __future__ import annotations

import socket
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import F, Min, Q
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from tenants.models import SyncTarget

BROKER_SECONDS = 0.5


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers. Nothing else is asked, so that a slow database does not get it killed."""
    return JsonResponse({"ok": True})


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """200 when pages can be served, else 503; what only slows things down is a warning.

    `oldest_unsynced_seconds` is how long the longest-waiting change has waited; null when none waits.
    """
    answer: dict[str, Any] = {"ok": False, "database": False, "migrations": False, "warnings": []}
    try:
        executor = MigrationExecutor(connection)
        answer["database"] = True
        answer["migrations"] = not executor.migration_plan(executor.loader.graph.leaf_nodes())
        if answer["migrations"]:
            answer["oldest_unsynced_seconds"] = _oldest_unsynced()
            answer["ok"] = True
    except DatabaseError:
        pass
    answer["broker"] = _broker_answers()
    if not answer["broker"]:
        answer["warnings"].append("The broker cannot be reached: changes wait for the next sweep.")
    return JsonResponse(answer, status=200 if answer["ok"] else 503)


def _oldest_unsynced() -> int | None:
    """Counts only what a worker should do by itself; a stopped target waits for a person."""
    waiting = SyncTarget.objects.filter(
        Q(stop_code="") | Q(generation__gt=F("stop_generation")), generation__gt=F("observed_generation")
    )
    oldest = waiting.aggregate(oldest=Min("marked_at"))["oldest"]
    return max(0, int((timezone.now() - oldest).total_seconds())) if oldest else None


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
