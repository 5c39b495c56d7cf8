"""A mail stack as a sync target. Its outside are other targets and the roles themselves: a pass looks at
them, writes the next phase as desired state, and looks again later. It never waits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from tenants.actions.stack_passes import record_phases, withdraw_phase, write_phase
from tenants.actions.stacks import phases
from tenants.actions.upgrade_passes import record_upgrade, withdraw_upgrade_phase, write_upgrade_phase
from tenants.actor import Actor
from tenants.errors import Conflict, Invalid
from tenants.formats.stacks.phases import GIT_ACCESS, Found, Next, Phase, Standing, State, Wanted, next_phase
from tenants.formats.stacks.upgrade_phases import FOR_GOOD
from tenants.models import Stack, SyncTarget, Upgrade
from tenants.stack_wishes import upgrade_of
from tenants.upgrade_standings import standings, standings_of, way_of
from workers.outcome import NeedsPerson, Retry
from workers.plan import Action, Change, Limits, Plan
from workers.targets.base import Findings, Pass, Proof, Statement
from workers.targets.stack_adopted import keep_signing_key
from workers.targets.stack_git import GitRights
from workers.targets.stack_looks import Looks
from workers.targets.upgrade_looks import UpgradeEyes, UpgradeLooks

ON_ITS_WAY = "on-its-way"
_UPGRADE = "upgrade"


@dataclass(frozen=True)
class ObservedStack:
    stack: Stack
    way: tuple[Phase, ...]
    found: Mapping[str, Found]
    kept: Mapping[str, Standing] = field(repr=False)
    tries: Mapping[str, int] = field(repr=False)
    upgrade: Upgrade | None = None

    @property
    def wanted(self) -> Wanted:
        if self.upgrade is None:
            return Wanted(self.stack.wanted)
        return Wanted.REMOVED if self.upgrade.state == Upgrade.State.RETURNING else Wanted.RUNNING


@dataclass(frozen=True)
class StackPlan(Plan):
    next: Next = field(default_factory=lambda: Next((), (), {}, None))


class _NoLimits(Limits):
    def objections(self, plan: Plan) -> Sequence[str]:
        """Every phase was confirmed with the plan, and its removal by typing the domain's name."""
        return ()


class MailStack:
    """See workers.targets.base.TargetKind."""

    def __init__(self, *, git: GitRights, eyes: UpgradeEyes) -> None:
        self.limits: Limits = _NoLimits()
        self._git, self._eyes = git, eyes

    def title(self, target: SyncTarget, plan: Plan | None) -> str:
        stack = _stack(target)
        upgrade = upgrade_of(stack)
        if upgrade is not None:
            return f"{'Upgrade' if upgrade.state == Upgrade.State.GOING else 'Roll back'} {stack}"
        verb = {"running": "Make", "cancelled": "Halt", "removed": "Remove"}[stack.wanted]
        return f"{verb} {stack}"

    def observe(self, current: Pass) -> ObservedStack:
        """While an upgrade is on its way, that one is walked: the stack itself goes on after it."""
        stack = _stack(current.target)
        if (upgrade := upgrade_of(stack)) is not None:
            upgrade.stack = stack
            return self._observe_upgrade(current, upgrade)
        rows = {row.name: row for row in stack.phases.all()}
        kept = standings(rows.values())
        way = phases(stack)
        looks = Looks(stack, kept, current.now, self._eyes.ask)
        found = {}
        for phase in way:
            # Before each look that may take its time.
            current.renew()
            before = kept.get(phase.name, Standing())
            is_git = phase.name == GIT_ACCESS
            found[phase.name] = self._look_at_git(stack, before) if is_git else looks.at(phase.name)
        return ObservedStack(stack, way, found, kept, {name: row.tries for name, row in rows.items()})

    def _observe_upgrade(self, current: Pass, upgrade: Upgrade) -> ObservedStack:
        kept, way = standings_of(upgrade), way_of(upgrade)
        looks = UpgradeLooks(upgrade, kept, current.now, self._eyes)
        found = {}
        for phase in way:
            current.renew()
            found[phase.name] = looks.at(phase.name)
        return ObservedStack(upgrade.stack, way, found, kept, {_UPGRADE: upgrade.tries}, upgrade)

    def _look_at_git(self, stack: Stack, before: Standing) -> Found:
        if before.state is State.PROVED and stack.wanted != Stack.Wanted.REMOVED:
            return Found(written=True, proof=before.proof)
        if before.state is State.GONE:
            return Found(gone=True)
        written = before.state is State.DOING
        seen = self._git.look(stack, written=written)
        # While it is taken back: what still signs in is still written.
        leaves = stack.wanted == Stack.Wanted.REMOVED
        return replace(seen, written=not seen.gone, proof=None) if leaves else seen

    def describe(self, observed: ObservedStack) -> str:
        proved = sum(each.proof is not None for each in observed.found.values())
        return f"{proved} of {len(observed.way)} phases are proved."

    def adopt(self, current: Pass, observed: ObservedStack) -> str:
        return ""

    def findings(self, current: Pass, observed: ObservedStack, plan: Plan) -> Findings:
        return Findings()

    def plan(self, current: Pass, observed: ObservedStack) -> Plan:
        following = next_phase(observed.wanted, observed.way, observed.found, observed.kept, current.now)
        titles = {phase.name: phase.title for phase in observed.way}
        changes = [_change(Action.CREATE, name, titles[name]) for name in following.write]
        changes += [_change(Action.DELETE, name, titles[name]) for name in following.withdraw]
        return StackPlan(tuple(changes), units_observed=len(observed.way), next=following)

    def statements(self, current: Pass, plan: Plan, findings: Findings) -> Sequence[Statement]:
        return ()

    def unchanged(self, current: Pass, observed: ObservedStack, plan: Plan) -> Proof:
        assert isinstance(plan, StackPlan)  # noqa: S101 - made above
        return self._end(current, observed, plan.next)

    def apply(self, current: Pass, observed: ObservedStack, plan: Plan) -> Next:
        """Write what is next; what cannot be written has failed, and the others go on."""
        assert isinstance(plan, StackPlan)  # noqa: S101 - made above
        reached = dict(plan.next.standings)
        for name in (*plan.next.write, *plan.next.withdraw):
            current.note(f"{'Writing' if name in plan.next.write else 'Taking back'}: {name}")
            try:
                self._do(current, observed, name, write=name in plan.next.write)
            except (Invalid, Conflict) as refusal:
                current.note(refusal.sentence)
                # What is done for good has no other way on: it is tried again.
                state = reached[name].state if name in FOR_GOOD else State.FAILED
                reached[name] = Standing(state, refusal.sentence, began=reached[name].began)
        return replace(plan.next, standings=reached)

    def _do(self, current: Pass, observed: ObservedStack, name: str, *, write: bool) -> None:
        stack = observed.stack
        if observed.upgrade is not None:
            act = write_upgrade_phase if write else withdraw_upgrade_phase
            with current.write():
                act(actor=Actor.rookery(), upgrade=observed.upgrade, phase=name)
            return
        if name == GIT_ACCESS:
            (self._git.grant if write else self._git.take)(stack)
            return
        with current.write():
            (write_phase if write else withdraw_phase)(actor=Actor.rookery(), stack=stack, phase=name)

    def verify(self, current: Pass, observed: ObservedStack, plan: Plan, applied: Next) -> Proof:
        return self._end(current, observed, applied)

    def _end(self, current: Pass, observed: ObservedStack, following: Next) -> Proof:
        """Keep how it stands. Raises Retry while it goes on, and NeedsPerson when it cannot by itself."""
        if observed.upgrade is not None:
            self._keep_upgrade(current, observed.upgrade, observed.tries[_UPGRADE], following)
        else:
            self._keep(current, observed, following)
        titles = {phase.name: phase.title for phase in observed.way}
        if following.again is not None:
            busy = [
                titles[name]
                for name, each in following.standings.items()
                if each.state in {State.DOING, State.LEAVING}
            ]
            sentence = f"At it: {', '.join(busy)}." if busy else "Looking again soon."
            raise Retry(ON_ITS_WAY, sentence, timedelta(seconds=following.again))
        if following.failed:
            first = following.failed[0]
            raise NeedsPerson(
                "phase-failed",
                f"{titles[first]}: {following.standings[first].reason}",
                "Mend what it says, then try that part again on the page of the stack."
                if observed.upgrade is None
                else "Mend what it says, then have it rolled back again on the page of the stack.",
            )
        stored = {name: each.state.value for name, each in following.standings.items()}
        return Proof({"phases": stored}, {"phases": str(len(stored))}, "All of it was proved.")

    def _keep(self, current: Pass, observed: ObservedStack, following: Next) -> None:
        with current.write():
            record_phases(
                actor=Actor.rookery(),
                stack=observed.stack,
                standings=following.standings,
                seen=observed.tries,
                now=current.now,
            )

    def _keep_upgrade(self, current: Pass, upgrade: Upgrade, seen: int, following: Next) -> None:
        """Raises Retry where it goes another way from here: back, or as the stack itself."""
        before = upgrade.state
        with current.write():
            record_upgrade(
                actor=Actor.rookery(),
                upgrade=upgrade,
                standings=following.standings,
                seen=seen,
                now=current.now,
            )
        if upgrade.is_over or upgrade.tries != seen or upgrade.state != before:
            sentence = f"{upgrade} is {upgrade.get_state_display()}."
            raise Retry(ON_ITS_WAY, sentence[:1].upper() + sentence[1:], timedelta(seconds=1))

    def settle(self, current: Pass, proof: Mapping[str, Any]) -> Statement | None:
        stack = _stack(current.target)
        if stack.adopted_at is not None:
            keep_signing_key(current, stack, self._git.opener)
        return None

    def maintain(self, current: Pass) -> Statement | None:
        return None


def _stack(target: SyncTarget) -> Stack:
    return Stack.objects.select_related(
        "domain", "share__host", "share__sync_target", "network__share", "public", "release"
    ).get(sync_target=target)


def _change(action: Action, name: str, title: str) -> Change:
    return Change(action, name, "", title, texts=lambda: (None, title))
