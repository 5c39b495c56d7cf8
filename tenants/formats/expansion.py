"""Whom an alias reaches: its own targets and those of the mailboxes that it delivers to, in one list.

ptt's relay looks no target up again, so what an alias delivers to has to stand in its entry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Expanded:
    """`targets` go into the entry. `left_out` says, by the index of a list, why nothing of it did."""

    targets: tuple[str, ...]
    left_out: dict[int, str]


def merged(lists: Iterable[Sequence[str]]) -> list[str]:
    """All addresses in order, each once: two that differ only by case are one to the relay, the first."""
    found: dict[str, str] = {}
    for addresses in lists:
        for address in addresses:
            found.setdefault(address.lower(), address)
    return list(found.values())


def expand(lists: Sequence[Sequence[str]], why_not_together: Callable[[Sequence[str]], str]) -> Expanded:
    """Join the lists in order, and leave out whole each one that does not go with those before it.

    `why_not_together` gives the reason why one entry cannot hold these addresses, or nothing. A list that
    adds nothing is never left out.
    """
    targets: list[str] = []
    left_out: dict[int, str] = {}
    for index, addresses in enumerate(lists):
        more = merged([targets, addresses])
        if len(more) == len(targets):
            continue
        reason = why_not_together(more)
        if reason:
            left_out[index] = reason
        else:
            targets = more
    return Expanded(tuple(targets), left_out)
