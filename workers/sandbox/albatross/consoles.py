"""The console daemon: the last 1024 lines of each unikernel, and who follows them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from workers.albatross.commands import SubscribeConsole
from workers.albatross.names import Name
from workers.albatross.replies import ConsoleLine
from workers.sandbox.albatross.listing import listed
from workers.sandbox.albatross.profile import Profile
from workers.sandbox.albatross.refusal import Died, Refusal

LINES = 1024
LONGEST = 512
_CUT = b" [truncated]"


class Follower(Protocol):
    """A subscriber's connection."""

    def send(self, line: ConsoleLine) -> None: ...

    def close(self) -> None: ...


@dataclass(slots=True)
class Ring:
    """One console. It outlives its unikernel; a new one of the same name goes on in it."""

    lines: deque[tuple[datetime, bytes]] = field(default_factory=lambda: deque(maxlen=LINES))
    rest: bytes = b""
    active: bool = False
    followers: list[Follower] = field(default_factory=list)
    known: bool = False


class Consoles:
    """All consoles of a host."""

    def __init__(self, profile: Profile, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._profile = profile
        self._now = now
        self._rings: dict[Name, Ring] = {}

    def open(self, name: Name, keep: int) -> None:
        """A unikernel starts. Since 2.6.1 a path keeps `keep` consoles: an ended one is dropped for it."""
        ring = self._rings.setdefault(name, Ring())
        ring.active = ring.known = True
        same = [other for other, known in self._rings.items() if other.inside == name.inside and known.known]
        if self._profile.since(2, 6, 1) and name.path and len(same) > keep:
            ended = next((other for other in same if not self._rings[other].active), None)
            if ended is not None:
                del self._rings[ended]

    def end(self, name: Name) -> None:
        """The unikernel ended; its lines stay."""
        if name in self._rings:
            self._rings[name].active = False

    def write(self, name: Name, raw: bytes) -> None:
        """What a unikernel wrote. Only line feeds end lines; a last line without one waits for it."""
        ring = self._rings.setdefault(name, Ring())
        *lines, ring.rest = (ring.rest + raw).split(b"\n")
        for line in lines:
            self._add(name, ring, line)

    def _add(self, name: Name, ring: Ring, line: bytes) -> None:
        if self._profile.long_lines_cut:
            if not line:
                return
            line = line if len(line) <= LONGEST else line[:LONGEST] + _CUT
        moment = self._now()
        moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
        ring.lines.append((moment, line))
        for follower in list(ring.followers):
            follower.send(ConsoleLine(moment, line, old=not self._profile.since(2, 1)))

    def subscribe(
        self, name: Name, command: SubscribeConsole, follower: Follower
    ) -> tuple[bytes, list[ConsoleLine]]:
        """Follow a console: what the daemon says, and the lines so far, oldest first.

        Raises Refusal for a path, and Died for what hangs a real console daemon.
        """
        if name.label is None:
            raise Refusal("path used instead of name")
        ring = self._rings.setdefault(name, Ring())
        lines = self._history(ring, command)
        ring.followers.append(follower)
        while len(ring.followers) > self._profile.most_subscribers:
            ring.followers.pop(0).close()
        said = b"subscribed" if ring.known else b"waiting for VM"
        return said, [ConsoleLine(moment, line, command.old) for moment, line in lines]

    def unsubscribe(self, name: Name, follower: Follower) -> None:
        ring = self._rings.get(name)
        if ring is not None and follower in ring.followers:
            ring.followers.remove(follower)

    def inactive(self, path: Name) -> list[Name]:
        """Consoles of unikernels that ended. Raises Refusal for a full name."""
        if path.label is not None:
            raise Refusal("name used")
        ended = ((name, ring) for name, ring in self._rings.items() if ring.known and not ring.active)
        return [name for name, _ in listed(path, ended)]

    def _history(self, ring: Ring, command: SubscribeConsole) -> list[tuple[datetime, bytes]]:
        lines = list(ring.lines)
        full, fixed = len(lines) == LINES, self._profile.since(2, 7, 2)
        if command.since is not None:
            if full and not fixed and command.since < lines[0][0]:
                raise Died("console: a time before the oldest line of a full ring")
            return [line for line in lines if line[0] >= command.since]
        count = command.count or 0
        if count < 0 or (full and not fixed and count > LINES):
            raise Died("console: a count that walks the ring again and again")
        return lines[-count:] if count else []
