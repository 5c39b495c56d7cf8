"""The certificates that unikernels keep in zones, as workers saw the records last."""

from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet

from tenants.formats.zones.certificates import HostCertificate, certificates_in
from tenants.models import RecordSet, Zone
from tenants.zone_contents import is_readable, records_of

_OWNER = "_letsencrypt._tcp."


def certificates_of(zone: Zone, at: datetime) -> tuple[HostCertificate, ...]:
    """How each stands `at`."""
    rows = zone.record_sets.filter(type="TLSA", owner__startswith=_OWNER, absent=False)
    return _in(rows, at)


def certificate_of(zone: Zone, host: str, at: datetime) -> HostCertificate | None:
    """That of one host; None when there is nothing."""
    rows = zone.record_sets.filter(type="TLSA", owner=f"{_OWNER}{host}", absent=False)
    return next(iter(_in(rows, at)), None)


def _in(rows: QuerySet[RecordSet], at: datetime) -> tuple[HostCertificate, ...]:
    return certificates_in([records_of(row) for row in rows if is_readable(row)], at)


def zone_of(organization_id: int, host: str) -> Zone | None:
    """The zone of an organization in which `host` lies, as far as Rookery keeps it."""
    labels = host.split(".")
    names = [".".join(labels[start:]) for start in range(len(labels))]
    zones = Zone.objects.filter(
        domain__organization=organization_id, domain__name__in=names, standing__in=Zone.KEPT
    )
    return max(zones.select_related("domain"), key=lambda zone: len(zone.domain.name), default=None)
