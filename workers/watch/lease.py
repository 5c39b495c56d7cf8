"""One watcher at a time per host, by compare-and-set on its row; time is the database's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now

from tenants.models import HostWatch
from tenants.models.sync import LONG_AGO
from workers.lease import LeaseLost

# A watcher writes every few seconds at least; one that was killed is followed after this.
DURATION = timedelta(seconds=30)


class HostLease:
    """Held from `acquire` to `release`. What a watcher writes is conditional on its fence."""

    def __init__(self, watch: HostWatch) -> None:
        self.host_id, self.fence, self.owner = watch.host_id, watch.fence, watch.lease_owner

    @classmethod
    def acquire(cls, host_id: int, owner: str) -> HostLease | None:
        """Take it if it is free or expired, and due."""
        watch, _ = HostWatch.objects.get_or_create(host_id=host_id)
        free = HostWatch.objects.filter(pk=watch.pk, lease_until__lt=Now(), next_try_at__lte=Now())
        if not free.update(lease_owner=owner, lease_until=Now() + DURATION, fence=F("fence") + 1):
            return None
        watch.refresh_from_db()
        return cls(watch) if watch.lease_owner == owner else None

    @contextmanager
    def write(self, **columns: Any) -> Iterator[None]:
        """A short transaction that renews the lease and sets columns of its row; raises LeaseLost."""
        with transaction.atomic():
            if not self._rows().update(lease_until=Now() + DURATION, **columns):
                raise LeaseLost
            yield

    def release(self, **columns: Any) -> None:
        self._rows().update(lease_owner="", lease_until=LONG_AGO, **columns)

    def _rows(self) -> QuerySet[HostWatch]:
        return HostWatch.objects.filter(host_id=self.host_id, fence=self.fence, lease_owner=self.owner)
