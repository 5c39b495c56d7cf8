"""The relay repository as a sync target: joins git over SSH, the entry format and desired state."""

from __future__ import annotations

import shutil
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from django.conf import settings

from tenants.actions.adoption import take_over
from tenants.actor import Actor
from tenants.desired import desired_relay
from tenants.errors import Invalid
from tenants.formats.text import printable
from tenants.models import Condition, Finding, Installation, Repository, SyncTarget
from tenants.secrets import Opener
from workers import ssh
from workers.outcome import NeedsPerson, Retry
from workers.plan import Limits, Plan
from workers.relay.decide import Sides, decide
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
from workers.targets.base import Findings, Pass, Proof, Statement
from workers.targets.endpoint import endpoint_of
from workers.targets.own_copy import mending
from workers.targets.relay_findings import decided, find, to_take_over
from workers.targets.relay_statements import APART, apart_statement, by_hand, foreign_statement, growth
from workers.targets.relay_trust import (
    require_new_branch,
    require_our_line,
    wrote_lately,
)
from workers.targets.reload import Reloader
from workers.targets.trust import host_key_setback

AUTHOR, EMAIL = "Rookery", "rookery@localhost"
MAINTAIN_EVERY = 200
MIRRORS_OPEN = 64


@dataclass(frozen=True)
class ObservedRelay:
    """The branch as it is: tip (None while the branch does not exist), and file ids of its root.

    `again` are the units that the last pass left alone: they are decided in every pass.
    """

    tip: str | None
    tree: str
    ids: Mapping[bytes, str] = field(repr=False)
    base_ids: Mapping[bytes, str] = field(repr=False)
    base_commit: str | None
    moved: bool
    again: frozenset[bytes] = field(repr=False)
    remote: RemoteRepository = field(repr=False)
    mirror: Mirror = field(repr=False)

    @property
    def others(self) -> frozenset[bytes]:
        return self.mirror.tree_of(self.tip).others if self.tip else frozenset()

    @property
    def names_that_moved(self) -> frozenset[bytes]:
        if not self.moved:
            return frozenset()
        names = set(self.ids) | set(self.base_ids)
        return self.again.union(name for name in names if self.ids.get(name) != self.base_ids.get(name))


class RelayRepository:
    """See workers.targets.base.TargetKind."""

    def __init__(
        self,
        *,
        opener: Opener,
        pool: ssh.ConnectionPool,
        reloader: Reloader,
        mirrors: Path | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.limits = limits or Limits()
        self._opener = opener
        self._pool = pool
        self._reloader = reloader
        self._folder = mirrors or Path(settings.MIRROR_DIR)
        self._mirrors: OrderedDict[int, Mirror] = OrderedDict()

    def title(self, target: SyncTarget, plan: Plan | None) -> str:
        repository = _repository(target)
        where = f"{repository.short_name} of {repository.domain}"
        if plan is None:
            return f"Bring {where} into agreement"
        count = len(plan.changes)
        if not count:
            return f"Compare {where}"
        return f"Write {count} change{'s' if count != 1 else ''} to {where}"

    # observe --------------------------------------------------------------------------------------

    @mending
    def observe(self, current: Pass) -> ObservedRelay:
        repository = _repository(current.target)
        remote = RemoteRepository(endpoint_of(repository, self._opener), repository.path, repository.branch)
        mirror = self._mirror(repository)
        with self._connection(repository) as connection:
            current.note(f"Reading refs/heads/{repository.branch} of {repository}")
            refs = read_refs(connection, remote)
            tip = refs.tip
            if tip is None:
                require_new_branch(current.target, repository, refs.branches)
                return ObservedRelay(None, "", {}, {}, None, True, frozenset(), remote, mirror)
            proved = current.target.proof.get("commit")
            if tip != proved or not mirror.has(tip):
                mirror.fetch(connection, remote, expected_tip=tip)
                current.note(f"Fetched {tip[:10]}")
        if tip != proved:
            require_our_line(current.target, mirror, tip, proved)
        ids = mirror.files(tip)
        if proved and not mirror.has(proved):
            proved = None  # our mirror was lost with the old tip: everything is compared afresh
        base = mirror.files(proved) if proved and tip != proved else ids if proved else {}
        apart = current.target.proof.get("apart", {})
        base_ids = {**base, **{unit.encode(): blob or "" for unit, blob in apart.items()}} if apart else base
        return ObservedRelay(
            tip=tip,
            tree=mirror.commit(tip).tree,
            ids=ids,
            base_ids=base_ids,
            base_commit=proved,
            moved=tip != proved or bool(apart),
            again=frozenset(map(str.encode, apart)),
            remote=remote,
            mirror=mirror,
        )

    def describe(self, observed: ObservedRelay) -> str:
        if observed.tip is None:
            return "The branch does not exist yet; the first commit makes it."
        others = "nothing written by others" if not observed.moved else "changed since our last proof"
        count = len(observed.ids)
        return f"Tip {observed.tip[:7]}, {count} entr{'y' if count == 1 else 'ies'}, {others}."

    # what is left alone -----------------------------------------------------------------------------

    @mending
    def adopt(self, current: Pass, observed: ObservedRelay) -> str:
        target = current.target
        if target.drift_mode != SyncTarget.DriftMode.ADOPT and not decided(target, Finding.Decision.ADOPT):
            return ""
        own_domain = str(_repository(target).domain)
        taken = [
            address for _, address in to_take_over(target, observed, self.plan(current, observed), own_domain)
        ]
        if not taken:
            return ""
        try:
            with current.write():
                count = take_over(actor=Actor.rookery(), target=target, addresses=taken)
        except Invalid as refusal:
            raise NeedsPerson(
                "no-room-to-take-over",
                f"{len(taken)} addresses cannot be taken over: {refusal}",
                "Make room, or choose fewer of them. Nothing was changed.",
            ) from refusal
        return f"Took over {count} address{'es' if count != 1 else ''} from outside."

    @mending
    def findings(self, current: Pass, observed: ObservedRelay, plan: Plan) -> Findings:
        return find(current.target, observed, plan, str(_repository(current.target).domain))

    # plan -----------------------------------------------------------------------------------------

    @mending
    def plan(self, current: Pass, observed: ObservedRelay) -> Plan:
        names = observed.names_that_moved if observed.base_commit else None
        desired = desired_relay(current.target, self._opener, names=names)
        units = desired.names if desired.complete else desired.names | (names or frozenset())
        decision = decide(
            units,
            entries=desired.entries,
            absent=desired.absent,
            observed=Sides(observed.ids, observed.mirror.blob, observed.others),
            base=Sides({k: v for k, v in observed.base_ids.items() if v}, observed.mirror.blob),
            may_overwrite=_may_overwrite(current.target),
            own_domain=str(_repository(current.target).domain),
        )
        plan = Plan(decision.changes, decision.apart, units_observed=len(observed.ids))
        return replace(plan, commands=by_hand(_repository(current.target), plan))

    def statements(self, current: Pass, plan: Plan, findings: Findings) -> Sequence[Statement]:
        return [*(apart_statement(plan, reason) for reason in APART), foreign_statement(findings)]

    def unchanged(self, current: Pass, observed: ObservedRelay, plan: Plan) -> Proof:
        if observed.tip is None:
            return Proof({}, {}, "Nothing to write yet; the branch is made with the first address.")
        return _proof(observed.tip, observed.tree, len(observed.ids), plan, "The branch agrees.")

    # apply and verify -----------------------------------------------------------------------------

    @mending
    def apply(self, current: Pass, observed: ObservedRelay, plan: Plan) -> NewCommit:
        repository = _repository(current.target)
        text = message(
            f"{plan.summary()} for {repository.domain}",
            installation=Installation.current_id(),
            generation=current.target.generation,
            run=current.run_id,
            **asked(current.target),
        )
        new = build_commit(
            observed.mirror,
            observed.tip,
            [FileChange(change.unit.encode(), change.content) for change in plan.changes],
            author=AUTHOR,
            email=EMAIL,
            message=text,
            now=int(current.now.timestamp()),
        )
        if new is None:
            raise Retry("lost-race", "The plan changed nothing in the tree; looking again.")
        with self._connection(repository) as connection:
            # This renews the lease: nothing is pushed after it was lost.
            current.note(f"Pushing {new.id[:10]} on top of {(observed.tip or 'nothing')[:10]}")
            with observed.mirror.adding(new):
                push(connection, observed.remote, new, observed.tip)
        way = f"{observed.tip[:7]} to {new.id[:7]}" if observed.tip else f"{new.id[:7]}, the first commit"
        current.tell(f"{way}, accepted by {repository.host}.")
        return new

    def verify(self, current: Pass, observed: ObservedRelay, plan: Plan, applied: NewCommit) -> Proof:
        repository = _repository(current.target)
        with self._connection(repository) as connection:
            tip = read_refs(connection, observed.remote).tip
        if tip != applied.id:
            raise Retry("lost-race", "Somebody pushed right after us; looking again.")
        count = len(observed.ids) + sum(
            (change.before_id == "") - (change.after_id == "") for change in plan.changes
        )
        return _proof(
            applied.id,
            applied.tree,
            count,
            plan,
            f"The tip is {applied.id[:7]}, its tree is the desired one.",
        )

    def settle(self, current: Pass, proof: Mapping[str, Any]) -> Statement | None:
        repository = _repository(current.target)
        commit = str(proof.get("commit", ""))
        if not commit:
            return None
        return self._reloader.take_up(current, repository, commit)

    @mending
    def maintain(self, current: Pass) -> Statement | None:
        """After our first commit and every MAINTAIN_EVERY changes; where we only look, nothing is touched."""
        target, repository = current.target, _repository(current.target)
        known = target.conditions.filter(type=Condition.Type.GROWING).first()
        done_at = known.details.get("generation", 0) if known is not None else -MAINTAIN_EVERY
        if not target.proof.get("commit") or target.observed_generation < done_at + MAINTAIN_EVERY:
            return None
        if not wrote_lately(mirror := self._mirror(repository), target.proof["commit"]):
            return None
        current.note(f"Our mirror: {mirror.maintain()}")
        remote = RemoteRepository(endpoint_of(repository, self._opener), repository.path, repository.branch)
        with self._connection(repository) as connection:
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
        mirror = self._mirror(_repository(current.target))
        mirror.close()
        shutil.rmtree(mirror.folder)

    def close(self) -> None:
        """Let go of kept connections and open mirrors."""
        self._pool.close()
        while self._mirrors:
            self._mirrors.popitem()[1].close()

    @contextmanager
    def _connection(self, repository: Repository) -> Iterator[ssh.Connection]:
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


def _may_overwrite(target: SyncTarget) -> Callable[[bytes, str], bool]:
    if target.drift_mode == SyncTarget.DriftMode.REPAIR:
        return lambda name, outside_id: True
    repaired = decided(target, Finding.Decision.REPAIR)
    return lambda name, outside_id: repaired.get(name.decode()) == outside_id


def _repository(target: SyncTarget) -> Repository:
    assert target.repository is not None  # noqa: S101 - of every relay target
    return target.repository


def _proof(commit: str, tree: str, entries: int, plan: Plan, sentence: str) -> Proof:
    stored = {
        "commit": commit,
        "tree": tree,
        "entries": entries,
        "apart": {each.unit: each.base_id for each in plan.apart},
    }
    evidence = {
        "Commit": commit,
        "Tree": tree,
        "Entries": str(entries),
        "Plan checksum": plan.checksum,
    }
    return Proof(stored, evidence, sentence)
