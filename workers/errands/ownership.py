"""Looking whether the domains of new zones are their owners', now and then until they are."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from tenants.actions.zone_proofs import record_ownership
from tenants.actor import Actor
from tenants.errors import Absent
from tenants.models import RecordSet, Zone
from workers.lookups import Dns
from workers.lookups.ownership import Referral, find_owner

FIRST_DELAY, LONGEST_DELAY = timedelta(seconds=2), timedelta(hours=1)
# Longer than one look takes: another worker does not look at the same time.
CLAIM = timedelta(seconds=60)


@dataclass(frozen=True)
class Notary:
    """Asks `dns`, and the servers above; the clocks are injected."""

    dns: Dns
    referral: Referral
    monotonic: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = timezone.now

    def look(self, zone_id: int) -> bool:
        """Look for the proof of one zone unless somebody does or it is not due; whether it is proved."""
        due = unproved_zones().filter(pk=zone_id)
        if not due.update(next_look_at=self.now() + CLAIM):
            return False
        zone = Zone.objects.select_related("domain", "target").filter(pk=zone_id).first()
        if zone is None:
            return False
        servers = RecordSet.objects.filter(zone=zone, owner=zone.name, type="NS", absent=False).first()
        names = [each.removesuffix(".") for each in servers.data] if servers else []
        found = find_owner(zone.name, zone.challenge, names, self.dns, self.referral, self.monotonic)
        try:
            return record_ownership(
                actor=Actor.rookery(),
                zone=zone,
                how=found.how,
                problem=found.problem,
                next_look_at=self.now() + _pause(zone.looks),
            )
        except Absent:
            return False  # It was removed, or handed over, meanwhile.


def _pause(looks: int) -> timedelta:
    """Doubling: whoever sets the record presses a button when it is there."""
    return min(LONGEST_DELAY, FIRST_DELAY * float(1 << min(looks, 12)))


def unproved_zones() -> QuerySet[Zone]:
    """Zones that are due for a look, those that waited longest first."""
    return Zone.objects.filter(owned_at=None, next_look_at__lte=Now(), standing__in=Zone.KEPT).order_by(
        "next_look_at"
    )
