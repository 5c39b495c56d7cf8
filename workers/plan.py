"""A plan: what to change outside, decided from desired, observed and last proved state. Pure data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any


class Action(StrEnum):
    DELETE = "delete"
    CREATE = "create"
    UPDATE = "update"


Texts = tuple[str | None, str | None]


@dataclass(frozen=True)
class Change:
    """One unit to change. `before` and `after` are what people may read; `content` is what is written.

    `before_id` and `after_id` identify the exact bytes, so that agreement to a plan means those bytes.
    `texts` makes what people may read when somebody reads it: of ten thousand changes a page shows few.
    """

    action: Action
    unit: str
    before_id: str
    after_id: str
    content: bytes | None = field(default=None, repr=False)
    texts: Callable[[], Texts] = field(default=lambda: (None, None), repr=False, compare=False)

    @cached_property
    def _texts(self) -> Texts:
        return self.texts()

    @property
    def before(self) -> str | None:
        return self._texts[0]

    @property
    def after(self) -> str | None:
        return self._texts[1]

    def as_dict(self) -> dict[str, Any]:
        return {"action": self.action.value, "unit": self.unit, "before": self.before, "after": self.after}


@dataclass(frozen=True)
class Apart:
    """A unit that is left alone although it differs: drift in report mode, a conflict, or unsafe to write."""

    unit: str
    reason: str
    sentence: str
    outside: str | None
    ours: str | None
    base_id: str | None

    def as_dict(self) -> dict[str, Any]:
        return {
            "unit": self.unit,
            "reason": self.reason,
            "sentence": self.sentence,
            "outside": self.outside,
            "ours": self.ours,
        }


@dataclass(frozen=True)
class Plan:
    """Changes in the order in which they are applied, and what is left alone."""

    changes: tuple[Change, ...] = ()
    apart: tuple[Apart, ...] = ()
    units_observed: int = 0
    commands: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not self.changes

    def count(self, action: Action) -> int:
        return sum(change.action is action for change in self.changes)

    @cached_property
    def checksum(self) -> str:
        """Binds an agreement to exactly these changes from exactly this state."""
        parts = [[c.action.value, c.unit, c.before_id, c.after_id] for c in self.changes]
        return hashlib.sha256(json.dumps(parts, separators=(",", ":")).encode()).hexdigest()

    def summary(self) -> str:
        """“1 new, 2 changed, 1 removed”, or “nothing to change”."""
        words = {Action.CREATE: "new", Action.UPDATE: "changed", Action.DELETE: "removed"}
        counts = [(self.count(action), word) for action, word in words.items()]
        return ", ".join(f"{n} {word}" for n, word in counts if n) or "nothing to change"

    def as_dict(self, limit: int = 200) -> dict[str, Any]:
        """JSON for people and programs, cut after `limit` units; holds no secret."""
        return {
            "summary": self.summary(),
            "counts": {action.value: self.count(action) for action in Action},
            "changes": [change.as_dict() for change in self.changes[:limit]],
            "apart": [each.as_dict() for each in self.apart[:limit]],
            "shown": min(limit, len(self.changes)),
            "total": len(self.changes),
            "commands": list(self.commands),
        }


def ordered(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Deletes, creates, updates; by name within each."""
    rank = {Action.DELETE: 0, Action.CREATE: 1, Action.UPDATE: 2}
    return tuple(sorted(changes, key=lambda change: (rank[change.action], change.unit)))


@dataclass(frozen=True)
class Limits:
    """When a plan is too dangerous to apply without a person."""

    deletions_share: float = 0.3
    deletions_at_least: int = 5

    def objections(self, plan: Plan) -> Sequence[str]:
        """Sentences that say why a person should read the plan first; empty when it is harmless."""
        deletions = plan.count(Action.DELETE)
        found: list[str] = []
        if plan.units_observed and deletions == plan.units_observed > 1:
            found.append(f"It would remove all {deletions} entries.")
        elif deletions >= self.deletions_at_least and deletions > self.deletions_share * plan.units_observed:
            share = round(100 * deletions / plan.units_observed) if plan.units_observed else 100
            found.append(
                f"It would remove {deletions} of {plan.units_observed} entries ({share} %);"
                f" more than {round(100 * self.deletions_share)} % needs a person."
            )
        return found
