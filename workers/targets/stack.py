"""A mail stack as a sync target. Its outside are other targets and the roles themselves: a pass looks at
them, writes the next phase as desired state, and looks again later. It never waits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from tenants.actions.stack_passes import record_phases, withdraw_phase, write_phase
from tenants.actions.stacks import phases
from tenants.actor import Actor
from tenants.errors import Conflict, Invalid
from tenants.formats.stacks.phases import GIT_ACCESS, Found, Next, Phase, Standing, State, Wanted, next_phase
from tenants.models import Stack, SyncTarget
from workers.outcome import NeedsPerson, Retry
from workers.plan import Action, Change, Limits, Plan
from workers.targets.base import Findings, Pass, Proof, Statement
from workers.targets.stack_git import GitRights
from workers.targets.stack_looks import Ask, Looks

ON_ITS_WAY = "on-its-way"


@dataclass(frozen=True)
class ObservedStack:
    stack: Stack
    way: tuple[Phase, ...]
    found: Mapping[str, Found]
    kept: Mapping[str, Standing] = field(repr=False)
    tries: Mapping[str, int] = field(repr=False)


@dataclass(frozen=True)
class StackPlan(Plan):
    next: Next = field(default_factory=lambda: Next((), (), {}, None))


class _NoLimits(Limits):
    def objections(self, plan: Plan) -> Sequence[str]:
        """Every phase was confirmed with the plan, and its removal by typing the domain's name."""
        return ()


class MailStack:
    """See workers.targets.base.TargetKind."""

    def __init__(self, *, git: GitRights, ask: Ask) -> None:
        self.limits: Limits = _NoLimits()
        self._git, self._ask = git, ask

    def title(self, target: SyncTarget, plan: Plan | None) -> str:
        stack = _stack(target)
        verb = {"running": "Make", "cancelled": "Halt", "removed": "Remove"}[stack.wanted]
        return f"{verb} {stack}"

    def observe(self, current: Pass) -> ObservedStack:
        stack = _stack(current.target)
        rows = {row.name: row for row in stack.phases.all()}
        kept = {
            name: Standing(State(row.state), row.reason, row.proof, row.began_at)
            for name, row in rows.items()
        }
        way = phases(stack)
        looks = Looks(stack, kept, current.now, self._ask)
        found = {}
        for phase in way:
            # Before each look that may take its time.
            current.renew()
            before = kept.get(phase.name, Standing())
            is_git = phase.name == GIT_ACCESS
            found[phase.name] = self._look_at_git(stack, before) if is_git else looks.at(phase.name)
        return ObservedStack(stack, way, found, kept, {name: row.tries for name, row in rows.items()})

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
        wanted = Wanted(observed.stack.wanted)
        following = next_phase(wanted, observed.way, observed.found, observed.kept, current.now)
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
        standings = dict(plan.next.standings)
        for name in (*plan.next.write, *plan.next.withdraw):
            current.note(f"{'Writing' if name in plan.next.write else 'Taking back'}: {name}")
            try:
                self._do(current, observed.stack, name, write=name in plan.next.write)
            except (Invalid, Conflict) as refusal:
                current.note(refusal.sentence)
                standings[name] = Standing(State.FAILED, refusal.sentence, began=current.now)
        return replace(plan.next, standings=standings)

    def _do(self, current: Pass, stack: Stack, name: str, *, write: bool) -> None:
        if name == GIT_ACCESS:
            (self._git.grant if write else self._git.take)(stack)
            return
        with current.write():
            (write_phase if write else withdraw_phase)(actor=Actor.rookery(), stack=stack, phase=name)

    def verify(self, current: Pass, observed: ObservedStack, plan: Plan, applied: Next) -> Proof:
        return self._end(current, observed, applied)

    def _end(self, current: Pass, observed: ObservedStack, following: Next) -> Proof:
        """Keep how it stands. Raises Retry while it goes on, and NeedsPerson when it cannot by itself."""
        stack = observed.stack
        with current.write():
            record_phases(
                actor=Actor.rookery(),
                stack=stack,
                standings=following.standings,
                seen=observed.tries,
                now=current.now,
            )
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
                "Mend what it says, then try that part again on the page of the stack.",
            )
        stored = {name: each.state.value for name, each in following.standings.items()}
        return Proof({"phases": stored}, {"phases": str(len(stored))}, "All of it was proved.")

    def settle(self, current: Pass, proof: Mapping[str, Any]) -> Statement | None:
        return None

    def maintain(self, current: Pass) -> Statement | None:
        return None


def _stack(target: SyncTarget) -> Stack:
    return Stack.objects.select_related(
        "domain", "share__host", "share__sync_target", "network__share", "public", "release"
    ).get(sync_target=target)


def _change(action: Action, name: str, title: str) -> Change:
    return Change(action, name, "", title, texts=lambda: (None, title))
