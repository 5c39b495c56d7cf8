"""How lists are named and ordered: relative to the path that was asked for, its own entry first, then
descending."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from workers.albatross.names import Name
from workers.sandbox.albatross.policies import is_below

_Value = TypeVar("_Value")


def listed(asked: Name, things: Iterable[tuple[Name, _Value]]) -> Iterator[tuple[Name, _Value]]:
    """The things at or below a path, or the one of a full name, under the names that a reply gives them."""
    for name, thing in sorted(things, key=lambda pair: _order(pair[0])):
        if asked.label is not None:
            if name == asked:
                yield name, thing
        elif is_below(name, asked):
            yield relative(name, asked), thing


def relative(name: Name, path: Name) -> Name:
    """A name as seen from a path."""
    return Name(name.path[len(path.path) :], name.label)


def _order(name: Name) -> tuple[tuple[int, ...], ...]:
    """Descending at each level, a shorter name before the longer ones below it."""
    return tuple((*(-octet for octet in label.encode()), 1) for label in name.labels)
