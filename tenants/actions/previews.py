"""What previews of imports have in common, of a table of addresses as of an organization's file: each is its
maker's alone, and goes by itself."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from tenants.actor import Actor
from tenants.errors import Absent, Forbidden
from tenants.models import AddressImport, OrganizationImport

AT_ONCE = 5


def require_maker(actor: Actor, preview: AddressImport | OrganizationImport) -> None:
    """Raise Absent for everybody else."""
    if preview.account_id != (actor.account.pk if actor.account else None):
        raise Absent


def forget_late(actor: Actor, kind: type[AddressImport] | type[OrganizationImport]) -> int:
    """Forget those whose time is over; returns how many rows that were."""
    if not actor.system:
        raise Forbidden("Previews go by themselves; Rookery looks every few seconds.")
    rows: Any = kind._default_manager
    late = rows.filter(expires_at__lt=timezone.now()).values_list("pk", flat=True)[:AT_ONCE]
    return int(rows.filter(pk__in=list(late)).delete()[0])
