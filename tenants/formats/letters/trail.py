"""The way of a letter as it can be told: what was seen at each hop, and where it got stuck."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from tenants.formats.canary import Part
from tenants.formats.letters.headers import Stamp
from tenants.formats.letters.hops import Hop
from tenants.formats.letters.lines import Found

__all__ = ["Seen", "State", "stamped", "stuck", "trail"]


class State(StrEnum):
    """SEEN: it was there for certain. PASSED: nothing was seen here, and what comes after had it."""

    SEEN = "seen"
    PASSED = "passed"
    UNSEEN = "unseen"


@dataclass(frozen=True)
class Seen:
    """A hop. `at` is by the host's clock, to the second unless `is_exact`; `after` is the time since the hop
    before of which one is known."""

    hop: Hop
    state: State
    found: tuple[Found, ...] = ()
    stamp: Stamp | None = None
    at: datetime | None = None
    after: timedelta | None = None
    is_exact: bool = False

    @property
    def is_named(self) -> bool:
        return any(each.why.sure for each in self.found)


def stamped(hops: Sequence[Hop], stamps: Sequence[Stamp], domain: str) -> dict[str, Stamp]:
    """Which hop wrote which Received field. Each writes one with the domain's name; where there are more or
    fewer, nothing is guessed."""
    own = [each for each in stamps if each.by == domain or each.by.endswith(f".{domain}")]
    if len(own) != len(hops):
        return {}
    return {hop.role: each for hop, each in zip(hops, own, strict=True)}


def trail(
    hops: Sequence[Hop],
    found: Mapping[str, Sequence[Found]],
    stamps: Mapping[str, Stamp],
    *,
    accepted: bool,
    arrived: bool,
) -> list[Seen]:
    """`accepted`: the first hop said that it took it. `arrived`: it came out at the other end."""
    evident = [
        hop.role in stamps
        or any(each.why.sure for each in found.get(hop.role, ()))
        or (number == 0 and accepted)
        for number, hop in enumerate(hops)
    ]
    seen: list[Seen] = []
    last, was_exact = None, False
    for number, hop in enumerate(hops):
        state = State.SEEN if evident[number] else State.UNSEEN
        if state is State.UNSEEN and (arrived or any(evident[number:])):
            state = State.PASSED
        own, stamp = tuple(found.get(hop.role, ())), stamps.get(hop.role)
        said_at = next((each.line.at for each in own if each.why.sure), None)
        at, is_exact = said_at or (stamp.at if stamp else None), said_at is not None
        after = None
        if at is not None:
            after = _gap(last, at, exact=is_exact and was_exact)
            last, was_exact = at, is_exact
        seen.append(Seen(hop, state, own, stamp, at, after, is_exact))
    return seen


def _gap(last: datetime | None, at: datetime, *, exact: bool) -> timedelta | None:
    """None where it cannot be told: stamps have whole seconds, and lines come when a connection ends."""
    if last is None or at < last or (not exact and at - last < timedelta(seconds=1)):
        return None
    return at - last


_AT_THE_DOOR = {
    Part.DIAL: "Look whether it runs, whether the host's firewall leads that port to it, and whether the "
    "records name the stack's public address.",
    Part.BANNER: "Look whether it runs, and at its console: it listens once it has its certificate, takes 20 "
    "connections at once and lets the others wait.",
    Part.TLS: "Look at its certificate, and at its console: it gets a new one only when it starts.",
    Part.AUTH: "Look whether it started after the relay repository got the canary's entry: it reads its "
    "users when it starts.",
    Part.ACCEPTED: "Its answer says why.",
}
_AFTER_RELAY = (
    "The relay reads its users when it starts, knows no queue and drops what it cannot deliver: look whether "
    "it started after the canary's entry was written, at the MX record of {home}, and at the resolver."
)


def stuck(seen: Sequence[Seen], part: Part, home: str) -> str:
    """What to say of a letter that did not arrive: the last hop that it was seen at, and what to look at.

    `part` is where its round ended, `home` the domain that it should have come out at.
    """
    if not seen:
        return ""
    if part is not Part.ARRIVED:
        return f"It came no further than the door of the {seen[0].hop.title}. {_AT_THE_DOOR[part]}"
    last = max((number for number, each in enumerate(seen) if each.state is State.SEEN), default=0)
    hop = seen[last].hop
    told = f"The {hop.title} is the last that it was seen at."
    if last + 1 < len(seen):
        following = seen[last + 1].hop
        where = f"of {following.label}" if following.label else f"at {following.address}"
        look = (
            f"Look at the console of {hop.label or hop.address}, and whether the {following.title} {where} "
            "runs: it is the next, and what cannot be handed on is lost."
        )
    else:
        look = _AFTER_RELAY.format(home=home or "the address that it is for")
    if any(each.hop.era == "p24" for each in seen[last:]):
        look += " Consoles of generation p24 say nothing of mail that goes well."
    return f"{told} {look}"
