"""Checks of quiet targets: nothing is wanted of them, only whether the outside still is as it was proved.

All that share an SSH account are checked together: by one command where the account has a shell, else by
several `ls-remote` at a time on a kept connection. What did not move costs no pass, no lease and no row of
its own; what did gets an ordinary pass. One task per account, so a host that hangs delays nobody else.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, F, Max, Min, OuterRef, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from tenants import outbox
from tenants.formats.text import printable
from tenants.models import Condition, Repository, Run, SyncTarget
from tenants.secrets import CannotOpen, Opener
from workers import ssh
from workers.controller import ANSWERED
from workers.outcome import Backoff
from workers.repository import (
    RemoteRepository,
    ShellUnavailable,
    Tips,
    read_tips_at_once,
    read_tips_side_by_side,
)
from workers.targets.base import Statement
from workers.targets.endpoint import endpoint_of

log = logging.getLogger(__name__)
AT_ONCE = 2_000
PASSES_ASKED_AT_ONCE = 100
# A check can wait: it holds a worker for a few seconds at most.
CONNECT_SECONDS, ANSWER_SECONDS = 5.0, 10.0
# Longer than a check takes: if its worker dies, the targets are due again after it.
CLAIM = timedelta(seconds=90)
# When a pass that was asked for has not come by then, the target is due again.
PASS_EXPECTED_IN = timedelta(seconds=30)
SHELL_FORGOTTEN_SECONDS = 3600.0
_ACCOUNT = ("host", "port", "username", "public_key", "host_key", "organization_id")


def quiet_targets() -> QuerySet[SyncTarget]:
    """Due targets that wait for a look at their tip only: proved, no run unfinished, nothing to try again."""
    unfinished = Run.objects.filter(target=OuterRef("pk"), state__in=Run.UNFINISHED)
    restart = Q(type=Condition.Type.RELOAD_PENDING, status=True) & ~Q(reason="RestartByHand")
    failed = Q(type=Condition.Type.SYNCED, status=False)
    unsettled = Condition.objects.filter(restart | failed, target=OuterRef("pk"))
    return (
        SyncTarget.objects.filter(_undisturbed(), kind=SyncTarget.Kind.RELAY_REPOSITORY)
        .filter(next_check_at__lte=Now(), next_try_at__lte=Now(), proof__has_key="commit")
        .exclude(repository__host_key="")
        .exclude(Exists(unfinished))
        .exclude(Exists(unsettled))
    )


def _undisturbed() -> Q:
    """Nothing was asked for since the proof, no person is needed, nobody has it or died with it."""
    return Q(generation=F("observed_generation"), stop_code="", lease_owner="", lease_until__lt=Now())


def accounts_to_check(at_most: int) -> list[int]:
    """One quiet target of each account that has some; the account that waited longest first."""
    columns = [f"repository__{name}" for name in _ACCOUNT]
    groups = quiet_targets().values(*columns).annotate(first=Min("pk"), since=Min("next_check_at"))
    return [group["first"] for group in groups.order_by("since", "first")[:at_most]]


@dataclass(frozen=True)
class _Claimed:
    """Targets of one account that this check alone looks at, with what was proved of them and where.

    Whatever happens to one meanwhile (a pass, an edit, a wish to look) moves its next check away from
    `stamp` or its generation away from the proof: so `rows` leaves it out, and nothing is written over it.
    """

    stamp: datetime
    ids: tuple[int, ...]
    commits: tuple[str, ...]
    places: tuple[tuple[str, str], ...]

    def rows(self, ids: Iterable[int] | None = None) -> QuerySet[SyncTarget]:
        wanted = self.ids if ids is None else tuple(ids)
        return SyncTarget.objects.filter(_undisturbed(), pk__in=wanted, next_check_at=self.stamp)


@dataclass
class AccountCheck:
    """Looks at the tips of all quiet targets of an account. The clock is injected."""

    opener: Opener
    pool: ssh.ConnectionPool
    check_every: timedelta
    clock: Callable[[], datetime] = timezone.now
    backoff: Backoff = field(default_factory=Backoff)
    _without_shell: dict[ssh.SshEndpoint, float] = field(default_factory=dict, repr=False)

    def check(self, target_id: int) -> int:
        """Check every quiet target that shares the account of this one; returns how many have not moved."""
        repository = Repository.objects.filter(sync_target=target_id).first()
        claimed = self._claim(repository) if repository is not None else None
        if repository is None or claimed is None:
            return 0
        try:
            endpoint = endpoint_of(repository, self.opener, CONNECT_SECONDS, ANSWER_SECONDS)
            with self.pool.connection(endpoint) as connection:
                tips = self._look(connection, claimed)
        except ssh.Unreachable as error:
            self._put_off(claimed, repository.host, str(error))
        except (ssh.SshError, CannotOpen) as error:
            # Each needs a person, and says so by a pass of its own.
            log.info("the account of target %s: %s", target_id, type(error).__name__)
            self._ask_for_passes(claimed, claimed.ids)
        else:
            return self._record(claimed, tips, repository.host)
        return 0

    def _claim(self, repository: Repository) -> _Claimed | None:
        account = {f"repository__{name}": getattr(repository, name) for name in _ACCOUNT}
        due = quiet_targets().filter(**account).order_by("next_check_at", "pk")
        wanted = list(due.values_list("pk", flat=True)[:AT_ONCE])
        stamp = self.clock() + CLAIM
        # Of two checks at once the second finds the rows not due any more.
        SyncTarget.objects.filter(_undisturbed(), pk__in=wanted, next_check_at__lte=Now()).update(
            next_check_at=stamp
        )
        columns = ("pk", "proof", "repository__path", "repository__branch")
        rows = SyncTarget.objects.filter(pk__in=wanted, next_check_at=stamp).order_by("pk")
        taken = [
            (pk, str(proof.get("commit")), (path, branch))
            for pk, proof, path, branch in rows.values_list(*columns)
        ]
        return _Claimed(stamp, *zip(*taken, strict=True)) if taken else None

    def _look(self, connection: ssh.Connection, claimed: _Claimed) -> Tips:
        endpoint = connection.endpoint
        remotes = [RemoteRepository(endpoint, path, branch) for path, branch in claimed.places]
        if self._without_shell.get(endpoint, 0.0) < time.monotonic():
            try:
                return Tips(dict(enumerate(read_tips_at_once(connection, remotes))))
            except ShellUnavailable:
                self._without_shell[endpoint] = time.monotonic() + SHELL_FORGOTTEN_SECONDS
        return read_tips_side_by_side(connection, remotes)

    def _record(self, claimed: _Claimed, tips: Tips, host: str) -> int:
        if not tips.found:
            self._put_off(claimed, host, "it answered no question in time")
            return 0
        same, moved, unasked = [], [], []
        for place, target_id in enumerate(claimed.ids):
            if tips.found.get(place, "") == claimed.commits[place]:
                same.append(target_id)
            elif place in tips.found or place in tips.silent:
                moved.append(target_id)
            else:
                unasked.append(target_id)
        now = self.clock()
        self._ask_for_passes(claimed, moved)
        claimed.rows(unasked).update(next_check_at=now)
        with transaction.atomic():
            _state(ANSWERED, claimed.rows(same), now)
            agreed = {"checked_at": now, "next_check_at": now + self.check_every, "failures": 0}
            return claimed.rows(same).update(**agreed)

    def _ask_for_passes(self, claimed: _Claimed, ids: Sequence[int]) -> None:
        claimed.rows(ids).update(next_check_at=self.clock() + PASS_EXPECTED_IN)
        for target_id in ids[:PASSES_ASKED_AT_ONCE]:
            outbox.hint_on_commit("reconcile", target_id, SyncTarget.Kind.RELAY_REPOSITORY.value)

    def _put_off(self, claimed: _Claimed, host: str, said: str) -> None:
        """Nobody answers: say so on every target, and try again later and later."""
        rows, now = claimed.rows(), self.clock()
        failures = (rows.aggregate(most=Max("failures"))["most"] or 0) + 1
        sentence = f"{host} cannot be reached: {printable(said, 200)}."
        with transaction.atomic():
            _state(Statement(Condition.Type.REACHABLE, False, "unreachable", sentence), rows, now)
            rows.update(failures=failures, next_check_at=now + self.backoff.delay(failures))


def _state(statement: Statement, rows: QuerySet[SyncTarget], now: datetime) -> None:
    """Write a condition on those targets that said the opposite."""
    others = Condition.objects.filter(target__in=rows, type=statement.type).exclude(status=statement.status)
    others.update(
        status=statement.status,
        reason=statement.reason,
        message=statement.message,
        details={},
        since=now,
        seen_at=now,
    )
