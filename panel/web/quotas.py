"""What is left of a quota, beside the field or button that uses it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest

from panel.web.handling import actor_of
from tenants import access
from tenants.models import Organization
from tenants.quotas import standings_of

MOST_NAMED = 10
Left = dict[str, Any]


def lefts(organizations: Iterable[Organization], what: str, *, named: bool = False) -> list[Left]:
    """For parts/left.html: how the quota of `what` stands in each; named where there are several."""
    rows = list(organizations)[:MOST_NAMED]
    found = standings_of(rows)
    return [{"name": str(row) if named or rows[1:] else "", "quota": found[row.pk][what]} for row in rows]


def lefts_inside(request: HttpRequest, organization: Organization, what: str) -> list[Left]:
    """Of one organization, for those who see into it: who has a part in one domain alone does not."""
    inside = access.seen_inside(actor_of(request), [organization])
    return lefts([organization], what) if inside else []
