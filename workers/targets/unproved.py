"""What we wrote ourselves and never saw proved: the push arrived, and its answer or its worker was lost."""

from __future__ import annotations

from collections.abc import Iterator

from tenants.models import Installation, Run, SyncTarget
from workers.relay.trailers import Mark, find_mark
from workers.repository import Commit, Mirror
from workers.targets.relay_trust import HISTORY_LIMIT


def unproved_writes(target: SyncTarget, mirror: Mirror, tip: str, proved: str | None) -> dict[bytes, str]:
    """Blob ids by name as our own commits after the proof left them; "" for a name that they took away.

    Without this, what we wrote would look like somebody else's change as soon as it is changed here again,
    and a passphrase would wait for a person to decide. What others wrote before or after stays theirs.
    """
    found: dict[bytes, str] = {}
    for commit in ours_since(target, mirror, tip, proved):
        now = mirror.files(commit.id)
        before = mirror.files(commit.parents[0]) if commit.parents else {}
        for name in {*now, *before}:
            if now.get(name) != before.get(name):
                found.setdefault(name, now.get(name, ""))  # the newest comes first
    return found


def ours_since(target: SyncTarget, mirror: Mirror, tip: str, proved: str | None) -> Iterator[Commit]:
    """Our own commits after the proof, the newest first."""
    for commit in mirror.log(tip, HISTORY_LIMIT):
        if commit.id == proved:
            return
        mark = find_mark(commit.message)
        if mark is not None and _is_ours(target, mark, commit.commit_time):
            yield commit


def _is_ours(target: SyncTarget, mark: Mark, seconds: int) -> bool:
    """Of a run that this database knows and that was there before the commit: one that was restored from a
    copy gives the numbers of lost runs to new ones."""
    if mark.installation != Installation.current_id() or mark.run is None:
        return False
    # A pass takes its number when it begins, and writes what it finds asked for later: one that began with
    # nothing to do writes under the number that was proved.
    if not target.observed_generation <= mark.generation <= target.generation:
        return False
    run = Run.objects.filter(pk=mark.run, target_id=target.pk).only("created_at").first()
    return run is not None and int(run.created_at.timestamp()) <= seconds
