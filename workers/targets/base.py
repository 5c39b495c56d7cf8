"""What every kind of sync target must be able to do; the controller knows nothing else about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from tenants.models import SyncTarget
from workers.plan import Limits, Plan


@dataclass(frozen=True)
class Statement:
    """A condition to record."""

    type: str
    status: bool
    reason: str
    message: str
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Proof:
    """What was read back from outside, stored on the target; `evidence` is shown to people."""

    stored: Mapping[str, Any]
    evidence: Mapping[str, str]
    sentence: str


@dataclass(frozen=True)
class Found:
    """A unit that stands outside otherwise than we have it; see tenants.models.Finding."""

    unit: str
    kind: str
    sentence: str
    outside: str | None
    ours: str | None
    outside_id: str
    takeable: bool
    hosts: str = ""


@dataclass(frozen=True)
class Findings:
    """All that is left alone: what was found in this pass, and units whose rows stay as they are."""

    found: tuple[Found, ...] = ()
    kept: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Pass:
    """What one pass hands to its target: the row as read under the lease, and how to report."""

    target: SyncTarget
    run_id: int | None
    now: datetime
    note: Callable[[str], None]
    tell: Callable[[str], None]
    renew: Callable[[], None]
    """Before what takes its time or cannot be undone; raises LeaseLost. A note does it too."""
    write: Callable[[], AbstractContextManager[None]]
    """A short transaction under the lease, for what is taken over into desired state."""


class TargetKind(Protocol):
    """Observe and apply move bytes; `plan` is pure. All may raise Retry or NeedsPerson."""

    limits: Limits

    def title(self, target: SyncTarget, plan: Plan | None) -> str:
        """One sentence that names the run: "Write 3 changes to relay.git of example.org"."""

    def observe(self, current: Pass) -> Any:
        """Read the outside into a frozen value."""

    def describe(self, observed: Any) -> str:
        """What was seen, in a sentence."""

    def adopt(self, current: Pass, observed: Any) -> str:
        """Take over into desired state what the mode or a person says; one sentence, or "" for nothing."""

    def findings(self, current: Pass, observed: Any, plan: Plan) -> Findings:
        """Everything that is left alone, for people to decide about."""

    def plan(self, current: Pass, observed: Any) -> Plan:
        """Load desired state and decide (by a pure function) what to change."""

    def unchanged(self, current: Pass, observed: Any, plan: Plan) -> Proof:
        """The proof for an empty plan: the outside as just observed."""

    def apply(self, current: Pass, observed: Any, plan: Plan) -> Any:
        """Write the changes, by compare-and-set against `observed`."""

    def verify(self, current: Pass, observed: Any, plan: Plan, applied: Any) -> Proof:
        """Read back from outside; raise Retry when it is not what was written."""

    def statements(self, current: Pass, plan: Plan, findings: Findings) -> Sequence[Statement]:
        """Conditions that follow from what was planned and what is left alone."""

    def settle(self, current: Pass, proof: Mapping[str, Any]) -> Statement | None:
        """After the proof was recorded: make the outside take it up (a reload); one condition or none."""

    def maintain(self, current: Pass) -> Statement | None:
        """After all that, now and then: keep the outside tidy. Nothing fails when this does."""
