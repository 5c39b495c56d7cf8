"""The name servers of a zone as lines: what each has, beside the primary, and what to do about it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from panel.web import sentences, times
from tenants.formats.zones.agreement import Agreement, is_overdue
from tenants.models import ServerAnswer, Zone
from tenants.name_servers import advice, judged_of

_WORDS = {
    Agreement.AGREES: ("ok", "agrees"),
    Agreement.BEHIND: ("wait", "behind"),
    Agreement.AHEAD: ("todo", "ahead of the primary"),
    Agreement.SILENT: ("fail", "no answer"),
    Agreement.FOREIGN: ("fail", "does not keep the zone"),
}


def answer_lines(zone: Zone, now: datetime) -> list[dict[str, Any]]:
    """The primary first, then the others by name."""
    rows = zone.server_answers.order_by("-primary", "host", "address")
    return [answer_line(row, zone, now) for row in rows]


def answer_line(row: ServerAnswer, zone: Zone, now: datetime) -> dict[str, Any]:
    badge, word = _WORDS[Agreement(row.agreement)]
    late = is_overdue(judged_of(row)[1], zone.refresh, zone.retry, now)
    if row.primary and row.agreement == Agreement.AGREES:
        word = "answers"
    if row.agreement == Agreement.BEHIND:
        word = f"behind by {sentences.counted_in_words(row.behind)}"
        badge = "todo" if late else badge
    return {
        "host": row.host or ("The primary" if row.primary else row.address),
        "address": row.address,
        "primary": row.primary,
        "badge": badge,
        "word": word,
        "serial": row.serial,
        "problem": row.problem,
        "since": times.moment(row.since, now),
        "asked_at": times.moment(row.asked_at, now),
        # While it has had no time to fetch a change, there is nothing to do.
        "advice": advice(row) if late or row.agreement != Agreement.BEHIND else "",
    }
