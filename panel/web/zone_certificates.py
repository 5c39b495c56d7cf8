"""How the certificates in a zone stand, as the zone's page lists them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest

from panel.web import times
from panel.web.certificate_uses import uses_of
from tenants.models import Certificate, Zone

Standing = Certificate.Standing
_MOST = 200
_WORDS = {
    Standing.VALID: ("ok", "Valid"),
    Standing.PENDING: ("live", "Asked for"),
    Standing.RENEWAL_DUE: ("wait", "Being renewed"),
    Standing.UNREQUESTED: ("todo", "Not renewed"),
    Standing.MISFIT: ("wait", "Does not fit"),
    Standing.NOT_YET: ("wait", "Not valid yet"),
    Standing.EXPIRED: ("fail", "Expired"),
    Standing.STUCK: ("fail", "Stuck"),
    Standing.UNREADABLE: ("fail", "Unreadable"),
}


def certificate_lines(request: HttpRequest, zone: Zone, now: datetime) -> list[dict[str, Any]]:
    """Those that need somebody first."""
    uses = uses_of(request, zone)
    rows = zone.certificates.order_by("-worries", "host")[:_MOST]
    return [
        {
            "host": row.host,
            "names": [name for name in row.names if name != row.host],
            "sentence": row.sentence,
            "fix": row.fix if row.worries or row.staging else "",
            "issuer": row.issuer,
            "uses": uses.get(row.host, []),
            "since": times.moment(row.since, now),
            "badge": _badge(row),
        }
        for row in rows
    ]


def _badge(row: Certificate) -> dict[str, str]:
    state, word = _WORDS[Standing(row.standing)]
    if row.standing == Standing.VALID and row.staging:
        return {"state": "todo", "word": "For tests only"}
    return {"state": "todo" if row.worries and state in {"live", "wait"} else state, "word": word}
