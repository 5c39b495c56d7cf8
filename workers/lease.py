"""One worker at a time per target, by compare-and-set on its row; time is the database's."""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now

from tenants.models import SyncTarget
from tenants.models.sync import LONG_AGO

DURATION = timedelta(seconds=90)


class LeaseLost(Exception):
    """Another worker took over; nothing may be recorded any more."""


def new_owner() -> str:
    return f"{socket.gethostname()[:40]}:{os.getpid()}:{uuid.uuid4().hex[:8]}"


class Lease:
    """Held from `acquire` to `release`. Every write-back is conditional on its fence."""

    def __init__(self, target: SyncTarget, owner: str) -> None:
        self.target_id = target.pk
        self.fence = target.fence
        self.owner = owner

    @classmethod
    def acquire(cls, target_id: int, owner: str) -> tuple[Lease, SyncTarget] | None:
        """Take the lease if it is free or expired; returns it with the row as it was then."""
        taken = SyncTarget.objects.filter(pk=target_id, lease_until__lt=Now()).update(
            lease_owner=owner, lease_until=Now() + DURATION, fence=F("fence") + 1
        )
        if not taken:
            return None
        target = SyncTarget.objects.select_related("repository__domain", "organization").get(pk=target_id)
        if target.lease_owner != owner:
            return None
        return cls(target, owner), target

    def renew(self) -> None:
        """Read the fence again and hold on for another while; raises LeaseLost."""
        if not self._rows().update(lease_until=Now() + DURATION):
            raise LeaseLost

    @contextmanager
    def write(self) -> Iterator[None]:
        """A short transaction that renews the lease; rolled back if it is not ours any more."""
        with transaction.atomic():
            self.renew()
            yield

    def release(self) -> None:
        self._rows().update(lease_owner="", lease_until=LONG_AGO)

    def _rows(self) -> QuerySet[SyncTarget]:
        return SyncTarget.objects.filter(pk=self.target_id, fence=self.fence, lease_owner=self.owner)
