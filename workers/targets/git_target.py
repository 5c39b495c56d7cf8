"""What sync targets that are branches of git repositories share: our copies, connections, tidying up."""

from __future__ import annotations

import shutil
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from tenants.formats.text import printable
from tenants.models import Condition, Finding, Installation, Repository, SyncTarget
from tenants.secrets import Opener
from workers import ssh
from workers.outcome import NeedsPerson, Retry
from workers.plan import Limits
from workers.relay.trailers import message
from workers.repository import (
    FileChange,
    LostRace,
    Mirror,
    MirrorDamaged,
    NewCommit,
    PushRefused,
    RemoteRepository,
    RepositoryError,
    ShellUnavailable,
    UnknownOutcome,
    build_commit,
    push,
    read_refs,
    tidy_remote,
)
from workers.targets.asking import asked
from workers.targets.base import Pass, Statement
from workers.targets.endpoint import endpoint_of
from workers.targets.own_copy import mending
from workers.targets.relay_statements import growth
from workers.targets.relay_trust import (
    require_new_branch,
    require_our_line,
    wrote_lately,
)
from workers.targets.trust import host_key_setback

AUTHOR, EMAIL = "Rookery", "rookery@localhost"
MAINTAIN_EVERY = 200
MIRRORS_OPEN = 64


@dataclass(frozen=True)
class Tip:
    """A branch as it was looked at: `commit` is None while it does not exist, `proved` what was last proved
    there, if our copy still has it."""

    commit: str | None
    proved: str | None
    remote: RemoteRepository
    mirror: Mirror


class GitTarget:
    """Base of the kinds of targets that are branches."""

    def __init__(
        self,
        *,
        opener: Opener,
        pool: ssh.ConnectionPool,
        mirrors: Path | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.limits = limits or Limits()
        self._opener = opener
        self._pool = pool
        self._folder = mirrors or Path(settings.MIRROR_DIR)
        self._mirrors: OrderedDict[int, Mirror] = OrderedDict()

    def look(self, current: Pass) -> Tip:
        """Read the tip, and fetch it when it is new. Stops for what must not be written to."""
        repository = repository_of(current.target)
        remote = RemoteRepository(endpoint_of(repository, self._opener), repository.path, repository.branch)
        mirror = self._mirror(repository)
        with self.connection(repository) as connection:
            current.note(f"Reading refs/heads/{repository.branch} of {repository}")
            refs = read_refs(connection, remote)
            tip = refs.tip
            if tip is None:
                require_new_branch(current.target, repository, refs.branches)
                return Tip(None, None, remote, mirror)
            proved = current.target.proof.get("commit")
            if tip != proved or not mirror.has(tip):
                mirror.fetch(connection, remote, expected_tip=tip)
                current.note(f"Fetched {tip[:10]}")
        if tip != proved:
            require_our_line(current.target, mirror, tip, proved)
        if proved and not mirror.has(proved):
            proved = None  # our mirror was lost with the old tip: everything is compared afresh
        return Tip(tip, proved, remote, mirror)

    def commit(
        self, current: Pass, tip: Tip, parent: str | None, title: str, changes: list[FileChange]
    ) -> NewCommit:
        """Push one commit on top of `parent`, by compare-and-set."""
        repository = repository_of(current.target)
        text = message(
            title,
            installation=Installation.current_id(),
            generation=current.target.generation,
            run=current.run_id,
            **asked(current.target),
        )
        new = build_commit(
            tip.mirror,
            parent,
            changes,
            author=AUTHOR,
            email=EMAIL,
            message=text,
            now=_not_before(tip, int(current.now.timestamp())),
        )
        if new is None:
            raise Retry("lost-race", "The plan changed nothing in the tree; looking again.")
        with self.connection(repository) as connection:
            # This renews the lease: nothing is pushed after it was lost.
            current.note(f"Pushing {new.id[:10]} on top of {(parent or 'nothing')[:10]}")
            with tip.mirror.adding(new):
                push(connection, tip.remote, new, parent)
        way = f"{parent[:7]} to {new.id[:7]}" if parent else f"{new.id[:7]}, the first commit"
        current.tell(f"{way}, accepted by {repository.host}.")
        return new

    def require_tip(self, current: Pass, tip: Tip, expected: NewCommit) -> None:
        """Raise Retry unless the branch is where we pushed it to."""
        with self.connection(repository_of(current.target)) as connection:
            found = read_refs(connection, tip.remote).tip
        if found != expected.id:
            raise Retry("lost-race", "Somebody pushed right after us; looking again.")

    @mending
    def maintain(self, current: Pass) -> Statement | None:
        """After our first commit and every MAINTAIN_EVERY changes; where we only look, nothing is touched."""
        target, repository = current.target, repository_of(current.target)
        known = target.conditions.filter(type=Condition.Type.GROWING).first()
        done_at = known.details.get("generation", 0) if known is not None else -MAINTAIN_EVERY
        if not target.proof.get("commit") or target.observed_generation < done_at + MAINTAIN_EVERY:
            return None
        if not wrote_lately(mirror := self._mirror(repository), target.proof["commit"]):
            return None
        current.note(f"Our mirror: {mirror.maintain()}")
        remote = RemoteRepository(endpoint_of(repository, self._opener), repository.path, repository.branch)
        with self.connection(repository) as connection:
            try:
                size, tidied = tidy_remote(connection, remote), True
            except ShellUnavailable:
                size, tidied = mirror.size(), False
        return growth(repository, size, target.observed_generation, tidied=tidied)

    # connections ----------------------------------------------------------------------------------

    def _mirror(self, repository: Repository) -> Mirror:
        """Our copy of this repository; the last used ones stay open."""
        mirror = self._mirrors.pop(repository.pk, None)
        if mirror is None or not mirror.folder.exists():
            mirror = Mirror(self._folder / str(repository.pk))
        self._mirrors[repository.pk] = mirror
        while len(self._mirrors) > MIRRORS_OPEN:
            self._mirrors.popitem(last=False)[1].close()
        return mirror

    def forget(self, current: Pass) -> None:
        """Throw our copy of this repository away; the next look fetches it again."""
        mirror = self._mirror(repository_of(current.target))
        mirror.close()
        shutil.rmtree(mirror.folder)

    def close(self) -> None:
        """Let go of kept connections and open mirrors."""
        self._pool.close()
        while self._mirrors:
            self._mirrors.popitem()[1].close()

    @contextmanager
    def connection(self, repository: Repository) -> Iterator[ssh.Connection]:
        """A kept connection; what goes wrong with it becomes an outcome with advice."""
        try:
            with self._pool.connection(endpoint_of(repository, self._opener)) as connection:
                yield connection
        except (ssh.HostKeyUnknown, ssh.HostKeyChanged) as error:
            Repository.objects.filter(pk=repository.pk).update(offered_host_key=error.offered_key)
            raise host_key_setback(repository.host, repository.host_key, error) from error
        except ssh.AuthenticationRefused as error:
            raise NeedsPerson(
                "key-refused",
                f"{repository.host} did not let us in as {repository.username}.",
                "Add the repository's public key to the git account on that host, then look again.",
            ) from error
        except MirrorDamaged:
            raise
        except LostRace as error:
            raise Retry("lost-race", "Somebody else pushed at the same time; looking again.") from error
        except PushRefused as error:
            raise NeedsPerson(
                "push-refused",
                f"{repository.host} refused the push: {printable(str(error), 200)}.",
                "Let our key write to this branch, or look at the hooks of the repository; then look again.",
            ) from error
        except UnknownOutcome as error:
            raise Retry(
                "unknown-outcome", "The connection broke after the push was sent; looking whether it arrived."
            ) from error
        except ssh.Unreachable as error:
            raise Retry(
                "unreachable", f"{repository.host} cannot be reached: {printable(str(error), 200)}."
            ) from error
        except (RepositoryError, ssh.CommandFailed, ssh.ProtocolError) as error:
            raise NeedsPerson(
                "not-a-repository",
                f"{repository.path} could not be read: {printable(str(error), 200)}.",
                "Check the path and that this account may read it, then look again.",
            ) from error


def _not_before(tip: Tip, now: int) -> int:
    """A date for a commit: readers that have what was proved fetch nothing that is dated before it, whatever
    dates others gave the commits since."""
    if tip.proved is None:
        return now
    proved = tip.mirror.commit(tip.proved)
    return max(now, proved.author_time, proved.commit_time)


def repository_of(target: SyncTarget) -> Repository:
    assert target.repository is not None  # noqa: S101 - of every target that is a branch
    return target.repository


def may_overwrite(
    target: SyncTarget, decided: Callable[[SyncTarget, str], dict[str, str]]
) -> Callable[[str, str], bool]:
    """Whether ours replaces what others wrote, by unit and the id of what is there."""
    if target.drift_mode == SyncTarget.DriftMode.REPAIR:
        return lambda unit, outside_id: True
    repaired = decided(target, Finding.Decision.REPAIR)
    return lambda unit, outside_id: repaired.get(unit) == outside_id
