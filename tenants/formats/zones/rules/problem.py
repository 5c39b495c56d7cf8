"""What stands between a zone and the world: one thing that is wrong, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass

from tenants.formats.zones.data.simple import Data
from tenants.formats.zones.names import Name

__all__ = ["Problem", "blocking"]


@dataclass(frozen=True)
class Problem:
    """`owner` and `type` say which record set (no owner: the whole zone), `data` which of its records, if it
    is one; `problem` and `fix` are sentences.

    A problem that blocks must not be committed: the primary would drop the zone, lose the record or serve
    something else. Others are advice.
    """

    owner: Name | None
    type: str
    problem: str
    fix: str
    blocks: bool = True
    data: Data | None = None

    def __str__(self) -> str:
        return f"{self.problem} {self.fix}".strip()


def blocking(problems: tuple[Problem, ...]) -> tuple[Problem, ...]:
    """Return the problems that forbid a commit."""
    return tuple(problem for problem in problems if problem.blocks)
