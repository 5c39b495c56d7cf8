"""How the exports of a domain or an organization stand, for their pages."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from panel.web import times
from tenants.actions.exports import LASTS
from tenants.models import Export

State = Export.State
SHOWN = 5
_BADGES = {
    State.WAITING: ("live", "Being made"),
    State.READY: ("todo", "Ready to be fetched"),
    State.FETCHED: ("ok", "Fetched"),
    State.EXPIRED: ("off", "Nobody fetched it"),
    State.REPLACED: ("off", "Replaced"),
    State.FAILED: ("fail", "Not made"),
}


def exports_told(rows: QuerySet[Export]) -> dict[str, Any]:
    """What panel/parts/exports_now.html needs, of the newest `rows`."""
    now, shown = timezone.now(), list(rows[:SHOWN])
    newest = shown[0] if shown else None
    return {
        "exports": [_line(each, now) for each in shown],
        "newest": newest,
        "is_made": newest is not None and newest.state == State.WAITING,
        "is_open": newest is not None and newest.state in Export.OPEN,
        "minutes": int(LASTS.total_seconds()) // 60,
    }


def _line(row: Export, now: datetime) -> dict[str, Any]:
    badge, word = _BADGES[State(row.state)]
    return {
        "asked": times.moment(row.asked_at, now),
        "by": str(row.asked_by) if row.asked_by is not None else "somebody who left",
        "badge": badge,
        "word": word,
        "problem": row.problem,
        "size": _size(row) if row.files else "",
        "until": times.moment(row.expires_at, now) if row.state == State.READY else None,
    }


def _size(row: Export) -> str:
    files = "1 file" if row.files == 1 else f"{row.files} files"
    sealed = ", sealed" if row.domain_id is None and row.has_secrets else ""
    return f"{files} in {max(1, row.size // 1024)} kB{sealed}"
