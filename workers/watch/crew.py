"""A thread for each host that this process watches: one that hangs keeps nobody from the others."""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Event, Thread

from django.db import DatabaseError, close_old_connections, connection
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from tenants.actions.watching import forget_watched
from tenants.actor import Actor
from tenants.models import HostWatch, Unikernel
from tenants.secrets import CannotOpen, Opener
from workers import alive, ssh
from workers.lease import LeaseLost, new_owner
from workers.outcome import Backoff, NeedsPerson, Retry
from workers.watch.host import HostWatcher
from workers.watch.lease import HostLease

log = logging.getLogger(__name__)
FIND_SECONDS = 2.0
# Reads every row that is kept.
FORGET_SECONDS = 600.0
STOP_SECONDS = 5.0
MOST_HOSTS = 100
BACKOFF = Backoff(longest=timedelta(minutes=1))


@dataclass
class Crew:
    """Takes hosts that nobody watches, for as long as it is not stopped."""

    opener: Opener
    pool: ssh.ConnectionPool
    stop: Event = field(default_factory=Event)
    _owner: str = field(default_factory=new_owner)
    _threads: dict[int, Thread] = field(default_factory=dict)
    _forget_at: float = 0.0

    def run(self) -> None:
        """Until `stop` is set."""
        while not self.stop.is_set():
            try:
                self.turn()
            except DatabaseError as error:
                log.warning("the database did not answer: %s", type(error).__name__)
            close_old_connections()
            alive.tell()
            self.stop.wait(FIND_SECONDS)
        until = time.monotonic() + STOP_SECONDS
        for thread in self._threads.values():
            thread.join(max(0.0, until - time.monotonic()))
        self.pool.close()

    def turn(self) -> None:
        """Take what is free, and drop what is too old."""
        self._threads = {pk: each for pk, each in self._threads.items() if each.is_alive()}
        for pk in self._free_hosts():
            if pk in self._threads or len(self._threads) >= MOST_HOSTS:
                continue
            lease = HostLease.acquire(pk, self._owner)
            if lease is not None:
                thread = Thread(target=self._watch, args=(lease,), name=f"host-{pk}", daemon=True)
                self._threads[pk] = thread
                thread.start()
        if time.monotonic() >= self._forget_at:
            self._forget_at = time.monotonic() + FORGET_SECONDS
            forget_watched(actor=Actor.rookery())

    def _free_hosts(self) -> list[int]:
        """Those with unikernels that nobody watches, and that are due."""
        rows = Unikernel.objects.filter(deleted_at=None)
        rows = rows.filter(
            Q(share__host__watch=None)
            | Q(share__host__watch__lease_until__lt=Now(), share__host__watch__next_try_at__lte=Now())
        )
        return list(rows.order_by("share__host").values_list("share__host", flat=True).distinct())

    def _watch(self, lease: HostLease) -> None:
        try:
            watch_host(lease, self.opener, self.pool, self.stop)
        except LeaseLost:
            log.info("another watcher has host %s", lease.host_id)
        except DatabaseError as error:
            log.warning("what host %s said was not written: %s", lease.host_id, type(error).__name__)
            with suppress(DatabaseError):
                lease.release()
        except Exception as error:
            # It comes back by itself when the lease is over.
            log.exception("watching host %s broke: %s", lease.host_id, type(error).__name__)
        finally:
            connection.close()


def watch_host(lease: HostLease, opener: Opener, pool: ssh.ConnectionPool, stop: Event) -> None:
    """Watch one host until it is stopped or cannot be read; then say why, and when to try again."""
    try:
        watcher = HostWatcher(lease, opener=opener, pool=pool)
        try:
            watcher.run(stop)
        finally:
            watcher.close()
    except (Retry, NeedsPerson, CannotOpen) as setback:
        sentence = getattr(setback, "sentence", "") or str(setback)
        failures = HostWatch.objects.get(host=lease.host_id).failures + 1
        later = timezone.now() + BACKOFF.delay(failures)
        lease.release(problem=sentence[:500], failures=min(failures, 1000), next_try_at=later)
    else:
        lease.release()
