"""The linked unikernels of a relay repository: after a proof, when they restart, and whether they did."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from tenants import outbox
from tenants.formats.relay_entry import Readable, RelayEntry, read
from tenants.formats.restarts import ROLES, Pace, due, takes_away
from tenants.models import Condition, Repository, RepositoryReader, SyncTarget
from workers.repository import Mirror
from workers.targets.base import Pass, Statement


def plan_restarts(current: Pass, repository: Repository, commit: str, mirror: Mirror) -> Statement | None:
    """Ask the hosts of what reads `repository` for restarts, and say how that goes; None without readers."""
    rows = list(
        RepositoryReader.objects.filter(repository=repository).select_related(
            "unikernel__share__sync_target", "unikernel__share__host"
        )
    )
    if not rows:
        return None
    rows.sort(key=lambda row: (ROLES.index(row.role), row.unikernel.name))
    problem = _unusable(mirror, commit)
    if problem:
        details = {"commit": commit, "unikernels": [str(row.unikernel) for row in rows]}
        return Statement(Condition.Type.RELOAD_PENDING, True, "RestartHeld", problem, details)
    last = max((row.restarted_at for row in rows if row.restarted_at), default=None)
    changed = [row for row in rows if row.wanted_commit != commit]
    with current.write():
        for row in changed:
            _want(row, commit, mirror, current.now, last, repository.pace)
    waiting = [row for row in rows if row.is_waiting]
    _wake_hosts(waiting)
    if changed and waiting:
        current.note(f"Restarts wanted: {_names(waiting)}")
    return _statement(rows, waiting, commit, current.now)


def _unusable(mirror: Mirror, commit: str) -> str:
    """Would what starts now find nobody at all in a branch that is not empty? Then it had better go on."""
    files = mirror.files(commit)
    if not files or any(isinstance(read(name, mirror.blob(blob)), Readable) for name, blob in files.items()):
        return ""
    return (
        f"None of the {len(files)} entries in the branch can be read by ptt: after a restart nobody could"
        " sign in. Correct the branch; until then nothing is restarted."
    )


def _want(
    row: RepositoryReader, commit: str, mirror: Mirror, now: datetime, last: datetime | None, pace: Pace
) -> None:
    was_waiting = row.is_waiting
    row.urgent = (was_waiting and row.urgent) or _takes_away(mirror, row.read_commit, commit)
    row.waiting_since = row.waiting_since if was_waiting and row.waiting_since else now
    row.wanted_commit, row.changed_at, row.held = commit, now, ""
    row.due_at = None
    if row.is_waiting:
        row.due_at = due(
            changed_at=now,
            waiting_since=row.waiting_since,
            last_restart=last,
            urgent=row.urgent,
            pace=pace,
        )
    row.save(update_fields=["urgent", "waiting_since", "wanted_commit", "changed_at", "held", "due_at"])


def _takes_away(mirror: Mirror, old: str, new: str) -> bool:
    """By the entries that differ; of a commit that is not known any more, nothing can be said."""
    if not old or not mirror.has(old):
        return False
    before, after = mirror.files(old), mirror.files(new)
    differing = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    return takes_away(_entries(mirror, before, differing), _entries(mirror, after, differing))


def _entries(mirror: Mirror, files: Mapping[bytes, str], names: set[bytes]) -> dict[bytes, RelayEntry]:
    found = {}
    for name in names & files.keys():
        verdict = read(name, mirror.blob(files[name]))
        if isinstance(verdict, Readable):
            found[name] = verdict.entry
    return found


def _wake_hosts(waiting: list[RepositoryReader]) -> None:
    for row in waiting:
        if row.due_at is not None and row.should_run:
            wake(row.unikernel.share.sync_target, row.due_at)


def wake(target: SyncTarget, at: datetime) -> None:
    """Have a target looked at by `at`, if it is not sooner anyway. Stops and back-offs stay as they are."""
    with transaction.atomic():
        sooner = SyncTarget.objects.filter(pk=target.pk, next_check_at__gt=at).update(next_check_at=at)
        if sooner and at <= timezone.now():
            outbox.hint_on_commit("reconcile", target.pk, target.kind)


def _statement(
    rows: list[RepositoryReader], waiting: list[RepositoryReader], commit: str, now: datetime
) -> Statement:
    kind = Condition.Type.RELOAD_PENDING
    if not waiting:
        at = {str(row.unikernel): row.restarted_at.isoformat() for row in rows if row.restarted_at}
        said = " ".join([f"{_names(rows)} read {commit[:7]}.", *(row.silence for row in rows if row.silence)])
        return Statement(kind, False, "TakenUp", said, {"commit": commit, "restarted": at})
    expected = [row for row in waiting if row.should_run]
    at_once = max((row.due_at for row in expected if row.due_at), default=None)
    details: dict[str, Any] = {
        "commit": commit,
        "unikernels": [str(row.unikernel) for row in waiting],
        "restarts_at": at_once.isoformat() if at_once else None,
        "urgent": any(row.urgent for row in waiting),
    }
    held = [row.held for row in expected if row.held]
    held += [
        f"{row.unikernel} does not run; it reads the change when it starts."
        for row in waiting
        if not row.should_run
    ]
    if held:
        return Statement(kind, True, "RestartHeld", " ".join(held), details)
    when = f"at {at_once:%H:%M:%S} UTC" if at_once and at_once > now else "now"
    said = f"{_names(waiting)} restart {when}; until then they go on with what they read last."
    return Statement(kind, True, "RestartPlanned", said, details)


def _names(rows: list[RepositoryReader]) -> str:
    names = [str(row.unikernel) for row in rows]
    return " and ".join(names) if len(names) < 3 else ", ".join(names)
