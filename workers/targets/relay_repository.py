"""The relay repository as a sync target: joins git over SSH, the entry format and desired state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tenants.actions.adoption import take_over
from tenants.actor import Actor
from tenants.desired import desired_relay
from tenants.errors import Invalid
from tenants.models import Finding, SyncTarget
from tenants.secrets import Opener
from workers import ssh
from workers.outcome import NeedsPerson
from workers.plan import Limits, Plan
from workers.relay.decide import Sides, decide
from workers.repository import FileChange, Mirror, NewCommit
from workers.surveying import saw_users
from workers.targets.base import Findings, Pass, Proof, Statement
from workers.targets.git_target import GitTarget, Tip, may_overwrite, repository_of
from workers.targets.own_copy import mending
from workers.targets.relay_findings import decided, find, to_take_over
from workers.targets.relay_readers import plan_restarts
from workers.targets.relay_statements import APART, apart_statement, by_hand, foreign_statement
from workers.targets.reload import Reloader
from workers.targets.unproved import unproved_writes


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
    looked: Tip = field(repr=False)

    @property
    def mirror(self) -> Mirror:
        return self.looked.mirror

    @property
    def others(self) -> frozenset[bytes]:
        return self.mirror.tree_of(self.tip).others if self.tip else frozenset()

    @property
    def names_that_moved(self) -> frozenset[bytes]:
        if not self.moved:
            return frozenset()
        names = set(self.ids) | set(self.base_ids)
        return self.again.union(name for name in names if self.ids.get(name) != self.base_ids.get(name))


class RelayRepository(GitTarget):
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
        super().__init__(opener=opener, pool=pool, mirrors=mirrors, limits=limits)
        self._reloader = reloader

    def title(self, target: SyncTarget, plan: Plan | None) -> str:
        repository = repository_of(target)
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
        looked = self.look(current)
        tip, proved, mirror = looked.commit, looked.proved, looked.mirror
        if tip is None:
            return ObservedRelay(None, "", {}, {}, None, True, frozenset(), looked)
        ids = mirror.files(tip)
        base = mirror.files(proved) if proved and tip != proved else ids if proved else {}
        if tip != proved and (ours := unproved_writes(current.target, mirror, tip, proved)):
            base = {**base, **ours}
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
            looked=looked,
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
        own_domain = str(repository_of(target).domain)
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
        saw_users(current, observed.tip, observed.ids, observed.mirror.blob)
        return find(current.target, observed, plan, str(repository_of(current.target).domain))

    # plan -----------------------------------------------------------------------------------------

    @mending
    def plan(self, current: Pass, observed: ObservedRelay) -> Plan:
        names = observed.names_that_moved if observed.base_commit else None
        desired = desired_relay(current.target, self._opener, names=names)
        units = desired.names if desired.complete else desired.names | (names or frozenset())
        overwrite = may_overwrite(current.target, decided)
        decision = decide(
            units,
            entries=desired.entries,
            absent=desired.absent,
            observed=Sides(observed.ids, observed.mirror.blob, observed.others),
            base=Sides({k: v for k, v in observed.base_ids.items() if v}, observed.mirror.blob),
            may_overwrite=lambda name, outside_id: overwrite(name.decode(), outside_id),
            own_domain=str(repository_of(current.target).domain),
        )
        plan = Plan(decision.changes, decision.apart, units_observed=len(observed.ids))
        return replace(plan, commands=by_hand(repository_of(current.target), plan))

    def statements(self, current: Pass, plan: Plan, findings: Findings) -> Sequence[Statement]:
        return [*(apart_statement(plan, reason) for reason in APART), foreign_statement(findings)]

    def unchanged(self, current: Pass, observed: ObservedRelay, plan: Plan) -> Proof:
        if observed.tip is None:
            return Proof({}, {}, "Nothing to write yet; the branch is made with the first address.")
        return _proof(observed.tip, observed.tree, len(observed.ids), plan, "The branch agrees.")

    # apply and verify -----------------------------------------------------------------------------

    @mending
    def apply(self, current: Pass, observed: ObservedRelay, plan: Plan) -> NewCommit:
        files = [FileChange(change.unit.encode(), change.content) for change in plan.changes]
        title = f"{plan.summary()} for {repository_of(current.target).domain}"
        return self.commit(current, observed.looked, observed.tip, title, files)

    def verify(self, current: Pass, observed: ObservedRelay, plan: Plan, applied: NewCommit) -> Proof:
        self.require_tip(current, observed.looked, applied)
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

    @mending
    def settle(self, current: Pass, proof: Mapping[str, Any]) -> Statement | None:
        repository = repository_of(current.target)
        commit = str(proof.get("commit", ""))
        if not commit:
            return None
        linked = plan_restarts(current, repository, commit, self._mirror(repository))
        return linked or self._reloader.take_up(current, repository, commit)


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
