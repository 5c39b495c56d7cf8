"""Putting the export of a domain together, and sealing it to the one person who asked."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from tenants.actions.domain_exports import record_export
from tenants.actor import Actor
from tenants.desired_export import desired_export
from tenants.errors import Absent
from tenants.formats.text import FormatError
from tenants.formats.way_out.archive import packed, sealed
from tenants.formats.way_out.files import files_of
from tenants.models import DomainExport
from tenants.secrets import CannotOpen, Opener

# Private keys of 4096 bits take up to half a minute each.
SECONDS = 280
CLAIM = timedelta(seconds=SECONDS + 40)
AT_ONCE = 20


def waiting_exports() -> QuerySet[DomainExport]:
    """Exports that nobody puts together, the oldest first."""
    waiting = DomainExport.objects.filter(state=DomainExport.State.WAITING, claimed_until__lte=Now())
    return waiting.filter(expires_at__gt=Now()).order_by("pk")


def make(export_id: int, opener: Opener) -> bool:
    """Make one export unless somebody does; returns whether anything was done."""
    if not waiting_exports().filter(pk=export_id).update(claimed_until=Now() + CLAIM):
        return False
    row = DomainExport.objects.select_related("domain__organization").filter(pk=export_id).first()
    if row is None:
        return False
    try:
        _make(row, opener)
    except Absent:  # the domain went away meanwhile
        return False
    return True


def _make(row: DomainExport, opener: Opener) -> None:
    rookery, now = Actor.rookery(), timezone.now()
    try:
        files = files_of(desired_export(row.domain, opener, now))
        archive = packed(files, f"{row.domain.name}-{now:%Y-%m-%d}", now)
    except (FormatError, CannotOpen) as error:
        problem = f"{error.problem} {error.fix}" if isinstance(error, FormatError) else str(error)
        record_export(actor=rookery, export=row, problem=problem)
        return
    box = sealed(archive, bytes(row.public_key))
    record_export(actor=rookery, export=row, sealed_archive=box, size=len(archive), files=len(files))
