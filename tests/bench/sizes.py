"""How much is measured."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """Counts; `imports`, `rounds`, `clones`, `drains` and `passes` say how often each side is measured: the
    best counts, since nobody has the machine for themselves."""

    users: int
    imports: int
    rounds: int
    clones: int
    edits: int
    drains: int
    worktree_commits: int
    domains: int
    users_per_domain: int
    passes: int
    listings: int
    listed: int
    answers: int


FULL = Sizes(
    users=10_000,
    imports=3,
    rounds=12,
    clones=4,
    edits=1_000,
    drains=3,
    worktree_commits=60,
    domains=1_000,
    users_per_domain=100,
    passes=6,
    listings=100,
    listed=100,
    answers=25,
)
QUICK = Sizes(
    users=10_000,
    imports=1,
    rounds=8,
    clones=2,
    edits=1_000,
    drains=2,
    worktree_commits=8,
    domains=400,
    users_per_domain=10,
    passes=4,
    listings=10,
    listed=100,
    answers=9,
)
# For the test of the bench itself.
TINY = Sizes(
    users=30,
    imports=1,
    rounds=1,
    clones=1,
    edits=5,
    drains=1,
    worktree_commits=2,
    domains=3,
    users_per_domain=4,
    passes=1,
    listings=2,
    listed=5,
    answers=2,
)
