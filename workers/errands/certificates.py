"""Looking how the certificates in a zone stand: after its records changed, and when time alone changes it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from tenants.actions.certificate_uses import propose_restarts
from tenants.actions.certificates import record_certificates
from tenants.actor import Actor
from tenants.errors import Absent
from tenants.kept_certificates import certificates_of
from tenants.models import Certificate, Condition, SyncTarget, Zone
from workers.recorder import state_conditions
from workers.targets.base import Statement
from workers.targets.relay_readers import wake

_MOST_NAMED = 5


def due_zones(now: datetime) -> QuerySet[Zone]:
    """Zones that are to be looked at, the longest due first."""
    kept = Zone.objects.filter(standing__in=Zone.KEPT)
    return kept.filter(certificates_due_at__lte=now).order_by("certificates_due_at")


def look(zone_id: int, now: Callable[[], datetime] = timezone.now) -> bool:
    """Look at the certificates of one zone if it is due; returns whether it was."""
    at = now()
    zone = due_zones(at).select_related("domain__organization").filter(pk=zone_id).first()
    if zone is None:
        return False
    found, rookery = certificates_of(zone, at), Actor.rookery()
    try:
        with transaction.atomic():
            record_certificates(actor=rookery, zone=zone, found=found, at=at)
            for use in propose_restarts(actor=rookery, zone=zone, at=at):
                # Its start is seen now; a later one shows that it was restarted.
                wake(use.unikernel.share.sync_target, at)
            target = SyncTarget.objects.select_for_update().get(pk=zone.target_id)
            state_conditions(target, [_statement(target)], at)
    except Absent:
        return False
    return True


def _statement(target: SyncTarget) -> Statement:
    """Of all zones there."""
    rows = Certificate.objects.filter(zone__target=target, worries=True).order_by("valid_until", "host")
    kind, worrying = Condition.Type.CERTIFICATES, list(rows[:50])
    if not worrying:
        return Statement(kind, False, "none", "No certificate in its zones needs anybody.")
    told = " ".join(row.sentence for row in worrying[:_MOST_NAMED])
    more = f" And {len(worrying) - _MOST_NAMED} more." if len(worrying) > _MOST_NAMED else ""
    hosts = {"hosts": [row.host for row in worrying]}
    return Statement(kind, True, "needs-a-person", f"{told}{more}", hosts)
