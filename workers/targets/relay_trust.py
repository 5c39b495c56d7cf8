"""What must be so before anything is written to a branch: a known host, a known branch, our own line."""

from __future__ import annotations

from collections.abc import Sequence

from tenants.formats.text import printable
from tenants.models import Installation, Repository, SyncTarget
from workers.outcome import NeedsPerson
from workers.relay.trailers import find_mark
from workers.repository import Mirror

HISTORY_LIMIT = 1000
OURS_WITHIN = 50


def require_new_branch(target: SyncTarget, repository: Repository, branches: Sequence[str]) -> None:
    """A missing branch is fine in an empty repository before our first commit, and a person's matter else."""
    if target.proof.get("commit"):
        raise NeedsPerson(
            "branch-missing",
            f"The branch {repository.branch} is gone from {repository.path}.",
            "Restore it from a copy, or tell Rookery to start over with a new repository.",
        )
    if branches:
        names = ", ".join(printable(name, 60) for name in branches[:5])
        raise NeedsPerson(
            "branch-missing",
            f"There is no branch {repository.branch} in {repository.path}; it has {names}.",
            "Correct the branch: ptt reads exactly one, and main when it is not told.",
        )


def require_our_line(target: SyncTarget, mirror: Mirror, tip: str, proved: str | None) -> None:
    """Stop for rewritten history, for another installation, and for a database older than the outside."""
    if tip in target.agreed_to:
        return
    if proved and not (mirror.has(proved) and mirror.is_ancestor(proved, tip, HISTORY_LIMIT)):
        raise NeedsPerson(
            "history-rewritten",
            f"The branch was rewritten: its tip {tip[:7]} does not contain our last commit {proved[:7]}.",
            "Ask who pushed by force. If it was meant, agree to go on from the new tip.",
            {"tip": tip, "proved": proved},
            agree_to=tip,
        )
    here = Installation.current_id()
    for commit in mirror.log(tip, HISTORY_LIMIT):
        if commit.id == proved:
            return
        mark = find_mark(commit.message)
        if mark is None:
            continue
        if mark.installation != here:
            raise NeedsPerson(
                "foreign-installation",
                "Another installation of Rookery writes to this branch.",
                "Two would undo each other's work. Disconnect one of them, or agree to take over here.",
                {"tip": tip, "installation": mark.installation},
                agree_to=tip,
            )
        if mark.generation > target.generation and target.held_since is not None:
            # A restore that says so: nothing is written before people compared. From here on we count higher.
            SyncTarget.objects.filter(pk=target.pk, generation__lt=mark.generation).update(
                generation=mark.generation
            )
        elif mark.generation > target.generation:
            raise NeedsPerson(
                "database-restored",
                f"The branch holds our change number {mark.generation}, but this database only knows"
                f" {target.generation}: it was restored from an older copy.",
                "Nothing was written, so that newer users are not lost. Bring them back here, then agree.",
                {"tip": tip, "outside": mark.generation, "here": target.generation},
                agree_to=tip,
            )
        return


def wrote_lately(mirror: Mirror, tip: str) -> bool:
    """Is one of the last commits ours? Before that, the repository is not ours to touch in any way."""
    here = Installation.current_id()
    marks = (find_mark(commit.message) for commit in mirror.log(tip, OURS_WITHIN))
    return any(mark is not None and mark.installation == here for mark in marks)
