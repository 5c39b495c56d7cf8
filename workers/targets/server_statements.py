"""What the condition about secondaries that lag says."""

from __future__ import annotations

from datetime import datetime

from tenants.models import Condition, SyncTarget
from tenants.name_servers import advice, overdue_answers
from workers.targets.base import Statement

_MOST_TOLD, _MOST_NAMED = 5, 50


def servers_statement(target: SyncTarget, now: datetime) -> Statement:
    """Whether secondaries of the target's zones do not have what the primary has for longer than they take to
    ask for it."""
    kind, rows = Condition.Type.SERVERS_APART, overdue_answers(target, now)
    if not rows:
        return Statement(kind, False, "none", "No secondary name server lags behind for long.")
    told = [
        f"{row} of {row.zone} {_STATES[row.agreement]} since {row.apart_since:%Y-%m-%d %H:%M} UTC."
        f" {advice(row)}"
        for row in rows[:_MOST_TOLD]
    ]
    more = f" And {len(rows) - _MOST_TOLD} more." if len(rows) > _MOST_TOLD else ""
    named = [{"zone": row.zone.name, "host": row.host, "address": row.address} for row in rows[:_MOST_NAMED]]
    details = {"servers": named, "count": len(rows)}
    return Statement(kind, True, "apart", " ".join(told) + more, details)


_STATES = {
    "behind": "has been behind its primary",
    "ahead": "has had a newer serial than its primary",
    "silent": "has not answered",
    "not_authoritative": "has not kept the zone",
}
