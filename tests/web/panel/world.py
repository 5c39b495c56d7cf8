"""The outside of the tests of pages: a relay repository in a dictionary, met by the real controller."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tenants.desired import desired_relay
from tenants.models import Condition, SyncTarget
from tenants.secrets import Opener
from workers.controller import Controller, Ending
from workers.plan import Limits, Plan
from workers.relay.decide import Sides, decide
from workers.targets.base import Findings, Pass, Proof, Statement


@dataclass
class Outside:
    """Files by name; `fail` is raised at the next observation, `reloads` says who restarts the servers."""

    files: dict[bytes, bytes] = field(default_factory=dict)
    base: dict[bytes, bytes] = field(default_factory=dict)
    fail: Exception | None = None
    reloads: str = "by itself"
    limits: Limits = field(default_factory=Limits)

    def reconcile(self, target: SyncTarget) -> Ending:
        return Controller(kinds={target.kind: self}).reconcile(target.pk)

    def title(self, target: SyncTarget, plan: Plan | None) -> str:
        count = len(plan.changes) if plan else 0
        return (
            f"Write {count} change{'s' if count != 1 else ''} to relay.git" if count else "Compare relay.git"
        )

    def observe(self, current: Pass) -> dict[bytes, bytes]:
        error, self.fail = self.fail, None
        current.note("Reading refs/heads/main")
        if error is not None:
            raise error
        return dict(self.files)

    def describe(self, observed: dict[bytes, bytes]) -> str:
        return f"{len(observed)} entries."

    def plan(self, current: Pass, observed: dict[bytes, bytes]) -> Plan:
        desired = desired_relay(current.target, Opener())
        decision = decide(
            desired.names,
            entries=desired.entries,
            absent=desired.absent,
            observed=_sides(observed),
            base=_sides(self.base),
            may_overwrite=lambda name, outside_id: current.target.drift_mode == SyncTarget.DriftMode.REPAIR,
            own_domain=str(current.target.repository.domain),  # type: ignore[union-attr]
        )
        commands = ("git clone relay.git", "git push origin main") if decision.changes else ()
        return Plan(decision.changes, decision.apart, len(observed), commands)

    def unchanged(self, current: Pass, observed: dict[bytes, bytes], plan: Plan) -> Proof:
        return self._proof("The branch agrees.")

    def apply(self, current: Pass, observed: dict[bytes, bytes], plan: Plan) -> None:
        for change in plan.changes:
            if change.content is None:
                self.files.pop(change.unit.encode())
            else:
                self.files[change.unit.encode()] = change.content
        self.base = dict(self.files)

    def verify(self, current: Pass, observed: Any, plan: Plan, applied: None) -> Proof:
        return self._proof(f"The tip is {self.commit[:7]}.")

    def maintain(self, current: Pass) -> Statement | None:
        return None

    def adopt(self, current: Pass, observed: Any) -> str:
        return ""

    def findings(self, current: Pass, observed: Any, plan: Plan) -> Findings:
        return Findings()

    def statements(self, current: Pass, plan: Plan, findings: Findings) -> Sequence[Statement]:
        if not plan.apart:
            return [Statement(Condition.Type.DRIFTED, False, "none", "Nobody else changed our entries.")]
        units = [each.as_dict() for each in plan.apart]
        details = {"units": units, "count": len(units)}
        return [Statement(Condition.Type.DRIFTED, True, "drift", plan.apart[0].sentence, details)]

    def settle(self, current: Pass, proof: Mapping[str, Any]) -> Statement | None:
        if self.reloads == "by itself":
            said = f"Submission and relay serve {self.commit[:7]}."
            return Statement(Condition.Type.RELOAD_PENDING, False, "TakenUp", said, {"commit": self.commit})
        details = {"commit": self.commit, "unikernels": ["submission", "relay"], "commands": ["restart them"]}
        return Statement(
            Condition.Type.RELOAD_PENDING, True, "RestartByHand", "Restart submission and relay.", details
        )

    @property
    def commit(self) -> str:
        return hashlib.sha1(repr(sorted(self.files.items())).encode(), usedforsecurity=False).hexdigest()

    def _proof(self, sentence: str) -> Proof:
        return Proof({"commit": self.commit}, {"Commit": self.commit}, sentence)


def _sides(files: Mapping[bytes, bytes]) -> Sides:
    ids = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    contents = {ids[name]: content for name, content in files.items()}
    return Sides(ids, contents.__getitem__)
