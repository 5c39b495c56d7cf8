"""The way of a stack: what to write next, what to wait for, and what went wrong. Pure; a pass never waits.

Each phase comes after others, is written through the ordinary actions, and is proved by what is outside. A
pass tells what it found about every phase; `next_phase` says what to write now, how each phase stands, and
when to look again. It remembers nothing itself, so a crash costs a look.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum

from tenants.formats.roles.catalogue import ROLES
from tenants.formats.roles.role import GIT

GIT_ACCESS, RECORDS, FIREWALL, OPEN, MX = "git", "records", "firewall", "open", "mx"
_SOON, _LATER, _PATIENT = 1, 5, 15
TO_START = 60


class State(Enum):
    PENDING = "pending"
    DOING = "doing"
    PROVED = "proved"
    FAILED = "failed"
    LEAVING = "leaving"
    GONE = "gone"


class Wanted(Enum):
    RUNNING = "running"
    CANCELLED = "cancelled"
    REMOVED = "removed"


@dataclass(frozen=True)
class Phase:
    """A step. `after` must be proved before it is written; `within` seconds it must be proved.

    `stays`: kept when the stack is cancelled, so that it can go on from there.
    """

    name: str
    title: str
    reason: str
    within: int
    after: tuple[str, ...] = ()
    stays: bool = False


@dataclass(frozen=True)
class Found:
    """What a pass found about a phase.

    `written`: desired state says it. `proof` is None until it was proved outside; `waiting` says what is
    waited for, `problem` what only a person can change. `gone`: nothing of it is left, here and outside.
    """

    written: bool = False
    proof: Mapping[str, str] | None = None
    waiting: str = ""
    problem: str = ""
    gone: bool = False


@dataclass(frozen=True)
class Standing:
    """How a phase stands: recorded, shown, and given back to the next pass."""

    state: State = State.PENDING
    reason: str = ""
    proof: Mapping[str, str] = field(default_factory=dict)
    began: datetime | None = None


@dataclass(frozen=True)
class Next:
    """What a pass does: phases to write, phases to take back, how all stand, and seconds until the next look.

    `again` is None when nothing goes on by itself: all is reached, or somebody has to act.
    """

    write: tuple[str, ...]
    withdraw: tuple[str, ...]
    standings: Mapping[str, Standing]
    again: int | None

    @property
    def failed(self) -> tuple[str, ...]:
        return tuple(name for name, each in self.standings.items() if each.state is State.FAILED)


def phases_of(roles: Collection[str], *, receives: bool, own_primary: bool) -> tuple[Phase, ...]:
    """The phases of a stack whose `roles` run here, in the order in which they are shown.

    `receives`: port 25 is opened, so that mail may be led here. With a primary of its own, the zone is
    proved only when that one serves it.
    """
    found = [
        Phase(
            GIT_ACCESS,
            "Give least rights on the git host",
            "Each key may reach one repository, and do one thing there.",
            180,
            stays=True,
        ),
        Phase(
            RECORDS,
            "Publish records and keys",
            "They are pushed; the primary serves them when it runs." if own_primary else "The primary reads.",
            600,
            stays=True,
        ),
        Phase(FIREWALL, "Prepare the firewall", "The rules are read back from the host.", 180, stays=True),
    ]
    found += _role_phases(roles)
    mail = tuple(name for name in ROLES if name in roles)
    found.append(Phase(OPEN, "Open the ports of mail", "One change of the host's rules.", 180, after=mail))
    if receives:
        found.append(Phase(MX, "Let mail come here", "The primary serves the MX record.", 600, after=(OPEN,)))
    return tuple(found)


def _role_phases(roles: Collection[str]) -> Iterator[Phase]:
    for name, role in ROLES.items():
        if name not in roles:
            continue
        after = [FIREWALL, *(each for each in role.depends_on if each in roles)]
        if any(need.to == GIT for need in role.needs):
            after.append(GIT_ACCESS)
        if name == "primary" or any(
            secret.option == "--dns-key" for secrets in role.secrets.values() for secret in secrets
        ):
            after.append(RECORDS)
        yield Phase(
            name,
            f"Start the {role.title}",
            role.probe.reason,
            TO_START + role.probe.within,
            tuple(after),
        )


def next_phase(
    wanted: Wanted,
    phases: Iterable[Phase],
    found: Mapping[str, Found],
    kept: Mapping[str, Standing],
    now: datetime,
) -> Next:
    """Decide from what was found now and how it stood before. See the module.

    A phase that failed stays so until it is proved after all, or somebody asks for it again (forget its
    standing then). Others that do not need it go on.
    """
    phases = tuple(phases)
    leaving = {each.name for each in phases if _leaves(wanted, each)}
    standings: dict[str, Standing] = {}
    write: list[str] = []
    for phase in phases:
        if phase.name not in leaving:
            told, before = found.get(phase.name, Found()), kept.get(phase.name, Standing())
            standings[phase.name] = _onward(phase, told, before, standings, now)
            if standings[phase.name].state is State.DOING and not told.written:
                if wanted is Wanted.RUNNING:
                    write.append(phase.name)
                else:
                    standings[phase.name] = Standing(State.PENDING, "Nothing more is begun.")
    withdraw: list[str] = []
    for phase in reversed(phases):
        if phase.name in leaving:
            told, before = found.get(phase.name, Found()), kept.get(phase.name, Standing())
            behind = [each for each in phases if phase.name in each.after and each.name in leaving]
            standings[phase.name] = _backward(phase, told, before, behind, standings, now)
            if standings[phase.name].state is State.LEAVING and told.written:
                withdraw.append(phase.name)
    ordered = {phase.name: standings[phase.name] for phase in phases}
    return Next(tuple(write), tuple(withdraw), ordered, _again(ordered.values(), now, write or withdraw))


def _leaves(wanted: Wanted, phase: Phase) -> bool:
    return wanted is Wanted.REMOVED or (wanted is Wanted.CANCELLED and not phase.stays)


def _onward(
    phase: Phase, told: Found, before: Standing, standings: Mapping[str, Standing], now: datetime
) -> Standing:
    if told.written and told.proof is not None and not told.problem:
        began = before.began or now
        return Standing(State.PROVED, "", dict(told.proof), began)
    waits = [name for name in phase.after if standings[name].state is not State.PROVED]
    if told.problem:
        return Standing(State.FAILED, told.problem, began=before.began or now)
    if before.state is State.FAILED:
        return before
    if waits and not told.written:
        return Standing(State.PENDING, _waits_for(waits, standings))
    began = before.began if before.state is State.DOING and before.began else now
    standing = Standing(State.DOING, told.waiting or phase.reason, began=began)
    return standing if waits else _in_time(phase, standing, now)


def _backward(
    phase: Phase,
    told: Found,
    before: Standing,
    behind: Iterable[Phase],
    standings: Mapping[str, Standing],
    now: datetime,
) -> Standing:
    held = [each.name for each in behind if standings[each.name].state is not State.GONE]
    if held:
        # Even where nothing of it is left: what it came after waits for it, and so for those.
        reason = f"It is taken back after: {', '.join(_title(name) for name in held)}."
        return Standing(State.PENDING, reason)
    if told.gone:
        return Standing(State.GONE, proof=dict(told.proof or {}), began=before.began)
    if told.problem:
        return Standing(State.FAILED, told.problem, began=before.began or now)
    if before.state is State.FAILED:
        return before
    began = before.began if before.state is State.LEAVING and before.began else now
    standing = Standing(State.LEAVING, told.waiting or "Until its end is proved.", began=began)
    return standing if told.written else _in_time(phase, standing, now)


def _in_time(phase: Phase, standing: Standing, now: datetime) -> Standing:
    if standing.began is not None and now - standing.began > timedelta(seconds=phase.within):
        text = f"It was not proved within {_duration(phase.within)}. Last: {standing.reason}"
        return replace(standing, state=State.FAILED, reason=text)
    return standing


def _waits_for(names: Iterable[str], standings: Mapping[str, Standing]) -> str:
    failed = [_title(name) for name in names if standings[name].state is State.FAILED]
    if failed:
        return f"It needs what failed: {', '.join(failed)}."
    return f"It comes after: {', '.join(_title(name) for name in names)}."


def _title(name: str) -> str:
    if name in ROLES:
        return f"the {ROLES[name].title}"
    return {
        GIT_ACCESS: "rights on the git host",
        RECORDS: "records and keys",
        FIREWALL: "the firewall",
        OPEN: "the ports of mail",
        MX: "the MX record",
        "trial": "their trial",
        "flip": "the traffic",
        "watch": "the watch",
        "drain": "the old ones' end",
        "remove": "their removal",
    }.get(name, name)


def _duration(seconds: int) -> str:
    return f"{seconds // 60} minutes" if seconds >= 120 else f"{seconds} seconds"


def _again(standings: Iterable[Standing], now: datetime, acts: Collection[str]) -> int | None:
    """Soon after something was written, then less often."""
    busy = [each.began for each in standings if each.state in {State.DOING, State.LEAVING}]
    if acts:
        return _SOON
    if not busy:
        return None
    youngest = min((now - (began or now)).total_seconds() for began in busy)
    return _SOON if youngest < 20 else _LATER if youngest < 120 else _PATIENT
