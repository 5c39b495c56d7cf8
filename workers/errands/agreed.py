"""What workers do alike with plans that a person agrees to: finding those asked for, taking one, failing."""

from __future__ import annotations

from datetime import timedelta
from typing import TypeVar

from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from tenants.actions.agreed import Seen
from tenants.models.agreed import AgreedPlan
from workers.outcome import NeedsPerson, Setback

PlanT = TypeVar("PlanT", bound=AgreedPlan)


def asked_for(rows: QuerySet[PlanT]) -> QuerySet[PlanT]:
    """Those that somebody waits for and no worker has."""
    return rows.exclude(asked="").filter(claimed_until__lte=Now()).order_by("asked_at")


def take(rows: QuerySet[PlanT], pk: int, within: timedelta) -> bool:
    """Keep other workers away from one for a while; False when one has it, or nobody asked."""
    return bool(asked_for(rows).filter(pk=pk).update(claimed_until=timezone.now() + within))


def failed(setback: Setback) -> Seen:
    """What to tell of a look that did not succeed."""
    advice = setback.advice if isinstance(setback, NeedsPerson) else "Look again later."
    return Seen(AgreedPlan.State.FAILED, f"{setback.sentence} {advice}")
