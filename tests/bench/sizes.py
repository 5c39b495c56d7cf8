"""How much is measured."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """Counts; `rounds` is how often each side is measured (the best counts)."""

    users: int
    rounds: int
    imports: int
    edits: int
    worktree_commits: int
    domains: int
    users_per_domain: int
    listings: int
    listed: int
    answers: int


FULL = Sizes(
    users=10_000,
    rounds=5,
    imports=3,
    edits=1_000,
    worktree_commits=60,
    domains=1_000,
    users_per_domain=100,
    listings=100,
    listed=100,
    answers=25,
)
QUICK = Sizes(
    users=10_000,
    rounds=2,
    imports=1,
    edits=1_000,
    worktree_commits=8,
    domains=400,
    users_per_domain=10,
    listings=10,
    listed=100,
    answers=9,
)
# For the test of the bench itself.
TINY = Sizes(
    users=30,
    rounds=1,
    imports=1,
    edits=5,
    worktree_commits=2,
    domains=3,
    users_per_domain=4,
    listings=2,
    listed=5,
    answers=2,
)
