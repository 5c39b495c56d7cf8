"""The way of an upgrade, phase by phase; `phases.next_phase` walks it, forth and back.

Forth: the firewall lets the new ones speak; they start beside the old ones and are tried; what cannot be
doubled is replaced in place; the traffic is led to the new ones in one step; they are watched; the old ones
finish and are removed. Whatever fails before the removal begins turns it back: the same phases in the other
order, so that the traffic goes back first and the new ones are removed last.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta

from tenants.formats.roles.catalogue import ROLES
from tenants.formats.stacks.phases import FIREWALL, TO_START, Phase, Standing, State

TRIAL, FLIP, WATCH, DRAIN, REMOVE = "trial", "flip", "watch", "drain", "remove"
WATCH_SECONDS = 60
WATCH_PATIENCE = 30
"""Seconds after the watch in which somebody who is silent just then may answer again."""
DRAIN_LEAST = 10
"""Seconds: what the receiver took just before the flip is in the relay by then."""
DRAIN_UNKNOWN = 120
"""Seconds, where the host does not tell which connections stand."""
DRAIN_MOST = 600
AT_ONCE = 3
"""How many old ones are removed together: ending many at once needs a person who reads it."""
FOR_GOOD = frozenset({DRAIN, REMOVE})
_PATIENT = 30 * 24 * 3600
"""Seconds. What is done for good waits for a host that is away: there is no other way on."""


def upgrade_phases(beside: Collection[str], in_place: Collection[str]) -> tuple[Phase, ...]:
    """The phases of an upgrade, in the order in which they are shown. Roles are phases under their names."""
    found = [
        Phase(
            FIREWALL, "Let the new ones speak, too", "The rules are read back from the host.", 180, stays=True
        )
    ]
    new = [name for name in ROLES if name in beside]
    for name in new:
        role = ROLES[name]
        after = (FIREWALL, *(each for each in role.depends_on if each in beside))
        title = f"Start the new {role.title}"
        found.append(Phase(name, title, role.probe.reason, TO_START + role.probe.within, after))
    ready: tuple[str, ...] = (FIREWALL, *new)
    if tried(beside):
        found.append(Phase(TRIAL, "Try the new ones", "No mail is sent for that.", 120, after=ready))
        ready = (TRIAL,)
    for name in (each for each in ROLES if each in in_place):
        # One after the other: each outage is measured alone.
        role = ROLES[name]
        title = f"Replace the {role.title} in place"
        found.append(Phase(name, title, role.probe.reason, TO_START + role.probe.within, ready))
        ready = (name,)
    found.append(Phase(FLIP, "Lead the traffic to the new ones", "The rules are read back.", 180, ready))
    patience = WATCH_SECONDS + WATCH_PATIENCE
    found.append(Phase(WATCH, "Watch them", "They are asked again and again.", patience, (FLIP,)))
    if new:
        found += [
            Phase(DRAIN, "Let the old ones finish", "Until their connections ended.", _PATIENT, (WATCH,)),
            Phase(REMOVE, "Remove the old ones", "Until their end is proved.", _PATIENT, (DRAIN,)),
        ]
    return tuple(found)


def tried(beside: Collection[str]) -> tuple[str, ...]:
    """Of the new roles, those that are tried by a conversation: people and other servers speak to them."""
    return tuple(name for name in ("submission", "verifier") if name in beside)


def turns_back(standings: Mapping[str, Standing]) -> str:
    """Why an upgrade has to go back: the phase that failed. "" while nothing has, or when it is too late."""
    if is_final(standings):
        return ""
    failed = (name for name, each in standings.items() if each.state is State.FAILED)
    return next((name for name in failed if name not in FOR_GOOD), "")


def is_final(standings: Mapping[str, Standing]) -> bool:
    """Has the removal of the old ones begun? Then the way back is another upgrade."""
    return standings.get(REMOVE, Standing()).state is not State.PENDING


def is_done(standings: Mapping[str, Standing]) -> bool:
    return all(each.state is State.PROVED for each in standings.values())


def is_returned(standings: Mapping[str, Standing]) -> bool:
    return all(each.state is State.GONE for each in standings.values())


def drained(open_connections: int | None, waited: timedelta) -> bool:
    """May the old ones go? `open_connections` is None where the host does not tell."""
    least = (
        DRAIN_UNKNOWN if open_connections is None else DRAIN_LEAST if open_connections == 0 else DRAIN_MOST
    )
    return waited >= timedelta(seconds=least)
