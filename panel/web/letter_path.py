"""The path of a letter through a stack, as the picture of eight boxes shows it. Pure: rows in, a picture out.

It shows the release that has the traffic. While an upgrade is on its way, what is there beside it is named in
the box of its role.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from panel.web.sentences import State
from tenants.formats.canary import Way
from tenants.formats.letters import WAYS
from tenants.formats.roles.catalogue import ROLES
from tenants.formats.stacks.upgrade_phases import FLIP
from tenants.models import Release, Stack, StackPhase, Upgrade

__all__ = ["Box", "Lane", "Picture", "Seen", "box_state", "letter_path"]

_PHASES = {
    StackPhase.State.PENDING: State("off", "Not begun"),
    StackPhase.State.DOING: State("live", "Being started"),
    StackPhase.State.FAILED: State("fail", "Failed"),
    StackPhase.State.LEAVING: State("live", "Being stopped"),
    StackPhase.State.GONE: State("off", "Stopped"),
}
_REPLACED = State("live", "Being replaced")
_LOOK = State("todo", "Needs you")
_NOT_THERE = State("todo", "Not there")
_AWAY = State("wait", "Host is silent")
_UNSEEN = State("wait", "Not known")
_SERVICE = State("wait", "Not watched")
_NOBODY = State("off", "Not in this stack")
_PORTS = {
    StackPhase.State.PENDING: "closed",
    StackPhase.State.DOING: "being opened",
    StackPhase.State.PROVED: "open",
    StackPhase.State.FAILED: "not proved",
    StackPhase.State.LEAVING: "being closed",
    StackPhase.State.GONE: "closed",
}
_WORST = ("fail", "todo", "wait", "live", "off", "ok")
_RELY = ("resolver", "primary", "letsencrypt")


@dataclass(frozen=True)
class Seen:
    """What is known of a role that runs here: its phase, and the standing of its unikernel, if that is there.

    `found` is what the host's last look said that is not as it should be; `away`: the host does not answer.
    """

    phase: str
    standing: State | None = None
    unikernel: int | None = None
    found: str = ""
    away: bool = False


@dataclass(frozen=True)
class Box:
    """A role in the picture. `place` tells its order to those who do not see the arrows."""

    role: str
    title: str
    state: State
    address: str = ""
    unikernel: int | None = None
    place: str = ""
    note: str = ""

    @property
    def badge(self) -> str:
        return self.state.badge


@dataclass(frozen=True)
class Lane:
    """Boxes in the order that letters take. `kind` is in, out, meet or rely; only `rely` has no order."""

    kind: str
    title: str
    note: str
    boxes: tuple[Box, ...]


@dataclass(frozen=True)
class Picture:
    lanes: tuple[Lane, ...]
    state: State
    sentence: str


def box_state(seen: Seen | None, *, replacing: bool = False) -> State:
    """The first of these that holds: replaced now, found otherwise, on its way, and then what was proved.

    A phase that waits to be taken back is pending, too: what it started runs until then.
    """
    if seen is None:
        return _UNSEEN
    if replacing:
        return _REPLACED
    waits = seen.phase == StackPhase.State.PENDING and seen.standing is not None
    if seen.phase != StackPhase.State.PROVED and not waits:
        return _PHASES[StackPhase.State(seen.phase)]
    if seen.away:
        return _AWAY
    standing = seen.standing or _NOT_THERE
    return _LOOK if seen.found and standing.badge not in {"todo", "fail"} else standing


def letter_path(
    stack: Stack,
    seen: Mapping[str, Seen],
    ports: str = "",
    upgrade: Upgrade | None = None,
    doing: Collection[str] = (),
) -> Picture:
    """The picture of the stack's release.

    `seen` is by role, `ports` how the phase of the ports of mail stands, `doing` the phases that the upgrade
    is at just now.
    """
    release = stack.release
    parts = {part["role"]: part for part in release.parts} if release is not None else {}
    services = release.services if release is not None else {}
    other = _other(stack, upgrade)
    beside = {part["role"]: part for part in other.parts} if other is not None else {}

    def box(role: str, place: str) -> Box:
        title = _title(role)
        if role not in parts:
            if role not in services:
                return Box(role, title, _NOBODY, place=place)
            return Box(role, title, _SERVICE, services[role], place=place, note="A service does this instead")
        mine, next_to, known = parts[role], beside.get(role), seen.get(role)
        doubled = next_to if next_to is not None and next_to["label"] != mine["label"] else None
        replacing = role in doing and next_to is not None and doubled is None
        return Box(
            role,
            title,
            box_state(known, replacing=replacing),
            _address(mine),
            known.unikernel if known is not None else None,
            place,
            f"Beside it: {other}, at {_address(doubled)}" if doubled is not None else "",
        )

    exposed = "" if "relay" not in parts else f"to other servers, seen as {stack.public}"
    lanes = (
        Lane("in", "Letters that come in", _port_25(stack, parts, ports), _way(Way.IN, box)),
        Lane("out", "Letters that people send", _port(stack, 465, ports), _way(Way.OUT, box)),
        Lane("meet", "Both go on", exposed, (box("relay", _last_place()),)),
        Lane("rely", "What they rely on", "", tuple(box(role, "") for role in _RELY)),
    )
    own = [each for lane in lanes for each in lane.boxes if each.role in parts]
    return Picture(lanes, _summary(own), _sentence(stack, upgrade, other, doing))


def _way(way: Way, box: Callable[[str, str], Box]) -> tuple[Box, ...]:
    """All but the relay, at which both ways meet."""
    roles = WAYS[way]
    return tuple(
        box(role, f"Hop {number} of {len(roles)}, then the {ROLES[roles[number]].title}")
        for number, role in enumerate(roles[:-1], 1)
    )


def _last_place() -> str:
    number = len(WAYS[Way.IN])
    return f"Hop {number} of {number} of both ways, then the servers of those who get the mail"


def _title(role: str) -> str:
    title = ROLES[role].title
    return title[:1].upper() + title[1:]


def _address(part: Mapping[str, Any]) -> str:
    return str(part["address"]).partition("/")[0]


def _port_25(stack: Stack, parts: Mapping[str, Any], ports: str) -> str:
    """Of a receiver that takes any recipient it stays closed, until somebody decides otherwise."""
    held = "verifier" in parts and not stack.open_relay and stack.firewall != Stack.Firewall.OTHERS
    return "port 25, closed" if held else _port(stack, 25, ports)


def _port(stack: Stack, number: int, ports: str) -> str:
    if stack.firewall == Stack.Firewall.OTHERS or not ports:
        return f"port {number}"
    if ports == StackPhase.State.PENDING and stack.wanted != Stack.Wanted.RUNNING:
        return f"port {number}, to be closed"
    return f"port {number}, {_PORTS[StackPhase.State(ports)]}"


def _summary(own: Sequence[Box]) -> State:
    """How many of those that run here do, with the shape of the worst."""
    running = sum(each.badge == "ok" for each in own)
    worst = min((each.badge for each in own), key=_WORST.index, default="off")
    return State(worst, f"{running} of {len(own)} run")


# An upgrade: both sets are there --------------------------------------------------------------------------


def _other(stack: Stack, upgrade: Upgrade | None) -> Release | None:
    """The release that is there, too, without the traffic."""
    if upgrade is None or upgrade.is_over:
        return None
    return upgrade.after if stack.release_id == upgrade.before_id else upgrade.before


def _sentence(stack: Stack, upgrade: Upgrade | None, other: Release | None, doing: Collection[str]) -> str:
    if upgrade is None or other is None or stack.release is None:
        return ""
    number, old = stack.release.number, other.pk == upgrade.before_id
    if FLIP in doing:
        return f"This is release {number}: the traffic is being led to it now, from release {other.number}."
    rest = "finishes the connections that it has" if old else "is beside it, and gets no mail of others"
    return f"This is release {number}, which has the traffic. Release {other.number} {rest}."
