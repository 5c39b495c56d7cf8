"""Findings of a part of a host as lines of its page."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from panel.web import sentences, times
from tenants.models import HostShare

MOST_SHOWN = 100


def found_context(share: HostShare) -> dict[str, Any]:
    """`found` for templates/panel/host/found.html."""
    rows, now = list(share.sync_target.findings.order_by("unit")[: MOST_SHOWN + 1]), timezone.now()
    open_ones = [row for row in rows if row.takeable and not row.decision]
    return {
        "lines": [
            {
                "unit": row.unit,
                "sentence": row.sentence,
                "outside": row.outside,
                "since": times.moment(row.since, now),
                "badge": "live" if row.decision else "off",
                "word": "Being taken over" if row.decision else "Not ours",
                "may_adopt": row.takeable and not row.decision,
            }
            for row in rows[:MOST_SHOWN]
        ],
        "is_cut": len(rows) > MOST_SHOWN,
        "is_moving": any(row.decision for row in rows),
        "all_words": "Take over what can be"
        if len(open_ones) == 1
        else f"Take over all {sentences.counted_in_words(len(open_ones))} that can be",
        "takeable": bool(open_ones),
    }
