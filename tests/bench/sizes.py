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
    restores: int
    servers: int
    rounds_of_load: int
    load_seconds: float
    tokens: int


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
    restores=15,
    servers=2,
    rounds_of_load=5,
    load_seconds=3.0,
    tokens=24,
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
    restores=7,
    servers=2,
    rounds_of_load=3,
    load_seconds=1.0,
    tokens=12,
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
    restores=1,
    servers=1,
    rounds_of_load=1,
    load_seconds=0.2,
    tokens=1,
)
