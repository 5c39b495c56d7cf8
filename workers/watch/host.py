"""Watching one host: its consoles, its measurements, and what runs there."""

from __future__ import annotations

import selectors
import time
from collections.abc import Iterable
from datetime import datetime
from threading import Event

from django.db.models import QuerySet
from django.utils import timezone

from tenants.actions.watching import keep_watched
from tenants.actor import Actor
from tenants.desired_host import wanted_policy, wanted_unikernel
from tenants.models import Host, HostShare, Unikernel
from tenants.secrets import Opener
from workers import ssh
from workers.albatross import Client, Dialect, Name, Release, dialect_of
from workers.albatross.errors import AlbatrossError, ClosedWithoutReply, DecodeError
from workers.albatross.failures import CommandFailed
from workers.albatross.quota import covering
from workers.albatross.replies import ConsoleLine, Measured
from workers.hosting.decide import policy_of
from workers.hosting.seen import look
from workers.targets.host_connection import HostAccess, outcomes
from workers.watch.lease import HostLease
from workers.watch.lines import sane
from workers.watch.listener import Listener, Stream
from workers.watch.measuring import measured

LOOK_SECONDS = 5.0
FLUSH_SECONDS = 0.4
# Of one stream at a time, so that a flood leaves others their turn.
READS_AT_ONCE = 20
# Together they are every reason why one console alone cannot be followed.
_REFUSED = (CommandFailed, ClosedWithoutReply, DecodeError)


def watched_unikernels(host_id: int) -> QuerySet[Unikernel]:
    """Also those that do not run: their consoles are kept by albatross."""
    rows = Unikernel.objects.filter(share__host=host_id, deleted_at=None)
    return rows.select_related("image", "share").prefetch_related("secrets", "addresses__network")


class HostWatcher:
    """Holds every stream of one host under one lease. `turn` does a little; call it again and again.

    Raises Retry and NeedsPerson when the host cannot be read, and LeaseLost when another watcher has it.
    """

    def __init__(self, lease: HostLease, *, opener: Opener, pool: ssh.ConnectionPool) -> None:
        self._lease, self._opener = lease, opener
        self._actor = Actor.rookery()
        self._host = Host.objects.get(pk=lease.host_id)
        self._listeners: dict[int, Listener] = {}
        self._statistics: dict[int, Stream] = {}
        self._shares: dict[int, HostShare] = {}
        self._selector = selectors.DefaultSelector()
        self._look_at = self._flush_at = 0.0
        with outcomes(self._host):
            self._access = HostAccess.of(self._host, opener, pool)
            release = Release.find(self._host.release) or self._find_release()
        self._dialect: Dialect = dialect_of(release)

    def _find_release(self) -> Release:
        release = self._access.find_release()
        Host.objects.filter(pk=self._host.pk).update(release=str(release))
        return release

    def run(self, stop: Event) -> None:
        """Until it is stopped, or there is nothing to watch any more."""
        while not stop.is_set() and self.turn():
            pass

    def turn(self, patience: float = 0.3) -> bool:
        """Look, listen for at most `patience` seconds, write. False when no unikernel is left."""
        with outcomes(self._host):
            if time.monotonic() >= self._look_at:
                self._look()
            self._listen(patience)
        if time.monotonic() >= self._flush_at:
            self._flush()
        return bool(self._listeners)

    def close(self) -> None:
        """Write what is left, and let go of every stream."""
        try:
            self._flush()
        finally:
            for stream in self._streams():
                self._let_go(stream)
            self._selector.close()

    # what runs ------------------------------------------------------------------------------------

    def _look(self) -> None:
        now = timezone.now()
        rows = {row.pk: row for row in watched_unikernels(self._host.pk)}
        self._shares = {row.share_id: row.share for row in rows.values()}
        for pk in self._listeners.keys() - rows.keys():
            self._let_go(self._listeners.pop(pk).console)
        for pk in self._statistics.keys() - self._shares.keys():
            self._let_go(self._statistics.pop(pk))
        for pk, row in rows.items():
            if pk not in self._listeners:
                name = Name(row.share.labels, row.name)
                self._listeners[pk] = Listener.of(pk, name, row.share_id)
            self._learn(self._listeners[pk], row)
        self._compare(now)
        self._subscribe()
        self._look_at = time.monotonic() + LOOK_SECONDS

    def _learn(self, listener: Listener, row: Unikernel) -> None:
        if listener.generation == row.generation:
            return
        networks = {each.pk: each for each in row.share.networks.all()}
        listener.mask.learn(wanted_unikernel(row, networks, self._opener))
        listener.track = listener.track.under(row.restart_on_exit)
        listener.generation = row.generation

    def _compare(self, now: datetime) -> None:
        client = self._access.client(self._dialect)
        running = {one.name.folded: one for one in client.unikernels(self._access.root)}
        for listener in self._listeners.values():
            info = running.get(listener.name.folded)
            started = sane(info.started) if info and info.started else None
            listener.look(started, info is not None, now)

    # streams --------------------------------------------------------------------------------------

    def _subscribe(self) -> None:
        clients: dict[int, Client] = {}
        for share_id in self._shares:
            stream = self._statistics.setdefault(share_id, Stream())
            waiting = [each for each in self._listeners.values() if each.share_id == share_id]
            if not stream.is_due and not any(each.console.is_due for each in waiting):
                continue
            client = clients[share_id] = self._client(self._shares[share_id])
            if stream.is_due:
                self._open_statistics(client, share_id, stream)
            for listener in waiting:
                if listener.console.is_due:
                    self._open_console(client, listener)

    def _client(self, share: HostShare) -> Client:
        """For the daemons of streams. Over TLS with the CA itself, a certificate for the part comes between;
        its policy is never below what runs, should the endpoint pass it on."""
        path = Name(share.labels)
        if not self._access.over_tls or self._access.root == path:
            return self._access.client(self._dialect)
        seen = look(self._access.client(self._dialect), path, at=self._access.root)
        wanted = policy_of(wanted_policy(share, share.networks.all()))
        policy = covering(wanted, path, seen.inside, seen.volumes, seen.policies)
        return self._access.client(self._dialect, {path: policy})

    def _open_statistics(self, client: Client, share_id: int, stream: Stream) -> None:
        """One for a whole part: albatross has one subscriber per name, and nobody else uses this one."""
        try:
            stream.open(client.statistics(Name(self._shares[share_id].labels)))
        except _REFUSED:
            stream.close()
            return
        self._register(stream, share_id)

    def _open_console(self, client: Client, listener: Listener) -> None:
        try:
            listener.opened(client.console(listener.name))
        except _REFUSED:
            listener.console.close()
            return
        self._register(listener.console, listener)

    def _register(self, stream: Stream, whose: Listener | int) -> None:
        assert stream.subscription is not None  # noqa: S101 - just opened
        self._selector.register(stream.subscription.fileno(), selectors.EVENT_READ, (stream, whose))
        self._read(stream, whose)  # what came along with the answer makes nothing readable any more

    def _let_go(self, stream: Stream) -> None:
        if stream.subscription is not None:
            self._selector.unregister(stream.subscription.fileno())
        stream.close()

    def _streams(self) -> Iterable[Stream]:
        return [*(each.console for each in self._listeners.values()), *self._statistics.values()]

    def _listen(self, patience: float) -> None:
        if not self._selector.get_map():
            time.sleep(patience)
        for key, _ in self._selector.select(patience):
            stream, whose = key.data
            self._read(stream, whose)

    def _read(self, stream: Stream, whose: Listener | int) -> None:
        subscription = stream.subscription
        if subscription is None:
            return
        try:
            for _ in range(READS_AT_ONCE):
                answers = subscription.read(0.001)
                for answer in answers:
                    self._take(answer.header.name, answer.reply, whose)
                if not answers:
                    break
            ended = subscription.ended
        except AlbatrossError:
            ended = True
        if ended:
            self._let_go(stream)

    def _take(self, name: Name, reply: object, whose: Listener | int) -> None:
        if isinstance(reply, ConsoleLine) and isinstance(whose, Listener):
            ends = len(whose.ends)
            whose.hear(reply)
            if len(whose.ends) != ends:
                # What follows an end is asked soon, not at the next round.
                self._look_at = min(self._look_at, time.monotonic() + 0.5)
        elif isinstance(reply, Measured):
            for listener in self._listeners.values():
                if listener.share_id == whose and listener.name.folded == name.folded:
                    listener.samples.append(measured(reply.statistics, timezone.now()))

    # write ----------------------------------------------------------------------------------------

    def _flush(self) -> None:
        harvest = {pk: each.harvest() for pk, each in self._listeners.items()}
        seen = {pk: each for pk, each in harvest.items() if each is not None}
        if not seen:
            return
        looked = max((each.life.looked_at for each in seen.values() if each.life), default=None)
        columns = {} if looked is None else {"looked_at": looked, "problem": "", "failures": 0}
        with self._lease.write(**columns):
            keep_watched(actor=self._actor, seen=seen)
        self._flush_at = time.monotonic() + FLUSH_SECONDS
