"""One worker at a time per target, by compare-and-set on its row; time is the database's."""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet
from django.db.models.functions import Now

from tenants.models import Run, SyncTarget
from tenants.models.sync import LONG_AGO

# Longer than one task may take (workers/celery.py): a worker that lives keeps it.
DURATION = timedelta(seconds=90)


class LeaseLost(Exception):
    """Another worker took over; nothing may be recorded any more."""


def new_owner() -> str:
    return f"{socket.gethostname()[:40]}:{os.getpid()}:{uuid.uuid4().hex[:8]}"


class Lease:
    """Held from `acquire` to `release`. Every write-back is conditional on its fence.

    `took_over`: the last holder never gave it back, so it was killed or sleeps. `run_is_open`: an earlier
    pass opened a run that is not finished.
    """

    def __init__(self, target: SyncTarget, owner: str, *, took_over: bool, run_is_open: bool) -> None:
        self.target_id = target.pk
        self.fence = target.fence
        self.owner = owner
        self.took_over = took_over
        self.run_is_open = run_is_open

    @classmethod
    def acquire(cls, target_id: int, owner: str) -> tuple[Lease, SyncTarget] | None:
        """Take the lease if it is free or expired; returns it with the row as it was then."""
        free = SyncTarget.objects.filter(pk=target_id, lease_until__lt=Now())
        ours = {"lease_owner": owner, "lease_until": Now() + DURATION, "fence": F("fence") + 1}
        took_over = False
        if not free.filter(lease_owner="").update(**ours):
            took_over = bool(free.update(**ours))
            if not took_over:
                return None
        open_runs = Run.objects.filter(target=OuterRef("pk"), mode=Run.Mode.APPLY, state__in=Run.UNFINISHED)
        target = (
            SyncTarget.objects.select_related(
                "repository__domain",
                "host_share__host",
                "host_share__organization",
                "firewall__host",
                "organization",
            )
            .annotate(run_is_open=Exists(open_runs))
            .get(pk=target_id)
        )
        if target.lease_owner != owner:
            return None
        return cls(target, owner, took_over=took_over, run_is_open=target.run_is_open), target

    def renew(self) -> None:
        """Read the fence again and hold on for another while; raises LeaseLost."""
        if not self._rows().update(lease_until=Now() + DURATION):
            raise LeaseLost

    @contextmanager
    def write(self) -> Iterator[None]:
        """A short transaction that renews the lease; rolled back if it is not ours any more.

        The lease comes last: it is a row of the sync target, which actions lock after everything else, so
        that an action and a pass cannot wait for each other. It is read first, so that who comes late writes
        nothing that its successor would wait for.
        """
        with transaction.atomic():
            if not self._rows().exists():
                raise LeaseLost
            yield
            self.renew()

    def release(self) -> None:
        self._rows().update(lease_owner="", lease_until=LONG_AGO)

    def _rows(self) -> QuerySet[SyncTarget]:
        return SyncTarget.objects.filter(pk=self.target_id, fence=self.fence, lease_owner=self.owner)
