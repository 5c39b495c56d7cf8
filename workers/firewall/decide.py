"""What is wanted, what is there, what was proved → what to write. Pure.

The unit is one chain of one address family, with the jumps into it: rules of a chain depend on their order,
so a chain that somebody else changed is left alone as a whole.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from tenants.formats.firewall.helper import Family
from tenants.formats.firewall.restore import USED, Wanted, removal_text, restore_text, state_of, state_wanted
from tenants.formats.firewall.rules import Chain
from workers.plan import Action, Apart, Change

_State = tuple[str, ...] | None


@dataclass(frozen=True)
class Base:
    """By unit, how the chain was when it was last proved, and how it was to be by what was sent since."""

    proved: Mapping[str, str] = field(default_factory=dict)
    sent: Mapping[str, Collection[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class FirewallChange(Change):
    """`rules` counts those before and after; whose end was confirmed is in neither."""

    family: int = 4
    rules: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class Decision:
    """Of one family. `text` is for `iptables-restore --noflush`; empty: nothing is to do."""

    changes: tuple[FirewallChange, ...]
    apart: tuple[Apart, ...]
    text: str
    observed: Mapping[str, str]


def unit_of(family: int, chain: Chain) -> str:
    return f"IPv{family} {chain.label}"


def identity(state: _State) -> str:
    """Of a chain with its jumps; empty for one that is not there."""
    return "" if state is None else hashlib.sha256("\n".join(state).encode()).hexdigest()


def decide(
    wanted: Wanted, seen: Family, base: Base, *, repair: bool, leaving: Wanted | None = None
) -> Decision:
    """Compare one family; the end of rules in `leaving` was confirmed.

    Raises FormatError (field `owner`) where the chains are somebody else's."""
    saved, family = seen.saved, wanted.family
    changes: list[FirewallChange] = []
    apart: list[Apart] = []
    observed: dict[str, str] = {}
    todo: list[Chain] = []
    for chain in USED:
        unit = unit_of(family, chain)
        there = state_of(saved, chain)
        ours: _State = state_wanted(wanted, chain) if wanted.rules else None
        before, after, proved = identity(there), identity(ours), base.proved.get(unit)
        observed[unit] = before
        if before == after:
            continue
        known = {proved, *base.sent.get(unit, ()), "" if proved is None else proved}
        if repair or before in known:
            todo.append(chain)
            confirmed = set(state_wanted(leaving, chain) or ()) if leaving is not None else set()
            changes.append(_change(family, chain, there, ours, confirmed))
        else:
            apart.append(_apart(unit, there, ours, proved, untouched=after == proved))
    text = ""
    if todo:
        text = restore_text(wanted, saved, todo) if wanted.rules else removal_text(saved, todo)
    return Decision(tuple(changes), tuple(apart), text, observed)


def _change(family: int, chain: Chain, there: _State, ours: _State, confirmed: set[str]) -> FirewallChange:
    surprising = tuple(line for line in there or () if line not in confirmed or line in (ours or ()))
    action = Action.CREATE if there is None else Action.DELETE if ours is None else Action.UPDATE
    return FirewallChange(
        action,
        unit_of(family, chain),
        identity(there),
        identity(ours),
        texts=lambda: (_text(there), _text(ours)),
        family=family,
        rules=(_count(surprising), _count(ours)),
    )


def _apart(unit: str, there: _State, ours: _State, proved: str | None, *, untouched: bool) -> Apart:
    if untouched:
        return Apart(unit, "drift", f"Somebody else changed {unit}.", _text(there), _text(ours), proved)
    return Apart(
        unit,
        "conflict",
        f"Somebody else changed {unit}, and it should also change from here.",
        _text(there),
        _text(ours),
        proved,
    )


def _text(state: _State) -> str | None:
    return None if state is None else "\n".join(state)


def _count(state: _State) -> int:
    return sum(line.startswith("-A ROOKERY-") for line in state or ())
