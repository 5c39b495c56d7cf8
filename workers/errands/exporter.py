"""Putting an export together, and sealing it to the one person who asked."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from tenants.actions.exports import record_export
from tenants.actor import Actor
from tenants.desired_export import desired_export
from tenants.errors import Absent
from tenants.formats.organization_file import written, written_sealed
from tenants.formats.text import FormatError
from tenants.formats.way_out.archive import packed, sealed
from tenants.formats.way_out.files import files_of
from tenants.models import Domain, Export
from tenants.organization_export import organization_file
from tenants.secrets import CannotOpen, Opener
from workers.errands.claims import claim

# Private keys of 4096 bits take up to half a minute each.
SECONDS = 280
CLAIM = timedelta(seconds=SECONDS + 40)
AT_ONCE = 20


def waiting_exports() -> QuerySet[Export]:
    """Exports that nobody puts together, the oldest first."""
    waiting = Export.objects.filter(state=Export.State.WAITING, claimed_until__lte=Now())
    return waiting.filter(expires_at__gt=Now()).order_by("pk")


def make(export_id: int, opener: Opener) -> bool:
    """Make one export unless somebody does; returns whether anything was done."""
    row = claim(waiting_exports(), export_id, CLAIM, "organization", "domain__organization")
    if row is None:
        return False
    try:
        _make(row, opener)
    except Absent:  # what it is of went away meanwhile
        return False
    return True


def _make(row: Export, opener: Opener) -> None:
    rookery, now = Actor.rookery(), timezone.now()
    try:
        if row.domain is not None:
            archive, size, files = _of_domain(row, row.domain, opener, now)
        else:
            archive = _of_organization(row, opener, now)
            size, files = len(archive), 1
    except (FormatError, CannotOpen) as error:
        problem = f"{error.problem} {error.fix}" if isinstance(error, FormatError) else str(error)
        record_export(actor=rookery, export=row, problem=problem)
        return
    record_export(actor=rookery, export=row, archive=archive, size=size, files=files)


def _of_domain(row: Export, domain: Domain, opener: Opener, now: datetime) -> tuple[bytes, int, int]:
    """The sealed archive, its size in the clear, and how many files it has."""
    files = files_of(desired_export(domain, opener, now))
    archive = packed(files, f"{domain.name}-{now:%Y-%m-%d}", now)
    return sealed(archive, bytes(row.public_key or b"")), len(archive), len(files)


def _of_organization(row: Export, opener: Opener, now: datetime) -> bytes:
    if row.public_key is None:
        return written(organization_file(row.organization, now))
    return written_sealed(organization_file(row.organization, now, opener), bytes(row.public_key))
